/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/last-resort.h"

#include "base/i18n.h"
#include "base/log.h"

#include <stdlib.h>
#include <unistd.h>

struct MmLastResort {
    GMutex lock;
    GCond called_off;
    gboolean over;
    gint64 until; /* monotonic microseconds */
    GThread *thread;
};

static gpointer
wait_for_end(gpointer data)
{
    MmLastResort *resort = data;
    gboolean in_time = TRUE;
    g_mutex_lock(&resort->lock);
    while (!resort->over && in_time)
        in_time = g_cond_wait_until(&resort->called_off, &resort->lock, resort->until);
    gboolean over = resort->over;
    g_mutex_unlock(&resort->lock);
    if (over)
        return NULL;
    MM_LOG(MM_LOG_ERROR, "end-forced",
           N_("A plugin does not return: the host ends without waiting for it"));
    _exit(EXIT_FAILURE);
}

MmLastResort *
mm_last_resort_new(double seconds)
{
    MmLastResort *resort = g_new0(MmLastResort, 1);
    g_mutex_init(&resort->lock);
    g_cond_init(&resort->called_off);
    resort->until = g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
    resort->thread = g_thread_try_new("last-resort", wait_for_end, resort, NULL);
    return resort;
}

void
mm_last_resort_free(MmLastResort *resort)
{
    g_mutex_lock(&resort->lock);
    resort->over = TRUE;
    g_cond_signal(&resort->called_off);
    g_mutex_unlock(&resort->lock);
    if (resort->thread)
        g_thread_join(resort->thread);
    g_mutex_clear(&resort->lock);
    g_cond_clear(&resort->called_off);
    g_free(resort);
}
