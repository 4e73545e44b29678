/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The statistics in the log, as USR2 asks for, and the server's own figures among all. */
#include "base/i18n.h"
#include "base/log.h"
#include "chain/statistics.h"
#include "control/server.h"

static void
log_counter(const char *name, guint64 value)
{
    MM_LOG(MM_LOG_NOTICE, "statistics", N_("A figure"), MM_STR("name", name),
           MM_UINT("count", value));
}

static void
log_figure(const char *name, MilterCounter *counter, MilterHistogram *histogram, gpointer data)
{
    (void)data;
    if (counter)
        log_counter(name, mm_counter_get(counter));
    else
        MM_LOG(MM_LOG_NOTICE, "statistics", N_("A figure"), MM_STR("name", name),
               MM_UINT("count", mm_histogram_count(histogram)),
               MM_SECONDS("p50", mm_histogram_quantile(histogram, 0.5)),
               MM_SECONDS("p99", mm_histogram_quantile(histogram, 0.99)));
}

void
mm_server_log_statistics(MmServer *server)
{
    log_counter("sessions.now", mm_team_sessions(server->team));
    log_counter("sessions.total", mm_team_sessions_total(server->team));
    mm_statistics_foreach(log_figure, NULL);
}

/* ---- The server's own. */

void
mm_server_note_time(gint64 *time)
{
    __atomic_store_n(time, g_get_real_time() / G_USEC_PER_SEC, __ATOMIC_RELAXED);
}

static guint64
read_loaded(gconstpointer data)
{
    return (guint64)__atomic_load_n(&((const MmServer *)data)->loaded, __ATOMIC_RELAXED);
}

static guint64
read_reloads(gconstpointer data)
{
    return __atomic_load_n(&((const MmServer *)data)->reloads, __ATOMIC_RELAXED);
}

static guint64
read_started(gconstpointer data)
{
    return (guint64)__atomic_load_n(&((const MmServer *)data)->started, __ATOMIC_RELAXED);
}

static guint64
read_workers(gconstpointer data)
{
    return mm_team_size(((const MmServer *)data)->team);
}

static guint64
read_sessions(gconstpointer data)
{
    return mm_team_sessions(((const MmServer *)data)->team);
}

static guint64
read_sessions_total(gconstpointer data)
{
    return mm_team_sessions_total(((const MmServer *)data)->team);
}

void
mm_server_show_figures(const MmServer *server)
{
    static const MmReading readings[] = {
        {"manager.loaded", MILTER_FIGURE_GAUGE, read_loaded},
        {"manager.reloads", MILTER_FIGURE_COUNTER, read_reloads},
        {"manager.started", MILTER_FIGURE_GAUGE, read_started},
        {"manager.workers", MILTER_FIGURE_GAUGE, read_workers},
        {"sessions.now", MILTER_FIGURE_GAUGE, read_sessions},
        {"sessions.total", MILTER_FIGURE_COUNTER, read_sessions_total},
    };
    mm_statistics_set_readings(readings, G_N_ELEMENTS(readings), server);
}

void
mm_server_hide_figures(void)
{
    mm_statistics_set_readings(NULL, 0, NULL);
}
