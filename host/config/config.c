/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/config.h"

#include "base/i18n.h"
#include "base/text.h"
#include "config/keyfile.h"
#include "config/schema.h"
#include "config/settings-private.h"
#include "config/value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define STAGE_PREFIX "stages/"

void
mm_raw_stage_free(gpointer data)
{
    MmRawStage *stage = data;
    g_free(stage->name);
    g_free(stage->file);
    g_ptr_array_unref(stage->keys);
    g_free(stage);
}

MmRawStage *
mm_raw_stage_new(const char *name, const char *file, guint line)
{
    MmRawStage *stage = g_new0(MmRawStage, 1);
    stage->name = g_strdup(name);
    stage->file = g_strdup(file);
    stage->line = line;
    stage->keys = g_ptr_array_new_with_free_func(mm_raw_key_free);
    return stage;
}

void
mm_raw_stage_set(MmRawStage *stage, const char *key, const char *value, const char *origin,
                 const char *file, guint line)
{
    for (guint i = 0; i < stage->keys->len; i++) {
        const MmRawKey *known = g_ptr_array_index(stage->keys, i);
        if (strcmp(known->key, key) == 0) {
            g_ptr_array_remove_index(stage->keys, i);
            break;
        }
    }
    g_ptr_array_add(stage->keys, mm_raw_key_new(key, value, origin, file, line));
}

void
mm_config_free(MmConfig *config)
{
    if (!config)
        return;
    mm_settings_unref(config->manager);
    g_ptr_array_unref(config->stages);
    g_free(config->file);
    g_free(config);
}

const MmRawKey *
mm_raw_stage_find(const MmRawStage *stage, const char *key)
{
    for (guint i = 0; i < stage->keys->len; i++) {
        const MmRawKey *raw = g_ptr_array_index(stage->keys, i);
        if (strcmp(raw->key, key) == 0)
            return raw;
    }
    return NULL;
}

char *
mm_raw_stage_get_string(const MmRawStage *stage, const char *key)
{
    const MmRawKey *raw = mm_raw_stage_find(stage, key);
    if (!raw)
        return NULL;
    g_autofree char *problem = NULL;
    g_autoptr(GVariant) value = mm_value_parse(G_VARIANT_TYPE_STRING, raw->value, &problem);
    return value ? g_variant_dup_string(value, NULL) : NULL;
}

/* ---- A group against its schemas. */

static void
complain(MmProblems *problems, const char *group, const MmRawKey *raw, const char *text,
         const char *allowed)
{
    g_autofree char *with_origin = NULL;
    if (!raw->file)
        with_origin = g_strdup_printf("%s: %s", raw->origin, text);
    mm_problems_add(problems, FALSE, raw->file, raw->line, group, raw->key,
                    with_origin ? with_origin : text, allowed);
}

static void
set_defaults(MmSettings *settings, GSettingsSchema *schema)
{
    g_auto(GStrv) keys = mm_schema_keys(schema);
    for (guint i = 0; keys[i]; i++) {
        GSettingsSchemaKey *key = g_settings_schema_get_key(schema, keys[i]);
        g_autoptr(GVariant) value = g_settings_schema_key_get_default_value(key);
        mm_settings_set(settings, keys[i], value, "default", NULL, 0);
        g_settings_schema_key_unref(key);
    }
}

static void
complain_range(const MmSettings *settings, GSettingsSchemaKey *key, const MmRawKey *raw,
               GVariant *value, const char *allowed, MmProblems *problems)
{
    g_auto(GStrv) choices = mm_schema_choices(key);
    const char *nearest =
        choices && g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)
            ? mm_schema_nearest(g_variant_get_string(value, NULL), (const char *const *)choices)
            : NULL;
    g_autofree char *text =
        nearest ? g_strdup_printf(_("%s is not allowed; did you mean “%s”?"), raw->value, nearest)
                : g_strdup_printf(_("%s is not allowed"), raw->value);
    complain(problems, mm_settings_group(settings), raw, text, allowed);
}

static void
set_value(MmSettings *settings, GSettingsSchema *schema, const MmRawKey *raw, MmProblems *problems)
{
    GSettingsSchemaKey *key = g_settings_schema_get_key(schema, raw->key);
    g_autofree char *problem = NULL;
    g_autofree char *allowed = mm_schema_allowed(key);
    g_autoptr(GVariant) value =
        mm_value_parse(g_settings_schema_key_get_value_type(key), raw->value, &problem);
    if (!value) {
        complain(problems, mm_settings_group(settings), raw, problem, allowed);
    } else if (!g_settings_schema_key_range_check(key, value)) {
        complain_range(settings, key, raw, value, allowed, problems);
    } else {
        mm_settings_set(settings, raw->key, value, raw->origin, raw->file, raw->line);
    }
    g_settings_schema_key_unref(key);
}

static char *
list_keys(const MmSettings *settings)
{
    GString *text = g_string_new(_("one of: "));
    const char *const *keys = mm_settings_keys(settings);
    for (guint i = 0; keys[i]; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", keys[i]);
    return g_string_free(text, FALSE);
}

static void
complain_unknown_key(const MmSettings *settings, const MmRawKey *raw, MmProblems *problems)
{
    const char *nearest = mm_schema_nearest(raw->key, mm_settings_keys(settings));
    g_autofree char *allowed =
        nearest ? g_strdup_printf(_("did you mean “%s”?"), nearest) : list_keys(settings);
    complain(problems, mm_settings_group(settings), raw, _("there is no such key"), allowed);
}

/* second may be NULL. */
static void
fill(MmSettings *settings, GSettingsSchema *first, GSettingsSchema *second, const GPtrArray *keys,
     MmProblems *problems)
{
    for (guint i = 0; i < keys->len; i++) {
        const MmRawKey *raw = g_ptr_array_index(keys, i);
        if (g_settings_schema_has_key(first, raw->key))
            set_value(settings, first, raw, problems);
        else if (second && g_settings_schema_has_key(second, raw->key))
            set_value(settings, second, raw, problems);
        else
            complain_unknown_key(settings, raw, problems);
    }
}

static void
complain_schema(MmProblems *problems, const char *group, const char *id, const char *key,
                const char *why)
{
    g_autofree char *text = g_strdup_printf(_("the plugin's schema %s: %s"), id, why);
    mm_problems_add(problems, FALSE, NULL, 0, group, key, text, NULL);
}

/* A plugin may not redefine what the host says about every stage, nor have what it cannot ask for.
 */
static void
check_schema(GSettingsSchema *host, GSettingsSchema *plugin, const char *id, const char *group,
             MmProblems *problems)
{
    g_auto(GStrv) keys = mm_schema_keys(plugin);
    for (guint i = 0; keys[i]; i++) {
        GSettingsSchemaKey *key = g_settings_schema_get_key(plugin, keys[i]);
        if (g_settings_schema_has_key(host, keys[i]))
            complain_schema(problems, group, id, keys[i], _("every stage has a key of this name"));
        if (!mm_schema_key_is_usable(key))
            complain_schema(problems, group, id, keys[i],
                            _("the key's type is none of s, b, u, t, d, as"));
        g_settings_schema_key_unref(key);
    }
}

MmSettings *
mm_config_bind_stage(MmSchemas *schemas, MmSchemas *plugin_schemas, const char *plugin_schema_id,
                     const MmRawStage *stage, MmProblems *problems)
{
    g_autofree char *group = g_strconcat(STAGE_PREFIX, stage->name, NULL);
    MmSettings *settings = mm_settings_new(group);
    GSettingsSchema *host = mm_schemas_lookup(schemas, MM_SCHEMA_STAGE);
    GSettingsSchema *plugin =
        plugin_schemas ? mm_schemas_lookup(plugin_schemas, plugin_schema_id) : NULL;
    g_return_val_if_fail(host != NULL, settings);
    set_defaults(settings, host);
    if (plugin) {
        check_schema(host, plugin, plugin_schema_id, group, problems);
        set_defaults(settings, plugin);
    }
    fill(settings, host, plugin, stage->keys, problems);
    g_settings_schema_unref(host);
    g_clear_pointer(&plugin, g_settings_schema_unref);
    return settings;
}

/* ---- The file. */

static void
add_stage(MmConfig *config, const MmKeyGroup *group, MmProblems *problems)
{
    const char *name = group->name + strlen(STAGE_PREFIX);
    if (!mm_text_is_name(name)) {
        mm_problems_add(problems, FALSE, config->file, group->line, group->name, NULL,
                        _("this is not the name of a stage"),
                        _("1 to 64 letters, digits, “.”, “_” and “-”"));
        return;
    }
    MmRawStage *stage = mm_raw_stage_new(name, config->file, group->line);
    g_ptr_array_unref(stage->keys);
    stage->keys = g_ptr_array_ref(group->keys);
    g_ptr_array_add(config->stages, stage);
}

static void
complain_unknown_group(const MmConfig *config, const MmKeyGroup *group, MmProblems *problems)
{
    static const char *const known[] = {"manager", NULL};
    const char *nearest = mm_schema_nearest(group->name, known);
    if (g_str_has_prefix(group->name, "stage/") || g_str_has_prefix(group->name, "stages"))
        nearest = STAGE_PREFIX "NAME";
    g_autofree char *allowed = nearest ? g_strdup_printf(_("did you mean [%s]?"), nearest)
                                       : g_strdup(_("[manager] or [stages/NAME]"));
    mm_problems_add(problems, FALSE, config->file, group->line, group->name, NULL,
                    _("there is no such group"), allowed);
}

static void
take_groups(MmConfig *config, GSettingsSchema *schema, const GPtrArray *groups,
            MmProblems *problems)
{
    for (guint i = 0; i < groups->len; i++) {
        const MmKeyGroup *group = g_ptr_array_index(groups, i);
        if (strcmp(group->name, "manager") == 0)
            fill(config->manager, schema, NULL, group->keys, problems);
        else if (g_str_has_prefix(group->name, STAGE_PREFIX))
            add_stage(config, group, problems);
        else
            complain_unknown_group(config, group, problems);
    }
}

/* Bounded: the file may be a pipe, or a device by mistake. */
static GString *
read_file(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    GString *text = g_string_new(NULL);
    char piece[8192];
    ssize_t n = 0;
    while (text->len <= MM_KEYFILE_SIZE_MAX &&
           ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR)))
        g_string_append_len(text, piece, MAX(n, 0));
    int reason = errno;
    gboolean failed = text->len <= MM_KEYFILE_SIZE_MAX && n < 0;
    close(fd);
    errno = reason;
    if (failed)
        g_string_free(g_steal_pointer(&text), TRUE);
    return text;
}

/* NULL: a problem was added. */
static GString *
load(const char *file, MmProblems *problems)
{
    g_autoptr(GString) text = read_file(file);
    if (!text) {
        g_autofree char *why = g_strdup_printf(_("cannot be read: %s"), g_strerror(errno));
        mm_problems_add(problems, FALSE, file, 0, NULL, NULL, why, NULL);
        return NULL;
    }
    if (text->len > MM_KEYFILE_SIZE_MAX) {
        mm_problems_add(problems, FALSE, file, 0, NULL, NULL, _("the file is too large"),
                        _("at most 1 MiB"));
        return NULL;
    }
    return g_steal_pointer(&text);
}

static void
take_overrides(MmConfig *config, GSettingsSchema *schema, const MmOverride *overrides, gsize n,
               MmProblems *problems)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(mm_raw_key_free);
    for (gsize i = 0; i < n; i++)
        g_ptr_array_add(keys, mm_raw_key_new(overrides[i].key, overrides[i].value,
                                             overrides[i].origin, NULL, 0));
    fill(config->manager, schema, NULL, keys, problems);
}

MmConfig *
mm_config_read(MmSchemas *schemas, const char *file, const char *text, const MmOverride *overrides,
               gsize n_overrides, MmProblems *problems)
{
    GSettingsSchema *schema = mm_schemas_lookup(schemas, MM_SCHEMA_MANAGER);
    g_return_val_if_fail(schema != NULL, NULL);
    g_autoptr(GString) loaded = file && !text ? load(file, problems) : g_string_new(text);
    if (!loaded) {
        g_settings_schema_unref(schema);
        return NULL;
    }
    MmConfig *config = g_new0(MmConfig, 1);
    config->file = g_strdup(file);
    config->manager = mm_settings_new("manager");
    config->stages = g_ptr_array_new_with_free_func(mm_raw_stage_free);
    set_defaults(config->manager, schema);
    g_autoptr(GPtrArray) groups =
        mm_keyfile_parse(file ? file : "", loaded->str, loaded->len, problems);
    take_groups(config, schema, groups, problems);
    take_overrides(config, schema, overrides, n_overrides, problems);
    g_settings_schema_unref(schema);
    return config;
}
