/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct TestProcess {
    char *name;
    GPid pid;
    int output_fd;
    GThread *reader, *waiter;
    GMutex lock;
    GCond changed;
    GString *output;
    gboolean closed; /* its output has ended */
    gboolean ended;
    int status;
};

static GList *processes; /* those that were not stopped */

/* ---- When the test fails. */

/* Bytes of each process's output that are shown. */
#define SHOWN 8000u

void
test_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    for (GList *entry = processes; entry; entry = entry->next) {
        TestProcess *process = entry->data;
        g_autofree char *output = test_process_output(process);
        gsize length = strlen(output);
        g_printerr("---- %s (%d):\n%s\n", process->name, process->pid,
                   output + (length > SHOWN ? length - SHOWN : 0));
    }
    g_printerr("---- %s\n", text);
    g_error("the test cannot go on");
}

static const char guard_script[] =
    "trap '' HUP INT TERM; processes=' ' folders=\n"
    "while read -r verb what; do\n"
    "    case $verb in\n"
    "    start) processes=\"$processes$what \" ;;\n"
    "    stop) processes=${processes%% $what *}' '${processes#* $what } ;;\n"
    "    folder) folders=\"$folders $what\" ;;\n"
    "    esac\n"
    "done\n"
    "for process in $processes; do kill -TERM -\"$process\" 2>/dev/null; done\n"
    "[ \"$processes\" = ' ' ] || sleep 1\n"
    "for process in $processes; do kill -KILL -\"$process\" 2>/dev/null; done\n"
    "rm -rf $folders\n";

static void
lead_session(gpointer data)
{
    (void)data;
    setsid();
}

/* Tells the guard, which is started first if there is none. */
static void
guard(const char *verb, const char *what)
{
    static int pipe_end = -1;
    if (pipe_end < 0) {
        const char *const argv[] = {"/bin/sh", "-c", guard_script, NULL};
        g_auto(GStrv) arguments = g_strdupv((char **)(guintptr)argv);
        g_spawn_async_with_pipes(NULL, arguments, NULL,
                                 G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL |
                                     G_SPAWN_CLOEXEC_PIPES,
                                 lead_session, NULL, NULL, &pipe_end, NULL, NULL, NULL);
        g_assert_cmpint(pipe_end, >=, 0);
    }
    g_autofree char *line = g_strdup_printf("%s %s\n", verb, what);
    g_assert_cmpint(write(pipe_end, line, strlen(line)), ==, strlen(line));
}

static void
guard_process(const char *verb, const TestProcess *process)
{
    g_autofree char *number = g_strdup_printf("%d", process->pid);
    guard(verb, number);
}

/* ---- The two threads. */

static gpointer
read_output(gpointer data)
{
    TestProcess *process = data;
    char piece[4096];
    for (;;) {
        ssize_t n = read(process->output_fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        g_mutex_lock(&process->lock);
        if (n > 0)
            g_string_append_len(process->output, piece, n);
        else
            process->closed = TRUE;
        g_cond_broadcast(&process->changed);
        g_mutex_unlock(&process->lock);
        if (n <= 0)
            return NULL;
    }
}

static gpointer
wait_for_end(gpointer data)
{
    TestProcess *process = data;
    int status;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    g_mutex_lock(&process->lock);
    process->ended = TRUE;
    process->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    g_cond_broadcast(&process->changed);
    g_mutex_unlock(&process->lock);
    return NULL;
}

/* ---- Start and end. */

/* In the new process, before its program: a daemon's group, files that others may open. */
static void
prepare(gpointer data)
{
    int output = *(int *)data;
    setsid();
    umask(0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
}

TestProcess *
test_process_start(const char *const *argv)
{
    g_autoptr(GError) error = NULL;
    int ends[2];
    g_assert_true(g_unix_open_pipe(ends, FD_CLOEXEC, &error));
    TestProcess *process = g_new0(TestProcess, 1);
    process->name = g_path_get_basename(argv[0]);
    process->output = g_string_new(NULL);
    process->output_fd = ends[0];
    g_mutex_init(&process->lock);
    g_cond_init(&process->changed);
    g_auto(GStrv) arguments = g_strdupv((char **)(guintptr)argv);
    g_spawn_async(NULL, arguments, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, prepare,
                  &ends[1], &process->pid, &error);
    g_assert_no_error(error);
    close(ends[1]);
    guard_process("start", process);
    processes = g_list_append(processes, process);
    process->reader = g_thread_new("output", read_output, process);
    process->waiter = g_thread_new("end", wait_for_end, process);
    return process;
}

static gint64
deadline_in(double seconds)
{
    return g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
}

gboolean
test_process_wait_for(TestProcess *process, const char *text, double seconds)
{
    gint64 deadline = deadline_in(seconds);
    gboolean in_time = TRUE;
    gboolean found;
    g_mutex_lock(&process->lock);
    while (!(found = strstr(process->output->str, text) != NULL) && in_time && !process->closed)
        in_time = g_cond_wait_until(&process->changed, &process->lock, deadline);
    g_mutex_unlock(&process->lock);
    return found;
}

gboolean
test_process_wait_more(TestProcess *process, gsize length, double seconds)
{
    gint64 deadline = deadline_in(seconds);
    gboolean in_time = TRUE;
    g_mutex_lock(&process->lock);
    while (process->output->len <= length && in_time && !process->closed)
        in_time = g_cond_wait_until(&process->changed, &process->lock, deadline);
    gboolean grown = process->output->len > length;
    g_mutex_unlock(&process->lock);
    return grown;
}

int
test_process_wait(TestProcess *process, double seconds)
{
    gint64 deadline = deadline_in(seconds);
    gboolean in_time = TRUE;
    g_mutex_lock(&process->lock);
    while (!process->ended && in_time)
        in_time = g_cond_wait_until(&process->changed, &process->lock, deadline);
    int status = process->status;
    gboolean ended = process->ended;
    g_mutex_unlock(&process->lock);
    if (!ended)
        test_fail("%s does not end", process->name);
    return status;
}

gboolean
test_process_is_running(TestProcess *process)
{
    g_mutex_lock(&process->lock);
    gboolean running = !process->ended;
    g_mutex_unlock(&process->lock);
    return running;
}

void
test_process_signal(TestProcess *process, int number)
{
    g_mutex_lock(&process->lock);
    if (!process->ended)
        kill(process->pid, number);
    g_mutex_unlock(&process->lock);
}

char *
test_process_output(TestProcess *process)
{
    g_mutex_lock(&process->lock);
    char *copy = g_strdup(process->output->str);
    g_mutex_unlock(&process->lock);
    return copy;
}

int
test_process_pid(const TestProcess *process)
{
    return process->pid;
}

int
test_process_stop(TestProcess *process)
{
    test_process_signal(process, SIGTERM);
    int status = test_process_wait(process, TEST_PATIENCE);
    (void)kill(-process->pid, SIGKILL);
    guard_process("stop", process);
    processes = g_list_remove(processes, process);
    g_thread_join(process->waiter);
    g_thread_join(process->reader);
    close(process->output_fd);
    g_mutex_clear(&process->lock);
    g_cond_clear(&process->changed);
    g_string_free(process->output, TRUE);
    g_free(process->name);
    g_free(process);
    return status;
}

int
test_run(const char *const *argv, char **output)
{
    return test_run_for(argv, TEST_PATIENCE, output);
}

int
test_run_for(const char *const *argv, double seconds, char **output)
{
    TestProcess *process = test_process_start(argv);
    int status = test_process_wait(process, seconds);
    g_mutex_lock(&process->lock);
    while (!process->closed)
        g_cond_wait(&process->changed, &process->lock);
    g_mutex_unlock(&process->lock);
    if (output)
        *output = test_process_output(process);
    test_process_stop(process);
    return status;
}

/* ---- Folders and files. */

char *
test_folder_new(void)
{
    g_autoptr(GError) error = NULL;
    char *path = g_dir_make_tmp("milter-manager-test-XXXXXX", &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    guard("folder", path);
    return path;
}

void
test_folder_remove(const char *path)
{
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        if (g_file_test(entry, G_FILE_TEST_IS_DIR) && !g_file_test(entry, G_FILE_TEST_IS_SYMLINK))
            test_folder_remove(entry);
        else
            (void)g_unlink(entry);
    }
    if (folder)
        g_dir_close(folder);
    (void)g_rmdir(path);
}

void
test_folder_make(const char *path, guint mode, const char *owner, const char *group)
{
    const struct passwd *user = owner ? getpwnam(owner) : NULL;
    const struct group *entry = group ? getgrnam(group) : NULL;
    g_assert_true((owner == NULL) == (user == NULL));
    g_assert_true((group == NULL) == (entry == NULL));
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    if (user || entry)
        g_assert_cmpint(
            chown(path, user ? user->pw_uid : (uid_t)-1, entry ? entry->gr_gid : (gid_t)-1), ==, 0);
    g_assert_cmpint(g_chmod(path, (int)mode), ==, 0);
}

void
test_file_write(const char *path, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
}

/* ---- Ports. */

static int
open_port(guint port, gboolean listening, guint *bound)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((guint16)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    g_assert_cmpint(fd, >=, 0);
    int failed = listening ? bind(fd, (struct sockaddr *)&address, length)
                           : connect(fd, (struct sockaddr *)&address, length);
    if (!failed && bound && getsockname(fd, (struct sockaddr *)&address, &length) == 0)
        *bound = ntohs(address.sin_port);
    if (!failed)
        return fd;
    close(fd);
    return -1;
}

guint
test_free_port(void)
{
    guint port = 0;
    int fd = open_port(0, TRUE, &port);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return port;
}

gboolean
test_has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    gboolean has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static int
open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_assert_cmpuint(g_strlcpy(address.sun_path, path, sizeof(address.sun_path)), <,
                     sizeof(address.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    g_assert_cmpint(fd, >=, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* path NULL: port. */
static gboolean
wait_for_listener(const char *path, guint port, TestProcess *process, double seconds)
{
    const gulong pause = 10000;
    gint64 deadline = deadline_in(seconds);
    while (g_get_monotonic_time() < deadline) {
        int fd = path ? open_socket(path) : open_port(port, FALSE, NULL);
        if (fd >= 0) {
            close(fd);
            return TRUE;
        }
        if (process && !test_process_is_running(process))
            return FALSE;
        g_usleep(pause);
    }
    return FALSE;
}

gboolean
test_wait_for_port(guint port, TestProcess *process, double seconds)
{
    return wait_for_listener(NULL, port, process, seconds);
}

gboolean
test_wait_for_socket(const char *path, TestProcess *process, double seconds)
{
    return wait_for_listener(path, 0, process, seconds) && g_chmod(path, 0666) == 0;
}

/* ---- What the system has. */

char *
test_find_program(const char *program)
{
    static const char *const folders[] = {"/usr/sbin", "/usr/local/sbin", "/sbin"};
    char *path = g_find_program_in_path(program);
    for (guint i = 0; !path && i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *candidate = g_build_filename(folders[i], program, NULL);
        if (g_file_test(candidate, G_FILE_TEST_IS_EXECUTABLE))
            path = g_steal_pointer(&candidate);
    }
    return path;
}

gboolean
test_skip_unless(const char *program)
{
    if (geteuid() != 0) {
        g_test_skip("must be root, as an MTA's master must be");
        return TRUE;
    }
    g_autofree char *path = program ? test_find_program(program) : NULL;
    if (!program || path)
        return FALSE;
    g_autofree char *why = g_strdup_printf("%s is not installed", program);
    g_test_skip(why);
    return TRUE;
}
