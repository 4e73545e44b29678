/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/serve.h"

#include "base/i18n.h"
#include "base/log.h"
#include "chain/services.h"
#include "control/listener.h"
#include "control/privileges.h"
#include "control/server.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_THREADS 4u

/* ---- Sessions. */

void
mm_server_update_pause(MmServer *server)
{
    guint32 most = mm_settings_get_uint(server->snapshot->manager, "max-sessions");
    gboolean full = most > 0 && mm_team_sessions(server->team) >= most;
    if (server->listener)
        mm_listener_set_paused(server->listener, full);
}

static void
accepted(int fd, gpointer data)
{
    MmServer *server = data;
    mm_team_start_session(server->team, fd);
    mm_server_update_pause(server);
}

static void
session_ended(gpointer data)
{
    MmServer *server = data;
    if (!server->stopping)
        mm_server_update_pause(server);
    else if (mm_team_sessions(server->team) == 0)
        g_main_loop_quit(server->loop);
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

static gboolean
reload(gpointer data)
{
    g_autoptr(MmProblems) problems = mm_problems_new();
    mm_server_reload(data, problems);
    return G_SOURCE_CONTINUE;
}

/* ---- Start and end. */

static gboolean
load_first(MmServer *server)
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
listen_for_mta(MmServer *server, uid_t owner, GError **error)
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
        .group = group,
        .owner = owner};
    int fd = mm_listener_bind(&options, error);
    if (fd < 0)
        return FALSE;
    server->listener =
        mm_listener_new(mm_worker_reactor(server->control), fd, address->path, accepted, server);
    return TRUE;
}

static gboolean
listen_for_control(MmServer *server, uid_t owner, GError **error)
{
    g_autofree char *path = mm_setup_control_path(server->snapshot->manager);
    g_autofree char *spec = g_strconcat("unix:", path, NULL);
    g_autoptr(MmAddress) address = mm_address_parse(spec, error);
    if (!address)
        return FALSE;
    const MmListenerOptions options = {.address = address, .mode = 0600, .owner = owner};
    int fd = mm_listener_bind(&options, error);
    if (fd < 0)
        return FALSE;
    server->control_socket =
        mm_control_socket_new(mm_worker_reactor(server->control), fd, path, mm_server_verb, server);
    return TRUE;
}

static guint
team_size(const MmSettings *manager)
{
    guint32 size = mm_settings_get_uint(manager, "workers");
    return size > 0 ? size : g_get_num_processors();
}

/* Before it is said that we serve: who reads that may send one at once. */
static void
catch_signals(MmServer *server)
{
    server->loop = g_main_loop_new(mm_worker_context(server->control), FALSE);
    server->signals[0] = g_unix_signal_add(SIGHUP, reload, server);
    server->signals[1] = g_unix_signal_add(SIGTERM, stop, server);
    server->signals[2] = g_unix_signal_add(SIGINT, stop, server);
}

static gboolean
start(MmServer *server, GError **error)
{
    const MmSettings *manager = server->snapshot->manager;
    mm_server_take_settings(server->snapshot);
    MmIdentity identity;
    if (!mm_privileges_find(manager, &identity, error))
        return FALSE;
    gboolean ready = listen_for_mta(server, identity.uid, error) &&
                     listen_for_control(server, identity.uid, error) &&
                     mm_privileges_drop(&identity, error);
    mm_identity_clear(&identity);
    if (!ready)
        return FALSE;
    server->team = mm_team_new(team_size(manager), server->control, server->jobs, session_ended,
                               server, error);
    if (!server->team)
        return FALSE;
    mm_team_adopt(server->team, server->snapshot);
    server->started = server->loaded = g_get_real_time() / G_USEC_PER_SEC;
    catch_signals(server);
    MM_LOG(MM_LOG_NOTICE, "started", N_("Serving"),
           MM_STR("connection-spec", mm_settings_get_string(manager, "connection-spec")),
           MM_UINT("stages", server->snapshot->instances->len),
           MM_UINT("workers", mm_team_size(server->team)), MM_STR("reactor", mm_reactor_backend()));
    return TRUE;
}

static void
run(MmServer *server)
{
    g_main_loop_run(server->loop);
    for (guint i = 0; i < G_N_ELEMENTS(server->signals); i++)
        g_source_remove(server->signals[i]);
    g_main_loop_unref(server->loop);
}

/* Posts of the workers may still be on their way: they are run before what they speak of is gone.
 */
static void
settle(MmServer *server)
{
    while (g_main_context_iteration(mm_worker_context(server->control), FALSE))
        continue;
}

static void
finish(MmServer *server)
{
    MmReactor *reactor = mm_worker_reactor(server->control);
    mm_timer_stop(reactor, &server->shutdown_limit);
    g_clear_pointer(&server->listener, mm_listener_free);
    g_clear_pointer(&server->team, mm_team_free);
    g_clear_pointer(&server->jobs, mm_jobs_free);
    settle(server);
    g_clear_pointer(&server->control_socket, mm_control_socket_free);
    g_clear_pointer(&server->snapshot, mm_snapshot_unref);
    settle(server);
    mm_setup_clear(&server->setup);
    g_clear_pointer(&server->control, mm_worker_free);
}

int
mm_serve(const MmCommandLine *line)
{
    g_autoptr(GError) error = NULL;
    int code = EXIT_FAILURE;
    MmServer server = {.line = line};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full spool is an error of a write, not the end */
    server.control = mm_worker_new_here(0, &error);
    if (server.control) {
        mm_services_set_control(server.control);
        server.jobs = mm_jobs_new(JOB_THREADS);
        if (mm_setup_init(&server.setup, line, server.control, &error) && load_first(&server) &&
            start(&server, &error)) {
            run(&server);
            code = EXIT_SUCCESS;
            MM_LOG(MM_LOG_NOTICE, "stopped", N_("Stopped"),
                   MM_UINT("sessions", mm_team_sessions(server.team)));
        }
    }
    if (error)
        fprintf(stderr, "milter-manager: %s\n", error->message);
    finish(&server);
    return code;
}
