/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/crew.h"
#include "plugin/stage-table.h"

/* A ticket is the slot in the low bits and a number that only grows above it. */
#define SLOT_BITS 24u
#define SLOT_MASK ((1u << SLOT_BITS) - 1u)
#define NO_SLOT G_MAXUINT32

typedef struct Slot {
    MmMember *member;
    guint64 generation; /* grows with every ticket and over all members */
    gboolean open;
    guint32 next_free;
} Slot;

MmCrew *
mm_crew_new(MmWorker *worker, MmJobs *jobs)
{
    MmCrew *crew = g_new0(MmCrew, 1);
    crew->worker = worker;
    crew->jobs = jobs;
    crew->slots = g_array_new(FALSE, TRUE, sizeof(Slot));
    crew->free_slot = NO_SLOT;
    crew->handles = g_ptr_array_new_with_free_func(g_free);
    crew->resolver = mm_resolver_new(worker, NULL);
    return crew;
}

/* Instances that have not left yet may still cancel a query. */
static void
drop_resolver(MmCrew *crew)
{
    if (crew->retired && crew->n_rosters == 0)
        g_clear_pointer(&crew->resolver, mm_resolver_free);
}

void
mm_crew_retire(MmCrew *crew)
{
    mm_crew_adopt(crew, NULL);
    crew->retired = TRUE;
    drop_resolver(crew);
}

void
mm_crew_free(MmCrew *crew)
{
    if (!crew)
        return;
    mm_crew_retire(crew);
    g_ptr_array_unref(crew->handles);
    g_array_free(crew->slots, TRUE);
    g_free(crew);
}

MmWorker *
mm_crew_worker(MmCrew *crew)
{
    return crew->worker;
}

MmReactor *
mm_crew_reactor(MmCrew *crew)
{
    return mm_worker_reactor(crew->worker);
}

static Slot *
slot_at(MmCrew *crew, guint32 slot)
{
    return &g_array_index(crew->slots, Slot, slot);
}

guint32
mm_crew_take_slot(MmCrew *crew, MmMember *member)
{
    guint32 index = crew->free_slot;
    if (index == NO_SLOT) {
        index = crew->slots->len;
        g_return_val_if_fail(index < SLOT_MASK, NO_SLOT);
        g_array_set_size(crew->slots, index + 1);
    } else {
        crew->free_slot = slot_at(crew, index)->next_free;
    }
    slot_at(crew, index)->member = member;
    return index;
}

void
mm_crew_release_slot(MmCrew *crew, guint32 slot)
{
    Slot *entry = slot_at(crew, slot);
    entry->member = NULL;
    entry->open = FALSE;
    entry->next_free = crew->free_slot;
    crew->free_slot = slot;
}

MilterTicket
mm_crew_open_ticket(MmCrew *crew, guint32 slot)
{
    Slot *entry = slot_at(crew, slot);
    entry->open = TRUE;
    entry->generation++;
    return (entry->generation << SLOT_BITS) | slot;
}

void
mm_crew_close_ticket(MmCrew *crew, guint32 slot)
{
    slot_at(crew, slot)->open = FALSE;
}

MmMember *
mm_crew_find(MmCrew *crew, MilterTicket ticket)
{
    guint32 slot = (guint32)(ticket & SLOT_MASK);
    if (slot >= crew->slots->len)
        return NULL;
    Slot *entry = slot_at(crew, slot);
    if (!entry->open || entry->generation != ticket >> SLOT_BITS)
        return NULL;
    return entry->member;
}

static MilterWorker *
idle_handle(MmCrew *crew)
{
    for (guint i = 0; i < crew->handles->len; i++) {
        MilterWorker *handle = g_ptr_array_index(crew->handles, i);
        if (!handle->roster)
            return handle;
    }
    MilterWorker *handle = g_new0(MilterWorker, 1);
    handle->crew = crew;
    g_ptr_array_add(crew->handles, handle);
    return handle;
}

static MmRoster *
roster_new(MmCrew *crew, MmSnapshot *snapshot)
{
    MmRoster *roster = g_new0(MmRoster, 1);
    guint n = snapshot->instances->len;
    roster->crew = crew;
    roster->snapshot = mm_snapshot_ref(snapshot);
    roster->references = 1;
    roster->generation = 1;
    roster->in_worker = g_new0(void *, n);
    roster->learned = g_new0(MmLearned, n);
    roster->handle = idle_handle(crew);
    roster->handle->roster = roster;
    crew->n_rosters++;
    for (guint i = 0; i < n; i++) {
        MmInstance *instance = mm_snapshot_instance(snapshot, i);
        if (MM_STAGE_HAS(instance->stage, enter_worker))
            roster->in_worker[i] = instance->stage->enter_worker(instance->data, roster->handle);
    }
    return roster;
}

static void
learned_clear(MmLearned *learned)
{
    for (guint i = 0; i < MILTER_N_MACRO_STAGES; i++)
        g_clear_pointer(&learned->macros[i], g_free);
}

static void
roster_free(MmRoster *roster)
{
    MmCrew *crew = roster->crew;
    roster->handle->roster = NULL; /* a job from here on cannot keep it */
    for (guint i = roster->snapshot->instances->len; i-- > 0;) {
        MmInstance *instance = mm_snapshot_instance(roster->snapshot, i);
        if (MM_STAGE_HAS(instance->stage, leave_worker))
            instance->stage->leave_worker(instance->data, roster->in_worker[i]);
        learned_clear(&roster->learned[i]);
    }
    for (guint i = 0; i < MILTER_N_MACRO_STAGES; i++)
        g_free(roster->symbols[i]);
    g_free(roster->in_worker);
    g_free(roster->learned);
    mm_snapshot_unref(roster->snapshot);
    crew->n_rosters--;
    g_free(roster);
    drop_resolver(crew);
}

void
mm_roster_unref(MmRoster *roster)
{
    if (roster && --roster->references == 0)
        roster_free(roster);
}

MmRoster *
mm_crew_roster(MmCrew *crew)
{
    if (crew->roster)
        crew->roster->references++;
    return crew->roster;
}

/* ---- Jobs. */

typedef struct CrewJob {
    MmWorkFunction function, done;
    gpointer data;
    MmRoster *roster; /* with a reference */
} CrewJob;

static void
run_job(gpointer data)
{
    CrewJob *job = data;
    job->function(job->data);
}

static void
end_job(gpointer data)
{
    CrewJob *job = data;
    if (job->done)
        job->done(job->data);
    mm_roster_unref(job->roster);
    g_free(job);
}

void
mm_crew_job(MilterWorker *handle, const char *label, MmWorkFunction function, MmWorkFunction done,
            gpointer data)
{
    MmCrew *crew = handle->crew;
    CrewJob *job = g_new0(CrewJob, 1);
    *job = (CrewJob){function, done, data, handle->roster};
    if (job->roster)
        job->roster->references++;
    mm_jobs_push(crew->jobs, crew->worker, label, run_job, end_job, job);
}

void
mm_crew_adopt(MmCrew *crew, MmSnapshot *snapshot)
{
    MmRoster *old = crew->roster;
    if (snapshot)
        mm_resolver_configure(crew->resolver,
                              mm_settings_get_strv(snapshot->manager, "dns-servers"),
                              mm_settings_get_double(snapshot->manager, "dns-timeout"));
    crew->roster = snapshot ? roster_new(crew, snapshot) : NULL;
    mm_roster_unref(old);
}

void
mm_roster_learn(MmRoster *roster, guint instance, const MilterNegotiation *negotiation)
{
    MmLearned *learned = &roster->learned[instance];
    gboolean changed = !learned->known;
    for (guint i = 0; i < MILTER_N_MACRO_STAGES; i++) {
        if (g_strcmp0(learned->macros[i], negotiation->macros[i]) == 0)
            continue;
        g_free(learned->macros[i]);
        learned->macros[i] = g_strdup(negotiation->macros[i]);
        changed = TRUE;
    }
    learned->known = TRUE;
    learned->flags = negotiation->flags;
    roster->generation += changed ? 1 : 0;
}
