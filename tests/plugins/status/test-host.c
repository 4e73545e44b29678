/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program with the plugin. */
#include "rig.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

/* ---- What is shown. */

static void
test_figures(void)
{
    Place place;
    Manager *manager = start(&place,
                             "[stages/origin]\nplugin='origin'\n"
                             "[stages/s25r]\nplugin='s25r'\naction='reject'\n"
                             "[stages/gone]\nplugin='relay'\nconnection-spec='unix:/nowhere/s'\n"
                             "fallback-status='accept'\ntrip-after=1\ntrip-delay=300.0",
                             NULL);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    g_assert_cmpint(send_from(&place, "dsl-192-0-2-7.example.org"), ==, 3);
    manager_wait_log(manager, "message:", NULL, 2);
    static const struct {
        const char *sample;
        double value;
    } expected[] = {
        {"milter_manager_messages_total{outcome=\"accept\"}", 1},
        {"milter_manager_messages_total{outcome=\"reject\"}", 1},
        {"milter_manager_sessions_total", 2},
        {"milter_manager_reloads_total", 0},
        {"milter_manager_stage_verdicts_total{stage=\"s25r\",verdict=\"reject\"}", 1},
        {"milter_manager_stage_verdicts_total{stage=\"origin\",verdict=\"reject\"}", 0},
        {"milter_manager_stage_tripped_now{stage=\"gone\"}", 1},
        {"milter_manager_stage_tripped_now{stage=\"s25r\"}", 0},
        {"milter_manager_stage_asked_total{stage=\"status\"}", 0},
    };
    g_autoptr(GHashTable) samples = samples_of(address);
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpfloat(exposition_get(samples, expected[i].sample), ==, expected[i].value);
    g_assert_cmpfloat(exposition_get(samples, "milter_manager_workers"), >=, 1);
    manager_reload(manager, "reloaded:");
    g_autoptr(GHashTable) later = samples_of(address);
    g_assert_cmpfloat(exposition_get(later, "milter_manager_reloads_total"), ==, 1);
    g_assert_cmpfloat(exposition_get(later, "milter_manager_sessions_total"), ==, 2);
    manager_stop(manager);
    place_clear(&place);
}

/* All packets of a session with a message, both ways. */
static char *
packets(const Place *place, const char *stages)
{
    place_write(place, NULL, stages);
    Manager *manager = manager_start(place);
    g_autofree char *spec = g_strconcat("--connection-spec=unix:", place->socket, NULL);
    g_autoptr(GRegex) time = g_regex_new("elapsed-time: .*", 0, 0, NULL);
    g_autofree char *said = NULL;
    g_autoptr(GSubprocess) sender =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, NULL,
                         g_getenv("MILTER_TEST_SERVER"), spec, "--verbose", NULL);
    g_assert_true(g_subprocess_communicate_utf8(sender, NULL, NULL, &said, NULL, NULL));
    g_assert_cmpint(g_subprocess_get_exit_status(sender), ==, 0);
    manager_stop(manager);
    return g_regex_replace(time, said, -1, 0, "", 0, NULL);
}

/* The MTA sees no difference, least of all in the negotiation; the host's own status has it. */
static void
test_unseen(void)
{
    Place place;
    place_init(&place);
    g_autofree char *spec = socket_spec(&place, "s");
    g_autofree char *stages =
        g_strdup_printf(STATUS "listen='%s'\n[stages/origin]\nplugin='origin'\n"
                               "[stages/last]\nplugin='status'\nlisten='%s2'\n",
                        spec, spec);
    g_autofree char *without = packets(&place, "[stages/origin]\nplugin='origin'\n");
    g_autofree char *with = packets(&place, stages);
    g_assert_cmpstr(without, ==, with);
    g_assert_cmpuint(strlen(with), >, 100);
    Manager *manager = manager_start(&place);
    g_autofree char *status = manager_ask(&place, "status");
    g_assert_nonnull(strstr(status, "\"name\":\"status\",\"plugin\":\"status\",\"asked\":0"));
    manager_stop(manager);
    place_clear(&place);
}

static void
test_methods(void)
{
    Place place;
    Manager *manager = start(&place, NULL, NULL);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autoptr(Answer) json = http_get(address, "/status.json");
    g_assert_nonnull(strstr(json->head, "application/json"));
    g_assert_true(g_str_has_prefix(json->body, "{\"version\":"));
    g_autoptr(Answer) page = http_get(address, "/");
    g_assert_nonnull(strstr(page->head, "text/html"));
    g_assert_nonnull(strstr(page->body, "</html>"));
    g_autoptr(Answer) metrics = http_get(address, "/metrics");
    g_assert_nonnull(strstr(metrics->head, "text/plain; version=0.0.4"));
    g_autoptr(Answer) missing = http_get(address, "/status");
    g_assert_cmpint(missing->status, ==, 404);
    g_autoptr(Answer) head = http_ask(address, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    g_assert_cmpint(head->status, ==, 200);
    g_assert_cmpstr(head->body, ==, "");
    g_autoptr(Answer) post =
        http_ask(address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b");
    g_assert_cmpint(post->status, ==, 405);
    g_assert_nonnull(strstr(post->head, "Allow: GET, HEAD"));
    manager_stop(manager);
    place_clear(&place);
}

static void
test_language(void)
{
    static const char *const options[] = {"--no-daemon", "--log-target=stdout", NULL};
    Place place;
    place_init(&place);
    g_autofree char *spec = socket_spec(&place, "s");
    g_autofree char *stages = g_strdup_printf(STATUS "listen='%s'\n", spec);
    place_write(&place, "language='ja'", stages);
    Manager *manager = manager_spawn(&place, NULL, NULL, options);
    manager_wait_log(manager, "status-listening:", NULL, 1);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autoptr(Answer) page = http_get(address, "/");
    g_assert_nonnull(strstr(page->body, "<html lang=\"ja\">"));
    g_assert_nonnull(strstr(page->body, "セッション"));
    manager_stop(manager);
    place_clear(&place);
}

/* ---- Addresses. */

static void
assert_problem(const char *listen, const char *more, const char *expected)
{
    Place place;
    place_init(&place);
    write_stages(&place, NULL, listen, more);
    g_autoptr(Ran) ran = manager_run("--check-config", "-c", place.config, NULL);
    g_assert_cmpint(ran->code, ==, 1);
    if (!strstr(ran->err, expected))
        g_error("“%s” is not in: %s", expected, ran->err);
    place_clear(&place);
}

static void
test_refused(void)
{
    static const char *const specs[] = {
        "inet:10027",           "inet:10027@0.0.0.0",      "inet:10027@192.0.2.1",
        "inet6:10027",          "inet6:10027@::",          "inet6:10027@[::2]",
        "inet:10027@localhost", "inet6:10027@2001:db8::1", "inet6:10027@::ffff:127.0.0.1",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(specs); i++)
        assert_problem(specs[i], NULL, "unix:PATH, inet:PORT@127.0.0.1 or inet6:PORT@[::1]");
    assert_problem("", NULL, "listen: no address");
    assert_problem("inet:0@127.0.0.1", NULL, "[stages/status] listen:");
    assert_problem("tcp:1", NULL, "[stages/status] listen:");
    assert_problem("inet:10027@127.0.0.1", "history-directory='relative'",
                   "history-directory: this is no absolute path");
    assert_problem("unix:/a/s", "[stages/other]\nplugin='status'\nlisten='local:/a/s'",
                   "[stages/other] listen: the stage “status” has the same");
    assert_problem("unix:/a/s",
                   "history-directory='/a/h'\n[stages/other]\nplugin='status'\n"
                   "listen='unix:/a/t'\nhistory-directory='/a/h'",
                   "[stages/other] history-directory: the stage “status” has the same");
}

/* To check or to show a configuration opens nothing and makes no folder. */
static void
test_check_opens_nothing(void)
{
    Place place;
    place_init(&place);
    g_autofree char *spec = socket_spec(&place, "s");
    g_autofree char *path = place_file(&place, "s");
    g_autofree char *history = place_file(&place, "history");
    g_autofree char *more = g_strdup_printf("history-directory='%s'", history);
    write_stages(&place, NULL, spec, more);
    g_autoptr(Ran) check = manager_run("--check-config", "-c", place.config, NULL);
    g_assert_cmpint(check->code, ==, 0);
    g_assert_cmpstr(check->err, ==, "");
    g_autoptr(Ran) shown = manager_run("--show-config", "-c", place.config, NULL);
    g_assert_cmpint(shown->code, ==, 0);
    g_assert_nonnull(strstr(shown->out, "[stages/status]"));
    g_assert_nonnull(strstr(shown->out, spec));
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_false(g_file_test(history, G_FILE_TEST_EXISTS));
    place_clear(&place);
}

static void
test_socket_file(void)
{
    Place place;
    place_init(&place);
    g_autofree char *spec = socket_spec(&place, "s");
    g_autofree char *path = place_file(&place, "s");
    struct stat status;
    /* One that is left over: bound once, and nobody listens. */
    g_autoptr(GSocketAddress) address = http_unix(path);
    GSocket *left =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_assert_true(g_socket_bind(left, address, FALSE, NULL));
    g_object_unref(left);
    write_stages(&place, NULL, spec, NULL);
    Manager *manager = manager_start(&place);
    manager_wait_log(manager, "status-listening:", NULL, 1);
    g_assert_cmpint(g_lstat(path, &status), ==, 0);
    g_assert_true(S_ISSOCK(status.st_mode));
    g_assert_cmpint(status.st_mode & 0777, ==, 0660);
    manager_stop(manager);
    g_assert_cmpint(g_lstat(path, &status), !=, 0);
    /* What is no socket stays. */
    g_assert_true(g_file_set_contents(path, "mine", -1, NULL));
    manager = manager_start(&place);
    manager_wait_log(manager, "status-listen-failed:", path, 1);
    manager_stop(manager);
    g_autofree char *content = NULL;
    g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "mine");
    g_unlink(path);
    place_clear(&place);
}

/* ---- Reload. */

static void
wait_until_closed(GSocketAddress *address)
{
    GSocketConnection *connection;
    while ((connection = http_connect(address))) {
        g_object_unref(connection);
        g_usleep(1000);
    }
}

/* A connection that was there before is served after; nothing is opened again. */
static void
test_reload_same(void)
{
    Place place;
    Manager *manager = start(&place, NULL, NULL);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autofree char *path = place_file(&place, "s");
    struct stat before, after;
    g_autoptr(GSocketConnection) open = http_connect(address);
    g_assert_cmpint(g_lstat(path, &before), ==, 0);
    http_write(open, "GET /metrics HTTP/1.1\r\n", 23);
    for (guint i = 0; i < 3; i++) {
        manager_reload(manager, "reloaded:");
        g_autoptr(GHashTable) samples = samples_of(address);
    }
    http_write(open, "Host: x\r\nConnection: close\r\n\r\n", 30);
    g_autoptr(Answer) answer = http_read(open);
    g_assert_cmpint(answer->status, ==, 200);
    g_assert_cmpint(g_lstat(path, &after), ==, 0);
    g_assert_true(before.st_ino == after.st_ino);
    g_assert_cmpuint(manager_count_log(manager, "status-listening:"), ==, 1);
    manager_stop(manager);
    place_clear(&place);
}

static void
test_reload_changed(void)
{
    Place place;
    Manager *manager = start(&place, NULL, NULL);
    g_autoptr(GSocketAddress) first = socket_address(&place, "s");
    g_autoptr(GSocketAddress) second = socket_address(&place, "t");
    g_autofree char *spec = socket_spec(&place, "t");
    write_stages(&place, NULL, spec, NULL);
    manager_reload(manager, "reloaded:");
    manager_wait_log(manager, "status-listening:", spec, 1);
    g_autoptr(GHashTable) samples = samples_of(second);
    wait_until_closed(first);
    /* A configuration that is not taken changes nothing. */
    write_stages(&place, NULL, "inet:10027@192.0.2.1", NULL);
    manager_reload(manager, "reload-refused:");
    g_autoptr(GHashTable) again = samples_of(second);
    place_write(&place, NULL, NULL);
    manager_reload(manager, "reloaded:");
    wait_until_closed(second);
    manager_stop(manager);
    place_clear(&place);
}

/* Two that change places, and one whose stage has another name. */
static void
test_reload_swapped(void)
{
    static const char pair[] = STATUS "listen='%s'\n[stages/%s]\nplugin='status'\nlisten='%s'\n";
    Place place;
    place_init(&place);
    g_autofree char *one = socket_spec(&place, "s");
    g_autofree char *two = socket_spec(&place, "t");
    g_autofree char *first = g_strdup_printf(pair, one, "other", two);
    g_autofree char *swapped = g_strdup_printf(pair, two, "other", one);
    g_autofree char *renamed = g_strdup_printf(pair, two, "renamed", one);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autoptr(GSocketAddress) other = socket_address(&place, "t");
    place_write(&place, NULL, first);
    Manager *manager = manager_start(&place);
    manager_wait_log(manager, "status-listening:", NULL, 2);
    place_write(&place, NULL, swapped);
    manager_reload(manager, "reloaded:");
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    place_write(&place, NULL, renamed);
    manager_reload(manager, "reloaded:");
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    g_autoptr(GHashTable) samples = samples_of(address);
    g_autoptr(GHashTable) others = samples_of(other);
    manager_stop(manager);
    place_clear(&place);
}

/* ---- History. */

/* The days of a figure of the host, summed up; the file is closed. */
static double
recorded(const char *file, const char *name)
{
    static const char sql[] = "SELECT total(value) FROM sample JOIN series ON id = series"
                              " WHERE level = 2 AND stage = '' AND name = ?1";
    sqlite3 *db;
    sqlite3_stmt *row;
    g_assert_cmpint(sqlite3_open(file, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &row, NULL), ==, SQLITE_OK);
    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    g_assert_cmpint(sqlite3_step(row), ==, SQLITE_ROW);
    double value = sqlite3_column_double(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}

static void
test_history(void)
{
    Place place;
    place_init(&place);
    g_autofree char *folder = place_file(&place, "history");
    g_autofree char *file = g_build_filename(folder, "status.sqlite", NULL);
    g_autofree char *spec = socket_spec(&place, "s");
    g_autofree char *more = g_strdup_printf("history-directory='%s'", folder);
    write_stages(&place, NULL, spec, more);
    Manager *manager = manager_start(&place);
    manager_wait_log(manager, "status-listening:", NULL, 1);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autoptr(Answer) page = http_get(address, "/");
    g_assert_nonnull(strstr(page->body, "Last month"));
    g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    manager_wait_log(manager, "message:", NULL, 1);
    manager_stop(manager); /* takes along what has not waited for the end of its minute */
    g_assert_cmpfloat(recorded(file, "messages.accept"), ==, 1);
    manager = manager_start(&place);
    manager_wait_log(manager, "status-listening:", NULL, 1);
    g_autoptr(Answer) drawn = http_get(address, "/");
    g_assert_nonnull(strstr(drawn->body, "<svg "));
    write_stages(&place, NULL, spec, NULL);
    manager_reload(manager, "reloaded:");
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    manager_stop(manager);
    g_unlink(file);
    g_rmdir(folder);
    place_clear(&place);
}

/* It is said once, and all else goes on. */
static void
test_history_broken(void)
{
    Place place;
    g_autofree char *more = g_strdup("history-directory='/dev/null/history'");
    Manager *manager = start(&place, NULL, more);
    manager_wait_log(manager, "status-history-failed:", "/dev/null/history", 1);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autoptr(Answer) page = http_get(address, "/");
    g_assert_nonnull(strstr(page->body, "The history is not available now."));
    g_autoptr(GHashTable) samples = samples_of(address);
    manager_reload(manager, "reloaded:");
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    manager_stop(manager);
    place_clear(&place);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } tests[] = {
        {"figures", test_figures},
        {"unseen", test_unseen},
        {"methods", test_methods},
        {"language", test_language},
        {"refused", test_refused},
        {"check-opens-nothing", test_check_opens_nothing},
        {"socket-file", test_socket_file},
        {"reload-same", test_reload_same},
        {"reload-changed", test_reload_changed},
        {"reload-swapped", test_reload_swapped},
        {"history", test_history},
        {"history-broken", test_history_broken},
    };
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/status/host/", tests[i].name, NULL);
        g_test_add_func(path, tests[i].function);
    }
    return g_test_run();
}
