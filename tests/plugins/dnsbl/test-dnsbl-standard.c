/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    mm_harness_standard_cases(
        argv[1], "zones", "['a.example.org', 'b.example.org=127.0.0.2', 'c.example.org']", NULL);
    return g_test_run();
}
