/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "obedient.h"

#include "host.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

struct TestObedient {
    char *folder, *spec, *plan, *events;
    gboolean leading_space;
    TestProcess *process;
    gsize taken; /* bytes of events */
};

static void
start(TestObedient *child)
{
    const char *path = child->spec + strlen("unix:");
    g_autofree char *program = test_build_file("tests/child/obedient");
    const char *const argv[] = {program,
                                child->spec,
                                child->plan,
                                child->events,
                                child->leading_space ? "leading-space" : NULL,
                                NULL};
    (void)g_unlink(path); /* of one that died */
    child->process = test_process_start(argv);
    if (!test_process_wait_for(child->process, "ready\n", TEST_PATIENCE) ||
        !test_wait_for_socket(path, child->process, TEST_PATIENCE))
        test_fail("obedient does not start");
    child->taken = 0;
}

TestObedient *
test_obedient_start(gboolean leading_space)
{
    TestObedient *child = g_new0(TestObedient, 1);
    child->folder = test_folder_new();
    child->spec = g_strdup_printf("unix:%s/child.sock", child->folder);
    child->plan = g_build_filename(child->folder, "plan", NULL);
    child->events = g_build_filename(child->folder, "events", NULL);
    child->leading_space = leading_space;
    test_file_write(child->plan, "");
    start(child);
    return child;
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

/* Sessions that were begun and not closed. */
static int
count_open(const char *events)
{
    g_auto(GStrv) lines = g_strsplit(events, "\n", -1);
    int open = 0;
    for (char **line = lines; *line; line++) {
        open += g_str_has_prefix(*line, "connect ") ? 1 : 0;
        open -= strcmp(*line, "close") == 0 ? 1 : 0;
    }
    return open;
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
        char *fresh = g_strdup(events + child->taken);
        gboolean closed = count_open(fresh) == 0;
        if (closed)
            child->taken = strlen(events);
        else if (!running)
            start_again(child);
        if (closed || !running)
            return fresh;
        g_free(fresh);
        g_usleep(pause);
    }
    test_fail("a session of obedient is not closed");
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
