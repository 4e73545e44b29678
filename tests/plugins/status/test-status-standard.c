/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <glib/gstdio.h>

/* The sockets are below a folder of the test. */
static void
prepare(MmHarness *harness, gpointer folder)
{
    mm_harness_set_root(harness, folder);
    mm_harness_set(harness, "listen", "'unix:/status.sock'");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *folder = g_dir_make_tmp("mm-status-XXXXXX", NULL);
    mm_harness_standard_cases_prepared(argv[1], prepare, folder);
    int result = g_test_run();
    g_rmdir(folder);
    return result;
}
