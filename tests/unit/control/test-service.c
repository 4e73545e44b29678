/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-manager as a service: start, background, signals, limits, the service manager, the end. */
#include "manager.h"
#include "mta.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const foreground[] = {"--no-daemon", "--log-target=stdout", NULL};

static void
set_up(Place *place, gconstpointer data)
{
    (void)data;
    place_init(place);
}

static void
tear_down(Place *place, gconstpointer data)
{
    (void)data;
    place_clear(place);
}

static gboolean
exists(const char *path)
{
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
wait_gone(const char *path)
{
    gint64 until = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
    while (exists(path)) {
        if (g_get_monotonic_time() > until)
            g_error("%s stays", path);
        g_usleep(5000);
    }
}

/* ---- In the background. */

static GPid
pid_in(const char *file)
{
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_assert_true(g_str_has_suffix(text, "\n"));
    return (GPid)g_ascii_strtoll(text, NULL, 10);
}

static Ran *
run_daemon(const Place *place, const char *pid_file)
{
    g_autofree char *option = g_strconcat("--pid-file=", pid_file, NULL);
    return manager_run("-c", place->config, "--daemon", "--log-target=stdout", option, NULL);
}

/* When the command is over it serves. */
static void
test_daemon(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *pid_file = place_file(place, "pid");
    place_write(place, NULL, "[stages/one]\nplugin='asker'\n");
    g_autoptr(Ran) ran = run_daemon(place, pid_file);
    g_assert_cmpint(ran->code, ==, 0);
    g_assert_cmpstr(ran->err, ==, "");
    GPid pid = pid_in(pid_file);
    close(mta_open(place->socket));
    g_assert_cmpint(getsid(pid), ==, pid);
    g_autofree char *status = manager_ask(place, "status");
    g_autofree char *member = g_strdup_printf("\"pid\":%d,", (int)pid);
    g_assert_nonnull(strstr(status, member));
    g_autofree char *cwd = g_strdup_printf("/proc/%d/cwd", (int)pid);
    g_autofree char *root = g_file_read_link(cwd, NULL);
    if (root) /* Linux */
        g_assert_cmpstr(root, ==, "/");
    g_assert_cmpint(kill(pid, SIGTERM), ==, 0);
    wait_gone(pid_file);
    g_assert_false(exists(place->socket));
    g_assert_false(exists(place->control));
}

/* Paths on the command line go on to mean the same. */
static void
test_daemon_relative(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *pid_file = place_file(place, "pid");
    g_autofree char *here = g_get_current_dir();
    place_write(place, NULL, NULL);
    g_assert_cmpint(g_chdir(place->folder), ==, 0);
    g_autoptr(Ran) ran = manager_run("-c", "milter-manager.conf", "--daemon", "--log-target=stdout",
                                     "--pid-file=pid", NULL);
    g_assert_cmpint(g_chdir(here), ==, 0);
    g_assert_cmpint(ran->code, ==, 0);
    GPid pid = pid_in(pid_file);
    g_autofree char *answer = manager_ask(place, "reload");
    g_assert_nonnull(strstr(answer, place->config));
    kill(pid, SIGTERM);
    wait_gone(pid_file);
}

/* What goes wrong behind the parent's back is its error. */
static void
test_daemon_fails(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *pid_file = place_file(place, "no-such-folder/pid");
    place_write(place, NULL, NULL);
    g_autoptr(Ran) ran = run_daemon(place, pid_file);
    g_assert_cmpint(ran->code, ==, 1);
    g_assert_nonnull(strstr(ran->err, pid_file));
    g_assert_false(exists(place->socket));
    g_assert_false(exists(place->control));
}

static void
test_pid_file(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *pid_file = place_file(place, "pid");
    g_autofree char *target = place_file(place, "precious");
    place_write(place, NULL, NULL);
    /* Of a host that died. */
    g_assert_true(g_file_set_contents(pid_file, "1234567890123\n", -1, NULL));
    g_autoptr(Ran) first = run_daemon(place, pid_file);
    g_assert_cmpint(first->code, ==, 0);
    GPid pid = pid_in(pid_file);
    /* Of one that lives: with other sockets, so that only the file stands in the way. */
    g_autofree char *spec = g_strdup_printf("--connection-spec=unix:%s/other.sock", place->folder);
    g_autofree char *option = g_strconcat("--pid-file=", pid_file, NULL);
    g_autoptr(Ran) second = manager_run("-c", place->config, spec, "--daemon", option, NULL);
    g_assert_cmpint(second->code, ==, 1);
    g_assert_nonnull(strstr(second->err, pid_file));
    g_assert_cmpint(pid_in(pid_file), ==, pid);
    kill(pid, SIGTERM);
    wait_gone(pid_file);
    /* A link is not followed: a file somewhere else would be overwritten. */
    g_assert_true(g_file_set_contents(target, "x", -1, NULL));
    g_assert_cmpint(symlink(target, pid_file), ==, 0);
    g_autoptr(Ran) third = run_daemon(place, pid_file);
    g_assert_cmpint(third->code, ==, 1);
    g_assert_cmpint(unlink(pid_file), ==, 0);
    g_assert_cmpint(link(target, pid_file), ==, 0);
    g_autoptr(Ran) fourth = run_daemon(place, pid_file);
    g_assert_cmpint(fourth->code, ==, 1);
    g_autofree char *kept = NULL;
    g_assert_true(g_file_get_contents(target, &kept, NULL, NULL));
    g_assert_cmpstr(kept, ==, "x");
}

/* ---- Sockets. */

static void
test_sockets(Place *place, gconstpointer data)
{
    (void)data;
    struct stat status;
    place_write(place, "unix-socket-mode='0620'", NULL);
    Manager *manager = manager_start(place);
    g_assert_cmpint(stat(place->socket, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0620);
    g_assert_cmpint(stat(place->control, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    /* A second host there is refused, and takes nothing away from the first. */
    g_autoptr(Ran) second = manager_run("-c", place->config, "--no-daemon", NULL);
    g_assert_cmpint(second->code, ==, 1);
    g_assert_nonnull(strstr(second->err, place->socket));
    close(mta_open(place->socket));
    /* Killed: what it leaves behind is in nobody's way. */
    kill(manager_pid(manager), SIGKILL);
    g_assert_cmpint(manager_wait_end(manager), ==, -1);
    manager_free(manager);
    g_assert_true(exists(place->socket));
    manager = manager_start(place);
    close(mta_open(place->socket));
    manager_stop(manager);
    g_assert_false(exists(place->socket));
    g_assert_false(exists(place->control));
}

/* --root: the sockets lie in the tree. */
static void
test_root(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *root = g_strconcat("--root=", place->folder, NULL);
    g_autofree char *run = place_file(place, "run");
    g_autofree char *main_socket = place_file(place, "run/mm/m.sock");
    g_autofree char *control = place_file(place, "run/mm/m-control.sock");
    const char *const options[] = {"--no-daemon", "--log-target=stdout", root,
                                   "--connection-spec=unix:/run/mm/m.sock", NULL};
    g_assert_cmpint(g_mkdir(run, 0755), ==, 0);
    place_write(place, NULL, NULL);
    Manager *manager = manager_spawn(place, NULL, NULL, options);
    manager_wait_log(manager, "started:", "connection-spec=unix:/run/mm/m.sock", 1);
    close(mta_open(main_socket));
    g_assert_true(exists(control));
    g_autoptr(Ran) ran = manager_run("-c", place->config, root, options[3], "--status", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    manager_stop(manager);
    g_assert_false(exists(main_socket));
}

/* ---- The service manager. */

static int
notify_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (const struct sockaddr *)(gpointer)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), ==, 0);
    return fd;
}

static void
expect_notice(int fd, const char *first, const char *second)
{
    char text[512];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
    g_assert_cmpint(n, >, 0);
    text[n] = '\0';
    g_assert_nonnull(strstr(text, first));
    g_assert_nonnull(strstr(text, second));
}

static void
test_notify(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *path = place_file(place, "notify");
    g_autofree char *variable = g_strconcat("NOTIFY_SOCKET=", path, NULL);
    const char *const environment[] = {variable, NULL};
    int fd = notify_socket(path);
    place_write(place, NULL, NULL);
    Manager *manager = manager_spawn(place, NULL, environment, foreground);
    expect_notice(fd, "READY=1", "STATUS=");
    kill(manager_pid(manager), SIGHUP);
    gint64 before = g_get_monotonic_time();
    expect_notice(fd, "RELOADING=1", "MONOTONIC_USEC=");
    expect_notice(fd, "READY=1", "STATUS=");
    g_assert_cmpint(g_get_monotonic_time(), >=, before);
    place_write(place, "no-such-key=1", NULL);
    kill(manager_pid(manager), SIGHUP);
    expect_notice(fd, "RELOADING=1", "MONOTONIC_USEC=");
    expect_notice(fd, "READY=1", "refused");
    kill(manager_pid(manager), SIGTERM);
    expect_notice(fd, "STOPPING=1", "");
    g_assert_cmpint(manager_wait_end(manager), ==, 0);
    manager_free(manager);
    close(fd);
}

/* A number that a shell can redirect. */
static int
listening_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int first = socket(AF_UNIX, SOCK_STREAM, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(first, (const struct sockaddr *)(gpointer)&address, sizeof(address)), ==,
                    0);
    g_assert_cmpint(listen(first, 5), ==, 0);
    int fd = fcntl(first, F_DUPFD, 4);
    g_assert_cmpint(fd, <=, 9);
    close(first);
    return fd;
}

static void
test_activation(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *path = place_file(place, "activated");
    int fd = listening_socket(path);
    g_autofree char *script =
        g_strdup_printf("exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"", fd);
    const char *const wrapper[] = {"/bin/sh", "-c", script, "sh", NULL};
    place_write(place, NULL, NULL);
    Manager *manager = manager_spawn(place, wrapper, NULL, foreground);
    int session = mta_open(path);
    close(session);
    g_assert_false(exists(place->socket));
    g_assert_true(exists(place->control));
    manager_wait_log(manager, "started:", NULL, 1);
    manager_stop(manager);
    g_assert_true(exists(path)); /* not ours to remove */
    close(fd);
}

static void
test_activation_refused(Place *place, gconstpointer data)
{
    (void)data;
    const char *const wrapper[] = {
        "/bin/sh", "-c", "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"", "sh", NULL};
    place_write(place, NULL, NULL);
    Manager *manager = manager_spawn(place, wrapper, NULL, foreground);
    g_assert_cmpint(manager_wait_end(manager), ==, 1);
    g_assert_cmpuint(manager_count_log(manager, "LISTEN_FDS"), ==, 1);
    manager_free(manager);
}

/* ---- Limits. */

static void
test_descriptors(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "max-file-descriptors=777", NULL);
    Manager *manager = manager_start(place);
    g_autofree char *path = g_strdup_printf("/proc/%d/limits", (int)manager_pid(manager));
    g_autofree char *text = NULL;
    if (g_file_get_contents(path, &text, NULL, NULL)) {
        const char *line = strstr(text, "Max open files");
        g_assert_nonnull(line);
        g_assert_cmpuint(g_ascii_strtoull(line + strlen("Max open files"), NULL, 10), ==, 777);
    } else {
        g_test_skip("no /proc/PID/limits");
    }
    manager_stop(manager);
}

/* With all places taken the next MTA waits in the queue, and gets the place that becomes free. */
static void
test_max_sessions(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "max-sessions=2", NULL);
    Manager *manager = manager_start(place);
    int first = mta_open(place->socket);
    int second = mta_open(place->socket);
    int third = mta_connect(place->socket);
    manager_wait_answer(place, "status", "\"now\":2,\"total\":2");
    close(first);
    manager_wait_answer(place, "status", "\"now\":2,\"total\":3");
    close(second);
    close(third);
    manager_wait_answer(place, "status", "\"now\":0,\"total\":3");
    /* More room by a reload. */
    place_write(place, "max-sessions=1", NULL);
    manager_reload(manager, "reloaded:");
    first = mta_open(place->socket);
    second = mta_connect(place->socket);
    manager_wait_answer(place, "status", "\"now\":1,\"total\":4");
    place_write(place, "max-sessions=0", NULL);
    manager_reload(manager, "reloaded:");
    manager_wait_answer(place, "status", "\"now\":2,\"total\":5");
    close(first);
    close(second);
    manager_stop(manager);
}

/* FALSE: a system where a running process keeps its limit. */
static gboolean
take_descriptors(const Manager *manager, rlim_t leave)
{
#ifdef __linux__
    const struct rlimit limit = {leave, leave};
    g_assert_cmpint(prlimit(manager_pid(manager), RLIMIT_NOFILE, &limit, NULL), ==, 0);
    return TRUE;
#else
    (void)manager;
    (void)leave;
    return FALSE;
#endif
}

/* Fewer descriptors than the host was started with: those that wait are served when others have
 * gone. */
static void
test_out_of_descriptors(Place *place, gconstpointer data)
{
    (void)data;
    enum { MANY = 60, STAY = 5 };
    int fds[MANY];
    place_write(place, "workers=1", NULL);
    Manager *manager = manager_start(place);
    if (!take_descriptors(manager, 40)) {
        g_test_skip("no prlimit");
        manager_stop(manager);
        return;
    }
    for (guint i = 0; i < MANY; i++)
        fds[i] = mta_connect(place->socket);
    manager_wait_log(manager, "accept-paused:", NULL, 1);
    for (guint i = 0; i < MANY - STAY; i++)
        close(fds[i]);
    close(mta_open(place->socket));
    for (guint i = MANY - STAY; i < MANY; i++)
        close(fds[i]);
    manager_wait_answer(place, "status", "\"now\":0,");
    manager_stop(manager);
}

/* ---- Workers. */

/* Few sessions stay together, many are spread. */
static void
test_spread(Place *place, gconstpointer data)
{
    (void)data;
    enum { FEW = 8, MANY = 100 };
    int fds[MANY];
    place_write(place, "workers=2", "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_start(place);
    for (guint i = 0; i < FEW; i++)
        fds[i] = mta_open(place->socket);
    manager_wait_answer(place, "one.spread", "{\"workers\":1}");
    for (guint i = FEW; i < MANY; i++)
        fds[i] = mta_open(place->socket);
    manager_wait_answer(place, "one.spread", "{\"workers\":2}");
    manager_wait_answer(place, "status", "\"now\":100,\"total\":100");
    for (guint i = 0; i < MANY; i++)
        close(fds[i]);
    manager_wait_answer(place, "status", "\"now\":0,");
    manager_stop(manager);
}

/* A plugin holds up the worker that accepts: the next MTA is served by another one, and the first
 * goes on when the plugin returns. */
static void
test_blocked(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *hold = place_file(place, "hold");
    g_autofree char *variable = g_strconcat("ASKER_HOLD=", hold, NULL);
    const char *const environment[] = {variable, NULL};
    g_assert_cmpint(mkfifo(hold, 0600), ==, 0);
    place_write(place, "workers=2", "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_spawn(place, NULL, environment, foreground);
    manager_wait_log(manager, "started:", NULL, 1);
    int held = mta_open(place->socket);
    mta_begin_helo(held);
    manager_wait_log(manager, "asker-held:", NULL, 1);
    int next = mta_open(place->socket);
    manager_wait_log(manager, "worker-blocked:", "worker=0", 1);
    int gate = open(hold, O_WRONLY);
    g_assert_cmpint(gate, >=, 0);
    mta_end_helo(held);
    close(held);
    close(next);
    manager_wait_answer(place, "status", "\"now\":0,");
    close(gate);
    manager_stop(manager);
    g_unlink(hold);
}

/* ---- Signals. */

static void
test_statistics(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, NULL, "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_start(place);
    int session = mta_open(place->socket);
    mta_begin_message(session);
    g_assert_cmpint(mta_end_message(session), ==, SMFIR_CONTINUE);
    kill(manager_pid(manager), SIGUSR2);
    manager_wait_log(manager, "statistics:", "name=sessions.total count=1)", 1);
    manager_wait_log(manager, "statistics:", "name=messages.accept count=1)", 1);
    manager_wait_log(manager, "statistics:", "name=one.asked count=6)", 1);
    manager_wait_log(manager, "statistics:", "name=one.answered count=6 p50=0.001", 1);
    close(session);
    manager_stop(manager);
}

/* A message that is under way is finished; no new one is taken. */
static void
test_drain(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, NULL, NULL);
    Manager *manager = manager_start(place);
    int busy = mta_open(place->socket);
    int idle = mta_open(place->socket);
    mta_begin_message(busy);
    kill(manager_pid(manager), SIGINT);
    mta_wait_closed(idle);
    g_assert_false(exists(place->socket));
    g_assert_cmpint(mta_end_message(busy), ==, SMFIR_CONTINUE);
    mta_wait_closed(busy);
    g_assert_cmpint(manager_wait_end(manager), ==, 0);
    g_assert_cmpuint(manager_count_log(manager, "shutdown-forced:"), ==, 0);
    g_assert_cmpuint(manager_count_log(manager, "stopped:"), ==, 1);
    manager_free(manager);
}

static void
test_drain_limit(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "shutdown-timeout=0.2", NULL);
    Manager *manager = manager_start(place);
    int busy = mta_open(place->socket);
    mta_begin_message(busy);
    kill(manager_pid(manager), SIGTERM);
    g_assert_cmpint(manager_wait_end(manager), ==, 0);
    g_assert_cmpuint(manager_count_log(manager, "shutdown-forced:"), ==, 1);
    mta_wait_closed(busy);
    manager_free(manager);
}

/* Asked twice it waits no longer. */
static void
test_drain_twice(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "shutdown-timeout=3600.0", NULL);
    Manager *manager = manager_start(place);
    int busy = mta_open(place->socket);
    mta_begin_message(busy);
    kill(manager_pid(manager), SIGTERM);
    manager_wait_log(manager, "stopping:", NULL, 1);
    kill(manager_pid(manager), SIGTERM);
    g_assert_cmpint(manager_wait_end(manager), ==, 0);
    close(busy);
    manager_free(manager);
}

/* A request that comes when the workers are gone already. */
static void
test_ask_at_the_end(Place *place, gconstpointer data)
{
    static const char request[] = "{\"verb\":\"status\"}\n";
    (void)data;
    char answer[256] = "";
    g_autofree char *gate = place_file(place, "gate");
    g_autofree char *variable = g_strconcat("ASKER_GATE=", gate, NULL);
    const char *const environment[] = {variable, NULL};
    g_assert_cmpint(mkfifo(gate, 0600), ==, 0);
    place_write(place, "workers=1", "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_spawn(place, NULL, environment, foreground);
    manager_wait_log(manager, "started:", NULL, 1);
    kill(manager_pid(manager), SIGTERM);
    manager_wait_log(manager, "stopped:", NULL, 1);
    int fd = mta_connect(place->control);
    g_assert_cmpint(write(fd, request, strlen(request)), ==, strlen(request));
    close(open(gate, O_WRONLY));
    g_assert_cmpint(recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL), >, 0);
    g_assert_true(g_str_has_prefix(answer, "{\"ok\":false,"));
    close(fd);
    g_assert_cmpint(manager_wait_end(manager), ==, 0);
    manager_free(manager);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/control/service/" name, Place, NULL, set_up, function, tear_down)
    ADD("daemon", test_daemon);
    ADD("daemon-relative", test_daemon_relative);
    ADD("daemon-fails", test_daemon_fails);
    ADD("pid-file", test_pid_file);
    ADD("sockets", test_sockets);
    ADD("root", test_root);
    ADD("notify", test_notify);
    ADD("activation", test_activation);
    ADD("activation-refused", test_activation_refused);
    ADD("descriptors", test_descriptors);
    ADD("max-sessions", test_max_sessions);
    ADD("spread", test_spread);
    ADD("blocked", test_blocked);
    ADD("out-of-descriptors", test_out_of_descriptors);
    ADD("statistics", test_statistics);
    ADD("drain", test_drain);
    ADD("drain-limit", test_drain_limit);
    ADD("drain-twice", test_drain_twice);
    ADD("ask-at-the-end", test_ask_at_the_end);
    return g_test_run();
}
