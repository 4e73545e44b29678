/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     crew.h - a worker thread as stages know it: tickets, and the snapshot it serves with
 *
 * DESCRIPTION
 *     A crew is what plugins see as MilterWorker. It holds the table of tickets and the roster: the
 *     snapshot that new sessions of this worker get, entered (enter_worker) by every instance. A
 *     session keeps its roster; when the last session of a retired roster ends, its instances leave
 *     the worker and the snapshot is let go. Everything here runs on the worker.
 */
#ifndef MM_CHAIN_CREW_H
#define MM_CHAIN_CREW_H

#include "chain/resolve.h"
#include "chain/snapshot.h"
#include "loop/jobs.h"

typedef struct MilterWorker MmCrew;
typedef struct MmMember MmMember;

/* Lists of macros a stage asked for in an earlier session; a stage without lists has NULLs. */
typedef struct MmLearned {
    gboolean known;
    guint32 flags;
    char *macros[MILTER_N_MACRO_STAGES];
} MmLearned;

typedef struct MmRoster {
    MmCrew *crew;
    MmSnapshot *snapshot;
    void **in_worker;   /* one for each instance */
    MmLearned *learned; /* one for each instance */
    guint generation;   /* counts changes of learned */
    guint references;
    /* The lists asked of the MTA, made by the session layer from learned; owned. */
    char *symbols[MILTER_N_MACRO_STAGES];
    guint symbols_generation; /* of learned when they were made; 0: never */
} MmRoster;

/* jobs and control are borrowed for the crew's life. control: the worker whose thread discards
 * snapshots. May be called on any thread before the worker has work. */
MmCrew *mm_crew_new(MmWorker *worker, MmJobs *jobs);
/* On the worker, when no session is left: nothing of the crew is in the reactor any more. Before
 * mm_crew_free if that comes when the worker is gone. */
void mm_crew_retire(MmCrew *crew);
/* On the worker, or anywhere after mm_crew_retire. */
void mm_crew_free(MmCrew *crew);
MmWorker *mm_crew_worker(MmCrew *crew);
MmReactor *mm_crew_reactor(MmCrew *crew);
/* Serves new sessions with snapshot from now on (takes a reference), and looks up names as it says;
 * NULL: serves none. */
void mm_crew_adopt(MmCrew *crew, MmSnapshot *snapshot);
/* The current roster with a reference, or NULL. */
MmRoster *mm_crew_roster(MmCrew *crew);
void mm_roster_unref(MmRoster *roster);
/* Remembers what instance negotiated. */
void mm_roster_learn(MmRoster *roster, guint instance, const MilterNegotiation *negotiation);

/* A job of a stage (host.h). What is entered now has left the worker, and is discarded, only after
 * its done has run. */
void mm_crew_job(MmCrew *crew, const char *label, MmWorkFunction function, MmWorkFunction done,
                 gpointer data);

/* Tickets: a number names a member's one open question. */
guint32 mm_crew_take_slot(MmCrew *crew, MmMember *member);
void mm_crew_release_slot(MmCrew *crew, guint32 slot);
/* A new ticket of the slot; the one before is closed by it. */
MilterTicket mm_crew_open_ticket(MmCrew *crew, guint32 slot);
void mm_crew_close_ticket(MmCrew *crew, guint32 slot);
/* NULL: the ticket is not open (any more). */
MmMember *mm_crew_find(MmCrew *crew, MilterTicket ticket);

struct MilterWorker {
    MmWorker *worker;
    MmJobs *jobs;
    GArray *slots;
    guint32 free_slot;
    MmRoster *roster;
    GPtrArray *rosters; /* those alive: the current one and those that sessions or jobs keep */
    gboolean retired;
    MmResolver *resolver;
};

#endif
