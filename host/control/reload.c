/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new configuration while serving: whole, or the one before goes on. */
#include "base/i18n.h"
#include "base/log.h"
#include "control/server.h"

static void
log_problems(const MmProblems *problems)
{
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        const MmProblem *problem = mm_problems_get(problems, i);
        MM_LOG(problem->warning ? MM_LOG_WARNING : MM_LOG_ERROR, "reload-problem",
               N_("The configuration has a problem"), MM_STR("file", problem->file),
               MM_UINT("line", problem->line), MM_STR("group", problem->group),
               MM_STR("key", problem->key), MM_STR("problem", problem->text),
               MM_STR("allowed", problem->allowed));
    }
}

void
mm_server_take_settings(const MmSnapshot *snapshot)
{
    MmLogLevel level;
    if (mm_log_level_from_name(mm_settings_get_string(snapshot->manager, "log-level"), &level))
        mm_log_set_level(level);
}

static void
adopt(MmServer *server, MmSnapshot *snapshot)
{
    mm_team_adopt(server->team, snapshot);
    mm_snapshot_unref(server->snapshot);
    server->snapshot = snapshot;
    server->loaded = g_get_real_time() / G_USEC_PER_SEC;
    server->reloads++;
    mm_server_take_settings(snapshot);
    mm_server_update_pause(server);
}

gboolean
mm_server_reload(MmServer *server, MmProblems *problems)
{
    MmSnapshot *snapshot;
    mm_setup_load(&server->setup, server->snapshot, &snapshot, problems);
    log_problems(problems);
    if (!snapshot) {
        MM_LOG(MM_LOG_ERROR, "reload-refused",
               N_("The configuration was not taken: the one before goes on"),
               MM_STR("file", mm_setup_file(&server->setup)));
        return FALSE;
    }
    adopt(server, snapshot);
    MM_LOG(MM_LOG_NOTICE, "reloaded", N_("The configuration was loaded anew"),
           MM_STR("file", mm_setup_file(&server->setup)),
           MM_UINT("stages", snapshot->instances->len));
    return TRUE;
}
