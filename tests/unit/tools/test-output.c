/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the tools print to: what is lost is no success, and what is closed is nobody else's. */
#include "tool.h"

#include <string.h>

/* The program of the variable with these words behind it, as the shell has them. */
static int
run_shell(const char *variable, const char *words, char **output)
{
    g_autofree char *program = g_shell_quote(g_getenv(variable));
    g_autofree char *command = g_strdup_printf("exec %s %s", program, words);
    return test_run(OPTIONS("sh", "-c", command), output);
}

static void
expect_lost(const char *variable, const char *words, const char *says)
{
    g_autofree char *output = NULL;
    g_assert_cmpint(run_shell(variable, words, &output), ==, 1);
    if (!strstr(output, says))
        g_error("%s: %s", words, output);
}

static void
test_lost(void)
{
    static const char *const programs[] = {"MM_TEST_SERVER", "MM_TEST_CLIENT"};
    for (guint i = 0; i < G_N_ELEMENTS(programs); i++)
        expect_lost(programs[i], "--version >&-", ": standard output: ");
    if (!g_file_test("/dev/full", G_FILE_TEST_EXISTS)) {
        g_test_skip("there is no /dev/full");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(programs); i++)
        expect_lost(programs[i], "--version >/dev/full", ": standard output: No space left");
}

static void
test_session_lost(void)
{
    Stand stand;
    stand_begin(&stand, NULL);
    g_autofree char *one = g_strdup_printf("-s %s --output-message >&-", stand.spec);
    g_autofree char *load = g_strdup_printf("-s %s --sessions=2 >&-", stand.spec);
    expect_lost("MM_TEST_SERVER", one, "milter-test-server: standard output: ");
    expect_lost("MM_TEST_SERVER", load, "milter-test-server: standard output: ");
    stand_end(&stand);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tools/output/lost", test_lost);
    g_test_add_func("/tools/output/session-lost", test_session_lost);
    return g_test_run();
}
