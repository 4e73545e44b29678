/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The envelope: each stage in order, the next only after a neutral answer. */
#include "chain/walk.h"
#include "base/i18n.h"
#include "chain/member.h"
#include "chain/turn.h"
#include "chain/verdict.h"

static void
abort_others(MmChain *chain, const MmMember *but)
{
    for (guint i = 0; i < chain->n_members; i++) {
        if (&chain->members[i] != but)
            mm_member_abort(&chain->members[i]);
    }
}

/* What an answer means where it is not what it says: neutral answers become CONTINUE. */
static MilterVerdictKind
effective(MmMember *member, MilterEventKind kind)
{
    MilterVerdictKind answer = member->answer.kind;
    gboolean session_event = kind == MILTER_EVENT_CONNECT || kind == MILTER_EVENT_HELO;
    switch (answer) {
    case MILTER_VERDICT_DISCARD:
        return session_event || kind == MILTER_EVENT_UNKNOWN ? MILTER_VERDICT_CONTINUE : answer;
    case MILTER_VERDICT_SKIP:
        if (kind == MILTER_EVENT_RCPT)
            member->skipped |= MILTER_EVENT_BIT(MILTER_EVENT_RCPT);
        return MILTER_VERDICT_CONTINUE;
    case MILTER_VERDICT_ACCEPT:
        if (session_event)
            mm_member_close(member);
        else if (kind != MILTER_EVENT_UNKNOWN || member->part == MM_PART_IN)
            member->part = MM_PART_DONE; /* libmilter is, also after UNKNOWN */
        return MILTER_VERDICT_CONTINUE;
    default:
        return answer;
    }
}

/* Its part in the message after it refused or discarded. */
static void
settle_part(MmMember *member, MilterEventKind kind, MilterVerdictKind answer)
{
    if (kind == MILTER_EVENT_MAIL || answer == MILTER_VERDICT_DISCARD) {
        member->part = MM_PART_DONE;
    } else if (kind == MILTER_EVENT_DATA) {
        /* The client may send RCPT and DATA again: libmilter would not answer, so this is repeated.
         */
        member->part = MM_PART_DONE;
        mm_answer_set(&member->refusal, answer, member->answer.reply, member->answer.detail);
    }
}

/* An answer that ends the walk. */
static void
conclude(MmChain *chain, MmMember *member, MilterVerdictKind answer)
{
    MilterEventKind kind = chain->event->kind;
    settle_part(member, kind, answer);
    if (kind == MILTER_EVENT_MAIL || answer == MILTER_VERDICT_DISCARD)
        abort_others(chain, member);
    mm_verdict_decide(chain, answer, answer == MILTER_VERDICT_REPLY ? member->answer.reply : NULL,
                      member);
}

static void
note_evaluation(MmMember *member, MilterEventKind kind, MilterVerdictKind answer)
{
    MM_CHAIN_LOG(member->chain, member, MM_LOG_NOTICE, "stage-evaluated",
                 N_("In evaluation: this answer is not applied"),
                 MM_STR("answer", mm_verdict_word(answer)), MM_STR("reply", member->answer.reply),
                 MM_STR("detail", member->answer.detail));
    if (kind == MILTER_EVENT_MAIL || kind == MILTER_EVENT_DATA || answer == MILTER_VERDICT_DISCARD)
        member->part = MM_PART_DONE;
}

/* What works is a stage that has decided about a message: one that dies over every message answers
 * CONNECT well. */
static void
note_success(MmMember *member)
{
    gboolean neutral = member->answer.kind == MILTER_VERDICT_CONTINUE ||
                       member->answer.kind == MILTER_VERDICT_SKIP;
    if (!neutral || !(member->events & MILTER_EVENT_BIT(MILTER_EVENT_END_OF_MESSAGE)))
        mm_member_succeed(member);
}

static void
describe_answer(MmMember *member, MilterVerdictKind kind)
{
    if (member->answer.detail)
        mm_member_set_word(member, member->answer.detail);
    else if (kind != MILTER_VERDICT_CONTINUE || !member->word)
        mm_member_set_word(member, mm_verdict_word(kind));
}

/* Goes on with member->answer, FAILED no more. TRUE: the walk is over. */
static gboolean
apply_answer(MmChain *chain, MmMember *member)
{
    MilterEventKind kind = chain->event->kind;
    MilterVerdictKind answer = effective(member, kind);
    if (answer == MILTER_VERDICT_CONTINUE || (chain->event->flags & MILTER_EVENT_REJECTED))
        return FALSE;
    if (member->instance->evaluation) {
        note_evaluation(member, kind, answer);
        return FALSE;
    }
    conclude(chain, member, answer);
    return TRUE;
}

/* The member was asked and has answered. */
static gboolean
take_answer(MmChain *chain, MmMember *member)
{
    if (member->answer.kind == MILTER_VERDICT_FAILED) {
        mm_member_fail(member, chain->event->kind);
    } else {
        note_success(member);
        describe_answer(member, member->answer.kind);
    }
    return apply_answer(chain, member);
}

/* An answer from before: a refusal to repeat, a discard to give. */
static gboolean
has_answer_from_before(MmChain *chain, MmMember *member)
{
    MilterEventKind kind = chain->event->kind;
    if (kind == MILTER_EVENT_DATA && member->refusal.kind != MILTER_VERDICT_CONTINUE) {
        mm_answer_set(&member->answer, member->refusal.kind, member->refusal.reply, NULL);
        return TRUE;
    }
    if (kind == MILTER_EVENT_MAIL && member->discards) {
        member->discards = FALSE;
        mm_answer_set(&member->answer, MILTER_VERDICT_DISCARD, NULL, NULL);
        return TRUE;
    }
    return FALSE;
}

static gboolean
is_held_off(MmChain *chain, MmMember *member)
{
    MilterEventKind kind = chain->event->kind;
    gboolean begins = kind == MILTER_EVENT_CONNECT || kind == MILTER_EVENT_MAIL;
    return member->held_off || (begins && mm_member_is_held_off(member));
}

/* TRUE: the walk stops here, for now or for good. */
static gboolean
visit(MmChain *chain, MmMember *member)
{
    if (has_answer_from_before(chain, member))
        return apply_answer(chain, member);
    if (member->standing == MM_STANDING_NEGOTIATING) {
        mm_turn_cut(member);
        return TRUE;
    }
    if (!mm_member_is_admitted(member, chain->event->kind, chain->event->flags))
        return FALSE;
    if (!member->data) {
        mm_answer_set(&member->answer, MILTER_VERDICT_FAILED, NULL, "could not be opened");
        return take_answer(chain, member);
    }
    if (is_held_off(chain, member)) {
        mm_member_fall_back(member, chain->event->kind, "tripped");
        return apply_answer(chain, member);
    }
    if (mm_member_has_not_negotiated(member))
        return take_answer(chain, member);
    if (mm_turn_ask(member, chain->event) == MM_ASKED_LATER)
        return TRUE;
    return take_answer(chain, member);
}

void
mm_walk_run(MmChain *chain)
{
    if (chain->running)
        return;
    chain->running = TRUE;
    gboolean stopped = FALSE;
    while (!stopped && chain->at < chain->n_members) {
        stopped = visit(chain, &chain->members[chain->at]);
        if (!stopped)
            chain->at++;
    }
    chain->running = FALSE;
    if (!stopped)
        mm_verdict_decide(chain, MILTER_VERDICT_CONTINUE, NULL, NULL);
    mm_verdict_hand_up(chain);
}

void
mm_walk_resume(MmChain *chain, MmMember *member)
{
    if (chain->walk != MM_WALK_ENVELOPE || chain->at != member->instance->index)
        return;
    if (take_answer(chain, member)) {
        mm_verdict_hand_up(chain);
        return;
    }
    chain->at++;
    mm_walk_run(chain);
}

void
mm_walk_negotiated(MmChain *chain, MmMember *member)
{
    if (chain->walk == MM_WALK_ENVELOPE && chain->at == member->instance->index)
        mm_walk_run(chain);
}
