/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One stage in one session: whether it is asked, and what its failure means. */
#include "chain/member.h"
#include "base/i18n.h"
#include "chain/facts.h"
#include "chain/turn.h"
#include "plugin/stage-table.h"

static gboolean
is_before_mail(MilterEventKind kind)
{
    return kind == MILTER_EVENT_CONNECT || kind == MILTER_EVENT_HELO;
}

static gboolean
is_of_message(MilterEventKind kind)
{
    return !is_before_mail(kind) && kind != MILTER_EVENT_UNKNOWN;
}

gboolean
mm_member_is_shut_out(MmMember *member)
{
    const MmInstance *instance = member->instance;
    for (guint i = 0; i < instance->n_conditions; i++) {
        const MmCondition *condition = &instance->conditions[i];
        MilterFactState state = mm_facts_get(member->chain, condition->fact, instance->index, NULL);
        if (state == (condition->negated ? MILTER_FACT_TRUE : MILTER_FACT_FALSE))
            return TRUE;
    }
    return FALSE;
}

/* Does its part in the session and in the message let the event through? */
static gboolean
takes_part(const MmMember *member, MilterEventKind kind)
{
    if (member->standing == MM_STANDING_LEFT)
        return FALSE;
    if (member->sits_out && kind != MILTER_EVENT_MAIL)
        return FALSE;
    return !is_of_message(kind) || kind == MILTER_EVENT_MAIL || member->part == MM_PART_IN;
}

void
mm_member_shut_out(MmMember *member)
{
    mm_member_abort(member);
    g_clear_pointer(&member->edits, mm_edits_free);
}

gboolean
mm_member_is_admitted(MmMember *member, MilterEventKind kind, guint32 flags)
{
    if (!takes_part(member, kind))
        return FALSE;
    if (mm_member_is_shut_out(member)) {
        if (member->part == MM_PART_IN)
            mm_member_shut_out(member);
        return FALSE;
    }
    if (kind == MILTER_EVENT_MAIL)
        member->part = MM_PART_IN;
    guint32 bit = MILTER_EVENT_BIT(kind);
    if (!(member->events & bit) || (member->skipped & bit))
        return FALSE;
    return !(flags & MILTER_EVENT_REJECTED) ||
           (member->flags & MILTER_NEGOTIATE_REJECTED_RECIPIENTS);
}

static void
tell_health(MmMember *member, MmHealthChange change)
{
    if (change != MM_HEALTH_SAME)
        mm_gauge_add(member->instance->tripped_now, change == MM_HEALTH_TRIPPED ? 1 : -1);
    if (change == MM_HEALTH_TRIPPED)
        MM_CHAIN_LOG(member->chain, member, MM_LOG_WARNING, "stage-tripped",
                     N_("The stage keeps failing: it is skipped and its fallback applied until it "
                        "works again"),
                     MM_STR("fallback", mm_fallback_name(member->instance->fallback)));
    else if (change == MM_HEALTH_RECOVERED)
        MM_CHAIN_LOG(member->chain, member, MM_LOG_NOTICE, "stage-recovered",
                     N_("The stage works again"), MM_STR("fallback", NULL));
}

void
mm_member_succeed(MmMember *member)
{
    member->probing = FALSE;
    tell_health(member, mm_health_succeeded(&member->instance->health));
}

gboolean
mm_member_is_held_off(MmMember *member)
{
    MmHealth *health = &member->instance->health;
    if (member->held_off || member->probing || !g_atomic_int_get(&health->tripped))
        return member->held_off;
    gint64 now = mm_reactor_now(mm_crew_reactor(member->chain->crew));
    member->probing = mm_health_admits(health, now);
    member->held_off = !member->probing && member->chain->negotiating;
    return !member->probing;
}

static void
count_failure(MmMember *member)
{
    MmInstance *instance = member->instance;
    gint64 now = mm_reactor_now(mm_crew_reactor(member->chain->crew));
    member->probing = FALSE;
    mm_counter_add(instance->failed, 1);
    MmHealthChange change =
        mm_health_failed(&instance->health, mm_settings_get_uint(instance->settings, "trip-after"),
                         mm_settings_get_double(instance->settings, "trip-delay"), now);
    mm_counter_add(instance->tripped, change == MM_HEALTH_TRIPPED ? 1 : 0);
    tell_health(member, change);
}

static void
quarantine_instead(MmMember *member, const char *detail)
{
    MmChain *chain = member->chain;
    if (!chain->quarantine)
        chain->quarantine =
            g_strdup_printf("%s failed: %s", member->instance->name, detail ? detail : "no answer");
}

/* An unknown command that comes in a message is the end of its part in that too. */
static gboolean
concerns_message(const MmMember *member, MilterEventKind kind)
{
    return is_of_message(kind) || member->part == MM_PART_IN;
}

/* What the fallback means as an answer to this event. A refusal at RCPT or later also stands for
 * the message: the stage has not approved the rest of it. */
static MilterVerdictKind
fallback_answer(MmMember *member, MilterEventKind kind, const char *detail)
{
    switch (member->instance->fallback) {
    case MM_FALLBACK_TEMPFAIL:
        return MILTER_VERDICT_TEMPFAIL;
    case MM_FALLBACK_REJECT:
        return MILTER_VERDICT_REJECT;
    case MM_FALLBACK_DISCARD:
        if (concerns_message(member, kind))
            return MILTER_VERDICT_DISCARD;
        member->discards = TRUE;
        return MILTER_VERDICT_CONTINUE;
    case MM_FALLBACK_QUARANTINE:
        if (!(member->chain->offer.actions & MILTER_RIGHT_QUARANTINE))
            return MILTER_VERDICT_TEMPFAIL; /* the MTA cannot: nothing passes for that */
        if (concerns_message(member, kind))
            quarantine_instead(member, detail);
        return MILTER_VERDICT_CONTINUE;
    case MM_FALLBACK_ACCEPT:
        break;
    }
    return MILTER_VERDICT_CONTINUE;
}

static void
remember_refusal(MmMember *member, MilterEventKind kind, MilterVerdictKind answer)
{
    gboolean refuses = answer != MILTER_VERDICT_CONTINUE;
    if (refuses && kind != MILTER_EVENT_MAIL && member->part == MM_PART_IN)
        mm_answer_set(&member->refusal, answer, NULL, "failed");
}

void
mm_member_fall_back(MmMember *member, MilterEventKind kind, const char *detail)
{
    g_autofree char *reason = g_strdup(detail);
    mm_member_set_word(member, "failed");
    g_clear_pointer(&member->edits, mm_edits_free);
    MilterVerdictKind answer = member->instance->evaluation ? MILTER_VERDICT_CONTINUE
                                                            : fallback_answer(member, kind, reason);
    remember_refusal(member, kind, answer);
    if (kind == MILTER_EVENT_UNKNOWN) /* refusing a command that is no command says nothing */
        answer = MILTER_VERDICT_CONTINUE;
    mm_answer_set(&member->answer, answer, NULL, reason);
    if (member->part == MM_PART_IN)
        member->part = MM_PART_DONE;
    else
        member->sits_out = TRUE;
}

void
mm_member_fail(MmMember *member, MilterEventKind kind)
{
    const MmInstance *instance = member->instance;
    g_autofree char *detail = g_steal_pointer(&member->answer.detail);
    const char *fallback = instance->evaluation ? "none" : mm_fallback_name(instance->fallback);
    MM_CHAIN_LOG(member->chain, member, MM_LOG_WARNING, "stage-failed",
                 N_("The stage failed: its fallback is applied"), MM_STR("reason", detail),
                 MM_STR("fallback", fallback));
    count_failure(member);
    mm_member_fall_back(member, kind, detail);
}

gboolean
mm_member_has_not_negotiated(MmMember *member)
{
    g_autofree char *reason = g_steal_pointer(&member->not_negotiated);
    if (reason)
        mm_answer_set(&member->answer, MILTER_VERDICT_FAILED, NULL, reason);
    return reason != NULL;
}

void
mm_member_abort(MmMember *member)
{
    if (member->turn != MM_TURN_NEGOTIATE) /* that is the session's, not the message's */
        mm_turn_cancel(member);
    if (member->part != MM_PART_IN)
        return;
    member->part = MM_PART_DONE;
    if (member->data && MM_STAGE_HAS(member->instance->stage, abort))
        member->instance->stage->abort(member->data);
}

void
mm_member_new_message(MmMember *member)
{
    member->part = MM_PART_NONE;
    member->sits_out = FALSE;
    member->skipped = 0;
    member->spent = 0;
    member->wave = 0;
    member->answer_waits = FALSE;
    mm_answer_clear(&member->refusal);
    mm_answer_clear(&member->answer);
    mm_spool_cursor_clear(&member->feed.body);
    member->feed = (MmFeed){0};
    g_clear_pointer(&member->edits, mm_edits_free);
    g_clear_pointer(&member->word, g_free);
}

void
mm_member_close(MmMember *member)
{
    if (!member->data)
        return;
    mm_turn_cancel(member);
    mm_member_abort(member);
    if (member->probing)
        mm_health_abandon(&member->instance->health);
    mm_crew_release_slot(member->chain->crew, member->slot);
    member->instance->stage->close(member->data);
    member->data = NULL;
    g_clear_pointer(&member->not_negotiated, g_free);
    member->standing = MM_STANDING_LEFT;
}

void
mm_member_set_word(MmMember *member, const char *word)
{
    char *copy = g_strdup(word);
    g_free(member->word);
    member->word = copy;
}
