/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     waits.h - what the sessions of all workers wait for, right now
 */
#ifndef MM_CONTROL_WAITS_H
#define MM_CONTROL_WAITS_H

#include "control/team.h"

/* Sessions that wait for the same thing of the same stage. */
typedef struct MmWait {
    char *stage;
    char *label;
    guint sessions;
    double longest; /* seconds */
} MmWait;

/* waits: of MmWait, the longest first; borrowed. silent: workers that did not say in time. Called
 * once, on the control thread. */
typedef void (*MmWaitsFunction)(gpointer data, const GPtrArray *waits, guint silent);

/* Asks every worker; function is called when all have answered, or after two seconds. On the
 * control thread; function may be called while the team is freed. */
void mm_waits_gather(MmTeam *team, MmWorker *control, MmWaitsFunction function, gpointer data);

#endif
