/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     health.h - tripping: a stage that keeps failing is skipped for a while, then probed
 *
 * DESCRIPTION
 *     After trip-after failures in a row a stage is tripped: it is not asked, its fallback applies
 * at once. When its delay is over one session probes it; success brings it back, failure doubles
 * the delay (up to MM_TRIP_DELAY_MAX). Shared by all workers without a lock on the path of a
 * healthy stage: one atomic read.
 */
#ifndef MM_CHAIN_HEALTH_H
#define MM_CHAIN_HEALTH_H

#include <glib.h>

#define MM_TRIP_DELAY_MAX 300.0 /* seconds */

typedef struct MmHealth {
    gint failures; /* in a row; atomic */
    gint tripped;  /* atomic boolean */
    GMutex lock;   /* guards what is below; taken only while tripped or tripping */
    guint trips;
    gint64 probe_at; /* monotonic microseconds */
    gboolean probing;
} MmHealth;

typedef enum MmHealthChange {
    MM_HEALTH_SAME,
    MM_HEALTH_TRIPPED,
    MM_HEALTH_RECOVERED,
} MmHealthChange;

void mm_health_init(MmHealth *health);
void mm_health_clear(MmHealth *health);
/* FALSE: do not ask now. TRUE while healthy, and once a delay for the session that probes; again
 * after a minute in which that came to no end. */
gboolean mm_health_admits(MmHealth *health, gint64 now);
/* The session that probed ended without an answer either way: another may probe. */
void mm_health_abandon(MmHealth *health);
MmHealthChange mm_health_succeeded(MmHealth *health);
/* after: failures in a row that trip, 0: never. delay: seconds of the first pause. */
MmHealthChange mm_health_failed(MmHealth *health, guint after, double delay, gint64 now);

#endif
