/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include "packet.h"

#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often a number that tells of no event is looked at. */
#define LOOK_MICROSECONDS 2000

struct Host {
    GPid pid;
    char *file;
    FILE *output;
    GThread *reader;
    guint descriptors; /* when it had started */
    GMutex lock;       /* guards lines and ended */
    GCond changed;
    GPtrArray *lines;
    gboolean ended;
};

static gpointer
read_lines(gpointer data)
{
    Host *host = data;
    char *line = NULL;
    size_t size = 0;
    gboolean loud = g_getenv("SCRIPT_VERBOSE") != NULL;
    while (getline(&line, &size, host->output) >= 0) {
        if (loud)
            fprintf(stderr, "# host: %s", line);
        g_mutex_lock(&host->lock);
        g_ptr_array_add(host->lines, g_strdup(line));
        g_cond_broadcast(&host->changed);
        g_mutex_unlock(&host->lock);
    }
    free(line);
    g_mutex_lock(&host->lock);
    host->ended = TRUE;
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
    return NULL;
}

static char **
command_line(const char *file, const char *const *options)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    const char *wrapper = g_getenv("SCRIPT_WRAPPER");
    g_auto(GStrv) words = g_strsplit(wrapper ? wrapper : "", " ", -1);
    g_auto(GStrv) folders = g_strsplit(g_getenv("PLUGIN_PATH"), ":", -1);
    for (guint i = 0; words[i]; i++) {
        if (*words[i])
            g_strv_builder_add(builder, words[i]);
    }
    g_strv_builder_add_many(builder, g_getenv("MILTER_MANAGER"), "-c", file, "--no-daemon",
                            "--log-target=stdout", NULL);
    for (guint i = 0; folders[i]; i++) {
        g_autofree char *option = g_strconcat("--plugin-path=", folders[i], NULL);
        g_strv_builder_add(builder, option);
    }
    for (; options && *options; options++)
        g_strv_builder_add(builder, *options);
    return g_strv_builder_end(builder);
}

static void
write_config(const char *file, const char *config)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(file, config, -1, &error);
    g_assert_no_error(error);
}

/* In the child: a test that aborts leaves no host behind. */
static void
die_with_parent(gpointer data)
{
    (void)data;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

Host *
host_start(const char *directory, const char *config)
{
    return host_start_with(directory, config, NULL);
}

Host *
host_start_with(const char *directory, const char *config, const char *const *options)
{
    g_autoptr(GError) error = NULL;
    Host *host = g_new0(Host, 1);
    int output;
    host->file = g_build_filename(directory, "milter-manager.conf", NULL);
    write_config(host->file, config);
    g_auto(GStrv) arguments = command_line(host->file, options);
    g_spawn_async_with_pipes(directory, arguments, NULL,
                             G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, die_with_parent, NULL,
                             &host->pid, NULL, &output, NULL, &error);
    g_assert_no_error(error);
    host->output = fdopen(output, "r");
    host->lines = g_ptr_array_new_with_free_func(g_free);
    g_mutex_init(&host->lock);
    g_cond_init(&host->changed);
    host->reader = g_thread_new("log", read_lines, host);
    host_wait_log(host, "started:", NULL);
    host->descriptors = host_descriptors(host);
    return host;
}

void
host_stop(Host *host)
{
    int status;
    kill(host->pid, SIGTERM);
    g_assert_cmpint(waitpid(host->pid, &status, 0), ==, host->pid);
    g_thread_join(host->reader);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    fclose(host->output);
    g_spawn_close_pid(host->pid);
    g_ptr_array_unref(host->lines);
    g_mutex_clear(&host->lock);
    g_cond_clear(&host->changed);
    g_free(host->file);
    g_free(host);
}

GPid
host_pid(const Host *host)
{
    return host->pid;
}

/* ---- The log. */

static guint
count(Host *host, const char *text, const char *second)
{
    guint n = 0;
    for (guint i = 0; i < host->lines->len; i++) {
        const char *line = g_ptr_array_index(host->lines, i);
        n += strstr(line, text) && (!second || strstr(line, second));
    }
    return n;
}

static void
wait_until(Host *host, const char *text, const char *second, guint n)
{
    gint64 until = g_get_monotonic_time() + (gint64)(2 * SCRIPT_SECONDS * G_USEC_PER_SEC);
    g_mutex_lock(&host->lock);
    while (count(host, text, second) < n && !host->ended) {
        if (!g_cond_wait_until(&host->changed, &host->lock, until))
            g_error("the host never logged “%s”", text);
    }
    if (count(host, text, second) < n)
        g_error("the host ended without “%s” in its log", text);
    g_mutex_unlock(&host->lock);
}

void
host_wait_log_lines(Host *host, const char *text, guint n)
{
    wait_until(host, text, NULL, n);
}

void
host_wait_log(Host *host, const char *text, const char *second)
{
    wait_until(host, text, second, 1);
}

guint
host_count_log(Host *host, const char *text)
{
    g_mutex_lock(&host->lock);
    guint n = count(host, text, NULL);
    g_mutex_unlock(&host->lock);
    return n;
}

gsize
host_longest_line(Host *host)
{
    gsize longest = 0;
    g_mutex_lock(&host->lock);
    for (guint i = 0; i < host->lines->len; i++)
        longest = MAX(longest, strlen(g_ptr_array_index(host->lines, i)));
    g_mutex_unlock(&host->lock);
    return longest;
}

void
host_reload(Host *host, const char *config)
{
    guint before = host_count_log(host, "reloaded:");
    write_config(host->file, config);
    kill(host->pid, SIGHUP);
    wait_until(host, "reloaded:", NULL, before + 1);
}

/* ---- What the system says of it. */

guint
host_descriptors(const Host *host)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)host->pid);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint n = 0;
    g_assert_nonnull(folder);
    while (g_dir_read_name(folder))
        n++;
    return n;
}

void
host_wait_descriptors(const Host *host)
{
    gint64 until = g_get_monotonic_time() + (gint64)(SCRIPT_SECONDS * G_USEC_PER_SEC);
    while (host_descriptors(host) > host->descriptors && g_get_monotonic_time() < until)
        g_usleep(LOOK_MICROSECONDS);
    g_assert_cmpuint(host_descriptors(host), <=, host->descriptors);
}

guint64
host_memory(const Host *host, const char *field)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)host->pid);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    const char *line = strstr(text, field);
    g_assert_nonnull(line);
    return g_ascii_strtoull(line + strlen(field) + 1, NULL, 10);
}
