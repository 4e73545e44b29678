/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/setup.h"

#include "base/i18n.h"
#include "chain/dns-channel.h"
#include "chain/services.h"
#include "config/print.h"
#include "config/schema.h"
#include "config/settings-private.h"
#include "config/value.h"
#include "control/check.h"
#include "plugin/stage-table.h"

#include <errno.h>
#include <unistd.h>

#define DEFAULT_FILE MM_CONFIG_DIR "/milter-manager.conf"

/* Tests and a tree that is not installed name another folder. */
static const char *
schema_folder(void)
{
    const char *folder = g_getenv("MILTER_MANAGER_SCHEMA_DIR");
    return folder ? folder : MM_SCHEMA_DIR;
}

/* A folder without our schemas would make every configuration look good. */
static gboolean
has_schemas(const MmSchemas *schemas, GError **error)
{
    static const char *const needed[] = {MM_SCHEMA_MANAGER, MM_SCHEMA_STAGE};
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++) {
        GSettingsSchema *schema = mm_schemas_lookup(schemas, needed[i]);
        if (!schema) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                        _("the schemas in %s are not those of milter-manager: %s is missing"),
                        schema_folder(), needed[i]);
            return FALSE;
        }
        g_settings_schema_unref(schema);
    }
    return TRUE;
}

gboolean
mm_setup_init(MmSetup *setup, const MmCommandLine *line, GError **error)
{
    *setup = (MmSetup){.line = line};
    setup->schemas = mm_schemas_open(schema_folder(), error);
    if (!setup->schemas || !has_schemas(setup->schemas, error)) {
        g_clear_pointer(&setup->schemas, mm_schemas_free);
        return FALSE;
    }
    setup->registry = mm_registry_new();
    return TRUE;
}

void
mm_setup_clear(MmSetup *setup)
{
    g_clear_pointer(&setup->schemas, mm_schemas_free);
    g_clear_pointer(&setup->registry, mm_registry_free);
    g_clear_pointer(&setup->fixed, mm_settings_unref);
}

const char *
mm_setup_file(const MmSetup *setup)
{
    if (setup->line->config)
        return setup->line->config;
    /* One that cannot be looked at is not one that is not there. */
    gboolean missing = access(DEFAULT_FILE, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
    return missing ? NULL : DEFAULT_FILE;
}

static void
add_all(GStrvBuilder *path, const char *const *folders)
{
    for (; folders && *folders; folders++)
        g_strv_builder_add(path, *folders);
}

void
mm_setup_use_plugin_path(MmSetup *setup, const MmSettings *manager)
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
check_name_servers(const MmSettings *manager, MmProblems *problems)
{
    const char *const *servers = mm_settings_get_strv(manager, "dns-servers");
    for (; *servers; servers++) {
        if (mm_dns_server_is_valid(*servers))
            continue;
        g_autofree char *text = g_strdup_printf(_("“%s” is no address of a server"), *servers);
        complain(problems, manager, "dns-servers", text,
                 _("ADDRESS, IPV4-ADDRESS:PORT or [ADDRESS]:PORT"));
    }
}

/* What only a restart changes. */
static const char *const restart_keys[] = {
    "connection-spec", "unix-socket-mode", "unix-socket-group", "user",
    "group",           "daemon",           "pid-file",          "workers",
    "language",        "control-socket",   "log-target",        "max-file-descriptors",
    "syslog-facility",
};

static void
keep(MmSettings *manager, const MmSettings *fixed, const char *key, MmProblems *problems)
{
    GVariant *old = mm_settings_get_value(fixed, key);
    GVariant *wanted = mm_settings_get_value(manager, key);
    const char *file;
    guint line;
    if (g_variant_equal(old, wanted))
        return;
    g_autofree char *old_text = mm_value_print(old);
    g_autofree char *text =
        g_strdup_printf(_("a new value takes a restart: %s stays in force"), old_text);
    mm_settings_location(manager, key, &file, &line);
    mm_problems_add(problems, TRUE, file, line, "manager", key, text, NULL);
    mm_settings_location(fixed, key, &file, &line);
    mm_settings_set(manager, key, old, mm_settings_origin(fixed, key), file, line);
}

static void
keep_fixed(MmSettings *manager, const MmSettings *fixed, MmProblems *problems)
{
    for (guint i = 0; i < G_N_ELEMENTS(restart_keys); i++)
        keep(manager, fixed, restart_keys[i], problems);
}

void
mm_setup_fix(MmSetup *setup, MmSettings *manager)
{
    setup->fixed = mm_settings_ref(manager);
}

MmConfig *
mm_setup_read(const MmSetup *setup, MmProblems *problems)
{
    const GArray *overrides = setup->line->overrides;
    MmConfig *config =
        mm_config_read(setup->schemas, mm_setup_file(setup), NULL,
                       (const MmOverride *)(gpointer)overrides->data, overrides->len, problems);
    if (!config)
        return NULL;
    mm_check_manager(config->manager, problems);
    check_name_servers(config->manager, problems);
    if (setup->fixed)
        keep_fixed(config->manager, setup->fixed, problems);
    return config;
}

MmSnapshot *
mm_setup_build(MmSetup *setup, const MmConfig *config, MmSnapshot *predecessor,
               MmProblems *problems)
{
    mm_setup_use_plugin_path(setup, config->manager);
    const MmSnapshotArguments arguments = {.control = setup->control,
                                           .registry = setup->registry,
                                           .schemas = setup->schemas,
                                           .root = setup->line->root,
                                           .host = mm_services(),
                                           .predecessor = predecessor};
    MmSnapshot *snapshot = mm_snapshot_build(&arguments, config, problems);
    if (!snapshot)
        return NULL;
    mm_check_sockets(snapshot, problems);
    if (mm_problems_has_errors(problems))
        g_clear_pointer(&snapshot, mm_snapshot_unref);
    return snapshot;
}

void
mm_setup_load(MmSetup *setup, MmSnapshot *predecessor, MmSnapshot **snapshot, MmProblems *problems)
{
    g_autoptr(MmConfig) config = mm_setup_read(setup, problems);
    *snapshot = config ? mm_setup_build(setup, config, predecessor, problems) : NULL;
}

/* A detector is what its stages were found by: they stand for it. */
static gboolean
is_detector(const MmSetup *setup, const MmSettings *settings)
{
    const char *name = mm_settings_get_string(settings, "plugin");
    const MmPlugin *plugin = mm_registry_get(setup->registry, name, NULL);
    return plugin && MM_STAGE_HAS(plugin->descriptor->stage, expand);
}

static void
print_detector(GString *out, const MmSettings *settings)
{
    g_autoptr(GString) group = g_string_new(NULL);
    mm_config_print_group(group, settings);
    g_auto(GStrv) lines = g_strsplit(group->str, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (*lines[i] && *lines[i] != '#')
            g_string_append_printf(out, "# %s\n", lines[i]);
    }
}

char *
mm_setup_print(const MmSetup *setup, const MmSnapshot *snapshot)
{
    GString *out = g_string_new(NULL);
    mm_config_print_group(out, snapshot->manager);
    for (guint i = 0; i < snapshot->groups->len; i++) {
        const MmSettings *settings = g_ptr_array_index(snapshot->groups, i);
        g_string_append_c(out, '\n');
        if (is_detector(setup, settings))
            print_detector(out, settings);
        else
            mm_config_print_group(out, settings);
    }
    return g_string_free(out, FALSE);
}
