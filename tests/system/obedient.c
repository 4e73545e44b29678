/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "obedient.h"

#include "host.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct TestObedient {
    char *folder, *spec, *plan, *events;
    const char *const *words;
    TestProcess *process;
    gsize taken; /* bytes of events */
};

/* Waits for the socket of a unix spec; of another, "ready" says it all. */
static gboolean
wait_until_it_serves(TestObedient *child)
{
    const char *path = child->spec + strlen("unix:");
    return test_process_wait_for(child->process, "ready\n", TEST_PATIENCE) &&
           (!g_str_has_prefix(child->spec, "unix:") ||
            test_wait_for_socket(path, child->process, TEST_PATIENCE));
}

static void
start(TestObedient *child)
{
    g_autofree char *program = test_build_file("tests/child/obedient");
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    char *const first[] = {program, child->spec, child->plan, child->events};
    for (guint i = 0; i < G_N_ELEMENTS(first); i++)
        g_ptr_array_add(argv, first[i]);
    for (const char *const *word = child->words; word && *word; word++)
        g_ptr_array_add(argv, (gpointer)(guintptr)*word);
    g_ptr_array_add(argv, NULL);
    if (g_str_has_prefix(child->spec, "unix:"))
        (void)g_unlink(child->spec + strlen("unix:")); /* of one that died */
    child->process = test_process_start((const char *const *)argv->pdata);
    if (!wait_until_it_serves(child))
        test_fail("obedient does not start");
    child->taken = 0;
}

TestObedient *
test_obedient_start_on(const char *spec, const char *const *words)
{
    TestObedient *child = g_new0(TestObedient, 1);
    child->folder = test_folder_new();
    child->spec = spec ? g_strdup(spec) : g_strdup_printf("unix:%s/child.sock", child->folder);
    child->plan = g_build_filename(child->folder, "plan", NULL);
    child->events = g_build_filename(child->folder, "events", NULL);
    child->words = words;
    test_file_write(child->plan, "");
    start(child);
    return child;
}

TestObedient *
test_obedient_start(const char *const *words)
{
    return test_obedient_start_on(NULL, words);
}

const char *
test_obedient_spec(const TestObedient *child)
{
    return child->spec;
}

void
test_obedient_plan(TestObedient *child, const char *plan)
{
    test_file_write(child->plan, plan);
}

/* The event of a line: behind the session's number. */
static const char *
event_of(const char *line)
{
    const char *blank = strchr(line, ' ');
    return blank ? blank + 1 : line;
}

/* Sessions that were begun and not closed. */
static int
count_open(const char *events)
{
    g_auto(GStrv) lines = g_strsplit(events, "\n", -1);
    int open = 0;
    for (char **line = lines; *line; line++) {
        open += g_str_has_prefix(event_of(*line), "connect ") ? 1 : 0;
        open -= strcmp(event_of(*line), "close") == 0 ? 1 : 0;
    }
    return open;
}

static int
compare_numbers(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return atoi(*(const char *const *)a) - atoi(*(const char *const *)b);
}

/* The end of a session may be written down behind the beginning of the next. */
static char *
sort_sessions(const char *events)
{
    g_auto(GStrv) lines = g_strsplit(events, "\n", -1);
    guint n = g_strv_length(lines);
    GString *sorted = g_string_new(NULL);
    if (n > 0)
        g_qsort_with_data(lines, (gint)n - 1, sizeof(*lines), compare_numbers, NULL); /* stable */
    for (guint i = 0; i + 1 < n; i++)
        g_string_append_printf(sorted, "%s\n", event_of(lines[i]));
    return g_string_free(sorted, FALSE);
}

/* Collects its end. */
static void
start_again(TestObedient *child)
{
    int status = test_process_wait(child->process, TEST_PATIENCE);
    if (status != -SIGKILL)
        test_fail("obedient ended with %d", status);
    test_process_stop(child->process);
    start(child);
}

/* Looked at again and again: the last line, "close", comes when it comes. */
char *
test_obedient_events(TestObedient *child)
{
    const gulong pause = 5000;
    gint64 deadline = g_get_monotonic_time() + (gint64)(TEST_PATIENCE * G_USEC_PER_SEC);
    while (g_get_monotonic_time() < deadline) {
        gboolean running = test_process_is_running(child->process);
        g_autofree char *events = NULL;
        g_assert_true(g_file_get_contents(child->events, &events, NULL, NULL));
        const char *fresh = events + child->taken;
        gboolean closed = count_open(fresh) == 0;
        if (closed)
            child->taken = strlen(events);
        else if (!running)
            start_again(child);
        if (closed || !running)
            return sort_sessions(fresh);
        g_usleep(pause);
    }
    test_fail("a session of obedient is not closed");
}

void
test_obedient_restart(TestObedient *child)
{
    test_process_signal(child->process, SIGKILL);
    start_again(child);
}

void
test_obedient_stop(TestObedient *child)
{
    test_process_signal(child->process, SIGKILL);
    test_process_stop(child->process);
    test_folder_remove(child->folder);
    g_free(child->folder);
    g_free(child->spec);
    g_free(child->plan);
    g_free(child->events);
    g_free(child);
}
