/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-test-server: plays the MTA toward a milter. */
#include "tools/server.h"
#include "base/language.h"
#include "base/standard.h"

#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE 2

/* The exit code of the first message that has one of its own; an error beats all. */
static int
exit_code(const GPtrArray *outcomes)
{
    int code = EXIT_SUCCESS;
    for (guint i = 0; i < outcomes->len; i++) {
        const MmOutcome *outcome = g_ptr_array_index(outcomes, i);
        if (outcome->status == MM_STATUS_ERROR)
            return EXIT_FAILURE;
        if (code == EXIT_SUCCESS)
            code = mm_status_exit_code(outcome->status);
    }
    return code;
}

static int
run(const MmServerOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) outcomes = mm_server_session(options, &error);
    if (!outcomes) {
        /* Scripts look for this line: it is the same in every language. */
        g_printerr("Failed to connect to %s: %s\n", options->connection_spec, error->message);
        return EXIT_FAILURE;
    }
    for (guint i = 0; i < outcomes->len; i++) {
        if (i > 0)
            printf("\n");
        mm_server_print(options, g_ptr_array_index(outcomes, i));
    }
    return exit_code(outcomes);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    mm_standard_begin();
    mm_language_begin(MM_LOCALE_DIR);
    MmServerOptions *options = mm_server_options_parse(&argc, &argv, &error);
    if (!options) {
        g_printerr("milter-test-server: %s\n", error->message);
        return EXIT_USAGE;
    }
    int code = options->is_load ? mm_server_load(options) : run(options);
    mm_server_options_free(options);
    return mm_standard_end("milter-test-server", code);
}
