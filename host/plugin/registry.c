/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plugin/registry.h"

#include "base/i18n.h"
#include "base/text.h"
#include "config/schema.h"

#include <libintl.h>

struct MmRegistry {
    char **path;
    GHashTable *plugins; /* by file */
};

MmRegistry *
mm_registry_new(void)
{
    MmRegistry *registry = g_new0(MmRegistry, 1);
    registry->path = g_new0(char *, 1);
    registry->plugins =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)mm_plugin_free);
    return registry;
}

void
mm_registry_free(MmRegistry *registry)
{
    if (!registry)
        return;
    g_strfreev(registry->path);
    g_hash_table_unref(registry->plugins);
    g_free(registry);
}

void
mm_registry_set_path(MmRegistry *registry, const char *const *directories)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (; *directories; directories++) {
        /* As a plugin's file is named, or one that is loaded would not be found again. */
        g_autofree char *whole = g_canonicalize_filename(*directories, NULL);
        g_strv_builder_add(builder, whole);
    }
    g_strfreev(registry->path);
    registry->path = g_strv_builder_end(builder);
}

static char *
find_file(MmRegistry *registry, const char *name)
{
    g_autofree char *base = g_strconcat(name, ".so", NULL);
    if (!mm_text_is_name(name)) /* it may come from a file, and must not lead elsewhere */
        return NULL;
    for (char **directory = registry->path; *directory; directory++) {
        g_autofree char *file = g_build_filename(*directory, base, NULL);
        if (g_file_test(file, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&file);
    }
    return NULL;
}

static void
complain_unknown(MmRegistry *registry, const char *name, GError **error)
{
    g_auto(GStrv) names = mm_registry_names(registry);
    const char *nearest = mm_schema_nearest(name, (const char *const *)names);
    g_autofree char *path = g_strjoinv(":", registry->path);
    if (nearest)
        g_set_error(error, MM_PLUGIN_ERROR, MM_PLUGIN_ERROR_FILE,
                    _("there is no plugin “%s” in %s; did you mean “%s”?"), name, path, nearest);
    else
        g_set_error(error, MM_PLUGIN_ERROR, MM_PLUGIN_ERROR_FILE,
                    _("there is no plugin “%s” in %s"), name, path);
}

static const MmPlugin *
load(MmRegistry *registry, const char *file, GError **error)
{
    MmPlugin *plugin = g_hash_table_lookup(registry->plugins, file);
    if (plugin)
        return plugin;
    plugin = mm_plugin_load(file, error);
    if (plugin)
        g_hash_table_insert(registry->plugins, plugin->file, plugin);
    return plugin;
}

const MmPlugin *
mm_registry_get(MmRegistry *registry, const char *name, GError **error)
{
    g_autofree char *file = find_file(registry, name);
    if (file)
        return load(registry, file, error);
    complain_unknown(registry, name, error);
    return NULL;
}

static void
add_names(GTree *names, const char *directory)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        char *name = mm_plugin_name_of_file(entry);
        if (name)
            g_tree_replace(names, name, name);
    }
    if (dir)
        g_dir_close(dir);
}

static gint
compare(gconstpointer a, gconstpointer b, gpointer unused)
{
    (void)unused;
    return g_strcmp0(a, b);
}

static gboolean
take_name(gpointer key, gpointer value, gpointer data)
{
    (void)value;
    g_ptr_array_add(data, g_strdup(key));
    return FALSE;
}

char **
mm_registry_names(MmRegistry *registry)
{
    g_autoptr(GTree) names = g_tree_new_full(compare, NULL, g_free, NULL);
    for (char **directory = registry->path; *directory; directory++)
        add_names(names, *directory);
    GPtrArray *list = g_ptr_array_new();
    g_tree_foreach(names, take_name, list);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

gboolean
mm_registry_describe_all(MmRegistry *registry, GString *out)
{
    g_auto(GStrv) names = mm_registry_names(registry);
    gboolean good = TRUE;
    for (guint i = 0; names[i]; i++) {
        g_autoptr(GError) error = NULL;
        const MmPlugin *plugin = mm_registry_get(registry, names[i], &error);
        if (plugin) {
            const MilterPlugin *d = plugin->descriptor;
            g_string_append_printf(out, "%-12s %-8s %s (%s)\n", d->name, d->version,
                                   dgettext(d->text_domain, d->summary), plugin->file);
        } else {
            g_string_append_printf(out, "%-12s %s\n", names[i], error->message);
            good = FALSE;
        }
    }
    return good;
}
