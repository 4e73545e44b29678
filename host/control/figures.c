/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The statistics in the log, as USR2 asks for. */
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
