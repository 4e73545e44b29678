/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/setup.h"

#include "base/address.h"
#include "base/control-client.h"
#include "base/i18n.h"
#include "chain/dns-channel.h"
#include "chain/services.h"
#include "config/print.h"

#include <stdlib.h>

#define DEFAULT_FILE MM_CONFIG_DIR "/milter-manager.conf"

/* Tests and a tree that is not installed name another folder. */
static const char *
schema_folder(void)
{
    const char *folder = g_getenv("MILTER_MANAGER_SCHEMA_DIR");
    return folder ? folder : MM_SCHEMA_DIR;
}

gboolean
mm_setup_init(MmSetup *setup, const MmCommandLine *line, MmWorker *control, GError **error)
{
    *setup = (MmSetup){.line = line, .control = control};
    setup->schemas = mm_schemas_open(schema_folder(), error);
    if (!setup->schemas)
        return FALSE;
    setup->registry = mm_registry_new();
    return TRUE;
}

void
mm_setup_clear(MmSetup *setup)
{
    g_clear_pointer(&setup->schemas, mm_schemas_free);
    g_clear_pointer(&setup->registry, mm_registry_free);
}

const char *
mm_setup_file(const MmSetup *setup)
{
    if (setup->line->config)
        return setup->line->config;
    return g_file_test(DEFAULT_FILE, G_FILE_TEST_EXISTS) ? DEFAULT_FILE : NULL;
}

static void
add_all(GStrvBuilder *path, const char *const *folders)
{
    for (; folders && *folders; folders++)
        g_strv_builder_add(path, *folders);
}

static void
set_plugin_path(MmSetup *setup, const MmSettings *manager)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    add_all(builder, (const char *const *)setup->line->plugin_path);
    add_all(builder, mm_settings_get_strv(manager, "plugin-path"));
    g_strv_builder_add(builder, MM_PLUGIN_DIR);
    g_auto(GStrv) path = g_strv_builder_end(builder);
    mm_registry_set_path(setup->registry, (const char *const *)path);
}

static void
complain(MmProblems *problems, const MmSettings *manager, const char *key, const char *text,
         const char *allowed)
{
    const char *file;
    guint line;
    mm_settings_location(manager, key, &file, &line);
    mm_problems_add(problems, FALSE, file, line, "manager", key, text, allowed);
}

static void
check_specs(const MmSettings *manager, MmProblems *problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MmAddress) address =
        mm_address_parse(mm_settings_get_string(manager, "connection-spec"), &error);
    if (!address)
        complain(problems, manager, "connection-spec", error->message, NULL);
    const char *mode = mm_settings_get_string(manager, "unix-socket-mode");
    char *end;
    guint64 bits = g_ascii_strtoull(mode, &end, 8);
    if (!*mode || *end || bits > 0777)
        complain(problems, manager, "unix-socket-mode", _("this is not a mode of a file"),
                 _("three octal digits, as in 0660"));
}

static void
check_name_servers(const MmSettings *manager, MmProblems *problems)
{
    const char *const *servers = mm_settings_get_strv(manager, "dns-servers");
    for (; *servers; servers++) {
        if (mm_dns_server_is_valid(*servers))
            continue;
        g_autofree char *text = g_strdup_printf(_("“%s” is no address of a server"), *servers);
        complain(problems, manager, "dns-servers", text, _("ADDRESS or [ADDRESS]:PORT"));
    }
}

MmConfig *
mm_setup_read(const MmSetup *setup, MmProblems *problems)
{
    const GArray *overrides = setup->line->overrides;
    MmConfig *config =
        mm_config_read(setup->schemas, mm_setup_file(setup), NULL,
                       (const MmOverride *)(gpointer)overrides->data, overrides->len, problems);
    if (config) {
        check_specs(config->manager, problems);
        check_name_servers(config->manager, problems);
    }
    return config;
}

void
mm_setup_load(MmSetup *setup, MmSnapshot *predecessor, MmSnapshot **snapshot, MmProblems *problems)
{
    *snapshot = NULL;
    g_autoptr(MmConfig) config = mm_setup_read(setup, problems);
    if (!config)
        return;
    set_plugin_path(setup, config->manager);
    const MmSnapshotArguments arguments = {.control = setup->control,
                                           .registry = setup->registry,
                                           .schemas = setup->schemas,
                                           .root = setup->line->root,
                                           .host = mm_services(),
                                           .predecessor = predecessor};
    *snapshot = mm_snapshot_build(&arguments, config, problems);
}

char *
mm_setup_print(const MmSnapshot *snapshot)
{
    GString *out = g_string_new(NULL);
    mm_config_print_group(out, snapshot->manager);
    for (guint i = 0; i < snapshot->groups->len; i++) {
        g_string_append_c(out, '\n');
        mm_config_print_group(out, g_ptr_array_index(snapshot->groups, i));
    }
    return g_string_free(out, FALSE);
}

char *
mm_setup_control_path(const MmSettings *manager)
{
    const char *path = mm_settings_get_string(manager, "control-socket");
    if (*path)
        return g_strdup(path);
    g_autoptr(MmAddress) address =
        mm_address_parse(mm_settings_get_string(manager, "connection-spec"), NULL);
    return mm_control_path_beside(address ? address->path : NULL);
}
