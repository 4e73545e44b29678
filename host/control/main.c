/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-manager: hosts a chain of milters behind one socket. */
#include "base/i18n.h"
#include "control/options.h"
#include "control/serve.h"
#include "control/setup.h"
#include "control/status.h"

#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE 2

static int
print_problems(const MmProblems *problems)
{
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        g_autofree char *text = mm_problem_to_string(mm_problems_get(problems, i));
        fprintf(stderr, "%s\n", text);
    }
    return mm_problems_has_errors(problems) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --check-config and --show-config. */
static int
look_at_config(MmSetup *setup, gboolean show)
{
    MmSnapshot *snapshot;
    g_autoptr(MmProblems) problems = mm_problems_new();
    mm_setup_load(setup, NULL, &snapshot, problems);
    int code = print_problems(problems);
    if (snapshot && show) {
        g_autofree char *text = mm_setup_print(snapshot);
        fputs(text, stdout);
    }
    mm_snapshot_unref(snapshot);
    return code;
}

static int
list_plugins(MmSetup *setup)
{
    MmSnapshot *snapshot;
    g_autoptr(MmProblems) problems = mm_problems_new();
    g_autoptr(GString) out = g_string_new(NULL);
    mm_setup_load(setup, NULL, &snapshot, problems); /* for plugin-path */
    mm_snapshot_unref(snapshot);
    gboolean good = mm_registry_describe_all(setup->registry, out);
    fputs(out->str, stdout);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
inspect_plugin(const char *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    const MmPlugin *plugin = mm_plugin_load(file, &error);
    if (!plugin) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    mm_plugin_describe(plugin, out);
    fputs(out->str, stdout);
    return EXIT_SUCCESS;
}

static int
look(const MmCommandLine *line)
{
    g_autoptr(GError) error = NULL;
    MmSetup setup;
    MmWorker *control = mm_worker_new_here(0, &error);
    int code = EXIT_FAILURE;
    if (control && mm_setup_init(&setup, line, control, &error)) {
        code = line->action == MM_ACTION_LIST_PLUGINS
                   ? list_plugins(&setup)
                   : look_at_config(&setup, line->action == MM_ACTION_SHOW_CONFIG);
        mm_setup_clear(&setup);
    }
    if (error)
        fprintf(stderr, "milter-manager: %s\n", error->message);
    mm_worker_free(control);
    return code;
}

static int
act(const MmCommandLine *line)
{
    switch (line->action) {
    case MM_ACTION_VERSION:
        printf("milter-manager %s\n", MM_VERSION);
        return EXIT_SUCCESS;
    case MM_ACTION_INSPECT_PLUGIN:
        return inspect_plugin(line->inspect);
    case MM_ACTION_SERVE:
        return mm_serve(line);
    case MM_ACTION_STATUS:
    case MM_ACTION_WATCH:
        return mm_status_show(line, line->action == MM_ACTION_WATCH);
    default:
        return look(line);
    }
}

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    bindtextdomain(GETTEXT_PACKAGE, MM_LOCALE_DIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
    g_autoptr(GError) error = NULL;
    g_autoptr(MmCommandLine) line = mm_command_line_parse(&argc, &argv, &error);
    if (!line) {
        fprintf(stderr, "milter-manager: %s\n", error->message);
        return EXIT_USAGE;
    }
    return act(line);
}
