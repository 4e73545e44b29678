/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"
#include "peer.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct Place {
    char *directory;
    char *path;
    char *spec;
    const char *standby;
} Place;

static void
prepare(MmHarness *harness, gpointer data)
{
    const Place *place = data;
    mm_harness_set(harness, "connection-spec", place->spec);
    mm_harness_set(harness, "standby", place->standby);
    /* The name is not known at once, and nobody is there. */
    mm_harness_name(harness, MILTER_RESOLVE_HOST, "scanner.example", "127.0.0.2", "127.0.0.3",
                    NULL);
    mm_harness_name_delay(harness, MILTER_RESOLVE_HOST, "scanner.example", 0.3);
}

/* Arguments: the plugin, how many connections are kept ready, "present" or "away". */
int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 4);
    Place place = {.directory = g_dir_make_tmp("relay-XXXXXX", &error), .standby = argv[2]};
    g_assert_no_error(error);
    place.path = g_build_filename(place.directory, "child", NULL);
    Child *child = child_new(place.path);
    Peer *deaf = peer_new_deaf(NULL, "127.0.0.2", 0);
    place.spec = strcmp(argv[3], "present") == 0
                     ? g_strconcat("unix:", place.path, NULL)
                     : g_strdup_printf("inet:%u@scanner.example", deaf->port);
    mm_harness_standard_cases_prepared(argv[1], prepare, &place);
    int result = g_test_run();
    child_free(child);
    peer_free(deaf);
    g_rmdir(place.directory);
    g_free(place.spec);
    g_free(place.path);
    g_free(place.directory);
    return result;
}
