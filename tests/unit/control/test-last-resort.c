/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a host that does not come to one. */
#include "control/last-resort.h"

#include <stdlib.h>

static void
test_called_off(void)
{
    mm_last_resort_free(mm_last_resort_new(3600));
}

static void
test_comes(void)
{
    if (g_test_subprocess()) {
        mm_last_resort_new(0.01);
        for (;;)
            g_usleep(G_USEC_PER_SEC); /* the thread that a plugin holds */
    }
    g_test_trap_subprocess(NULL, 60 * G_USEC_PER_SEC, 0);
    g_test_trap_assert_failed();
    g_assert_false(g_test_trap_reached_timeout());
    g_test_trap_assert_stdout("*end-forced: *");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/last-resort/called-off", test_called_off);
    g_test_add_func("/last-resort/comes", test_comes);
    return g_test_run();
}
