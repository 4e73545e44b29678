/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One stage and the content: what it is shown next, and what its answer means. */
#include "chain/feed.h"
#include "base/i18n.h"
#include "chain/member.h"
#include "chain/turn.h"
#include "chain/verdict.h"

gboolean
mm_feed_is_on(const MmMember *member)
{
    return member->takes_content && member->part == MM_PART_IN && !member->feed.answered;
}

gboolean
mm_feed_wants(const MmMember *member, MilterEventKind kind)
{
    guint32 bit = MILTER_EVENT_BIT(kind);
    return (member->events & bit) && !(member->skipped & bit);
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
    if (!mm_feed_wants(member, MILTER_EVENT_HEADER))
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
    if (!mm_feed_wants(member, MILTER_EVENT_END_OF_HEADERS))
        return FALSE;
    event->kind = MILTER_EVENT_END_OF_HEADERS;
    if (chain->end_of_message || mm_spool_length(mm_message_body(chain->message)) > 0)
        event->flags |= MILTER_EVENT_MORE;
    return TRUE;
}

static gboolean
next_body(MmChain *chain, MmMember *member, MilterEvent *event, GError **error)
{
    if (!mm_feed_wants(member, MILTER_EVENT_BODY))
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
    if (!mm_feed_wants(member, MILTER_EVENT_END_OF_MESSAGE)) {
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
        if (!mm_feed_is_on(member))
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

void
mm_feed_fail(MmMember *member, const GError *error)
{
    MmChain *chain = member->chain;
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

void
mm_feed_member(MmMember *member)
{
    MmChain *chain = member->chain;
    if (mm_feed_is_on(member) && member->answer_waits)
        take_answer(chain, member);
    member->answer_waits = FALSE;
    while (mm_feed_is_on(member) && member->turn == MM_TURN_NONE) {
        g_autoptr(GError) error = NULL;
        if (drops_out(member))
            return;
        if (!member->data) {
            fail_not_open(chain, member);
            return;
        }
        if (!next_event(chain, member, &member->shown, &error)) {
            if (error)
                mm_feed_fail(member, error);
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
