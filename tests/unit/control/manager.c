/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager.h"

#include "base/control-client.h"

#include <glib/gstdio.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 30.0
/* How often is looked at what tells of no event. */
#define LOOK_MICROSECONDS 5000

/* ---- A place. */

char *
place_file(const Place *place, const char *name)
{
    return g_build_filename(place->folder, name, NULL);
}

void
place_init(Place *place)
{
    g_autoptr(GError) error = NULL;
    place->folder = g_dir_make_tmp("mm-test-XXXXXX", &error);
    g_assert_no_error(error);
    place->config = place_file(place, "milter-manager.conf");
    place->socket = place_file(place, "main.sock");
    place->control = place_file(place, "main-control.sock");
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        remove_tree(entry);
    }
    g_assert_cmpint(g_remove(path), ==, 0);
}

void
place_clear(Place *place)
{
    remove_tree(place->folder);
    g_free(place->folder);
    g_free(place->config);
    g_free(place->socket);
    g_free(place->control);
}

void
place_write(const Place *place, const char *manager, const char *stages)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text =
        g_strdup_printf("[manager]\nconnection-spec='unix:%s'\nunix-socket-group=''\n%s\n%s\n",
                        place->socket, manager ? manager : "", stages ? stages : "");
    g_file_set_contents(place->config, text, -1, &error);
    g_assert_no_error(error);
}

/* ---- Command lines. */

static void
add_program(GPtrArray *words)
{
    g_auto(GStrv) folders = g_strsplit(g_getenv("PLUGIN_PATH"), ":", -1);
    g_ptr_array_add(words, g_strdup(g_getenv("MILTER_MANAGER")));
    g_ptr_array_add(words, g_strdup_printf("--user-name=%s", g_get_user_name()));
    for (guint i = 0; folders[i]; i++)
        g_ptr_array_add(words, g_strdup_printf("--plugin-path=%s", folders[i]));
}

static void
add_words(GPtrArray *words, const char *const *more)
{
    for (; more && *more; more++)
        g_ptr_array_add(words, g_strdup(*more));
}

Ran *
manager_run(const char *option, ...)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    Ran *ran = g_new0(Ran, 1);
    int status;
    va_list options;
    add_program(words);
    va_start(options, option);
    for (; option; option = va_arg(options, const char *))
        g_ptr_array_add(words, g_strdup(option));
    va_end(options);
    g_ptr_array_add(words, NULL);
    g_spawn_sync(NULL, (char **)words->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, &ran->out,
                 &ran->err, &status, &error);
    g_assert_no_error(error);
    ran->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

void
ran_free(Ran *ran)
{
    g_free(ran->out);
    g_free(ran->err);
    g_free(ran);
}

/* ---- A process that serves. */

struct Manager {
    GPid pid;
    FILE *output;
    GThread *reader;
    GMutex lock; /* guards lines and ended */
    GCond changed;
    GPtrArray *lines;
    gboolean ended;
    gboolean reaped;
    int code;
};

static gpointer
read_lines(gpointer data)
{
    Manager *manager = data;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, manager->output) >= 0) {
        g_mutex_lock(&manager->lock);
        g_ptr_array_add(manager->lines, g_strdup(line));
        g_cond_broadcast(&manager->changed);
        g_mutex_unlock(&manager->lock);
    }
    free(line);
    g_mutex_lock(&manager->lock);
    manager->ended = TRUE;
    g_cond_broadcast(&manager->changed);
    g_mutex_unlock(&manager->lock);
    return NULL;
}

void
die_with_parent(gpointer unused)
{
    (void)unused;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

/* In the child: both outputs into one pipe, and a test that aborts leaves nobody behind. */
static void
prepare_child(gpointer data)
{
    dup2(STDOUT_FILENO, STDERR_FILENO);
    die_with_parent(data);
}

static char **
environment_with(const char *const *more)
{
    char **environment = g_get_environ();
    for (; more && *more; more++) {
        g_auto(GStrv) parts = g_strsplit(*more, "=", 2);
        environment = g_environ_setenv(environment, parts[0], parts[1], TRUE);
    }
    return environment;
}

Manager *
manager_spawn(const Place *place, const char *const *wrapper, const char *const *environment,
              const char *const *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) whole = environment_with(environment);
    Manager *manager = g_new0(Manager, 1);
    int output;
    add_words(words, wrapper);
    add_program(words);
    g_ptr_array_add(words, g_strdup_printf("--config=%s", place->config));
    add_words(words, options);
    g_ptr_array_add(words, NULL);
    g_spawn_async_with_pipes(NULL, (char **)words->pdata, whole,
                             G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
                                 G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                             prepare_child, NULL, &manager->pid, NULL, &output, NULL, &error);
    g_assert_no_error(error);
    manager->output = fdopen(output, "r");
    manager->lines = g_ptr_array_new_with_free_func(g_free);
    g_mutex_init(&manager->lock);
    g_cond_init(&manager->changed);
    manager->reader = g_thread_new("log", read_lines, manager);
    return manager;
}

Manager *
manager_start(const Place *place)
{
    static const char *const options[] = {"--no-daemon", "--log-target=stdout", NULL};
    Manager *manager = manager_spawn(place, NULL, NULL, options);
    manager_wait_log(manager, "started:", NULL, 1);
    return manager;
}

GPid
manager_pid(const Manager *manager)
{
    return manager->pid;
}

static guint
count(const Manager *manager, const char *text, const char *second)
{
    guint n = 0;
    for (guint i = 0; i < manager->lines->len; i++) {
        const char *line = g_ptr_array_index(manager->lines, i);
        n += strstr(line, text) && (!second || strstr(line, second));
    }
    return n;
}

static void
give_up(const Manager *manager, const char *text, const char *second)
{
    for (guint i = 0; i < manager->lines->len; i++)
        g_test_message("%s", (const char *)g_ptr_array_index(manager->lines, i));
    g_error("not logged: “%s” with “%s”", text, second ? second : "");
}

void
manager_wait_log(Manager *manager, const char *text, const char *second, guint n)
{
    gint64 until = g_get_monotonic_time() + (gint64)(PATIENCE * G_USEC_PER_SEC);
    g_mutex_lock(&manager->lock);
    while (count(manager, text, second) < n && !manager->ended) {
        if (!g_cond_wait_until(&manager->changed, &manager->lock, until))
            break;
    }
    if (count(manager, text, second) < n)
        give_up(manager, text, second);
    g_mutex_unlock(&manager->lock);
}

guint
manager_count_log(Manager *manager, const char *text)
{
    g_mutex_lock(&manager->lock);
    guint n = count(manager, text, NULL);
    g_mutex_unlock(&manager->lock);
    return n;
}

char *
manager_log(Manager *manager)
{
    GString *text = g_string_new(NULL);
    g_mutex_lock(&manager->lock);
    for (guint i = 0; i < manager->lines->len; i++)
        g_string_append(text, g_ptr_array_index(manager->lines, i));
    g_mutex_unlock(&manager->lock);
    return g_string_free(text, FALSE);
}

int
manager_wait_end(Manager *manager)
{
    int status;
    if (manager->reaped)
        return manager->code;
    g_assert_cmpint(waitpid(manager->pid, &status, 0), ==, manager->pid);
    manager->reaped = TRUE;
    manager->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    g_thread_join(manager->reader);
    return manager->code;
}

void
manager_free(Manager *manager)
{
    if (!manager->reaped)
        kill(manager->pid, SIGKILL);
    manager_wait_end(manager);
    fclose(manager->output);
    g_spawn_close_pid(manager->pid);
    g_ptr_array_unref(manager->lines);
    g_mutex_clear(&manager->lock);
    g_cond_clear(&manager->changed);
    g_free(manager);
}

void
manager_stop(Manager *manager)
{
    kill(manager->pid, SIGTERM);
    g_assert_cmpint(manager_wait_end(manager), ==, 0);
    manager_free(manager);
}

void
manager_reload(Manager *manager, const char *word)
{
    guint before = manager_count_log(manager, word);
    kill(manager->pid, SIGHUP);
    manager_wait_log(manager, word, NULL, before + 1);
}

/* ---- The control socket. */

char *
manager_ask(const Place *place, const char *verb)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MmControlClient) client = mm_control_connect(place->control, PATIENCE, &error);
    g_assert_no_error(error);
    char *answer = mm_control_call(client, verb, NULL, PATIENCE, &error);
    g_assert_no_error(error);
    return answer;
}

void
manager_wait_answer(const Place *place, const char *verb, const char *text)
{
    gint64 until = g_get_monotonic_time() + (gint64)(PATIENCE * G_USEC_PER_SEC);
    for (;;) {
        g_autofree char *answer = manager_ask(place, verb);
        if (strstr(answer, text))
            return;
        if (g_get_monotonic_time() > until)
            g_error("not answered: “%s” but %s", text, answer);
        g_usleep(LOOK_MICROSECONDS);
    }
}
