/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    mm_harness_standard_cases(argv[1], "action", "'reject'", "allow",
                              "['example.net', '/^mx[0-9]/']", NULL);
    return g_test_run();
}
