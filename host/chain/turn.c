/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One question to one stage: ticket, deadline, exactly one answer. */
#include "chain/turn.h"
#include "base/i18n.h"
#include "base/text.h"
#include "plugin/stage-table.h"

/* What a stage that names no deadline gets. */
#define DEFAULT_SECONDS 60.0
#define DEFAULT_LABEL "an answer"
/* Not less, while there is anything left: the loop shall turn. */
#define LEAST_SECONDS 0.05
/* Longer is for ever, and no number of microseconds any more. */
#define LONGEST_SECONDS 1e9

void
mm_answer_clear(MmAnswer *answer)
{
    g_clear_pointer(&answer->reply, g_free);
    g_clear_pointer(&answer->detail, g_free);
    answer->kind = MILTER_VERDICT_CONTINUE;
}

void
mm_answer_set(MmAnswer *answer, MilterVerdictKind kind, const char *reply, const char *detail)
{
    char *reply_copy = g_strdup(reply);
    char *detail_copy = g_strdup(detail);
    mm_answer_clear(answer);
    *answer = (MmAnswer){.kind = kind, .reply = reply_copy, .detail = detail_copy};
}

static void
count_verdict(MmInstance *instance, const MmAnswer *answer)
{
    static const MmVerdictCount counts[] = {[MILTER_VERDICT_ACCEPT] = MM_COUNT_ACCEPT,
                                            [MILTER_VERDICT_REJECT] = MM_COUNT_REJECT,
                                            [MILTER_VERDICT_TEMPFAIL] = MM_COUNT_TEMPFAIL,
                                            [MILTER_VERDICT_DISCARD] = MM_COUNT_DISCARD};
    if (answer->kind == MILTER_VERDICT_REPLY)
        mm_counter_add(
            instance->verdicts[answer->reply[0] == '4' ? MM_COUNT_TEMPFAIL : MM_COUNT_REJECT], 1);
    else if (answer->kind != MILTER_VERDICT_CONTINUE && answer->kind < G_N_ELEMENTS(counts))
        mm_counter_add(instance->verdicts[counts[answer->kind]], 1);
}

/* A message that passes would have part of the stage's edits, half a new body maybe. */
static gboolean
lacks_edits(const MmMember *member)
{
    return member->edits_lost && (member->answer.kind == MILTER_VERDICT_CONTINUE ||
                                  member->answer.kind == MILTER_VERDICT_ACCEPT ||
                                  member->answer.kind == MILTER_VERDICT_SKIP);
}

/* Takes what a stage said, checked: a malformed reply or an unknown kind is a failure. */
static void
take_answer(MmMember *member, const MilterVerdict *verdict)
{
    MmAnswer *answer = &member->answer;
    mm_answer_clear(answer);
    answer->kind = verdict->kind;
    if (verdict->detail)
        answer->detail = g_strdup(verdict->detail);
    if (verdict->kind > MILTER_VERDICT_FAILED)
        mm_answer_set(answer, MILTER_VERDICT_FAILED, NULL, "unknown verdict");
    if (verdict->kind == MILTER_VERDICT_REPLY) {
        answer->reply = mm_text_reply_repair(verdict->reply.data, verdict->reply.size);
        if (!answer->reply)
            mm_answer_set(answer, MILTER_VERDICT_FAILED, NULL, "malformed SMTP reply");
    }
    if (lacks_edits(member))
        mm_answer_set(answer, MILTER_VERDICT_FAILED, NULL, "no room for its edits");
    count_verdict(member->instance, answer);
}

static void
end_turn(MmMember *member)
{
    MmCrew *crew = member->chain->crew;
    if (member->turn == MM_TURN_EVENT)
        mm_histogram_add(member->instance->answered,
                         (double)(mm_reactor_now(mm_crew_reactor(crew)) - member->asked_at) /
                             G_USEC_PER_SEC);
    mm_crew_close_ticket(crew, member->slot);
    mm_timer_stop(mm_crew_reactor(crew), &member->deadline);
    member->turn = MM_TURN_NONE;
}

static void
account(MmMember *member)
{
    if (member->turn_event == MILTER_EVENT_END_OF_MESSAGE)
        member->spent += mm_reactor_now(mm_crew_reactor(member->chain->crew)) - member->asked_at;
}

/* Members of the walk that may still be asked after this one, itself included. */
static guint
still_to_ask(MmMember *member)
{
    MmChain *chain = member->chain;
    if (chain->walk != MM_WALK_ENVELOPE)
        return 1;
    guint32 bit = MILTER_EVENT_BIT(chain->event->kind);
    guint n = 0;
    for (guint i = member->instance->index; i < chain->n_members; i++) {
        if ((chain->members[i].events & bit) && chain->members[i].standing != MM_STANDING_LEFT)
            n++;
    }
    return MAX(n, 1u);
}

/* The budget of the question, fairly shared. What is waited when it is used up, question for
 * question, is half of the margin in all. A turn keeps the share it got first: with each sign of
 * life a stage would take from what is left for those behind it. */
static double
granted(MmMember *member)
{
    MmChain *chain = member->chain;
    if (chain->budget == 0)
        return G_MAXDOUBLE;
    gint64 now = mm_reactor_now(mm_crew_reactor(chain->crew));
    double left = (double)(chain->budget - now) / G_USEC_PER_SEC - MM_BUDGET_MARGIN;
    double least = CLAMP(left + MM_BUDGET_MARGIN / 2, 0, LEAST_SECONDS);
    if (member->share_ends == 0) {
        double share = MAX(left / still_to_ask(member), least);
        member->share_ends = now + (gint64)(share * G_USEC_PER_SEC);
    }
    return MAX((double)(member->share_ends - now) / G_USEC_PER_SEC, 0);
}

/* The MTA waits for this turn to end. A negotiation is begun before it does. */
static gboolean
is_waited_for(const MmMember *member)
{
    const MmChain *chain = member->chain;
    return member->turn == MM_TURN_EVENT ||
           (chain->walk == MM_WALK_ENVELOPE && chain->at == member->instance->index);
}

static void
fail_turn(MmMember *member, const char *detail)
{
    MmTurnKind turn = member->turn;
    if (turn == MM_TURN_NEGOTIATE) {
        mm_turn_finish_negotiation(member, NULL, detail);
        return;
    }
    const MilterVerdict failed = {
        .size = sizeof(failed), .kind = MILTER_VERDICT_FAILED, .detail = detail};
    mm_turn_finish(member, &failed);
}

/* The ticket is closed first: what the stage says from within cancel is too late. */
static void
tell_cancel(MmMember *member)
{
    mm_crew_close_ticket(member->chain->crew, member->slot);
    if (MM_STAGE_HAS(member->instance->stage, cancel))
        member->instance->stage->cancel(member->data, member->ticket);
}

static void
deadline_passed(gpointer data)
{
    MmMember *member = data;
    MmChain *chain = member->chain;
    const char *label = member->label;
    double waited =
        (double)(mm_reactor_now(mm_crew_reactor(chain->crew)) - member->asked_at) / G_USEC_PER_SEC;
    MM_CHAIN_LOG(chain, member, MM_LOG_WARNING, "stage-timeout",
                 N_("The stage did not answer in time"), MM_STR("waiting-for", label),
                 MM_SECONDS("after", waited));
    tell_cancel(member);
    fail_turn(member, "timed out");
}

void
mm_turn_deadline(MmMember *member, double seconds, const char *label)
{
    MmChain *chain = member->chain;
    if (member->turn == MM_TURN_NONE)
        return;
    member->label = label ? label : DEFAULT_LABEL;
    double limit = is_waited_for(member) ? granted(member) : G_MAXDOUBLE;
    MmReactor *reactor = mm_crew_reactor(chain->crew);
    seconds = MIN(MIN(seconds, limit), LONGEST_SECONDS);
    member->deadline_at = mm_reactor_now(reactor) + (gint64)(seconds * G_USEC_PER_SEC);
    mm_timer_start(reactor, &member->deadline, seconds, deadline_passed, member);
}

void
mm_turn_cut(MmMember *member)
{
    MmReactor *reactor = mm_crew_reactor(member->chain->crew);
    double limit = granted(member);
    double left = (double)(member->deadline_at - mm_reactor_now(reactor)) / G_USEC_PER_SEC;
    if (member->turn == MM_TURN_NONE || limit >= left)
        return;
    member->deadline_at = mm_reactor_now(reactor) + (gint64)(limit * G_USEC_PER_SEC);
    mm_timer_start(reactor, &member->deadline, limit, deadline_passed, member);
}

MmAsked
mm_turn_ask(MmMember *member, const MilterEvent *event)
{
    MmChain *chain = member->chain;
    MilterVerdict verdict = {.size = sizeof(verdict), .reply = {"", 0}};
    member->ticket = mm_crew_open_ticket(chain->crew, member->slot);
    mm_counter_add(member->instance->asked, 1);
    member->turn = MM_TURN_EVENT;
    member->turn_event = event->kind;
    member->asked_at = mm_reactor_now(mm_crew_reactor(chain->crew));
    member->share_ends = 0;
    member->asking = TRUE;
    member->answered_early = FALSE;
    member->edits_lost = FALSE;
    member->label = DEFAULT_LABEL;
    MilterReturn answered =
        member->instance->stage->event(member->data, member->ticket, event, &verdict);
    member->asking = FALSE;
    if (answered == MILTER_DONE) {
        take_answer(member, &verdict);
    } else if (!member->answered_early) {
        if (!mm_timer_is_armed(&member->deadline))
            mm_turn_deadline(member, DEFAULT_SECONDS, DEFAULT_LABEL);
        return MM_ASKED_LATER;
    }
    end_turn(member);
    return MM_ASKED_ANSWERED;
}

void
mm_turn_finish(MmMember *member, const MilterVerdict *verdict)
{
    MmChain *chain = member->chain;
    if (member->turn != MM_TURN_EVENT)
        return;
    take_answer(member, verdict);
    if (member->asking) { /* answered from within event: taken when that returns */
        member->answered_early = TRUE;
        return;
    }
    account(member);
    end_turn(member);
    chain->turn_ends->answered(member);
}

void
mm_turn_cancel(MmMember *member)
{
    if (member->turn == MM_TURN_NONE)
        return;
    end_turn(member);
    tell_cancel(member);
}

static void
take_negotiation(MmMember *member, const MilterNegotiation *negotiation)
{
    MmChain *chain = member->chain;
    member->events = negotiation->events;
    member->rights = negotiation->rights & chain->offer.actions;
    member->flags = negotiation->flags;
    memcpy(member->macros, negotiation->macros, sizeof(member->macros));
}

static void
end_negotiation(MmMember *member, const MilterNegotiation *negotiation)
{
    take_negotiation(member, negotiation);
    mm_roster_learn(member->chain->roster, member->instance->index, negotiation);
}

void
mm_turn_finish_negotiation(MmMember *member, const MilterNegotiation *negotiation,
                           const char *detail)
{
    MmChain *chain = member->chain;
    if (member->turn != MM_TURN_NEGOTIATE)
        return;
    if (negotiation) {
        end_negotiation(member, negotiation);
    } else {
        g_free(member->not_negotiated);
        member->not_negotiated = g_strdup(detail ? detail : "the negotiation failed");
    }
    if (member->asking) {
        member->answered_early = TRUE;
        return;
    }
    end_turn(member);
    member->standing = MM_STANDING_READY;
    chain->turn_ends->negotiated(member);
}

static void
preset_negotiation(MmMember *member)
{
    const MilterStage *stage = member->instance->stage;
    member->negotiation = (MilterNegotiation){.size = sizeof(MilterNegotiation),
                                              .events = stage->events,
                                              .rights = stage->rights,
                                              .flags = stage->flags};
}

void
mm_turn_negotiate(MmMember *member)
{
    MmChain *chain = member->chain;
    preset_negotiation(member);
    member->standing = MM_STANDING_READY;
    take_negotiation(member, &member->negotiation);
    if (!MM_STAGE_HAS(member->instance->stage, negotiate)) {
        end_negotiation(member, &member->negotiation);
        return;
    }
    member->ticket = mm_crew_open_ticket(chain->crew, member->slot);
    member->turn = MM_TURN_NEGOTIATE;
    member->asked_at = mm_reactor_now(mm_crew_reactor(chain->crew));
    member->share_ends = 0;
    member->asking = TRUE;
    member->answered_early = FALSE;
    MilterReturn answered = member->instance->stage->negotiate(member->data, member->ticket,
                                                               &chain->offer, &member->negotiation);
    member->asking = FALSE;
    if (answered == MILTER_DONE) {
        end_negotiation(member, &member->negotiation);
    } else if (!member->answered_early) {
        member->standing = MM_STANDING_NEGOTIATING;
        if (!mm_timer_is_armed(&member->deadline))
            mm_turn_deadline(member, DEFAULT_SECONDS, "the negotiation");
        return;
    }
    end_turn(member);
}
