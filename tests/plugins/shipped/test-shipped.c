/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration that is installed. */
#include "manager.h"

#include <gio/gio.h>
#include <string.h>

static const char *shipped;

static void
assert_silent(const Ran *ran)
{
    g_assert_cmpstr(ran->err, ==, "");
    g_assert_cmpstr(ran->out, ==, "");
    g_assert_cmpint(ran->code, ==, 0);
}

/* Exit codes of milter-test-server. */
enum { PASS = 0, TEMPORARY = 4 };

/* A message of a client of that name, logged in as login or not (NULL); returns the exit code. */
static int
send_from(const Place *place, const char *client, const char *login)
{
    g_autofree char *spec = g_strconcat("--connection-spec=unix:", place->socket, NULL);
    g_autofree char *host = g_strconcat("--connect-host=", client, NULL);
    g_autofree char *name = login ? g_strconcat("--authenticated-name=", login, NULL) : NULL;
    g_autoptr(GSubprocess) sender =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL, g_getenv("MILTER_TEST_SERVER"),
                         spec, host, "--connect-address=inet:2500@192.0.2.7", name, NULL);
    g_assert_true(g_subprocess_wait(sender, NULL, NULL));
    g_assert_true(g_subprocess_get_if_exited(sender));
    return g_subprocess_get_exit_status(sender);
}

/* A system where nothing is installed. */
static char *
root_option(const Place *place)
{
    return g_strconcat("--root=", place->folder, NULL);
}

/* The file with the database in memory: the service makes its folder when it starts, and here is
 * none. */
static void
write_with_store(const Place *place)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(shipped, &text, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) parts = g_strsplit(text, "plugin='greylist'\n", -1);
    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_autofree char *changed = g_strjoinv("plugin='greylist'\nstore='memory:'\n", parts);
    g_file_set_contents(place->config, changed, -1, &error);
    g_assert_no_error(error);
}

static void
test_check(void)
{
    Place place;
    place_init(&place);
    g_autofree char *root = root_option(&place);
    write_with_store(&place);
    g_autoptr(Ran) silent = manager_run("--check-config", "-c", place.config, root, NULL);
    assert_silent(silent);
    g_autoptr(Ran) as_shipped = manager_run("--check-config", "-c", shipped, root, NULL);
    g_assert_cmpint(as_shipped->code, ==, 0);
    place_clear(&place);
}

/* A client that is suspected comes again later; one that has logged in need not. */
static void
test_serve(void)
{
    Place place;
    place_init(&place);
    write_with_store(&place);
    g_autofree char *root = root_option(&place);
    /* Sockets are below the root. */
    const char *const options[] = {root, "--connection-spec=unix:/main.sock", "--no-daemon",
                                   "--log-target=stdout", NULL};
    Manager *manager = manager_spawn(&place, NULL, NULL, options);
    manager_wait_log(manager, "started:", NULL, 1);
    g_assert_cmpint(send_from(&place, "mail.example.org", NULL), ==, PASS);
    g_assert_cmpint(send_from(&place, "dsl-192-0-2-7.example.org", NULL), ==, TEMPORARY);
    g_assert_cmpint(send_from(&place, "dsl-192-0-2-7.example.org", "ann"), ==, PASS);
    manager_stop(manager);
    place_clear(&place);
}

static void
test_chain(void)
{
    static const char *const groups[] = {"[stages/origin]", "[stages/s25r]", "[stages/greylist]"};
    Place place;
    place_init(&place);
    g_autofree char *root = root_option(&place);
    g_autoptr(Ran) ran = manager_run("--show-config", "-c", shipped, root, NULL);
    g_assert_cmpint(ran->code, ==, 0);
    const char *from = ran->out;
    for (guint i = 0; i < G_N_ELEMENTS(groups); i++) {
        from = strstr(from, groups[i]);
        g_assert_nonnull(from);
    }
    g_assert_nonnull(strstr(from, "conditions=['s25r', 'remote', '!authenticated']"));
    place_clear(&place);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    shipped = argv[1];
    g_test_add_func("/shipped/check", test_check);
    g_test_add_func("/shipped/chain", test_chain);
    g_test_add_func("/shipped/serve", test_serve);
    return g_test_run();
}
