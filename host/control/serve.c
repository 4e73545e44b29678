/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/serve.h"

#include "base/i18n.h"
#include "base/language.h"
#include "base/log-target.h"
#include "chain/services.h"
#include "control/daemon.h"
#include "control/last-resort.h"
#include "control/notify.h"
#include "control/room.h"
#include "control/server.h"
#include "control/sockets.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define JOB_THREADS 4u
/* For the threads to end, when all is said and done. */
#define END_SECONDS 60.0

/* ---- Sessions. */

static void
team_changed(gpointer data)
{
    MmServer *server = data;
    /* Without a team: it is gone with its last sessions, whose ends are told now. */
    if (server->team && server->stopping && mm_team_is_over(server->team))
        g_main_loop_quit(server->loop);
}

static void
team_failed(gpointer data)
{
    MmServer *server = data;
    server->failed = TRUE;
    if (server->team)
        g_main_loop_quit(server->loop);
}

static const MmTeamOps team_ops = {.changed = team_changed, .failed = team_failed};

void
mm_server_limit_sessions(MmServer *server)
{
    server->most = mm_room_limit(server->snapshot, mm_team_size(server->team), server->most);
    mm_team_set_most(server->team, server->most);
}

/* ---- Signals. */

static void
waited_enough(gpointer data)
{
    MmServer *server = data;
    MM_LOG(MM_LOG_WARNING, "shutdown-forced", N_("Sessions that did not end in time are cut off"),
           MM_UINT("sessions", mm_team_sessions(server->team)));
    g_main_loop_quit(server->loop);
}

static gboolean
stop(gpointer data)
{
    MmServer *server = data;
    if (server->stopping) { /* asked twice: wait no longer */
        waited_enough(server);
        return G_SOURCE_CONTINUE;
    }
    server->stopping = TRUE;
    mm_notify_stopping();
    MM_LOG(MM_LOG_NOTICE, "stopping", N_("Stopping: no new session is accepted"),
           MM_UINT("sessions", mm_team_sessions(server->team)));
    g_clear_pointer(&server->main_file, mm_socket_file_remove);
    mm_team_close(server->team);
    mm_team_drain(server->team);
    mm_team_watch_changes(server->team);
    if (mm_team_is_over(server->team))
        g_main_loop_quit(server->loop);
    else
        mm_timer_start(mm_worker_reactor(server->control), &server->shutdown_limit,
                       mm_settings_get_double(server->snapshot->manager, "shutdown-timeout"),
                       waited_enough, server);
    return G_SOURCE_CONTINUE;
}

static gboolean
reload(gpointer data)
{
    g_autoptr(MmProblems) problems = mm_problems_new();
    mm_server_reload(data, problems);
    return G_SOURCE_CONTINUE;
}

static gboolean
log_statistics(gpointer data)
{
    mm_server_log_statistics(data);
    return G_SOURCE_CONTINUE;
}

/* Before it is said that we serve: who reads that may send one at once. */
static void
catch_signals(MmServer *server)
{
    server->loop = g_main_loop_new(mm_worker_context(server->control), FALSE);
    server->signals[0] = g_unix_signal_add(SIGHUP, reload, server);
    server->signals[1] = g_unix_signal_add(SIGTERM, stop, server);
    server->signals[2] = g_unix_signal_add(SIGINT, stop, server);
    server->signals[3] = g_unix_signal_add(SIGUSR2, log_statistics, server);
}

/* ---- Start: as whoever started us. */

/* Raises the hard limit too if we may. */
static void
raise_descriptors(const MmSettings *manager)
{
    guint32 wanted = mm_settings_get_uint(manager, "max-file-descriptors");
    struct rlimit limit;
    if (wanted == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    const struct rlimit raised = {wanted, MAX(limit.rlim_max, wanted)};
    const struct rlimit least = {MIN(limit.rlim_max, wanted), limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return;
    int reason = errno;
    (void)setrlimit(RLIMIT_NOFILE, &least);
    MM_LOG(MM_LOG_WARNING, "descriptors-limited",
           N_("The limit of open files could not be raised to what is configured"),
           MM_UINT("wanted", wanted), MM_UINT("limit", least.rlim_cur),
           MM_STR("reason", g_strerror(reason)));
}

static gboolean
go_into_background(MmServer *server, GError **error)
{
    if (!mm_settings_get_boolean(server->manager, "daemon"))
        return TRUE;
    mm_command_line_make_absolute(server->line);
    if (!mm_daemon_begin(error))
        return FALSE;
    server->daemon = TRUE;
    return TRUE;
}

static gboolean
write_pid_file(MmServer *server, GError **error)
{
    const char *path = mm_settings_get_string(server->manager, "pid-file");
    if (!*path)
        return TRUE;
    server->pid_file = mm_pid_file_new(path, error);
    return server->pid_file != NULL;
}

/* What needs the rights of root, and then without them. */
static gboolean
become_server(MmServer *server, GError **error)
{
    MmIdentity identity;
    if (!mm_privileges_find(server->manager, &identity, error))
        return FALSE;
    raise_descriptors(server->manager);
    gboolean good =
        mm_sockets_open(&server->sockets, server->manager, server->line->root, &identity, error) &&
        go_into_background(server, error) && write_pid_file(server, error) &&
        mm_privileges_drop(&identity, error);
    mm_identity_clear(&identity);
    return good;
}

static gboolean
choose_log(const MmServer *server, GError **error)
{
    const char *target = mm_settings_get_string(server->manager, "log-target");
    int facility = mm_log_facility(mm_settings_get_string(server->manager, "syslog-facility"));
    if (strcmp(target, "auto") == 0)
        target = mm_log_auto_target(server->daemon);
    return mm_log_choose_target(target, facility, error);
}

/* ---- Start: as the one who serves. */

static void
print_problems(const MmProblems *problems)
{
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        g_autofree char *text = mm_problem_to_string(mm_problems_get(problems, i));
        fprintf(stderr, "%s\n", text);
    }
}

static gboolean
build_first(MmServer *server, const MmConfig *config, MmProblems *problems)
{
    server->snapshot = mm_setup_build(&server->setup, config, NULL, problems);
    if (!server->snapshot) {
        print_problems(problems);
        return FALSE;
    }
    mm_server_log_problems(problems, "config-problem");
    const char *file = mm_setup_file(&server->setup);
    if (file && access(file, R_OK) != 0)
        MM_LOG(MM_LOG_WARNING, "config-unreadable",
               N_("The user we run as cannot read the configuration: it cannot be loaded anew"),
               MM_STR("file", file), MM_STR("reason", g_strerror(errno)));
    return TRUE;
}

static guint
team_size(const MmSettings *manager)
{
    guint32 size = mm_settings_get_uint(manager, "workers");
    return size > 0 ? size : g_get_num_processors();
}

static gboolean
start_threads(MmServer *server, GError **error)
{
    server->jobs = mm_jobs_new(JOB_THREADS);
    server->team = mm_team_new(team_size(server->manager), server->control, server->jobs, &team_ops,
                               server, error);
    if (!server->team)
        return FALSE;
    mm_server_show_figures(server);
    mm_team_adopt(server->team, server->snapshot);
    mm_server_limit_sessions(server);
    return TRUE;
}

static gboolean
open_control(MmServer *server, GError **error)
{
    MmSockets *sockets = &server->sockets;
    server->control_socket =
        mm_control_socket_new(mm_worker_reactor(server->control), sockets->control,
                              sockets->control_path, mm_server_verb, server);
    if (!server->control_socket) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s",
                    sockets->control_path ? sockets->control_path : "LISTEN_FDS",
                    g_strerror(errno));
        return FALSE;
    }
    sockets->control = -1;
    g_clear_pointer(&sockets->control_path, g_free);
    return TRUE;
}

static gboolean
open_doors(MmServer *server, GError **error)
{
    MmSockets *sockets = &server->sockets;
    if (!open_control(server, error) || !mm_team_open(server->team, sockets->main, error))
        return FALSE;
    server->main_file = mm_socket_file_new(sockets->main_path);
    sockets->main = -1;
    g_clear_pointer(&sockets->main_path, g_free);
    return TRUE;
}

static void
say_ready(MmServer *server)
{
    const char *spec = mm_settings_get_string(server->manager, "connection-spec");
    g_autofree char *status = g_strdup_printf(_("Serving on %s"), spec);
    mm_server_note_time(&server->started);
    mm_server_note_time(&server->loaded);
    MM_LOG(MM_LOG_NOTICE, "started", N_("Serving"), MM_STR("connection-spec", spec),
           MM_UINT("stages", server->snapshot->instances->len),
           MM_UINT("workers", mm_team_size(server->team)), MM_STR("reactor", mm_reactor_backend()));
    mm_notify_ready(status);
    mm_daemon_ready();
}

static void
count_ready(gpointer data)
{
    MmServer *server = data;
    if (server->team && ++server->ready == mm_team_size(server->team))
        say_ready(server);
}

/* On each worker, behind its taking the configuration. */
static void
tell_ready(MmSessions *sessions, gpointer data)
{
    MmServer *server = data;
    (void)sessions;
    mm_worker_post(server->control, count_ready, server);
}

static void
ask_workers(MmServer *server)
{
    for (guint i = 0; i < mm_team_size(server->team); i++)
        mm_team_run(server->team, i, tell_ready, server);
}

static gboolean
start(MmServer *server, const MmConfig *config, MmProblems *problems, GError **error)
{
    if (!become_server(server, error) || !choose_log(server, error))
        return FALSE;
    server->control = mm_worker_new_here(0, error);
    if (!server->control)
        return FALSE;
    mm_services_set_control(server->control);
    server->setup.control = server->control;
    if (!build_first(server, config, problems) || !start_threads(server, error))
        return FALSE;
    mm_setup_fix(&server->setup, server->manager);
    if (!open_doors(server, error))
        return FALSE;
    catch_signals(server);
    ask_workers(server);
    return TRUE;
}

static gboolean
begin(MmServer *server, GError **error)
{
    g_autoptr(MmProblems) problems = mm_problems_new();
    if (!mm_setup_init(&server->setup, server->line, error))
        return FALSE;
    g_autoptr(MmConfig) config = mm_setup_read(&server->setup, problems);
    if (!config || mm_problems_has_errors(problems)) {
        print_problems(problems);
        return FALSE;
    }
    server->manager = mm_settings_ref(config->manager);
    mm_language_set(mm_settings_get_string(config->manager, "language"));
    mm_server_take_settings(config->manager);
    return start(server, config, problems, error);
}

static void
run(MmServer *server)
{
    static const int numbers[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR2};
    g_main_loop_run(server->loop);
    /* What is left ends by itself: a signal that comes now must not cut it short. */
    for (guint i = 0; i < G_N_ELEMENTS(server->signals); i++) {
        g_source_remove(server->signals[i]);
        signal(numbers[i], SIG_IGN);
    }
    g_main_loop_unref(server->loop);
}

/* ---- End. */

/* Posts of the workers may still be on their way: they are run before what they speak of is gone.
 */
static void
settle(MmServer *server)
{
    while (g_main_context_iteration(mm_worker_context(server->control), FALSE))
        continue;
}

static void
end_serving(MmServer *server)
{
    MmLastResort *resort = mm_last_resort_new(END_SECONDS);
    mm_timer_stop(mm_worker_reactor(server->control), &server->shutdown_limit);
    g_clear_pointer(&server->main_file, mm_socket_file_remove);
    mm_server_hide_figures();
    g_clear_pointer(&server->team, mm_team_free);
    g_clear_pointer(&server->jobs, mm_jobs_free);
    settle(server);
    g_clear_pointer(&server->control_socket, mm_control_socket_free);
    g_clear_pointer(&server->snapshot, mm_snapshot_unref);
    settle(server);
    mm_last_resort_free(resort);
}

static void
finish(MmServer *server)
{
    if (server->control)
        end_serving(server);
    mm_sockets_clear(&server->sockets);
    g_clear_pointer(&server->pid_file, mm_pid_file_free);
    g_clear_pointer(&server->manager, mm_settings_unref);
    mm_setup_clear(&server->setup);
    g_clear_pointer(&server->control, mm_worker_free);
}

int
mm_serve(MmCommandLine *line)
{
    g_autoptr(GError) error = NULL;
    int code = EXIT_FAILURE;
    MmServer server = {.line = line, .sockets = {.main = -1, .control = -1}};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full spool is an error of a write, not the end */
    if (begin(&server, &error)) {
        run(&server);
        code = server.failed ? EXIT_FAILURE : EXIT_SUCCESS;
        MM_LOG(MM_LOG_NOTICE, "stopped", N_("Stopped"),
               MM_UINT("sessions", mm_team_sessions(server.team)));
    }
    if (error)
        fprintf(stderr, "milter-manager: %s\n", error->message);
    finish(&server);
    return code;
}
