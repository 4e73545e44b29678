/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The waves: all stages of one are fed at once, as the content arrives, and when they have answered
 * their edits are taken and the next one is fed. */
#include "chain/wave.h"
#include "chain/commit.h"
#include "chain/feed.h"
#include "chain/member.h"
#include "chain/turn.h"
#include "chain/verdict.h"

#include <string.h>

#define EDITING_RIGHTS                                                                             \
    (MILTER_RIGHT_ADD_HEADERS | MILTER_RIGHT_CHANGE_BODY | MILTER_RIGHT_CHANGE_HEADERS)

/* ---- Which stage is in which. */

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

void
mm_wave_cut(MmChain *chain)
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

/* ---- Feeding. */

gboolean
mm_wave_needs_body(MmChain *chain, guint64 *least)
{
    gboolean needed = FALSE;
    *least = G_MAXUINT64;
    for (guint i = 0; i < chain->n_members; i++) {
        const MmMember *member = &chain->members[i];
        if (!mm_feed_is_on(member) || !mm_feed_wants(member, MILTER_EVENT_BODY))
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
    if (mm_wave_needs_body(chain, &least))
        mm_spool_drop_before(mm_message_body(chain->message), least);
}

/* Again as long as stages answer from within what is done to others. */
void
mm_wave_feed(MmChain *chain)
{
    chain->running = TRUE;
    do {
        chain->resumed = FALSE;
        for (guint i = 0; i < chain->n_members; i++) {
            if (chain->members[i].wave == chain->wave)
                mm_feed_member(&chain->members[i]);
        }
    } while (chain->resumed);
    chain->running = FALSE;
    trim(chain);
}

void
mm_wave_fail_later(MmChain *chain, const GError *error)
{
    for (guint i = 0; i < chain->n_members; i++) {
        MmMember *member = &chain->members[i];
        if (member->wave > chain->wave && mm_feed_is_on(member))
            mm_feed_fail(member, error);
    }
}

/* ---- What they answered. */

/* Later stages cannot be shown a message that its edits did not go into. FALSE: stages of the wave
 * may have failed of it too. */
static gboolean
take_edits(MmChain *chain)
{
    g_autoptr(GError) error = NULL;
    if (mm_commit_wave(chain, &error))
        return TRUE;
    mm_wave_fail_later(chain, error);
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
        mm_verdict_decide(chain, member->answer.kind, reply, member);
        return WAVE_REFUSED;
    }
    return WAVE_PASSED;
}

static gboolean
wave_reads_headers(MmChain *chain)
{
    for (guint i = 0; i < chain->n_members; i++) {
        const MmMember *member = &chain->members[i];
        if (member->wave == chain->wave && mm_feed_is_on(member) &&
            mm_feed_wants(member, MILTER_EVENT_HEADER))
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

void
mm_wave_advance(MmChain *chain)
{
    WaveState state = WAVE_WORKING;
    do {
        mm_wave_feed(chain);
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
        mm_verdict_decide(chain, MILTER_VERDICT_CONTINUE, NULL, NULL);
    if (state != WAVE_WORKING)
        abort_rest(chain);
    mm_verdict_hand_up(chain);
}

void
mm_wave_resume(MmChain *chain, MmMember *member)
{
    member->answer_waits = TRUE;
    chain->resumed = TRUE;
    if (!chain->running)
        mm_wave_advance(chain);
}
