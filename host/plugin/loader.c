/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plugin/loader.h"

#include "base/i18n.h"
#include "base/text.h"
#include "config/schema.h"
#include "plugin/stage-table.h"
#include "plugin/trust.h"

#include <gmodule.h>
#include <libintl.h>
#include <string.h>

G_DEFINE_QUARK(mm - plugin - error - quark, mm_plugin_error)

#define SUFFIX ".so"

char *
mm_plugin_name_of_file(const char *file)
{
    g_autofree char *base = g_path_get_basename(file);
    if (!g_str_has_suffix(base, SUFFIX))
        return NULL;
    base[strlen(base) - strlen(SUFFIX)] = '\0';
    return mm_text_is_name(base) ? g_steal_pointer(&base) : NULL;
}

char *
mm_plugin_symbol_of_name(const char *name)
{
    g_autofree char *word = g_strdelimit(g_strdup(name), "-.", '_');
    return g_strdup_printf("milter_%s_plugin", word);
}

static gboolean
refuse(GError **error, MmPluginError code, const char *file, const char *text)
{
    g_set_error(error, MM_PLUGIN_ERROR, code, "%s: %s", file, text);
    return FALSE;
}

static gboolean
check_strings(const MilterPlugin *plugin, const char *file, GError **error)
{
    if (!plugin->name || !plugin->version || !plugin->license || !plugin->summary)
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file,
                      _("the descriptor lacks name, version, licence or summary"));
    g_autofree char *name = mm_plugin_name_of_file(file);
    if (g_strcmp0(name, plugin->name) == 0)
        return TRUE;
    g_autofree char *text =
        g_strdup_printf(_("the plugin calls itself “%s”: the file must be called %s.so"),
                        plugin->name, plugin->name);
    return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file, text);
}

static gboolean
check_stage(const MilterStage *stage, const char *file, GError **error)
{
    if (!stage)
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file,
                      _("the descriptor names no stage table"));
    if (stage->size < offsetof(MilterStage, facts) + sizeof(stage->facts))
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file, _("the stage table is too small"));
    if (MM_STAGE_HAS(stage, expand) && !MM_STAGE_HAS(stage, configure))
        return TRUE;
    if (!MM_STAGE_HAS(stage, configure) || !MM_STAGE_HAS(stage, discard) ||
        !MM_STAGE_HAS(stage, open) || !MM_STAGE_HAS(stage, close) || !MM_STAGE_HAS(stage, event))
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file,
                      _("the stage table needs configure, discard, open, close and event, or only "
                        "expand"));
    return TRUE;
}

static gboolean
check_facts(const MilterFact *fact, const char *file, GError **error)
{
    for (; fact && (fact->name || fact->name_setting); fact++) {
        if (fact->name && !mm_text_is_name(fact->name))
            return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file,
                          _("a fact's name has other characters than letters, digits, “.”, “_” and "
                            "“-”"));
        if (fact->settled_after >= MILTER_N_EVENTS)
            return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file,
                          _("a fact is settled after an event that does not exist"));
    }
    return TRUE;
}

static gboolean
check_descriptor(const MilterPlugin *plugin, const char *file, GError **error)
{
    if (!plugin)
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file, _("the plugin has no descriptor"));
    if (plugin->abi != MILTER_PLUGIN_ABI) {
        g_autofree char *text = g_strdup_printf(
            _("made for version %u of the plugin interface; this host has version %u"), plugin->abi,
            MILTER_PLUGIN_ABI);
        return refuse(error, MM_PLUGIN_ERROR_ABI, file, text);
    }
    if (plugin->size < offsetof(MilterPlugin, stage) + sizeof(plugin->stage))
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, file, _("the descriptor is too small"));
    return check_strings(plugin, file, error) && check_stage(plugin->stage, file, error) &&
           check_facts(plugin->stage->facts, file, error);
}

static const MilterPlugin *
describe(GModule *module, const char *file, const char *name, GError **error)
{
    g_autofree char *symbol = mm_plugin_symbol_of_name(name);
    gpointer address = NULL;
    if (!g_module_symbol(module, symbol, &address) || !address) {
        g_autofree char *text =
            g_strdup_printf(_("it has no function %s(): it is no milter-manager plugin"), symbol);
        refuse(error, MM_PLUGIN_ERROR_SYMBOL, file, text);
        return NULL;
    }
    MilterPluginFunction function;
    memcpy(&function, &address, sizeof(function));
    const MilterPlugin *plugin = function();
    return check_descriptor(plugin, file, error) ? plugin : NULL;
}

static gboolean
is_text_key(GSettingsSchema *schema, const char *name)
{
    if (!schema || !g_settings_schema_has_key(schema, name))
        return FALSE;
    GSettingsSchemaKey *key = g_settings_schema_get_key(schema, name);
    gboolean good =
        g_variant_type_equal(g_settings_schema_key_get_value_type(key), G_VARIANT_TYPE_STRING);
    g_settings_schema_key_unref(key);
    return good;
}

/* A fact that is named by a key needs that key. */
static gboolean
check_fact_keys(const MmPlugin *plugin, GSettingsSchema *schema, GError **error)
{
    const MilterFact *fact = plugin->descriptor->stage->facts;
    for (; fact && (fact->name || fact->name_setting); fact++) {
        if (fact->name || is_text_key(schema, fact->name_setting))
            continue;
        g_autofree char *text = g_strdup_printf(
            _("a fact is named by the key “%s”, which the schema %s does not have as a text"),
            fact->name_setting, plugin->schema_id);
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, plugin->file, text);
    }
    return TRUE;
}

static gboolean
open_schema(MmPlugin *plugin, const char *companions, const char *compiled, GError **error)
{
    if (!mm_plugin_check_trust(compiled, error))
        return FALSE;
    plugin->schemas = mm_schemas_open(companions, error);
    if (!plugin->schemas)
        return FALSE;
    GSettingsSchema *schema = mm_schemas_lookup(plugin->schemas, plugin->schema_id);
    if (!schema) {
        g_autofree char *text = g_strdup_printf(_("it has no schema %s"), plugin->schema_id);
        return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, compiled, text);
    }
    gboolean good = check_fact_keys(plugin, schema, error);
    g_settings_schema_unref(schema);
    return good;
}

static void
bind_texts(const MmPlugin *plugin, const char *companions)
{
    const char *domain = plugin->descriptor->text_domain;
    g_autofree char *locale = g_build_filename(companions, "locale", NULL);
    if (!domain || strcmp(domain, GETTEXT_PACKAGE) == 0 || !g_file_test(locale, G_FILE_TEST_IS_DIR))
        return;
    bindtextdomain(domain, locale);
    bind_textdomain_codeset(domain, "UTF-8");
}

/* A schema that was written and not compiled would be no keys at all. */
static gboolean
check_compiled(const MmPlugin *plugin, const char *companions, GError **error)
{
    g_autofree char *name = g_strconcat(plugin->schema_id, ".gschema.xml", NULL);
    g_autofree char *source = g_build_filename(companions, name, NULL);
    if (!g_file_test(source, G_FILE_TEST_EXISTS))
        return TRUE;
    g_autofree char *text =
        g_strdup_printf(_("it is not compiled: run “glib-compile-schemas %s”"), companions);
    return refuse(error, MM_PLUGIN_ERROR_DESCRIPTOR, source, text);
}

/* NAME.d beside the file: schemas and catalogues, both optional. */
static gboolean
open_companions(MmPlugin *plugin, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(plugin->file);
    g_autofree char *companions = g_strdup_printf("%s/%s.d", directory, plugin->descriptor->name);
    g_autofree char *compiled = g_build_filename(companions, "gschemas.compiled", NULL);
    plugin->schema_id = g_strconcat("milter-manager.plugin.", plugin->descriptor->name, NULL);
    bind_texts(plugin, companions);
    if (g_file_test(compiled, G_FILE_TEST_EXISTS))
        return open_schema(plugin, companions, compiled, error);
    return check_compiled(plugin, companions, error) && check_fact_keys(plugin, NULL, error);
}

MmPlugin *
mm_plugin_load(const char *given, GError **error)
{
    /* A name without a folder would be looked for where the system's libraries are. */
    g_autofree char *file = g_canonicalize_filename(given, NULL);
    g_autofree char *name = mm_plugin_name_of_file(file);
    if (!name) {
        refuse(error, MM_PLUGIN_ERROR_FILE, file, _("a plugin's file is called NAME.so"));
        return NULL;
    }
    if (!mm_plugin_check_trust(file, error))
        return NULL;
    g_autoptr(GError) cause = NULL;
    GModule *module = g_module_open_full(file, G_MODULE_BIND_LOCAL, &cause);
    if (!module) {
        refuse(error, MM_PLUGIN_ERROR_OPEN, file, cause->message);
        return NULL;
    }
    const MilterPlugin *descriptor = describe(module, file, name, error);
    if (!descriptor) {
        g_module_close(module);
        return NULL;
    }
    g_module_make_resident(module);
    MmPlugin *plugin = g_new0(MmPlugin, 1);
    plugin->file = g_strdup(file);
    plugin->descriptor = descriptor;
    if (open_companions(plugin, error))
        return plugin;
    mm_plugin_free(plugin);
    return NULL;
}

void
mm_plugin_free(MmPlugin *plugin)
{
    if (!plugin)
        return;
    g_clear_pointer(&plugin->schemas, mm_schemas_free);
    g_free(plugin->schema_id);
    g_free(plugin->file);
    g_free(plugin);
}
