/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HUP ten times a second while mail flows: no session fails, and the host grows neither in memory
 * nor in descriptors. MM_TEST_SECONDS says for how long (default 6).
 */
#include "manager.h"
#include "mta.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MTAS 4
#define HUP_MICROSECONDS 100000
#define DEFAULT_SECONDS 6.0

typedef struct Load {
    const Place *place;
    gint stop;     /* atomic */
    gint messages; /* atomic */
} Load;

/* One MTA after the other: a session, a message; each answer is checked. */
static gpointer
send_mail(gpointer data)
{
    Load *load = data;
    while (!g_atomic_int_get(&load->stop)) {
        int fd = mta_open(load->place->socket);
        mta_begin_message(fd);
        g_assert_cmpint(mta_end_message(fd), ==, SMFIR_CONTINUE);
        close(fd);
        g_atomic_int_inc(&load->messages);
    }
    return NULL;
}

static GPid
start_child(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *line =
        g_strdup_printf("%s\n-s\nunix:%s\n--quiet", g_getenv("MILTER_TEST_CLIENT"), path);
    g_auto(GStrv) argv = g_strsplit(line, "\n", -1);
    GPid pid;
    g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                  die_with_parent, NULL, &pid, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 2000 && !g_file_test(path, G_FILE_TEST_EXISTS); i++)
        g_usleep(10000);
    return pid;
}

static guint64
resident(const Manager *manager)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)manager_pid(manager));
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    const char *line = strstr(text, "VmRSS:");
    return line ? g_ascii_strtoull(line + strlen("VmRSS:"), NULL, 10) : 0;
}

static guint
descriptors(const Manager *manager)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)manager_pid(manager));
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint n = 0;
    while (folder && g_dir_read_name(folder))
        n++;
    return n;
}

/* Every second configuration has one stage more. */
static void
write_config(const Place *place, const char *child, gboolean more)
{
    g_autofree char *stages =
        g_strdup_printf("[stages/child]\nplugin='relay'\nconnection-spec='unix:%s'\n%s", child,
                        more ? "[stages/asker]\nplugin='asker'\n" : "");
    place_write(place, "workers=2", stages);
}

static double
duration(void)
{
    const char *asked = g_getenv("MM_TEST_SECONDS");
    return asked ? g_ascii_strtod(asked, NULL) : DEFAULT_SECONDS;
}

/* What is held while nobody calls: standby connections come and go. */
static void
wait_for_descriptors(const Manager *manager, guint most)
{
    gint64 until = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
    while (descriptors(manager) > most && g_get_monotonic_time() < until)
        g_usleep(10000);
    g_assert_cmpuint(descriptors(manager), <=, most);
}

static void
reload_for(Manager *manager, const Place *place, const char *child, double seconds)
{
    gint64 until = g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
    for (guint i = 0; g_get_monotonic_time() < until; i++) {
        write_config(place, child, i % 2 == 0);
        kill(manager_pid(manager), SIGHUP);
        g_usleep(HUP_MICROSECONDS);
    }
}

static void
test_load(void)
{
    Place place;
    GThread *threads[MTAS];
    Load load = {.place = &place};
    place_init(&place);
    g_autofree char *socket = place_file(&place, "child.sock");
    GPid child = start_child(socket);
    write_config(&place, socket, FALSE);
    Manager *manager = manager_start(&place);
    guint descriptors_before = descriptors(manager);
    for (guint i = 0; i < MTAS; i++)
        threads[i] = g_thread_new("mta", send_mail, &load);
    reload_for(manager, &place, socket, duration() / 2);
    guint64 half_way = resident(manager);
    reload_for(manager, &place, socket, duration() / 2);
    guint64 at_end = resident(manager);
    g_atomic_int_set(&load.stop, 1);
    for (guint i = 0; i < MTAS; i++)
        g_thread_join(threads[i]);
    /* An MTA has its answer before the line about it has come here. */
    manager_wait_log(manager, "message: accept", NULL, (guint)g_atomic_int_get(&load.messages));
    guint reloads = manager_count_log(manager, "reloaded:");
    g_test_message("%d messages, %u reloads, %" G_GUINT64_FORMAT " then %" G_GUINT64_FORMAT " kB",
                   g_atomic_int_get(&load.messages), reloads, half_way, at_end);
    g_assert_cmpuint(reloads, >, 10);
    g_assert_cmpint(g_atomic_int_get(&load.messages), >, 100);
    g_assert_cmpuint(manager_count_log(manager, "stage-failed:"), ==, 0);
    g_assert_cmpuint(manager_count_log(manager, "reload-refused:"), ==, 0);
    g_assert_cmpuint(manager_count_log(manager, "message: accept"), ==,
                     (guint)g_atomic_int_get(&load.messages));
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
    g_assert_cmpuint(at_end, <=, half_way + half_way / 5 + 2048);
#endif
    wait_for_descriptors(manager, descriptors_before + 8);
    manager_stop(manager);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    unlink(socket);
    place_clear(&place);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/system/control/load", test_load);
    return g_test_run();
}
