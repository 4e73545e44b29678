/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each file of trees/ is a file tree with what is to be found in it. Its section @expect has a line
 * for each milter, in the order of the chain:
 *
 *     NAME on|off SPEC ENABLED-ORIGIN SPEC-ORIGIN
 *
 * with "-" for a spec that is not known. Each line of @warnings is a part of the warning of the
 * same number. Files that most trees have are in common.tree; @bare: without them.
 */
#include "rc-conf.h"
#include "tree.h"

#include <string.h>

static void
put_found(GString *out, const DetectFound *found)
{
    g_string_append_printf(out, "%s %s %s %s %s\n", found->name, found->enabled ? "on" : "off",
                           found->spec ? found->spec : "-", found->enabled_origin,
                           found->spec_origin ? found->spec_origin : "-");
}

static char *
describe(const DetectReport *report)
{
    GString *out = g_string_new(NULL);
    detect_report_sort(report);
    for (guint i = 0; i < report->found->len; i++)
        put_found(out, g_ptr_array_index(report->found, i));
    return g_string_free(out, FALSE);
}

static void
check_warnings(const DetectReport *report, const char *expected)
{
    g_auto(GStrv) lines = g_strsplit(expected, "\n", -1);
    guint n = 0;
    for (; lines[n] && *lines[n]; n++) {
        if (n < report->warnings->len && strstr(g_ptr_array_index(report->warnings, n), lines[n]))
            continue;
        g_test_message("warning %u is not like: %s", n + 1, lines[n]);
        g_test_fail();
    }
    for (guint i = 0; i < report->warnings->len; i++)
        g_test_message("warning: %s", (const char *)g_ptr_array_index(report->warnings, i));
    g_assert_cmpuint(report->warnings->len, ==, n);
}

static void
test_tree(gconstpointer data)
{
    g_autofree char *common = tree_load("common.tree");
    g_autofree char *text = tree_load(data);
    const char *both[] = {strstr(text, "== @bare\n") ? "" : common, text, NULL};
    char *root = tree_make(both);
    g_autoptr(DetectTree) tree = detect_tree_new(root);
    g_autoptr(DetectRecords) records = detect_records_new(rc_conf_table, rc_conf_table_size);
    g_autoptr(DetectReport) report = detect_report_new();
    rc_conf_find(tree, NULL, NULL, records, report);
    g_autofree char *found = describe(report);
    g_autofree char *expected = tree_section(text, "expect");
    g_autofree char *warnings = tree_section(text, "warnings");
    tree_remove(root);
    check_warnings(report, warnings);
    if (strcmp(found, expected) != 0)
        g_test_message("found:\n%s", found);
    g_assert_true(strcmp(found, expected) == 0);
}

static void
free_name(gpointer name)
{
    g_free(name);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *folder = g_test_build_filename(G_TEST_DIST, "trees", NULL);
    GDir *directory = g_dir_open(folder, 0, NULL);
    g_assert_nonnull(directory);
    const char *name;
    while ((name = g_dir_read_name(directory))) {
        if (!g_str_has_suffix(name, ".tree") || strcmp(name, "common.tree") == 0)
            continue;
        g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".tree"));
        g_autofree char *path = g_strconcat("/rc-conf/trees/", stem, NULL);
        g_test_add_data_func_full(path, g_strdup(name), test_tree, free_name);
    }
    g_dir_close(directory);
    return g_test_run();
}
