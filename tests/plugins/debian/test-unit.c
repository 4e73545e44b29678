/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debian/unit.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Fixture {
    char *root;
    DetectTree *tree;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->root = g_dir_make_tmp("mm-unit-XXXXXX", NULL);
    g_assert_nonnull(fixture->root);
    fixture->tree = detect_tree_new(fixture->root);
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) directory =
        g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const char *name; directory && (name = g_dir_read_name(directory));) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_tree(inside);
    }
    g_remove(path);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    detect_tree_free(fixture->tree);
    remove_tree(fixture->root);
    g_free(fixture->root);
}

static char *
prepare(Fixture *fixture, const char *path)
{
    char *file = g_build_filename(fixture->root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(file);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    return file;
}

static void
put(Fixture *fixture, const char *path, const char *text)
{
    g_autofree char *file = prepare(fixture, path);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

static void
put_link(Fixture *fixture, const char *path, const char *target)
{
    g_autofree char *file = prepare(fixture, path);
    g_assert_cmpint(symlink(target, file), ==, 0);
}

static char *
joined(const Unit *unit)
{
    return unit->arguments ? g_strjoinv("|", unit->arguments) : g_strdup("(none)");
}

static void
assert_arguments(const Unit *unit, const char *expected)
{
    g_autofree char *got = joined(unit);
    g_assert_cmpstr(got, ==, expected);
}

static void
assert_no_messages(const Unit *unit)
{
    for (guint i = 0; i < unit->messages->len; i++)
        g_test_message("%s", (const char *)g_ptr_array_index(unit->messages, i));
    g_assert_cmpuint(unit->messages->len, ==, 0);
}

static void
test_absent(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    g_assert_null(unit);
}

static void
test_plain(Fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture, "lib/systemd/system/x-milter.service",
        "[Unit]\nExecStart=/no\n\n[Service]\n# a comment\nType=forking\n"
        "ExecStart=-/usr/sbin/x-milter -p local:%t/x/x.sock \"two words\" 'it''s' a\\x20b\n"
        "ExecStart=/second\n");
    put_link(fixture, "etc/systemd/system/multi-user.target.wants/x-milter.service",
             "/nowhere/x-milter.service");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    g_assert_nonnull(unit);
    assert_no_messages(unit);
    assert_arguments(unit, "/usr/sbin/x-milter|-p|local:/run/x/x.sock|two words|its|a b");
    g_assert_cmpstr(unit->wanted_by, ==,
                    "/etc/systemd/system/multi-user.target.wants/x-milter.service");
    g_assert_cmpstr(unit->command_place.file, ==, "/lib/systemd/system/x-milter.service");
    g_assert_cmpuint(unit->command_place.line, ==, 7);
    g_assert_false(unit->masked);
}

static void
test_not_enabled(Fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture, "usr/lib/systemd/system/x-milter.service", "[Service]\nExecStart=/x\n");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    g_assert_null(unit->wanted_by);
    assert_arguments(unit, "/x");
}

static void
test_masked(Fixture *fixture, gconstpointer data)
{
    put(fixture, "lib/systemd/system/x-milter.service", "[Service]\nExecStart=/x\n");
    if (data)
        put(fixture, "etc/systemd/system/x-milter.service", "");
    else
        put_link(fixture, "etc/systemd/system/x-milter.service", "/dev/null");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    g_assert_true(unit->masked);
    g_assert_null(unit->arguments);
    g_assert_cmpstr(unit->place.file, ==, "/etc/systemd/system/x-milter.service");
}

static void
test_stronger_file(Fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture, "lib/systemd/system/x-milter.service", "[Service]\nExecStart=/weak\n");
    put(fixture, "etc/systemd/system/x-milter.service", "[Service]\nExecStart=/strong\n");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    assert_arguments(unit, "/strong");
}

/* Names order the drop-ins, folders decide between two of one name. */
static void
test_drop_ins(Fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture, "lib/systemd/system/x-milter.service",
        "[Service]\nEnvironment=SOCKET=a OTHER=b\nExecStart=/x ${SOCKET} $OTHER\n");
    put(fixture, "etc/systemd/system/x-milter.service.d/20-socket.conf",
        "[Service]\nEnvironment=\"SOCKET=from etc\"\n");
    put(fixture, "lib/systemd/system/x-milter.service.d/20-socket.conf",
        "[Service]\nEnvironment=SOCKET=from-lib\n");
    put(fixture, "run/systemd/system/x-milter.service.d/10-first.conf",
        "[Service]\nEnvironment=SOCKET=first\n");
    put(fixture, "etc/systemd/system/x-milter.service.d/README", "[Service]\nExecStart=/no\n");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    assert_no_messages(unit);
    assert_arguments(unit, "/x|from etc|b");
    const UnitPlace *place;
    g_assert_cmpstr(unit_variable(unit, "SOCKET", &place), ==, "from etc");
    g_assert_cmpstr(place->file, ==, "/etc/systemd/system/x-milter.service.d/20-socket.conf");
    g_assert_cmpuint(place->line, ==, 2);
}

static void
test_reset(Fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture, "lib/systemd/system/x-milter.service",
        "[Service]\nEnvironment=A=1\nExecStart=/old\n");
    put(fixture, "etc/systemd/system/x-milter.service.d/a.conf",
        "[Service]\nEnvironment=\nEnvironment=B=2\nExecStart=\nExecStart=/new $A $B\n");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    assert_arguments(unit, "/new|2");
    g_assert_null(unit_variable(unit, "A", NULL));
}

static void
test_environment_file(Fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture, "lib/systemd/system/x-milter.service",
        "[Service]\nEnvironmentFile=-/etc/default/x-milter\nEnvironmentFile=-/etc/absent\n"
        "Environment=SOCKET=weak\nExecStart=/x -p ${SOCKET} \\\n# between\n  $OPTIONS $NONE\n");
    put(fixture, "etc/default/x-milter",
        "# comment\nSOCKET=\"local:/run/x.sock\"\nOPTIONS=-v -u 'a b'\nRAW=$HOME/x\n");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    assert_no_messages(unit);
    assert_arguments(unit, "/x|-p|local:/run/x.sock|-v|-u|a b");
    g_assert_cmpstr(unit_variable(unit, "RAW", NULL), ==, "$HOME/x");
}

static void
test_problems(Fixture *fixture, gconstpointer data)
{
    (void)data;
    put(fixture, "lib/systemd/system/x-milter.service",
        "[Service]\nEnvironmentFile=/etc/absent\nEnvironment=nonsense\nExecStart=/x \"open\n");
    g_autoptr(Unit) unit = unit_read(fixture->tree, "x-milter");
    g_assert_null(unit->arguments);
    g_assert_cmpuint(unit->messages->len, ==, 3);
    g_assert_cmpstr(g_ptr_array_index(unit->messages, 0), ==,
                    "/lib/systemd/system/x-milter.service:3: this is no NAME=VALUE");
    g_assert_cmpstr(g_ptr_array_index(unit->messages, 1), ==,
                    "/lib/systemd/system/x-milter.service:2: the environment file does not exist");
    g_assert_cmpstr(g_ptr_array_index(unit->messages, 2), ==,
                    "/lib/systemd/system/x-milter.service:4: the command line cannot be read");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, data, function)                                                                  \
    g_test_add("/debian/unit/" path, Fixture, data, set_up, function, tear_down)
    ADD("absent", NULL, test_absent);
    ADD("plain", NULL, test_plain);
    ADD("not-enabled", NULL, test_not_enabled);
    ADD("masked/link", NULL, test_masked);
    ADD("masked/empty", "empty", test_masked);
    ADD("stronger-file", NULL, test_stronger_file);
    ADD("drop-ins", NULL, test_drop_ins);
    ADD("reset", NULL, test_reset);
    ADD("environment-file", NULL, test_environment_file);
    ADD("problems", NULL, test_problems);
    return g_test_run();
}
