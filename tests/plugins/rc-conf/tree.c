/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "== "

static char *
inside(const char *root, const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *real = g_build_filename(root, directory, NULL);
    g_assert_cmpint(g_mkdir_with_parents(real, 0755), ==, 0);
    return g_build_filename(root, path, NULL);
}

void
tree_write(const char *root, const char *path, const char *content)
{
    g_autofree char *real = inside(root, path);
    g_autoptr(GError) error = NULL;
    g_file_set_contents(real, content, -1, &error);
    g_assert_no_error(error);
    if (strstr(path, "/rc.d/"))
        g_assert_cmpint(chmod(real, 0755), ==, 0);
}

/* header: "PATH", "PATH off", "PATH -> TARGET", "PATH fifo" */
static void
make_one(const char *root, const char *header, const char *content)
{
    g_auto(GStrv) words = g_strsplit(header, " ", 3);
    if (!words[1]) {
        tree_write(root, words[0], content);
        return;
    }
    g_autofree char *real = inside(root, words[0]);
    if (strcmp(words[1], "off") == 0) {
        tree_write(root, words[0], content);
        g_assert_cmpint(chmod(real, 0644), ==, 0);
    } else if (strcmp(words[1], "fifo") == 0)
        g_assert_cmpint(mkfifo(real, 0600), ==, 0);
    else
        g_assert_cmpint(symlink(words[2], real), ==, 0);
}

/* Calls make for each section that is a file. */
static void
make_all(const char *root, const char *text)
{
    const char *at = text;
    while ((at = strstr(at, MARK))) {
        at += strlen(MARK);
        g_autofree char *header = g_strndup(at, strcspn(at, "\n"));
        at += strcspn(at, "\n");
        at += *at ? 1 : 0;
        const char *next = g_str_has_prefix(at, MARK) ? at : strstr(at, "\n" MARK);
        gsize length = next ? (gsize)(next - at) + (next == at ? 0 : 1) : strlen(at);
        g_autofree char *content = g_strndup(at, length);
        if (*header == '/')
            make_one(root, header, content);
        at += length;
    }
}

char *
tree_make(const char *const *texts)
{
    g_autoptr(GError) error = NULL;
    char *root = g_dir_make_tmp("rc-conf-XXXXXX", &error);
    g_assert_no_error(error);
    for (; *texts; texts++)
        make_all(root, *texts);
    return root;
}

char *
tree_section(const char *text, const char *name)
{
    g_autofree char *mark = g_strdup_printf(MARK "@%s\n", name);
    const char *start = strstr(text, mark);
    if (!start)
        return g_strdup("");
    start += strlen(mark);
    if (g_str_has_prefix(start, MARK))
        return g_strdup("");
    const char *end = strstr(start, "\n" MARK);
    return end ? g_strndup(start, (gsize)(end - start) + 1) : g_strdup(start);
}

static void
remove_all(const char *path)
{
    GDir *directory = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    const char *name;
    while (directory && (name = g_dir_read_name(directory))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_all(inner);
    }
    g_clear_pointer(&directory, g_dir_close);
    g_remove(path);
}

void
tree_remove(char *root)
{
    remove_all(root);
    g_free(root);
}

char *
tree_load(const char *name)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "trees", name, NULL);
    g_autoptr(GError) error = NULL;
    char *text;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}
