/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plugin/loader.h"

#include "base/i18n.h"
#include "base/text.h"
#include "plugin/stage-table.h"

#include <errno.h>
#include <gmodule.h>
#include <libintl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
check_file(const char *file, GError **error)
{
    struct stat status;
    if (stat(file, &status) != 0)
        return refuse(error, MM_PLUGIN_ERROR_FILE, file, g_strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(error, MM_PLUGIN_ERROR_FILE, file, _("a plugin must be a regular file"));
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return refuse(error, MM_PLUGIN_ERROR_FILE, file,
                      _("a plugin must belong to root or to the user we run as"));
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return refuse(error, MM_PLUGIN_ERROR_FILE, file,
                      _("a plugin must not be writable by group or others"));
    return TRUE;
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
    if (!stage || stage->size < offsetof(MilterStage, facts) + sizeof(stage->facts))
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
    return check_strings(plugin, file, error) && check_stage(plugin->stage, file, error);
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

/* NAME.d beside the file: schemas and catalogues, both optional. */
static gboolean
open_companions(MmPlugin *plugin, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(plugin->file);
    g_autofree char *companions = g_strdup_printf("%s/%s.d", directory, plugin->descriptor->name);
    g_autofree char *compiled = g_build_filename(companions, "gschemas.compiled", NULL);
    g_autofree char *locale = g_build_filename(companions, "locale", NULL);
    plugin->schema_id = g_strconcat("milter-manager.plugin.", plugin->descriptor->name, NULL);
    if (plugin->descriptor->text_domain && g_file_test(locale, G_FILE_TEST_IS_DIR)) {
        bindtextdomain(plugin->descriptor->text_domain, locale);
        bind_textdomain_codeset(plugin->descriptor->text_domain, "UTF-8");
    }
    if (!g_file_test(compiled, G_FILE_TEST_EXISTS))
        return TRUE;
    plugin->schemas = mm_schemas_open(companions, error);
    return plugin->schemas != NULL;
}

MmPlugin *
mm_plugin_load(const char *file, GError **error)
{
    g_autofree char *name = mm_plugin_name_of_file(file);
    if (!name) {
        refuse(error, MM_PLUGIN_ERROR_FILE, file, _("a plugin's file is called NAME.so"));
        return NULL;
    }
    if (!check_file(file, error))
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
