/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"
#include "harness.h"

#include <glib/gstdio.h>

typedef struct Place {
    char *directory;
    char *path;
    const char *standby;
} Place;

static void
prepare(MmHarness *harness, gpointer data)
{
    const Place *place = data;
    g_autofree char *spec = g_strconcat("unix:", place->path, NULL);
    mm_harness_set(harness, "connection-spec", spec);
    mm_harness_set(harness, "standby", place->standby);
}

/* Arguments: the plugin, how many connections are kept ready. */
int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 3);
    Place place = {.directory = g_dir_make_tmp("relay-XXXXXX", &error), .standby = argv[2]};
    g_assert_no_error(error);
    place.path = g_build_filename(place.directory, "child", NULL);
    Child *child = child_new(place.path);
    mm_harness_standard_cases_prepared(argv[1], prepare, &place);
    int result = g_test_run();
    child_free(child);
    g_rmdir(place.directory);
    g_free(place.path);
    g_free(place.directory);
    return result;
}
