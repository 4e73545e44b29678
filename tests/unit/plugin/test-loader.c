/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each check of the loader, with a file that fails it; and the registry. */
#include "plugin/loader.h"
#include "plugin/registry.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *file;
    MmPluginError code;
    const char *text;
} faults[] = {
    {"f-symbol", MM_PLUGIN_ERROR_SYMBOL,
     "it has no function milter_f_symbol_plugin(): it is no milter-manager plugin"},
    {"f-null", MM_PLUGIN_ERROR_DESCRIPTOR, "the plugin has no descriptor"},
    {"f-abi", MM_PLUGIN_ERROR_ABI,
     "made for version 2 of the plugin interface; this host has version 1"},
    {"f-small", MM_PLUGIN_ERROR_DESCRIPTOR, "the descriptor is too small"},
    {"f-strings", MM_PLUGIN_ERROR_DESCRIPTOR,
     "the descriptor lacks name, version, licence or summary"},
    {"f-name", MM_PLUGIN_ERROR_DESCRIPTOR,
     "the plugin calls itself “other”: the file must be called other.so"},
    {"f-no-stage", MM_PLUGIN_ERROR_DESCRIPTOR, "the descriptor names no stage table"},
    {"f-small-stage", MM_PLUGIN_ERROR_DESCRIPTOR, "the stage table is too small"},
    {"f-no-close", MM_PLUGIN_ERROR_DESCRIPTOR,
     "the stage table needs configure, discard, open, close and event, or only expand"},
    {"f-fact-name", MM_PLUGIN_ERROR_DESCRIPTOR, "a fact's name has other characters"},
    {"f-fact-event", MM_PLUGIN_ERROR_DESCRIPTOR,
     "a fact is settled after an event that does not exist"},
    {"f-fact-key", MM_PLUGIN_ERROR_DESCRIPTOR,
     "a fact is named by the key “fact”, which the schema milter-manager.plugin.f-fact-key does "
     "not"},
    {"f-needs-host", MM_PLUGIN_ERROR_OPEN, "undefined symbol: mm_no_such_function"},
};

static char *
made_file(const char *name)
{
    return g_strdup_printf("%s/%s.so", FAKES, name);
}

static void
assert_refused(const char *file, MmPluginError code, const char *text)
{
    g_autoptr(GError) error = NULL;
    MmPlugin *plugin = mm_plugin_load(file, &error);
    g_assert_null(plugin);
    g_assert_error(error, MM_PLUGIN_ERROR, (int)code);
    g_assert_true(g_str_has_prefix(error->message, file) || strstr(text, "folder"));
    if (!strstr(error->message, text))
        g_error("“%s” says nothing of “%s”", error->message, text);
}

static void
test_fault(gconstpointer data)
{
    guint i = GPOINTER_TO_UINT(data);
    g_autofree char *file = made_file(faults[i].file);
    assert_refused(file, faults[i].code, faults[i].text);
}

static void
test_good(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *file = made_file("good");
    MmPlugin *plugin = mm_plugin_load(file, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(plugin->descriptor->name, ==, "good");
    g_assert_cmpstr(plugin->schema_id, ==, "milter-manager.plugin.good");
    g_assert_null(plugin->schemas);
    mm_plugin_describe(plugin, out);
    g_assert_nonnull(strstr(out->str, "\nname: good\nversion: 3.2.1\nlicence: MIT\n"));
    g_assert_nonnull(strstr(out->str, "\nevents: envelope-recipient\nrights: quarantine\n"));
    g_assert_nonnull(strstr(out->str, "\nfunctions: configure discard open close event\n"));
    g_assert_nonnull(strstr(out->str, "\nkeys: none\n"));
    mm_plugin_free(plugin);
    mm_plugin_free(NULL);
}

/* ---- Files. */

typedef struct Folder {
    char *path, *file;
} Folder;

/* A copy of the good plugin in a folder of its own. */
static Folder
folder_new(void)
{
    Folder folder = {.path = g_dir_make_tmp("mm-loader-XXXXXX", NULL)};
    g_autofree char *good = made_file("good");
    g_autofree char *bytes = NULL;
    gsize size;
    folder.file = g_build_filename(folder.path, "good.so", NULL);
    g_assert_true(g_file_get_contents(good, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(folder.file, bytes, (gssize)size, NULL));
    g_assert_cmpint(g_chmod(folder.file, 0755), ==, 0);
    return folder;
}

static void
remove_all(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        remove_all(entry);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

static void
folder_clear(Folder *folder)
{
    g_chmod(folder->path, 0700);
    remove_all(folder->path);
    g_free(folder->path);
    g_free(folder->file);
}

static void
test_modes(void)
{
    Folder folder = folder_new();
    g_chmod(folder.file, 0775);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE, "must not be writable by group or others");
    g_chmod(folder.file, 0757);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE, "must not be writable by group or others");
    g_chmod(folder.file, 0755);
    g_chmod(folder.path, 0777);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE,
                   "the folder of a plugin must not be writable by group or others");
    g_chmod(folder.path, 01777); /* as /tmp: who may write there cannot replace it */
    g_autoptr(GError) error = NULL;
    MmPlugin *plugin = mm_plugin_load(folder.file, &error);
    g_assert_no_error(error);
    mm_plugin_free(plugin);
    folder_clear(&folder);
}

static void
test_owner(void)
{
    Folder folder = folder_new();
    if (chown(folder.file, 12345, (gid_t)-1) != 0) {
        g_test_skip("only root can give files away");
        folder_clear(&folder);
        return;
    }
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE,
                   "must belong to root or to the user we run as");
    g_assert_cmpint(chown(folder.file, 0, (gid_t)-1), ==, 0);
    g_assert_cmpint(chown(folder.path, 12345, (gid_t)-1), ==, 0);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE,
                   "the folder of a plugin must belong to root or to the user we run as");
    g_assert_cmpint(chown(folder.path, 0, (gid_t)-1), ==, 0);
    folder_clear(&folder);
}

/* A link in a good folder that leads into one where others may write. */
static void
test_link(void)
{
    Folder folder = folder_new();
    Folder other = folder_new();
    g_remove(folder.file);
    g_assert_cmpint(symlink(other.file, folder.file), ==, 0);
    g_autoptr(GError) error = NULL;
    MmPlugin *plugin = mm_plugin_load(folder.file, &error);
    g_assert_no_error(error);
    mm_plugin_free(plugin);
    g_chmod(other.path, 0777);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE,
                   "the folder of a plugin must not be writable");
    folder_clear(&folder);
    folder_clear(&other);
}

static void
test_no_regular_file(void)
{
    Folder folder = folder_new();
    g_remove(folder.file);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE, "No such file or directory");
    g_assert_cmpint(g_mkdir(folder.file, 0700), ==, 0);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE, "must be a regular file");
    g_rmdir(folder.file);
    g_assert_cmpint(mkfifo(folder.file, 0600), ==, 0);
    assert_refused(folder.file, MM_PLUGIN_ERROR_FILE, "must be a regular file");
    g_remove(folder.file);
    g_assert_true(g_file_set_contents(folder.file, "no library", -1, NULL));
    assert_refused(folder.file, MM_PLUGIN_ERROR_OPEN, "file too short");
    assert_refused("/nowhere/plugin.txt", MM_PLUGIN_ERROR_FILE,
                   "a plugin's file is called NAME.so");
    assert_refused("/nowhere/a plugin.so", MM_PLUGIN_ERROR_FILE,
                   "a plugin's file is called NAME.so");
    folder_clear(&folder);
}

/* A bare name is a file of the working directory, not a library of the system. */
static void
test_bare_name(void)
{
    Folder folder = folder_new();
    g_autofree char *before = g_get_current_dir();
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(g_chdir(folder.path), ==, 0);
    MmPlugin *plugin = mm_plugin_load("good.so", &error);
    g_assert_no_error(error);
    g_assert_true(g_path_is_absolute(plugin->file));
    mm_plugin_free(plugin);
    g_assert_cmpint(g_chdir(before), ==, 0);
    folder_clear(&folder);
}

static void
write_compiled(const Folder *folder, const char *from, mode_t mode)
{
    g_autofree char *companions = g_build_filename(folder->path, "good.d", NULL);
    g_autofree char *compiled = g_build_filename(companions, "gschemas.compiled", NULL);
    g_autofree char *bytes = NULL;
    gsize size;
    g_mkdir(companions, 0755);
    g_assert_true(g_file_get_contents(from, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(compiled, bytes, (gssize)size, NULL));
    g_assert_cmpint(g_chmod(compiled, mode), ==, 0);
}

static void
assert_not_loaded(const Folder *folder, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mm_plugin_load(folder->file, &error));
    g_assert_nonnull(error);
    if (!strstr(error->message, text))
        g_error("“%s” says nothing of “%s”", error->message, text);
}

/* The schema says what a value may be: who can write it can say anything. */
static void
test_schema_file(void)
{
    Folder folder = folder_new();
    g_autofree char *other =
        g_build_filename(g_getenv("MILTER_MANAGER_SCHEMA_DIR"), "gschemas.compiled", NULL);
    write_compiled(&folder, other, 0666);
    assert_not_loaded(&folder, "must not be writable by group or others");
    write_compiled(&folder, other, 0644);
    assert_not_loaded(&folder, "it has no schema milter-manager.plugin.good");
    g_autofree char *so = made_file("good");
    write_compiled(&folder, so, 0644);
    assert_not_loaded(&folder, "invalid gvdb header");
    folder_clear(&folder);
}

/* What was forgotten is said: without it the plugin would have no keys, and no error named why. */
static void
test_schema_not_compiled(void)
{
    Folder folder = folder_new();
    g_autofree char *companions = g_build_filename(folder.path, "good.d", NULL);
    g_autofree char *source =
        g_build_filename(companions, "milter-manager.plugin.good.gschema.xml", NULL);
    g_mkdir(companions, 0755);
    g_assert_true(g_file_set_contents(source, "<schemalist/>", -1, NULL));
    assert_not_loaded(&folder, "good.gschema.xml: it is not compiled: run “glib-compile-schemas /");
    folder_clear(&folder);
}

/* ---- Names and the registry. */

static void
test_names(void)
{
    static const struct {
        const char *file, *name;
    } names[] = {{"/a/relay.so", "relay"}, {"rc-conf.so", "rc-conf"}, {"/a/b.so/c", NULL},
                 {"/a/.so", NULL},         {"/a/...so", NULL},        {"/a/x y.so", NULL}};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *name = mm_plugin_name_of_file(names[i].file);
        g_assert_cmpstr(name, ==, names[i].name);
    }
    g_autofree char *symbol = mm_plugin_symbol_of_name("rc-conf.2_x");
    g_assert_cmpstr(symbol, ==, "milter_rc_conf_2_x_plugin");
}

static void
test_registry(void)
{
    g_autoptr(GError) error = NULL;
    Folder folder = folder_new();
    const char *path[] = {"/nowhere", folder.path, FAKES, NULL};
    MmRegistry *registry = mm_registry_new();
    mm_registry_set_path(registry, path);
    const MmPlugin *plugin = mm_registry_get(registry, "good", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(plugin->file, ==, folder.file); /* the first folder that has it */
    g_assert_true(mm_registry_get(registry, "good", NULL) == plugin);
    g_assert_null(mm_registry_get(registry, "godo", &error));
    g_assert_nonnull(strstr(error->message, "there is no plugin “godo” in /nowhere:"));
    g_assert_nonnull(strstr(error->message, "did you mean “good”?"));
    g_clear_error(&error);
    g_autofree char *elsewhere = g_strconcat("../", FAKES, "/good", NULL);
    g_assert_null(mm_registry_get(registry, elsewhere, &error));
    g_assert_error(error, MM_PLUGIN_ERROR, MM_PLUGIN_ERROR_FILE);
    g_auto(GStrv) names = mm_registry_names(registry);
    g_assert_true(g_strv_contains((const char *const *)names, "f-abi"));
    g_assert_cmpuint(g_strv_length(names), ==, G_N_ELEMENTS(faults) + 1);
    g_autoptr(GString) list = g_string_new(NULL);
    g_assert_false(mm_registry_describe_all(registry, list));
    g_assert_nonnull(strstr(list->str, "good         3.2.1    A plugin that was made up ("));
    g_assert_nonnull(strstr(list->str, "made for version 2"));
    mm_registry_free(registry);
    mm_registry_free(NULL);
    folder_clear(&folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *path = g_strdup_printf("/loader/%s", faults[i].file);
        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_fault);
    }
    g_test_add_func("/loader/good", test_good);
    g_test_add_func("/loader/modes", test_modes);
    g_test_add_func("/loader/owner", test_owner);
    g_test_add_func("/loader/link", test_link);
    g_test_add_func("/loader/no-regular-file", test_no_regular_file);
    g_test_add_func("/loader/bare-name", test_bare_name);
    g_test_add_func("/loader/schema-file", test_schema_file);
    g_test_add_func("/loader/schema-not-compiled", test_schema_not_compiled);
    g_test_add_func("/loader/names", test_names);
    g_test_add_func("/registry", test_registry);
    return g_test_run();
}
