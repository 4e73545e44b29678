/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new configuration while serving, and the verbs of the control socket that have to do with it.
 */
#include "manager.h"
#include "mta.h"

#include "base/control-client.h"

#include <glib/gstdio.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <signal.h>
#include <string.h>
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

/* One line for each thing that changed. */
static void
test_changes(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "max-sessions=5",
                "[stages/one]\nplugin='asker'\n[stages/two]\nplugin='asker'\n"
                "[stages/gone]\nplugin='asker'\n");
    Manager *manager = manager_start(place);
    manager_reload(manager, "reloaded:");
    manager_wait_log(manager, "reloaded:", "stages=3 changes=0)", 1);
    place_write(place, "max-sessions=6",
                "[stages/two]\nplugin='asker'\ndescription='b://u:secret@h'\n"
                "[stages/one]\nplugin='asker'\n[stages/new]\nplugin='asker'\n");
    manager_reload(manager, "reloaded:");
    manager_wait_log(manager, "config-changed:", "group=manager key=max-sessions from=5 to=6 ", 1);
    manager_wait_log(manager, "config-changed:", "group=stages/two key=description ", 1);
    manager_wait_log(manager, "stage-removed:", "(group=stages/gone)", 1);
    manager_wait_log(manager, "stage-added:", "(group=stages/new plugin=asker)", 1);
    manager_wait_log(manager, "chain-reordered:", "(from=one,two to=two,one)", 1);
    manager_wait_log(manager, "reloaded:", "stages=3 changes=5)", 1);
    g_assert_cmpuint(manager_count_log(manager, "secret"), ==, 0);
    manager_stop(manager);
}

/* Not one problem is kept back, and what was there before serves on. */
static void
test_refused(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, NULL, "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_start(place);
    g_autofree char *before = manager_ask(place, "show-config");
    place_write(place, "workers=many\nno-such-key=1",
                "[stages/one]\nplugin='asker'\ntrip-delay=0.0\n");
    manager_reload(manager, "reload-refused:");
    manager_wait_log(manager, "reload-problem:", "line=4 group=manager key=workers ", 1);
    manager_wait_log(manager, "reload-problem:", "line=5 group=manager key=no-such-key ", 1);
    manager_wait_log(manager, "reload-problem:", "line=8 group=stages/one key=trip-delay ", 1);
    g_autofree char *after = manager_ask(place, "show-config");
    g_assert_cmpstr(before, ==, after);
    int session = mta_open(place->socket);
    mta_begin_message(session);
    g_assert_cmpint(mta_end_message(session), ==, SMFIR_CONTINUE);
    close(session);
    g_unlink(place->config);
    manager_reload(manager, "reload-refused:");
    place_write(place, NULL, "[stages/one]\nplugin='asker'\n");
    manager_reload(manager, "reloaded:");
    manager_stop(manager);
}

/* What takes a restart is warned of, and shown as it is in force. */
static void
test_restart_keys(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, "workers=1", NULL);
    Manager *manager = manager_start(place);
    place_write(place, "workers=2\ncontrol-socket='/nowhere/c.sock'\nlanguage='ja'\ndaemon=true",
                NULL);
    manager_reload(manager, "reloaded:");
    manager_wait_log(manager, "reload-problem:", "line=4 group=manager key=workers ", 1);
    manager_wait_log(manager, "reload-problem:", "line=5 group=manager key=control-socket ", 1);
    manager_wait_log(manager, "reload-problem:", "line=6 group=manager key=language ", 1);
    g_assert_cmpuint(manager_count_log(manager, "config-changed:"), ==, 0);
    g_autofree char *shown = manager_ask(place, "show-config");
    assert_has(shown, "\\nworkers=1\\n");
    assert_has(shown, "\\ncontrol-socket=''\\n");
    assert_has(shown, "\\nlanguage=''\\n");
    g_autofree char *status = manager_ask(place, "status");
    assert_has(status, "\"workers\":1,");
    manager_stop(manager);
}

static void
test_options_win(Place *place, gconstpointer data)
{
    (void)data;
    static const char *const options[] = {"--no-daemon", "--log-target=stdout", "--log-level=info",
                                          "--workers=1", NULL};
    place_write(place, "log-level='error'\nworkers=2", NULL);
    Manager *manager = manager_spawn(place, NULL, NULL, options);
    manager_wait_log(manager, "started:", "workers=1 ", 1);
    place_write(place, "log-level='warning'\nworkers=3\nmax-sessions=9", NULL);
    manager_reload(manager, "reloaded:"); /* which is logged: the level stays the option's */
    g_assert_cmpuint(manager_count_log(manager, "reload-problem:"), ==, 0);
    g_autofree char *shown = manager_ask(place, "show-config");
    assert_has(shown, "# --log-level\\nlog-level='info'\\n");
    assert_has(shown, "# --workers\\nworkers=1\\n");
    assert_has(shown, "max-sessions=9\\n");
    manager_stop(manager);
}

/* A session keeps what it began with. */
static void
test_session_keeps(Place *place, gconstpointer data)
{
    (void)data;
    place_write(place, NULL, "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_start(place);
    int session = mta_open(place->socket);
    mta_begin_message(session);
    place_write(place, NULL, NULL);
    manager_reload(manager, "reloaded:");
    g_assert_cmpint(mta_end_message(session), ==, SMFIR_CONTINUE);
    manager_wait_log(manager, "message: accept", "stages=one:pass", 1);
    close(session);
    session = mta_open(place->socket);
    mta_begin_message(session);
    g_assert_cmpint(mta_end_message(session), ==, SMFIR_CONTINUE);
    manager_wait_log(manager, "message: accept", NULL, 2);
    g_assert_cmpuint(manager_count_log(manager, "stages=one"), ==, 1);
    close(session);
    manager_stop(manager);
}

/* ---- Verbs. */

static void
expect_answer(MmControlClient *client, const char *verb, const char *arguments,
              const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = mm_control_call(client, verb, arguments, 60, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(answer, ==, expected);
}

static void
expect_refusal(MmControlClient *client, const char *verb, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mm_control_call(client, verb, NULL, 60, &error));
    g_assert_error(error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_REFUSED);
    assert_has(error->message, part);
}

static void
test_plugin_verbs(Place *place, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    place_write(place, NULL, "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_start(place);
    g_autoptr(MmControlClient) client = mm_control_connect(place->control, 60, &error);
    g_assert_no_error(error);
    expect_answer(client, "one.now", NULL, "{\"generation\":0}");
    expect_answer(client, "one.later", NULL, "{\"generation\":0}");
    expect_answer(client, "one.now", "{\"a\":[1,null,\"ü\"]}", "{\"a\":[1,null,\"ü\"]}");
    expect_refusal(client, "one.fail", "as asked");
    expect_refusal(client, "two.now", "“two” with a verb “now”");
    expect_answer(client, "verbs", NULL,
                  "[\"check\",\"reload\",\"show-config\",\"statistics\",\"status\",\"verbs\","
                  "\"one.fail\",\"one.later\",\"one.now\",\"one.spread\"]");
    /* A reload hands the verbs over to the new instances, on the same connection. */
    manager_reload(manager, "reloaded:");
    expect_answer(client, "one.now", NULL, "{\"generation\":1}");
    place_write(place, NULL, NULL);
    manager_reload(manager, "reloaded:");
    manager_wait_answer(place, "verbs", "\"verbs\"]"); /* the workers have let it go */
    expect_refusal(client, "one.now", "“one” with a verb “now”");
    manager_stop(manager);
}

static void
test_reload_verb(Place *place, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    place_write(place, NULL, NULL);
    Manager *manager = manager_start(place);
    g_autoptr(MmControlClient) client = mm_control_connect(place->control, 60, &error);
    g_assert_no_error(error);
    place_write(place, "workers=many", "[stages/one]\nplugin='asker'\n");
    expect_refusal(client, "reload", ":4: [manager] workers: ");
    g_autofree char *bad = manager_ask(place, "check");
    assert_has(bad, "\"good\":false");
    assert_has(bad, ":4: [manager] workers: ");
    place_write(place, NULL, "[stages/one]\nplugin='asker'\n");
    g_autofree char *good = manager_ask(place, "check");
    assert_has(good, "\"good\":true");
    expect_refusal(client, "one.now", "“one” with a verb “now”"); /* checked, not taken */
    g_autofree char *taken = manager_ask(place, "reload");
    assert_has(taken, "\"stages\":1");
    expect_answer(client, "one.now", NULL, "{\"generation\":0}");
    manager_stop(manager);
}

/* What a session waits for is in the table: a child that accepts and says nothing. */
static void
test_status_waits(Place *place, gconstpointer data)
{
    (void)data;
    g_autofree char *silent = place_file(place, "silent.sock");
    g_autofree char *stage = g_strdup_printf("[stages/silent]\nplugin='relay'\nstandby=0\n"
                                             "connection-spec='unix:%s'\nreading-timeout=60.0\n",
                                             silent);
    int child = mta_listen(silent);
    place_write(place, "workers=2\nmta-command-timeout=120.0", stage);
    Manager *manager = manager_start(place);
    int session = mta_negotiate(place->socket);
    manager_wait_answer(place, "status", "{\"stage\":\"silent\",");
    g_autoptr(Ran) ran = manager_run("-c", place->config, "--status", NULL);
    g_assert_cmpint(ran->code, ==, 0);
    assert_has(ran->out, "WAITING FOR");
    assert_has(ran->out, "\nsilent ");
    close(session);
    close(child);
    manager_stop(manager);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/control/reload/" name, Place, NULL, set_up, function, tear_down)
    ADD("changes", test_changes);
    ADD("refused", test_refused);
    ADD("restart-keys", test_restart_keys);
    ADD("options-win", test_options_win);
    ADD("session-keeps", test_session_keeps);
    ADD("plugin-verbs", test_plugin_verbs);
    ADD("reload-verb", test_reload_verb);
    ADD("status-waits", test_status_waits);
    return g_test_run();
}
