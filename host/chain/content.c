/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The content, in waves: all stages of a wave are fed at once, as the content arrives; a wave ends
 * after a stage that may edit what a later stage reads.
 */
#include "base/i18n.h"
#include "chain/private.h"

#include <string.h>

#define EDITING_RIGHTS                                                                             \
    (MILTER_RIGHT_ADD_HEADERS | MILTER_RIGHT_CHANGE_BODY | MILTER_RIGHT_CHANGE_HEADERS)

static gboolean
wants(const MmMember *member, MilterEventKind kind)
{
    guint32 bit = MILTER_EVENT_BIT(kind);
    return (member->events & bit) && !(member->skipped & bit);
}

static gboolean
is_fed(const MmMember *member)
{
    return member->takes_content && member->part == MM_PART_IN && !member->feed.answered;
}

static gboolean
ends_wave(const MmMember *member)
{
    return (member->rights & EDITING_RIGHTS) && !(member->flags & MILTER_NEGOTIATE_EDITS_BY_DATA) &&
           !member->instance->evaluation;
}

static gboolean
goes_together(const MmMember *a, const MmMember *b)
{
    const char *word = a->instance->together;
    return *word && strcmp(word, b->instance->together) == 0;
}

static void
cut_waves(MmChain *chain)
{
    const MmMember *editor = NULL;
    guint wave = 0;
    for (guint i = 0; i < chain->n_members; i++) {
        MmMember *member = &chain->members[i];
        gboolean refuses = member->refusal.kind != MILTER_VERDICT_CONTINUE;
        member->takes_content = member->part == MM_PART_IN || refuses;
        if (member->part == MM_PART_IN && editor && (member->events & MILTER_EVENTS_CONTENT) &&
            !goes_together(editor, member)) {
            wave++;
            editor = NULL;
        }
        member->wave = wave;
        if (member->part == MM_PART_IN && ends_wave(member))
            editor = member;
        if (refuses) {
            mm_answer_set(&member->answer, member->refusal.kind, member->refusal.reply, NULL);
            member->feed.answered = TRUE;
        }
    }
    chain->n_waves = wave + 1;
}

static void
start_content(MmChain *chain)
{
    if (chain->content_started)
        return;
    chain->content_started = TRUE;
    chain->walk = MM_WALK_CONTENT;
    chain->reached = MILTER_EVENT_HEADER;
    chain->budget = 0;
    chain->wave = 0;
    if (!chain->message)
        chain->message = mm_message_new(&chain->snapshot->spool);
    if (!chain->committed)
        chain->committed = g_ptr_array_new();
    cut_waves(chain);
}

/* ---- What a member is shown next. */

static MilterSlice
slice(const void *data, gsize size)
{
    return (MilterSlice){.data = data, .size = size};
}

static gboolean
next_header(MmChain *chain, MmMember *member, MilterEvent *event)
{
    guint n = mm_message_n_headers(chain->message);
    if (!wants(member, MILTER_EVENT_HEADER))
        member->feed.header = n;
    if (member->feed.header >= n)
        return FALSE;
    event->kind = MILTER_EVENT_HEADER;
    mm_message_get_header(chain->message, member->feed.header++, &event->u.header.name,
                          &event->u.header.value);
    if (member->feed.header < n || chain->end_of_headers)
        event->flags |= MILTER_EVENT_MORE;
    return TRUE;
}

static gboolean
next_end_of_headers(MmChain *chain, MmMember *member, MilterEvent *event)
{
    if (member->feed.end_of_headers)
        return FALSE;
    member->feed.end_of_headers = TRUE;
    if (!wants(member, MILTER_EVENT_END_OF_HEADERS))
        return FALSE;
    event->kind = MILTER_EVENT_END_OF_HEADERS;
    if (chain->end_of_message || mm_spool_length(mm_message_body(chain->message)) > 0)
        event->flags |= MILTER_EVENT_MORE;
    return TRUE;
}

static gboolean
next_body(MmChain *chain, MmMember *member, MilterEvent *event, GError **error)
{
    if (!wants(member, MILTER_EVENT_BODY))
        return FALSE;
    MmSpool *body = mm_message_body(chain->message);
    const guint8 *data;
    gssize size = mm_spool_peek(body, &member->feed.body, &data, error);
    if (size <= 0)
        return FALSE;
    event->kind = MILTER_EVENT_BODY;
    event->u.body.data = slice(data, (gsize)size);
    member->feed.lent = (gsize)size;
    if (chain->end_of_message ||
        member->feed.body.offset + member->feed.lent < mm_spool_length(body))
        event->flags |= MILTER_EVENT_MORE;
    return TRUE;
}

static gboolean
next_end(MmChain *chain, MmMember *member, MilterEvent *event)
{
    if (!chain->end_of_message || member->feed.asked_end)
        return FALSE;
    member->feed.asked_end = TRUE;
    if (!wants(member, MILTER_EVENT_END_OF_MESSAGE)) {
        member->part = MM_PART_DONE;
        member->feed.answered = TRUE;
        return FALSE;
    }
    event->kind = MILTER_EVENT_END_OF_MESSAGE;
    return TRUE;
}

/* FALSE: nothing to show now. */
static gboolean
next_event(MmChain *chain, MmMember *member, MilterEvent *event, GError **error)
{
    *event = (MilterEvent){.size = sizeof(*event), .raw = {"", 0}};
    if (next_header(chain, member, event))
        return TRUE;
    if (!chain->end_of_headers)
        return FALSE;
    if (next_end_of_headers(chain, member, event))
        return TRUE;
    if (next_body(chain, member, event, error))
        return TRUE;
    return !*error && next_end(chain, member, event);
}

/* ---- What it answers. */

static void
stop_later(MmChain *chain, const MmMember *decider)
{
    for (guint i = decider->instance->index + 1; i < chain->n_members; i++) {
        MmMember *member = &chain->members[i];
        if (!is_fed(member))
            continue;
        mm_member_abort(member);
        mm_answer_clear(&member->answer);
        member->feed.answered = TRUE;
    }
}

static void
settle(MmChain *chain, MmMember *member)
{
    member->part = MM_PART_DONE;
    member->feed.answered = TRUE;
    if (member->answer.kind != MILTER_VERDICT_CONTINUE)
        stop_later(chain, member);
}

static void
take_final(MmChain *chain, MmMember *member)
{
    MilterVerdictKind kind = member->answer.kind;
    mm_member_succeed(member);
    mm_member_set_word(member, member->answer.detail
                                   ? member->answer.detail
                                   : (kind == MILTER_VERDICT_CONTINUE && member->word
                                          ? member->word
                                          : mm_verdict_word(kind)));
    if (kind == MILTER_VERDICT_ACCEPT || kind == MILTER_VERDICT_SKIP) {
        member->answer.kind = MILTER_VERDICT_CONTINUE;
    } else if (kind != MILTER_VERDICT_CONTINUE) {
        g_clear_pointer(&member->edits, mm_edits_free);
        if (member->instance->evaluation) {
            MM_CHAIN_LOG(chain, member, MM_LOG_NOTICE, "stage-evaluated",
                         N_("In evaluation: this answer is not applied"),
                         MM_STR("answer", mm_verdict_word(kind)),
                         MM_STR("reply", member->answer.reply),
                         MM_STR("detail", member->answer.detail));
            mm_answer_clear(&member->answer);
        }
    }
    settle(chain, member);
}

static void
fail(MmChain *chain, MmMember *member, MilterEventKind kind)
{
    mm_member_fail(member, kind);
    settle(chain, member);
}

static void
take_answer(MmChain *chain, MmMember *member)
{
    MilterEventKind kind = member->turn_event;
    if (kind == MILTER_EVENT_BODY)
        member->feed.body.offset += member->feed.lent;
    member->feed.lent = 0;
    switch (member->answer.kind) {
    case MILTER_VERDICT_FAILED:
        fail(chain, member, kind);
        break;
    case MILTER_VERDICT_SKIP:
        if (kind == MILTER_EVENT_HEADER || kind == MILTER_EVENT_BODY)
            member->skipped |= MILTER_EVENT_BIT(kind);
        G_GNUC_FALLTHROUGH;
    case MILTER_VERDICT_CONTINUE:
        if (kind == MILTER_EVENT_END_OF_MESSAGE)
            take_final(chain, member);
        break;
    default:
        take_final(chain, member);
        break;
    }
}

static void
fail_for_spool(MmChain *chain, MmMember *member, const GError *error)
{
    gboolean running = chain->running;
    chain->running = TRUE;   /* others that answer from within wait */
    mm_member_abort(member); /* it does not know yet that the message is over for it */
    chain->running = running;
    mm_answer_set(&member->answer, MILTER_VERDICT_FAILED, NULL, error->message);
    fail(chain, member, MILTER_EVENT_BODY);
}

/* A stage without a part in the envelope is found out here. */
static void
fail_not_open(MmChain *chain, MmMember *member)
{
    mm_answer_set(&member->answer, MILTER_VERDICT_FAILED, NULL, "could not be opened");
    fail(chain, member, MILTER_EVENT_HEADER);
}

/* ---- Feeding. */

/* A fact that became known since keeps it out of the message. */
static gboolean
drops_out(MmMember *member)
{
    if (member->instance->n_conditions == 0 || !mm_member_is_shut_out(member))
        return FALSE;
    mm_member_shut_out(member);
    mm_answer_clear(&member->answer);
    member->feed.answered = TRUE;
    return TRUE;
}

static void
feed_member(MmChain *chain, MmMember *member)
{
    if (is_fed(member) && member->answer_waits)
        take_answer(chain, member);
    member->answer_waits = FALSE;
    while (is_fed(member) && member->turn == MM_TURN_NONE) {
        g_autoptr(GError) error = NULL;
        if (drops_out(member))
            return;
        if (!member->data) {
            fail_not_open(chain, member);
            return;
        }
        if (!next_event(chain, member, &member->shown, &error)) {
            if (error)
                fail_for_spool(chain, member, error);
            return;
        }
        if (mm_member_has_not_negotiated(member)) {
            fail(chain, member, (MilterEventKind)member->shown.kind);
            return;
        }
        if (mm_turn_ask(member, &member->shown) == MM_ASKED_LATER)
            return;
        take_answer(chain, member);
    }
}

/* Whether somebody needs what comes after offset; *least gets the least place still needed. */
static gboolean
body_is_needed(MmChain *chain, guint64 *least)
{
    gboolean needed = FALSE;
    *least = G_MAXUINT64;
    for (guint i = 0; i < chain->n_members; i++) {
        const MmMember *member = &chain->members[i];
        if (!is_fed(member) || !wants(member, MILTER_EVENT_BODY))
            continue;
        needed = TRUE;
        *least = MIN(*least, member->wave == chain->wave ? member->feed.body.offset : 0);
    }
    return needed;
}

static void
trim(MmChain *chain)
{
    guint64 least;
    if (body_is_needed(chain, &least))
        mm_spool_drop_before(mm_message_body(chain->message), least);
}

/* Again as long as stages answer from within what is done to others. */
static void
feed_wave(MmChain *chain)
{
    chain->running = TRUE;
    do {
        chain->resumed = FALSE;
        for (guint i = 0; i < chain->n_members; i++) {
            if (chain->members[i].wave == chain->wave)
                feed_member(chain, &chain->members[i]);
        }
    } while (chain->resumed);
    chain->running = FALSE;
    trim(chain);
}

static void
fail_later_waves(MmChain *chain, const GError *error)
{
    for (guint i = 0; i < chain->n_members; i++) {
        MmMember *member = &chain->members[i];
        if (member->wave > chain->wave && is_fed(member))
            fail_for_spool(chain, member, error);
    }
}

/* Later stages cannot be shown a message that its edits did not go into. FALSE: stages of the wave
 * may have failed of it too. */
static gboolean
take_edits(MmChain *chain)
{
    g_autoptr(GError) error = NULL;
    if (mm_wave_commit(chain, &error))
        return TRUE;
    fail_later_waves(chain, error);
    return FALSE;
}

typedef enum WaveState {
    WAVE_WORKING,
    WAVE_REFUSED, /* the verdict is decided */
    WAVE_PASSED,
} WaveState;

static WaveState
judge_wave(MmChain *chain)
{
    for (guint i = 0; i < chain->n_members; i++) {
        MmMember *member = &chain->members[i];
        if (!member->takes_content || member->wave != chain->wave)
            continue;
        if (!member->feed.answered)
            return WAVE_WORKING;
        if (member->answer.kind == MILTER_VERDICT_CONTINUE)
            continue;
        const char *reply =
            member->answer.kind == MILTER_VERDICT_REPLY ? member->answer.reply : NULL;
        g_ptr_array_set_size(chain->committed, 0);
        mm_walk_decide(chain, member->answer.kind, reply, member);
        return WAVE_REFUSED;
    }
    return WAVE_PASSED;
}

static gboolean
wave_reads_headers(MmChain *chain)
{
    for (guint i = 0; i < chain->n_members; i++) {
        const MmMember *member = &chain->members[i];
        if (member->wave == chain->wave && is_fed(member) && wants(member, MILTER_EVENT_HEADER))
            return TRUE;
    }
    return FALSE;
}

static void
abort_rest(MmChain *chain)
{
    for (guint i = 0; i < chain->n_members; i++)
        mm_member_abort(&chain->members[i]);
}

/* As far as it goes now: feeds the wave, and when it has answered, the next. */
static void
advance(MmChain *chain)
{
    WaveState state = WAVE_WORKING;
    do {
        feed_wave(chain);
        state = chain->end_of_message ? judge_wave(chain) : WAVE_WORKING;
        if (state != WAVE_PASSED)
            break;
        if (!take_edits(chain) && (state = judge_wave(chain)) != WAVE_PASSED)
            break;
        chain->wave++;
        if (wave_reads_headers(chain))
            mm_message_headers_shown(chain->message);
    } while (chain->wave < chain->n_waves);
    if (state == WAVE_PASSED)
        mm_walk_decide(chain, MILTER_VERDICT_CONTINUE, NULL, NULL);
    if (state != WAVE_WORKING)
        abort_rest(chain);
    mm_walk_hand_up(chain);
}

/* While others are fed, the answer waits: a refusal cancels them, and one may be on the stack. */
void
mm_content_resume(MmChain *chain, MmMember *member)
{
    member->answer_waits = TRUE;
    chain->resumed = TRUE;
    if (!chain->running)
        advance(chain);
}

/* ---- What the session hands over. */

static gboolean
headers_fit(const MmChain *chain)
{
    guint64 n = mm_message_n_headers(chain->message);
    return chain->headers_size + n * MM_HEADER_COST <= MM_HEADERS_MAX;
}

void
mm_chain_header(MmChain *chain, MilterSlice name, MilterSlice value)
{
    start_content(chain);
    chain->headers_size += name.size + value.size;
    if (headers_fit(chain))
        mm_message_add_header(chain->message, name, value);
}

/* More headers than anybody may send: no stage can be shown the message. */
static void
refuse_headers(MmChain *chain)
{
    g_autoptr(GError) error =
        g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOSPC, "the message has too many headers");
    for (guint i = 0; i < chain->n_members; i++) {
        if (is_fed(&chain->members[i]))
            fail_for_spool(chain, &chain->members[i], error);
    }
}

void
mm_chain_end_of_headers(MmChain *chain)
{
    start_content(chain);
    chain->end_of_headers = TRUE;
    if (!headers_fit(chain))
        refuse_headers(chain);
}

/* No room: the stages of later waves are given up first, then those of this one. */
static void
body_overflows(MmChain *chain, MilterSlice data, const GError *first)
{
    fail_later_waves(chain, first);
    feed_wave(chain);
    g_autoptr(GError) error = NULL;
    guint64 least;
    if (!body_is_needed(chain, &least) ||
        mm_message_append_body(chain->message, data.data, data.size, &error))
        return;
    for (guint i = 0; i < chain->n_members; i++) {
        if (is_fed(&chain->members[i]))
            fail_for_spool(chain, &chain->members[i], error);
    }
}

void
mm_chain_body(MmChain *chain, MilterSlice data)
{
    if (!chain->end_of_headers)
        mm_chain_end_of_headers(chain);
    chain->body_size += data.size;
    guint64 least;
    g_autoptr(GError) error = NULL;
    if (data.size == 0 || !body_is_needed(chain, &least))
        return;
    if (!mm_message_append_body(chain->message, data.data, data.size, &error))
        body_overflows(chain, data, error);
}

void
mm_chain_feed(MmChain *chain)
{
    if (chain->content_started && chain->walk == MM_WALK_CONTENT && !chain->end_of_message)
        advance(chain);
}

void
mm_chain_end_of_message(MmChain *chain, gint64 since)
{
    if (!chain->end_of_headers)
        mm_chain_end_of_headers(chain);
    chain->end_of_message = TRUE;
    chain->reached = MILTER_EVENT_END_OF_MESSAGE;
    if (chain->content_limit > 0)
        chain->budget = since + (gint64)(chain->content_limit * G_USEC_PER_SEC);
    for (guint i = 0; i < chain->n_members; i++)
        mm_turn_cut(&chain->members[i]);
    advance(chain);
}

guint
mm_chain_n_edits(const MmChain *chain)
{
    return chain->committed ? chain->committed->len : 0;
}

const MmEdits *
mm_chain_edits(const MmChain *chain, guint i)
{
    return g_ptr_array_index(chain->committed, i);
}

const char *
mm_chain_quarantine(const MmChain *chain)
{
    return chain->quarantine;
}

void
mm_chain_let_go(MmChain *chain)
{
    mm_content_reset(chain);
    for (guint i = 0; i < chain->n_members; i++) {
        mm_spool_cursor_clear(&chain->members[i].feed.body);
        g_clear_pointer(&chain->members[i].edits, mm_edits_free);
    }
}

void
mm_content_reset(MmChain *chain)
{
    if (chain->message)
        mm_message_reset(chain->message);
    if (chain->committed)
        g_ptr_array_set_size(chain->committed, 0);
    g_clear_pointer(&chain->quarantine, g_free);
    chain->content_started = FALSE;
    chain->end_of_headers = FALSE;
    chain->end_of_message = FALSE;
    chain->headers_size = 0;
    chain->body_size = 0;
}
