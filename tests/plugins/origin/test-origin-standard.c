/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    mm_harness_standard_cases(argv[1], "trusted-domains", "['example.org']", NULL);
    return g_test_run();
}
