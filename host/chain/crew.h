/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     crew.h - a worker thread as stages know it: tickets, and the snapshot it serves with
 *
 * DESCRIPTION
 *     A crew holds the table of tickets and the roster: the snapshot that new sessions of this
 *     worker get, entered (enter_worker) by every instance. A session keeps its roster, and so does
 *     a job that one of its instances asked for; when the last of these is over and the roster has
 *     been replaced, its instances leave the worker and the snapshot is let go. Everything here
 * runs on the worker.
 *
 *     What plugins see as MilterWorker is the worker and the roster of the instance it was given
 * to: that is how a job is known for whose it is.
 */
#ifndef MM_CHAIN_CREW_H
#define MM_CHAIN_CREW_H

#include "chain/resolve.h"
#include "chain/snapshot.h"
#include "loop/jobs.h"

typedef struct MmCrew MmCrew;
typedef struct MmRoster MmRoster;
typedef struct MmMember MmMember;

/* Lists of macros a stage asked for in an earlier session; a stage without lists has NULLs. */
typedef struct MmLearned {
    gboolean known;
    guint32 flags;
    char *macros[MILTER_N_MACRO_STAGES];
} MmLearned;

/* Lives as long as the crew, so that any thread may post to it; serves another roster when its own
 * is gone. */
struct MilterWorker {
    MmCrew *crew;
    MmRoster *roster; /* NULL: gone */
};

struct MmRoster {
    MmCrew *crew;
    MmSnapshot *snapshot;
    MilterWorker *handle; /* for its instances; borrowed */
    void **in_worker;     /* one for each instance */
    MmLearned *learned;   /* one for each instance */
    guint generation;     /* counts changes of learned */
    guint references;
    /* The lists asked of the MTA, made by the session layer from learned; owned. */
    char *symbols[MILTER_N_MACRO_STAGES];
    guint symbols_generation; /* of learned when they were made; 0: never */
};

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

/* A job of a stage (host.h). The instances of the roster that handle was given for leave the
 * worker, and are discarded, only after its done has run. */
void mm_crew_job(MilterWorker *handle, const char *label, MmWorkFunction function,
                 MmWorkFunction done, gpointer data);

/* Tickets: a number names a member's one open question. */
guint32 mm_crew_take_slot(MmCrew *crew, MmMember *member);
void mm_crew_release_slot(MmCrew *crew, guint32 slot);
/* A new ticket of the slot; the one before is closed by it. */
MilterTicket mm_crew_open_ticket(MmCrew *crew, guint32 slot);
void mm_crew_close_ticket(MmCrew *crew, guint32 slot);
/* NULL: the ticket is not open (any more). */
MmMember *mm_crew_find(MmCrew *crew, MilterTicket ticket);

struct MmCrew {
    MmWorker *worker;
    MmJobs *jobs;
    GArray *slots;
    guint32 free_slot;
    MmRoster *roster;
    GPtrArray *handles; /* of MilterWorker, as many as there ever were rosters at one time */
    guint n_rosters;    /* alive: the current one and those that sessions or jobs keep */
    gboolean retired;
    MmResolver *resolver;
};

#endif
