/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's chain: made, negotiated, asked, freed. */
#include "chain/content.h"
#include "chain/facts.h"
#include "chain/member.h"
#include "chain/turn.h"
#include "chain/walk.h"
#include "chain/wave.h"
#include "plugin/stage-table.h"

/* Something is known about every stage that is still negotiating. */
static gboolean
knows_enough(MmChain *chain)
{
    for (guint i = 0; i < chain->n_members; i++) {
        if (chain->members[i].standing == MM_STANDING_NEGOTIATING &&
            !chain->roster->learned[i].known)
            return FALSE;
    }
    return TRUE;
}

static void
end_negotiation(MmChain *chain)
{
    chain->negotiating = FALSE;
    mm_timer_stop(mm_crew_reactor(chain->crew), &chain->negotiation_limit);
    chain->ops->negotiated(chain->owner);
}

static void
waited_enough(gpointer data)
{
    end_negotiation(data);
}

static void
check_negotiated(MmChain *chain)
{
    if (chain->negotiating && knows_enough(chain))
        end_negotiation(chain);
}

/* ---- What stages answered goes where it was asked. */

static void
turn_answered(MmMember *member)
{
    if (member->chain->walk == MM_WALK_CONTENT)
        mm_wave_resume(member->chain, member);
    else
        mm_walk_resume(member->chain, member);
}

static void
turn_negotiated(MmMember *member)
{
    if (member->chain->negotiating)
        check_negotiated(member->chain);
    else
        mm_walk_negotiated(member->chain, member);
}

static const MmTurnEnds turn_ends = {.answered = turn_answered, .negotiated = turn_negotiated};

/* ---- Life. */

static void
open_member(MmChain *chain, guint i)
{
    MmMember *member = &chain->members[i];
    MmInstance *instance = mm_snapshot_instance(chain->snapshot, i);
    member->chain = chain;
    member->instance = instance;
    member->events = instance->stage->events;
    member->standing = MM_STANDING_READY;
    member->data = instance->stage->open(instance->data, chain->roster->in_worker[i],
                                         chain->roster->handle, chain);
    if (member->data) /* else it is asked nothing, and nothing closes it */
        member->slot = mm_crew_take_slot(chain->crew, member);
}

MmChain *
mm_chain_new(MmRoster *roster, const MmChainOps *ops, gpointer owner)
{
    MmChain *chain = g_new0(MmChain, 1);
    chain->crew = roster->crew;
    chain->roster = roster;
    chain->snapshot = roster->snapshot;
    chain->ops = ops;
    chain->turn_ends = &turn_ends;
    chain->owner = owner;
    chain->n_members = chain->snapshot->instances->len;
    chain->members = g_new0(MmMember, chain->n_members);
    chain->facts = g_new0(MmFactValue, MAX(chain->snapshot->facts->len, 1u));
    chain->scratch = g_string_new(NULL);
    chain->offer.size = sizeof(MilterOffer);
    for (guint i = 0; i < chain->n_members; i++)
        open_member(chain, i);
    return chain;
}

void
mm_chain_free(MmChain *chain)
{
    if (!chain)
        return;
    chain->walk = MM_WALK_IDLE;
    mm_timer_stop(mm_crew_reactor(chain->crew), &chain->negotiation_limit);
    for (guint i = 0; i < chain->n_members; i++) {
        mm_member_close(&chain->members[i]);
        mm_member_new_message(&chain->members[i]);
    }
    mm_content_reset(chain);
    g_clear_pointer(&chain->message, mm_message_free);
    g_clear_pointer(&chain->committed, g_ptr_array_unref);
    mm_facts_clear(chain);
    g_free(chain->facts);
    g_free(chain->members);
    g_string_free(chain->scratch, TRUE);
    mm_roster_unref(chain->roster);
    g_free(chain);
}

void
mm_chain_negotiate(MmChain *chain, const MilterOffer *offer, double wait)
{
    chain->offer = *offer;
    chain->negotiating = TRUE;
    for (guint i = 0; i < chain->n_members; i++) {
        if (chain->members[i].data && !mm_member_is_held_off(&chain->members[i]))
            mm_turn_negotiate(&chain->members[i]);
    }
    if (knows_enough(chain))
        end_negotiation(chain);
    else
        mm_timer_start(mm_crew_reactor(chain->crew), &chain->negotiation_limit, wait, waited_enough,
                       chain);
}

MmRoster *
mm_chain_roster(const MmChain *chain)
{
    return chain->roster;
}

gboolean
mm_chain_wants_report(const MmChain *chain)
{
    for (guint i = 0; i < chain->n_members; i++) {
        if (MM_STAGE_HAS(chain->members[i].instance->stage, report))
            return TRUE;
    }
    return FALSE;
}

gboolean
mm_chain_wants_rejected(const MmChain *chain)
{
    for (guint i = 0; i < chain->n_members; i++) {
        const MmMember *member = &chain->members[i];
        guint32 flags = member->standing == MM_STANDING_NEGOTIATING
                            ? chain->roster->learned[i].flags
                            : member->flags;
        if (flags & MILTER_NEGOTIATE_REJECTED_RECIPIENTS)
            return TRUE;
    }
    return FALSE;
}

void
mm_chain_set_limits(MmChain *chain, MmMtaKind mta, double command, double content)
{
    chain->mta = mta;
    chain->command_limit = command;
    chain->content_limit = content;
}

void
mm_chain_set_mta(MmChain *chain, MmMtaKind mta)
{
    chain->mta = mta;
}

/* The stages' parts in the message before are forgotten; its edits too. */
static void
new_message(MmChain *chain)
{
    mm_chain_abort(chain);
    mm_facts_new_message(chain);
    mm_content_reset(chain);
    for (guint i = 0; i < chain->n_members; i++)
        mm_member_new_message(&chain->members[i]);
}

/* limit: seconds; 0: none. */
static void
ask(MmChain *chain, const MilterEvent *event, double limit)
{
    gint64 now = mm_reactor_now(mm_crew_reactor(chain->crew));
    mm_facts_new_event(chain);
    if (event->kind == MILTER_EVENT_MAIL)
        new_message(chain);
    if (event->kind != MILTER_EVENT_UNKNOWN)
        chain->reached = event->kind;
    chain->event = event;
    chain->at = 0;
    chain->walk = MM_WALK_ENVELOPE;
    chain->budget = limit > 0 ? now + (gint64)(limit * G_USEC_PER_SEC) : 0;
    mm_walk_run(chain);
}

void
mm_chain_ask(MmChain *chain, const MilterEvent *event)
{
    ask(chain, event, chain->command_limit);
}

void
mm_chain_ask_before_content(MmChain *chain, const MilterEvent *event)
{
    gboolean shorter = chain->content_limit > 0 && chain->content_limit < chain->command_limit;
    ask(chain, event, shorter ? chain->content_limit : chain->command_limit);
}

void
mm_chain_abort(MmChain *chain)
{
    chain->walk = MM_WALK_IDLE;
    for (guint i = 0; i < chain->n_members; i++)
        mm_member_abort(&chain->members[i]);
    mm_content_reset(chain);
}

void
mm_chain_report(MmChain *chain, const MilterReport *report)
{
    for (guint i = 0; i < chain->n_members; i++) {
        MmMember *member = &chain->members[i];
        if (member->data && MM_STAGE_HAS(member->instance->stage, report))
            member->instance->stage->report(member->data, report);
    }
}

void
mm_chain_describe_stages(const MmChain *chain, GString *text)
{
    for (guint i = 0; i < chain->n_members; i++) {
        const MmMember *member = &chain->members[i];
        if (!member->word)
            continue;
        g_string_append_printf(text, "%s%s:%s", text->len > 0 ? "," : "", member->instance->name,
                               member->word);
        if (member->spent > 0) {
            char seconds[G_ASCII_DTOSTR_BUF_SIZE];
            g_ascii_formatd(seconds, sizeof(seconds), "%.3f",
                            (double)member->spent / G_USEC_PER_SEC);
            g_string_append_printf(text, "/%s", seconds);
        }
    }
}

guint64
mm_chain_message_size(const MmChain *chain)
{
    return chain->headers_size + chain->body_size;
}

const char *
mm_chain_waiting_for(const MmChain *chain, const char **label, gint64 *since)
{
    for (guint i = 0; i < chain->n_members; i++) {
        const MmMember *member = &chain->members[i];
        if (member->turn == MM_TURN_NONE)
            continue;
        *label = member->label;
        *since = member->asked_at;
        return member->instance->name;
    }
    return NULL;
}
