/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-manager: hosts a chain of milters behind one socket. */
#include "base/language.h"
#include "base/standard.h"
#include "chain/services.h"
#include "control/options.h"
#include "control/privileges.h"
#include "control/serve.h"
#include "control/setup.h"
#include "control/status.h"

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

/* As the one who will serve, whose rights decide what detectors and plugins see. Where that one
 * does not exist yet the look is taken as root. */
static gboolean
become_reader(const MmConfig *config, MmProblems *problems, GError **error)
{
    const MmSettings *manager = config->manager;
    g_autoptr(GError) unknown = NULL;
    MmIdentity identity;
    if (mm_privileges_find(manager, &identity, &unknown)) {
        gboolean good = mm_privileges_drop(&identity, error);
        mm_identity_clear(&identity);
        return good;
    }
    const char *key = *mm_settings_get_string(manager, "user") ? "user" : "group";
    if (*mm_settings_get_string(manager, key)) {
        const char *file;
        guint line;
        mm_settings_location(manager, key, &file, &line);
        mm_problems_add(problems, FALSE, file, line, "manager", key, unknown->message, NULL);
    }
    return TRUE;
}

/* --check-config and --show-config. */
static int
look_at_config(MmSetup *setup, const MmConfig *config, gboolean show, MmProblems *problems)
{
    MmSnapshot *snapshot = mm_setup_build(setup, config, NULL, problems);
    int code = print_problems(problems);
    if (snapshot && show) {
        g_autofree char *text = mm_setup_print(setup, snapshot);
        fputs(text, stdout);
    }
    mm_snapshot_unref(snapshot);
    return code;
}

static int
list_plugins(MmSetup *setup, const MmConfig *config)
{
    g_autoptr(GString) out = g_string_new(NULL);
    mm_setup_use_plugin_path(setup, config->manager);
    gboolean good = mm_registry_describe_all(setup->registry, out);
    fputs(out->str, stdout);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
inspect_plugin(const char *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    MmPlugin *plugin = mm_plugin_load(file, &error);
    if (!plugin) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    mm_plugin_describe(plugin, out);
    fputs(out->str, stdout);
    mm_plugin_free(plugin);
    return EXIT_SUCCESS;
}

static int
look_with(MmSetup *setup, const MmConfig *config, MmProblems *problems, GError **error)
{
    if (!become_reader(config, problems, error))
        return EXIT_FAILURE;
    if (setup->line->action == MM_ACTION_LIST_PLUGINS)
        return list_plugins(setup, config);
    setup->control = mm_worker_new_here(0, error);
    if (!setup->control)
        return EXIT_FAILURE;
    mm_services_set_control(setup->control);
    int code =
        look_at_config(setup, config, setup->line->action == MM_ACTION_SHOW_CONFIG, problems);
    g_clear_pointer(&setup->control, mm_worker_free);
    return code;
}

static int
look(const MmCommandLine *line)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MmProblems) problems = mm_problems_new();
    MmSetup setup;
    int code = EXIT_FAILURE;
    if (mm_setup_init(&setup, line, &error)) {
        g_autoptr(MmConfig) config = mm_setup_read(&setup, problems);
        if (config)
            code = look_with(&setup, config, problems, &error);
        else
            code = print_problems(problems);
        mm_setup_clear(&setup);
    }
    if (error)
        fprintf(stderr, "milter-manager: %s\n", error->message);
    return code;
}

static int
act(MmCommandLine *line)
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
    mm_standard_begin();
    mm_language_begin(MM_LOCALE_DIR);
    g_autoptr(GError) error = NULL;
    g_autoptr(MmCommandLine) line = mm_command_line_parse(&argc, &argv, &error);
    if (!line) {
        fprintf(stderr, "milter-manager: %s\n", error->message);
        return EXIT_USAGE;
    }
    int code = act(line);
    return line->action == MM_ACTION_SERVE ? code : mm_standard_end("milter-manager", code);
}
