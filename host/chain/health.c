/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/health.h"

#define MAX_DOUBLINGS 16u
/* A session that probes and then says nothing for so long is waited for no longer. */
#define PROBE_SECONDS 60

void
mm_health_init(MmHealth *health)
{
    *health = (MmHealth){0};
    g_mutex_init(&health->lock);
}

void
mm_health_clear(MmHealth *health)
{
    g_mutex_clear(&health->lock);
}

gboolean
mm_health_admits(MmHealth *health, gint64 now)
{
    if (!g_atomic_int_get(&health->tripped))
        return TRUE;
    g_mutex_lock(&health->lock);
    gint64 due = health->probe_at + (health->probing ? PROBE_SECONDS * G_USEC_PER_SEC : 0);
    gboolean probe = !g_atomic_int_get(&health->tripped) || now >= due;
    if (probe) {
        health->probing = TRUE;
        health->probe_at = now;
    }
    g_mutex_unlock(&health->lock);
    return probe;
}

void
mm_health_abandon(MmHealth *health)
{
    g_mutex_lock(&health->lock);
    health->probing = FALSE;
    g_mutex_unlock(&health->lock);
}

MmHealthChange
mm_health_succeeded(MmHealth *health)
{
    if (g_atomic_int_get(&health->failures) != 0)
        g_atomic_int_set(&health->failures, 0);
    if (!g_atomic_int_get(&health->tripped))
        return MM_HEALTH_SAME;
    g_mutex_lock(&health->lock);
    gboolean recovered = g_atomic_int_get(&health->tripped);
    g_atomic_int_set(&health->tripped, FALSE);
    health->trips = 0;
    health->probing = FALSE;
    g_mutex_unlock(&health->lock);
    return recovered ? MM_HEALTH_RECOVERED : MM_HEALTH_SAME;
}

static gint64
pause_length(double delay, guint trips)
{
    double seconds = delay * (double)(1u << MIN(trips, MAX_DOUBLINGS));
    return (gint64)(MIN(seconds, MM_TRIP_DELAY_MAX) * G_USEC_PER_SEC);
}

MmHealthChange
mm_health_failed(MmHealth *health, guint after, double delay, gint64 now)
{
    gint failures = g_atomic_int_add(&health->failures, 1) + 1;
    if (after == 0 || (guint)failures < after)
        return MM_HEALTH_SAME;
    g_mutex_lock(&health->lock);
    gboolean was_tripped = g_atomic_int_get(&health->tripped);
    if (!was_tripped || health->probing) {
        health->probe_at = now + pause_length(delay, health->trips++);
        health->probing = FALSE;
        g_atomic_int_set(&health->tripped, TRUE);
    }
    g_mutex_unlock(&health->lock);
    return was_tripped ? MM_HEALTH_SAME : MM_HEALTH_TRIPPED;
}
