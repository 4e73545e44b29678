/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* po/POTFILES names every source and every schema with a text to translate, and no other. */
#include <glib.h>
#include <string.h>

static void
take_if_marked(GHashTable *marked, const GRegex *mark, const char *path, const char *name)
{
    g_autofree char *source = NULL;
    g_assert_true(g_file_get_contents(path, &source, NULL, NULL));
    if (g_regex_match(mark, source, 0, NULL))
        g_hash_table_add(marked, g_strdup(name));
}

static void
read_folder(GHashTable *marked, const GRegex *mark, const char *folder, const char *name)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *entry;
    g_assert_nonnull(dir);
    while ((entry = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        g_autofree char *below = g_strconcat(name, "/", entry, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            read_folder(marked, mark, path, below);
        else if (g_str_has_suffix(entry, ".c") || g_str_has_suffix(entry, ".h") ||
                 strstr(entry, ".gschema.xml"))
            take_if_marked(marked, mark, path, below);
    }
}

static void
test_potfiles(void)
{
    static const char *const folders[] = {"host", "plugins", "data/schemas"};
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "po", "POTFILES", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GRegex) mark = g_regex_new("(^|[^A-Za-z0-9_])N?_\\(\\s*\"|<summary>", 0, 0, NULL);
    g_autoptr(GHashTable) marked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint problems = 0;
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_test_build_filename(G_TEST_DIST, folders[i], NULL);
        read_folder(marked, mark, folder, folders[i]);
    }
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (g_hash_table_remove(marked, lines[i]))
            continue;
        g_test_message("po/POTFILES: no text to translate in %s, or named twice", lines[i]);
        problems++;
    }
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, marked);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_test_message("add to po/POTFILES: %s", (const char *)name);
        problems++;
    }
    g_assert_cmpuint(problems, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/potfiles", test_potfiles);
    return g_test_run();
}
