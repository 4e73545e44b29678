/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new configuration while serving: whole, or the one before goes on. */
#include "base/i18n.h"
#include "base/log.h"
#include "control/changes.h"
#include "control/notify.h"
#include "control/server.h"

void
mm_server_log_problems(const MmProblems *problems, const char *id)
{
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        const MmProblem *problem = mm_problems_get(problems, i);
        MM_LOG(problem->warning ? MM_LOG_WARNING : MM_LOG_ERROR, id,
               N_("The configuration has a problem"), MM_STR("file", problem->file),
               MM_UINT("line", problem->line), MM_STR("group", problem->group),
               MM_STR("key", problem->key), MM_STR("problem", problem->text),
               MM_STR("allowed", problem->allowed));
    }
}

void
mm_server_take_settings(const MmSettings *manager)
{
    MmLogLevel level;
    if (mm_log_level_from_name(mm_settings_get_string(manager, "log-level"), &level))
        mm_log_set_level(level);
}

static void
adopt(MmServer *server, MmSnapshot *snapshot)
{
    mm_team_adopt(server->team, snapshot);
    mm_snapshot_unref(server->snapshot);
    server->snapshot = snapshot;
    mm_server_note_time(&server->loaded);
    __atomic_fetch_add(&server->reloads, 1, __ATOMIC_RELAXED);
    mm_server_take_settings(snapshot->manager);
    mm_server_limit_sessions(server);
}

/* The service manager is told that the reload is over, whatever came of it. */
static void
notify(const MmServer *server, gboolean taken)
{
    const char *spec = mm_settings_get_string(server->manager, "connection-spec");
    g_autofree char *status =
        taken ? g_strdup_printf(_("Serving on %s"), spec)
              : g_strdup_printf(_("Serving on %s; the last reload was refused"), spec);
    mm_notify_ready(status);
}

gboolean
mm_server_reload(MmServer *server, MmProblems *problems)
{
    MmSnapshot *snapshot;
    mm_notify_reloading();
    mm_setup_load(&server->setup, server->snapshot, &snapshot, problems);
    mm_server_log_problems(problems, "reload-problem");
    notify(server, snapshot != NULL);
    if (!snapshot) {
        MM_LOG(MM_LOG_ERROR, "reload-refused",
               N_("The configuration was not taken: the one before goes on"),
               MM_STR("file", mm_setup_file(&server->setup)));
        return FALSE;
    }
    guint changes = mm_changes_log(server->snapshot, snapshot);
    adopt(server, snapshot);
    MM_LOG(MM_LOG_NOTICE, "reloaded", N_("The configuration was loaded anew"),
           MM_STR("file", mm_setup_file(&server->setup)),
           MM_UINT("stages", snapshot->instances->len), MM_UINT("changes", changes));
    return TRUE;
}
