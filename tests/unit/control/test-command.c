/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What milter-manager prints and how it ends when it does not serve. */
#include "manager.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
set_up(Place *place, gconstpointer data)
{
    (void)data;
    place_init(place);
}

static void
tear_down(Place *place, gconstpointer data)
{
    (void)data;
    place_clear(place);
}

static void
assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        g_test_message("“%s” is missing in:\n%s", part, text);
    g_assert_nonnull(strstr(text, part));
}

/* ---- Options. */

static void
test_version(void)
{
    g_autoptr(Ran) ran = manager_run("--version", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    g_assert_true(g_str_has_prefix(ran->out, "milter-manager "));
    g_assert_cmpstr(ran->err, ==, "");
}

static void
test_help(void)
{
    static const char *const options[] = {"-c, --config=FILE",
                                          "-s, --connection-spec=SPEC",
                                          "-u, --user-name=USER",
                                          "-g, --group-name=GROUP",
                                          "--socket-group-name=GROUP",
                                          "--unix-socket-mode=MODE",
                                          "--daemon",
                                          "--no-daemon",
                                          "--pid-file=FILE",
                                          "--workers=N",
                                          "--plugin-path=DIR",
                                          "--root=DIR",
                                          "--show-config",
                                          "--check-config",
                                          "--list-plugins",
                                          "--inspect-plugin=FILE",
                                          "-v, --verbose",
                                          "-q, --quiet",
                                          "--log-level=LEVEL",
                                          "--log-target=TARGET",
                                          "--status",
                                          "--watch",
                                          "--version",
                                          "-h, --help"};
    g_autoptr(Ran) ran = manager_run("--help", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        assert_has(ran->out, options[i]);
}

static void
test_usage(void)
{
    static const struct {
        const char *first, *second, *says;
    } cases[] = {
        {"--no-such-option", NULL, "--no-such-option"},
        {"word", NULL, "word"},
        {"--workers=many", NULL, "many"},
        {"--workers=-2", NULL, "-2"},
        {"--workers=-1", NULL, "--workers: “-1” is not allowed (a number from 0 to 1024)"},
        {"--workers=", NULL, "--workers: “” is not"},
        {"--workers=99999999999999999999", NULL, "a number from 0 to 1024"},
        {"--pid-file=/\xff", NULL, "--pid-file: “/\357\277\275” is not allowed (text in UTF-8)"},
        {"--connection-spec=unix:/\xff", NULL, "--connection-spec: “unix:/"},
        {"--user-name=\xff", NULL, "--user-name: “"},
        {"--log-level=\xff", NULL, "--log-level: “"},
        {"--root=/nonexistent", NULL, "--root: “/nonexistent” is not allowed (a folder)"},
        {"--root=/etc/passwd", NULL, "(a folder)"},
        {"--workers=1025", NULL, "1025"},
        {"--log-level=loud", NULL, "loud"},
        {"--log-target=file", NULL, "file"},
        {"--unix-socket-mode=rw", NULL, "rw"},
        {"--unix-socket-mode=7777", NULL, "7777"},
        {"--connection-spec=inet:0", NULL, "inet:0"},
        {"--connection-spec=smtp:1", NULL, "smtp:1"},
        {"--daemon", "--no-daemon", "--no-daemon"},
        {"--check-config", "--status", "--status"},
        {"--config", NULL, "--config"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Ran) ran = manager_run(cases[i].first, cases[i].second, NULL);
        g_assert_cmpint(ran->code, ==, 2);
        g_assert_cmpstr(ran->out, ==, "");
        assert_has(ran->err, cases[i].says);
    }
}

/* ---- Plugins. */

static void
test_plugins(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, NULL, NULL);
    g_autoptr(Ran) list = manager_run("-c", place->config, "--list-plugins", NULL);
    g_assert_cmpint(list->code, ==, 0);
    assert_has(list->out, "asker");
    assert_has(list->out, "finder");
    g_autoptr(Ran) one = manager_run("--inspect-plugin", g_getenv("ASKER"), NULL);
    g_assert_cmpint(one->code, ==, 0);
    assert_has(one->out, "Registers verbs");
    g_autoptr(Ran) none = manager_run("--inspect-plugin=/nowhere/asker.so", NULL);
    g_assert_cmpint(none->code, ==, 1);
    assert_has(none->err, "/nowhere/asker.so");
}

/* ---- --check-config */

static void
test_good(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "max-sessions=7", "[stages/one]\nplugin='asker'\n");
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--check-config", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    g_assert_cmpstr(ran->out, ==, "");
    g_assert_cmpstr(ran->err, ==, "");
}

static void
test_missing_file(void)
{
    g_autoptr(Ran) ran = manager_run("-c", "/nowhere/file.conf", "--check-config", NULL);
    g_assert_cmpint(ran->code, ==, 1);
    assert_has(ran->err, "/nowhere/file.conf");
    g_autoptr(Ran) serve = manager_run("-c", "/nowhere/file.conf", NULL);
    g_assert_cmpint(serve->code, ==, 1);
}

static void
test_problems(Place *place, gconstpointer data)
{
    (void)data;
    static const char *const expected[] = {
        ":4: [manager] unix-socket-mode: ", ":5: [manager] workers: ",
        ":6: [manager] wrokers: ",          ":7: [manager] control-socket: ",
        ":8: [manager] language: ",         ":10: [stages/one] plugin: ",
        ":13: [stages/two] enabled: "};
    place_write(place,
                "unix-socket-mode='x'\nworkers=5000\nwrokers=2\ncontrol-socket='relative'\n"
                "language='j a'",
                "[stages/one]\nplugin='no-such-plugin'\n"
                "[stages/two]\nplugin='asker'\nenabled=perhaps\n");
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--check-config", NULL);
    g_assert_cmpint(ran->code, ==, 1);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *line = g_strconcat(place->config, expected[i], NULL);
        assert_has(ran->err, line);
    }
    g_autoptr(Ran) show = manager_run("-c", place->config, "--show-config", NULL);
    g_assert_cmpint(show->code, ==, 1);
    g_assert_cmpstr(show->out, ==, "");
    g_autoptr(Ran) serve = manager_run("-c", place->config, NULL);
    g_assert_cmpint(serve->code, ==, 1);
    g_assert_false(g_file_test(place->socket, G_FILE_TEST_EXISTS));
}

/* No file to blame: the option is. */
static void
test_option_problem(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, NULL, NULL);
    g_autoptr(Ran) ran =
        manager_run("-c", place->config, "--user-name=no-such-user-here", "--check-config", NULL);
    g_assert_cmpint(ran->code, ==, geteuid() == 0 ? 1 : 0);
    if (geteuid() == 0)
        assert_has(ran->err, "no-such-user-here");
    g_autoptr(Ran) group = manager_run("-c", place->config, "--socket-group-name=no-such-group",
                                       "--check-config", NULL);
    g_assert_cmpint(group->code, ==, 1);
    assert_has(group->err, "[manager] unix-socket-group: no-such-group: there is no such group");
}

static void
make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (const struct sockaddr *)(gpointer)&address, sizeof(address)), ==, 0);
    close(fd);
}

static void
test_warnings(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *run = place_file(place, "run");
    g_autofree char *there = place_file(place, "run/there.sock");
    g_autofree char *root = g_strconcat("--root=", place->folder, NULL);
    g_assert_cmpint(g_mkdir(run, 0755), ==, 0);
    make_socket(there);
    place_write(place, NULL,
                "[stages/a]\nplugin='relay'\nconnection-spec='unix:/run/there.sock'\n"
                "[stages/b]\nplugin='relay'\nconnection-spec='/run/there.sock'\n"
                "conditions=['!nobody-sets-this']\n"
                "[stages/c]\nplugin='relay'\nconnection-spec='unix:/run/not-there.sock'\n");
    g_autoptr(Ran) ran = manager_run("-c", place->config, root, "--check-config", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(ran->err), "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    assert_has(ran->err, ":10: [stages/b] connection-spec: ");
    assert_has(ran->err, "“a”");
    assert_has(ran->err, ":11: [stages/b] conditions: ");
    assert_has(ran->err, "nobody-sets-this");
    assert_has(ran->err, ":14: [stages/c] connection-spec: ");
    assert_has(ran->err, "/run/not-there.sock)"); /* which one */
}

static void
test_own_socket(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *stage = g_strdup_printf(
        "[stages/loop]\nplugin='relay'\nconnection-spec='unix:%s'\n", place->socket);
    place_write(place, NULL, stage);
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--check-config", NULL);
    g_assert_cmpint(ran->code, ==, 1);
    assert_has(ran->err, ":7: [stages/loop] connection-spec: ");
}

/* ---- --show-config */

/* Without comments and blank lines. */
static char *
bare(const char *config)
{
    g_auto(GStrv) lines = g_strsplit(config, "\n", -1);
    GString *out = g_string_new(NULL);
    for (guint i = 0; lines[i]; i++) {
        if (*lines[i] && *lines[i] != '#')
            g_string_append_printf(out, "%s\n", lines[i]);
    }
    return g_string_free(out, FALSE);
}

static void
assert_idempotent(const Place *place, const char *shown)
{
    g_autofree char *copy = place_file(place, "copy.conf");
    g_assert_true(g_file_set_contents(copy, shown, -1, NULL));
    g_autoptr(Ran) again = manager_run("-c", copy, "--show-config", NULL);
    g_assert_cmpint(again->code, ==, 0);
    g_autofree char *first = bare(shown);
    g_autofree char *second = bare(again->out);
    g_assert_cmpstr(first, ==, second);
}

static void
test_extra_macros(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "extra-macros=['helo:{x}', 'rcpt:i', 'connect:', 'connect', 'data:a b']",
                "");
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--check-config", NULL);
    g_assert_cmpint(ran->code, ==, 1);
    assert_has(ran->err, "[manager] extra-macros: “rcpt:i” names no macro (STAGE:NAME;");
    assert_has(ran->err, "“connect:” names no macro");
    assert_has(ran->err, "“connect” names no macro");
    assert_has(ran->err, "“data:a b” names no macro");
    g_assert_null(strstr(ran->err, "helo:{x}"));
}

static void
test_show(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "max-sessions=7\nextra-macros=['connect:j', \"helo:{x}\"]",
                "[stages/before]\nplugin='asker'\ndescription=\"it's \\\"so\\\" \\\\ \\n\"\n"
                "[stages/search]\nplugin='finder'\n"
                "[stages/off]\nplugin='relay'\nenabled=false\nconnection-spec='inet:1@[::1]'\n"
                "trip-delay=2.5\n");
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--workers=3", "--show-config", NULL);
    g_assert_cmpstr(ran->err, ==, "");
    g_assert_cmpint(ran->code, ==, 0);
    g_autofree char *limit = g_strdup_printf("# %s:4\nmax-sessions=7\n", place->config);
    assert_has(ran->out, limit);
    assert_has(ran->out, "# --workers\nworkers=3\n");
    assert_has(ran->out, "# default\ndns-timeout=2.0\n");
    assert_has(ran->out, "\n[stages/found-first]\n");
    assert_has(ran->out, "# finder: /etc/found:3\nfallback-status='accept'\n");
    assert_has(ran->out, "\n# [stages/search]\n");
    g_assert_null(strstr(ran->out, "\n[stages/search]"));
    const char *order[] = {"\n[stages/before]\n", "\n[stages/found-first]\n",
                           "\n[stages/found-second]\n", "\n[stages/off]\n"};
    const char *at = ran->out;
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        assert_has(at, order[i]);
        at = strstr(at, order[i]);
    }
    assert_idempotent(place, ran->out);
}

static void
test_show_defaults(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *empty = place_file(place, "empty.conf");
    g_assert_true(g_file_set_contents(empty, "", -1, NULL));
    g_autoptr(Ran) ran = manager_run("-c", empty, "--show-config", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    assert_idempotent(place, ran->out);
}

/* A configuration that is cut off must not look like a whole one. */
static void
test_output_lost(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *command = g_strdup_printf("'%s' -c '%s' --show-config >/dev/full",
                                               g_getenv("MILTER_MANAGER"), place->config);
    char shell[] = "sh", option[] = "-c";
    char *words[] = {shell, option, command, NULL};
    int status;
    g_autofree char *problem = NULL;
    if (!g_file_test("/dev/full", G_FILE_TEST_EXISTS)) {
        g_test_skip("there is no /dev/full");
        return;
    }
    place_write(place, "", "");
    g_assert_true(g_spawn_sync(NULL, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &problem,
                               &status, NULL));
    g_assert_cmpint(status, ==, 1 << 8);
    assert_has(problem, "milter-manager: ");
}

static void
test_passwords(Place *place, gconstpointer data)
{
    (void)data;
    place_write(
        place, "dns-servers=['redis://user:sec/ret@host:1']",
        "[stages/one]\nplugin='asker'\ndescription='a://:secret@h b://u:secret@i c://u@j'\n");
    g_autoptr(Ran) bad = manager_run("-c", place->config, "--check-config", NULL);
    g_assert_cmpint(bad->code, ==, 1);
    g_assert_null(strstr(bad->err, "ret@"));
    place_write(
        place, NULL,
        "[stages/one]\nplugin='asker'\ndescription='a://:secret@h b://u:secret@i c://u@j'\n");
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--show-config", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    assert_has(ran->out, "description='a://:***@h b://u:***@i c://u@j'\n");
}

/* ---- Who serves. */

static void
test_root_refused(Place *place, gconstpointer data)
{
    (void)data;
    if (geteuid() != 0) {
        g_test_skip("only as root");
        return;
    }
    if (getpwnam("milter-manager")) {
        g_test_skip("the user milter-manager exists");
        return;
    }
    place_write(place, NULL, NULL);
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--user-name=", NULL);
    g_assert_cmpint(ran->code, ==, 1);
    assert_has(ran->err, "--user-name");
    g_assert_false(g_file_test(place->socket, G_FILE_TEST_EXISTS));
    g_autoptr(Ran) check = manager_run("-c", place->config, "--user-name=", "--check-config", NULL);
    g_assert_cmpint(check->code, ==, 0);
}

static void
test_no_host(Place *place, gconstpointer data)
{
    (void)data;
    static const char *const options[] = {"--status", "--watch"};
    place_write(place, NULL, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autoptr(Ran) ran = manager_run("-c", place->config, options[i], NULL);
        g_assert_cmpint(ran->code, ==, 1);
        g_assert_cmpstr(ran->out, ==, "");
        assert_has(ran->err, place->control);
    }
}

/* Schemas of others (a plugin's) in place of ours: no configuration is good then. */
static void
test_other_schemas(void)
{
    g_auto(GStrv) folders = g_strsplit(g_getenv("PLUGIN_PATH"), ":", -1);
    g_autofree char *other = g_build_filename(folders[0], "relay.d", NULL);
    g_autofree char *ours = g_strdup(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_setenv("MILTER_MANAGER_SCHEMA_DIR", other, TRUE);
    g_autoptr(Ran) ran = manager_run("--check-config", NULL);
    g_setenv("MILTER_MANAGER_SCHEMA_DIR", ours, TRUE);
    g_assert_cmpint(ran->code, ==, 1);
    assert_has(ran->err, other);
    assert_has(ran->err, "milter-manager.manager");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/control/command/" name, Place, NULL, set_up, function, tear_down)
    g_test_add_func("/control/command/version", test_version);
    g_test_add_func("/control/command/help", test_help);
    g_test_add_func("/control/command/usage", test_usage);
    g_test_add_func("/control/command/missing-file", test_missing_file);
    g_test_add_func("/control/command/other-schemas", test_other_schemas);
    ADD("plugins", test_plugins);
    ADD("good", test_good);
    ADD("problems", test_problems);
    ADD("option-problem", test_option_problem);
    ADD("warnings", test_warnings);
    ADD("own-socket", test_own_socket);
    ADD("extra-macros", test_extra_macros);
    ADD("show", test_show);
    ADD("show-defaults", test_show_defaults);
    ADD("output-lost", test_output_lost);
    ADD("passwords", test_passwords);
    ADD("root-refused", test_root_refused);
    ADD("no-host", test_no_host);
    return g_test_run();
}
