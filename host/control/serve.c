/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/serve.h"

#include "base/i18n.h"
#include "base/log.h"
#include "chain/services.h"
#include "control/listener.h"
#include "control/privileges.h"
#include "control/setup.h"
#include "control/team.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_THREADS 4u

typedef struct Server {
    const MmCommandLine *line;
    GMainLoop *loop;
    MmWorker *control;
    MmJobs *jobs;
    MmSetup setup;
    MmSnapshot *snapshot;
    MmTeam *team;
    MmListener *listener;
    MmTimer shutdown_limit;
    gboolean stopping;
    int code;
} Server;

static void
log_problems(const MmProblems *problems, const char *id)
{
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        const MmProblem *problem = mm_problems_get(problems, i);
        g_autofree char *text = mm_problem_to_string(problem);
        MM_LOG(problem->warning ? MM_LOG_WARNING : MM_LOG_ERROR, id,
               N_("The configuration has a problem"), MM_STR("problem", text));
    }
}

/* ---- Sessions. */

static void
update_pause(Server *server)
{
    guint32 most = mm_settings_get_uint(server->snapshot->manager, "max-sessions");
    gboolean full = most > 0 && mm_team_sessions(server->team) >= most;
    if (server->listener)
        mm_listener_set_paused(server->listener, full);
}

static void
accepted(int fd, gpointer data)
{
    Server *server = data;
    mm_team_start_session(server->team, fd);
    update_pause(server);
}

static void
session_ended(gpointer data)
{
    Server *server = data;
    if (!server->stopping)
        update_pause(server);
    else if (mm_team_sessions(server->team) == 0)
        g_main_loop_quit(server->loop);
}

/* ---- Signals. */

static void
waited_enough(gpointer data)
{
    Server *server = data;
    MM_LOG(MM_LOG_WARNING, "shutdown-forced", N_("Sessions that did not end in time are cut off"),
           MM_UINT("sessions", mm_team_sessions(server->team)));
    g_main_loop_quit(server->loop);
}

static gboolean
stop(gpointer data)
{
    Server *server = data;
    if (server->stopping)
        return G_SOURCE_CONTINUE;
    server->stopping = TRUE;
    MM_LOG(MM_LOG_NOTICE, "stopping", N_("Stopping: no new session is accepted"),
           MM_UINT("sessions", mm_team_sessions(server->team)));
    g_clear_pointer(&server->listener, mm_listener_free);
    mm_team_drain(server->team);
    if (mm_team_sessions(server->team) == 0)
        g_main_loop_quit(server->loop);
    else
        mm_timer_start(mm_worker_reactor(server->control), &server->shutdown_limit,
                       mm_settings_get_double(server->snapshot->manager, "shutdown-timeout"),
                       waited_enough, server);
    return G_SOURCE_CONTINUE;
}

static void
take_log_level(const MmSnapshot *snapshot)
{
    MmLogLevel level;
    if (mm_log_level_from_name(mm_settings_get_string(snapshot->manager, "log-level"), &level))
        mm_log_set_level(level);
}

static gboolean
reload(gpointer data)
{
    Server *server = data;
    MmSnapshot *snapshot;
    g_autoptr(MmProblems) problems = mm_problems_new();
    mm_setup_load(&server->setup, server->snapshot, &snapshot, problems);
    log_problems(problems, "reload-problem");
    if (!snapshot) {
        MM_LOG(MM_LOG_ERROR, "reload-refused",
               N_("The configuration was not taken: the one before goes on"),
               MM_STR("file", mm_setup_file(&server->setup)));
        return G_SOURCE_CONTINUE;
    }
    mm_team_adopt(server->team, snapshot);
    mm_snapshot_unref(server->snapshot);
    server->snapshot = snapshot;
    take_log_level(snapshot);
    update_pause(server);
    MM_LOG(MM_LOG_NOTICE, "reloaded", N_("The configuration was loaded anew"),
           MM_STR("file", mm_setup_file(&server->setup)),
           MM_UINT("stages", snapshot->instances->len));
    return G_SOURCE_CONTINUE;
}

/* ---- Start and end. */

static gboolean
load_first(Server *server)
{
    g_autoptr(MmProblems) problems = mm_problems_new();
    mm_setup_load(&server->setup, NULL, &server->snapshot, problems);
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        g_autofree char *text = mm_problem_to_string(mm_problems_get(problems, i));
        fprintf(stderr, "%s\n", text);
    }
    return server->snapshot != NULL;
}

static gboolean
listen_for_mta(Server *server, GError **error)
{
    const MmSettings *manager = server->snapshot->manager;
    g_autoptr(MmAddress) address =
        mm_address_parse(mm_settings_get_string(manager, "connection-spec"), error);
    if (!address)
        return FALSE;
    g_autofree char *group = mm_privileges_socket_group(manager);
    const MmListenerOptions options = {
        .address = address,
        .mode = (guint)strtoul(mm_settings_get_string(manager, "unix-socket-mode"), NULL, 8),
        .group = group};
    int fd = mm_listener_bind(&options, error);
    if (fd < 0)
        return FALSE;
    server->listener =
        mm_listener_new(mm_worker_reactor(server->control), fd, address->path, accepted, server);
    return TRUE;
}

static guint
team_size(const MmSettings *manager)
{
    guint32 size = mm_settings_get_uint(manager, "workers");
    return size > 0 ? size : g_get_num_processors();
}

static gboolean
start(Server *server, GError **error)
{
    const MmSettings *manager = server->snapshot->manager;
    take_log_level(server->snapshot);
    if (!listen_for_mta(server, error) || !mm_privileges_drop(manager, error))
        return FALSE;
    server->team = mm_team_new(team_size(manager), server->control, server->jobs, session_ended,
                               server, error);
    if (!server->team)
        return FALSE;
    mm_team_adopt(server->team, server->snapshot);
    MM_LOG(MM_LOG_NOTICE, "started", N_("Serving"),
           MM_STR("connection-spec", mm_settings_get_string(manager, "connection-spec")),
           MM_UINT("stages", server->snapshot->instances->len),
           MM_UINT("workers", mm_team_size(server->team)), MM_STR("reactor", mm_reactor_backend()));
    return TRUE;
}

static void
run(Server *server)
{
    GMainContext *context = mm_worker_context(server->control);
    server->loop = g_main_loop_new(context, FALSE);
    guint hup = g_unix_signal_add(SIGHUP, reload, server);
    guint term = g_unix_signal_add(SIGTERM, stop, server);
    guint interrupt = g_unix_signal_add(SIGINT, stop, server);
    g_main_loop_run(server->loop);
    g_source_remove(hup);
    g_source_remove(term);
    g_source_remove(interrupt);
    g_main_loop_unref(server->loop);
}

/* Posts of the workers may still be on their way: they are run before what they speak of is gone.
 */
static void
settle(Server *server)
{
    while (g_main_context_iteration(mm_worker_context(server->control), FALSE))
        continue;
}

static void
finish(Server *server)
{
    MmReactor *reactor = mm_worker_reactor(server->control);
    mm_timer_stop(reactor, &server->shutdown_limit);
    g_clear_pointer(&server->listener, mm_listener_free);
    g_clear_pointer(&server->team, mm_team_free);
    g_clear_pointer(&server->jobs, mm_jobs_free);
    g_clear_pointer(&server->snapshot, mm_snapshot_unref);
    settle(server);
    mm_setup_clear(&server->setup);
    g_clear_pointer(&server->control, mm_worker_free);
}

int
mm_serve(const MmCommandLine *line)
{
    g_autoptr(GError) error = NULL;
    Server server = {.line = line, .code = EXIT_FAILURE};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full spool is an error of a write, not the end */
    server.control = mm_worker_new_here(0, &error);
    if (server.control) {
        mm_services_set_control(server.control);
        server.jobs = mm_jobs_new(JOB_THREADS);
        if (mm_setup_init(&server.setup, line, server.control, &error) && load_first(&server) &&
            start(&server, &error)) {
            run(&server);
            server.code = EXIT_SUCCESS;
            MM_LOG(MM_LOG_NOTICE, "stopped", N_("Stopped"),
                   MM_UINT("sessions", mm_team_sessions(server.team)));
        }
    }
    if (error)
        fprintf(stderr, "milter-manager: %s\n", error->message);
    finish(&server);
    return server.code;
}
