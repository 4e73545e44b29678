/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Edits of a libmilter program, as milter-test-server shows them; and both tools' usage. */
#include "tool.h"

#include <errno.h>
#include <string.h>

static const char mail[] = "From: a\nX: 1\nX: 2\nX: 3\nTo: b\n folded\n\none\ntwo\n";

static void
check(const char *const *edits, const char *expected)
{
    Stand stand;
    stand_begin(&stand, edits);
    g_autofree char *file = stand_write(&stand, "mail", mail, sizeof(mail) - 1);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", file, "--output-message"));
    run_expect(run, 0, "status: pass");
    const char *header = strstr(run->out, "Header:-");
    g_assert_nonnull(header);
    g_assert_cmpstr(strchr(header, '\n') + 1, ==, expected);
    stand_end(&stand);
}

#define BODY "Body:----------------------------------\n"

static void
test_none(void)
{
    check(NULL, "  From: a\n  X: 1\n  X: 2\n  X: 3\n  To: b\n   folded\n" BODY "  one\n  two\n");
}

static void
test_headers(void)
{
    check(OPTIONS("--add-header", "X:4", "--insert-header", "0:Top:t", "--change-header",
                  "x:2:two\\"),
          "+ Top: t\n  From: a\n  X: 1\n- X: 2\n+ x: two\\\n  X: 3\n  To: b\n   folded\n"
          "+ X: 4\n" BODY "  one\n  two\n");
}

/* Postfix counts what is left after a deletion: the third is the second then. */
static void
test_delete(void)
{
    check(OPTIONS("--delete-header", "X:2", "--delete-header", "X:2", "--delete-header", "None"),
          "  From: a\n  X: 1\n- X: 2\n- X: 3\n  To: b\n   folded\n" BODY "  one\n  two\n");
}

static void
test_folded(void)
{
    check(OPTIONS("--change-header", "To:1:b\n c", "--change-header", "New:9:n"),
          "  From: a\n  X: 1\n  X: 2\n  X: 3\n- To: b\n-  folded\n+ To: b\n+  c\n"
          "+ New: n\n" BODY "  one\n  two\n");
}

/* Places of insertion: 1 is above the first header shown, as Postfix counts its own Received. */
static void
test_insert(void)
{
    check(OPTIONS("--insert-header", "1:A:1", "--insert-header", "3:B:3", "--insert-header",
                  "99:C:99"),
          "+ A: 1\n  From: a\n+ B: 3\n  X: 1\n  X: 2\n  X: 3\n  To: b\n   folded\n"
          "+ C: 99\n" BODY "  one\n  two\n");
}

static void
test_body(void)
{
    check(OPTIONS("--replace-body", "new\\r\\n", "--replace-body", "\\xff\\r\\nlast"),
          "  From: a\n  X: 1\n  X: 2\n  X: 3\n  To: b\n   folded\n" BODY
          "- one\n- two\n+ new\n+ \xff\n+ last\n");
}

static void
test_color(void)
{
    Stand stand;
    stand_begin(&stand, OPTIONS("--change-header", "Subject:1:new"));
    g_autoptr(Run) yes = run_server(stand.spec, OPTIONS("--output-message", "--color=yes"));
    g_assert_nonnull(strstr(yes->out, "\033[31m- Subject: a test message\033[0m\n"
                                      "\033[32m+ Subject: new\033[0m\n"));
    g_autoptr(Run) automatic = run_server(stand.spec, OPTIONS("--output-message"));
    g_assert_null(strchr(automatic->out, '\033'));
    stand_end(&stand);
}

/* ---- Usage. */

static void
expect_usage(const char *program, const char *const *options, const char *text)
{
    g_autoptr(Run) run = run_program(program, options);
    g_test_message("%s", run->err);
    g_assert_cmpint(run->code, ==, 2);
    g_assert_cmpstr(run->out, ==, "");
    g_assert_nonnull(strstr(run->err, text));
}

static void
test_server_usage(void)
{
#define EXPECT(text, ...) expect_usage("MM_TEST_SERVER", OPTIONS(__VA_ARGS__), text)
    EXPECT("--connection-spec is missing", "-v");
    EXPECT("--connection-spec: “tcp:25”", "-s", "tcp:25");
    EXPECT("1 to 65535", "-s", "inet:65536");
    EXPECT("--negotiate-version: “1”", "-s", "inet:1", "--negotiate-version=1");
    EXPECT("--negotiate-version: “7”", "-s", "inet:1", "--negotiate-version=7");
    EXPECT("--threads: “0”", "-s", "inet:1", "-t", "0");
    EXPECT("--sessions: “-1”", "-s", "inet:1", "--sessions=-1");
    EXPECT("--reading-timeout: “nan”", "-s", "inet:1", "--reading-timeout=nan");
    EXPECT("--writing-timeout: “-1”", "-s", "inet:1", "--writing-timeout=-1");
    EXPECT("--color: “maybe”", "-s", "inet:1", "--color=maybe");
    EXPECT("-h: “x”", "-s", "inet:1", "-h", "x");
    EXPECT("--helo-macro: “x”", "-s", "inet:1", "--helo-macro=x");
    EXPECT("-b: “a\\q”", "-s", "inet:1", "-b", "a\\q");
    EXPECT("--connect-address: “name”", "-s", "inet:1", "--connect-address=inet:1@name");
    EXPECT("unexpected argument “more”", "-s", "inet:1", "more");
    EXPECT("/nonexistent/mail", "-s", "inet:1", "-m", "/nonexistent/mail");
    EXPECT("--mail-file", "-s", "inet:1", "-b", "x", "-m", "/dev/null");
    EXPECT("--nonsense", "-s", "inet:1", "--nonsense");
#undef EXPECT
}

static void
test_client_usage(void)
{
#define EXPECT(text, ...) expect_usage("MM_TEST_CLIENT", OPTIONS(__VA_ARGS__), text)
    EXPECT("--connection-spec is missing", "--quiet");
    EXPECT("--connection-spec: “tcp:25”", "-s", "tcp:25");
    EXPECT("end-of-header, body, end-of-message", "--reply", "start=accept");
    EXPECT("continue, accept, reject", "--reply", "connect=maybe");
    EXPECT("“550 5.7.1 text”", "--reply", "connect=550 ");
    EXPECT("“550 5.7.1 text”", "--reply", "connect=550 4.7.1 mixed");
    EXPECT("“550 5.7.1 text”", "--reply", "connect=650 5.7.1 no");
    EXPECT("0 to 86400", "--delay", "connect=nan");
    EXPECT("0 to 86400", "--delay", "connect=-1");
    EXPECT("“end-of-message”", "--no-events", "end-of-message");
    EXPECT("“body,”", "--no-reply", "body,");
    EXPECT("“body=i”", "--request-macros", "body=i");
    EXPECT("NAME:VALUE", "--add-header", "name");
    EXPECT("INDEX:NAME:VALUE", "--insert-header", "x:a:b");
    EXPECT("NAME:INDEX:VALUE", "--change-header", "a:b");
    EXPECT("NAME[:INDEX]", "--delete-header", "a:b");
    EXPECT("NAME[:INDEX]", "--delete-header", "");
    EXPECT("ADDRESS", "--add-recipient", "");
    EXPECT("a reason", "--quarantine", "");
    EXPECT("“a\\q”", "--replace-body", "a\\q");
    EXPECT("unexpected argument “more”", "-s", "inet:1", "more");
#undef EXPECT
}

static void
test_version(void)
{
    g_autoptr(Run) server = run_program("MM_TEST_SERVER", OPTIONS("--version"));
    g_assert_cmpint(server->code, ==, 0);
    g_assert_true(g_str_has_prefix(server->out, "milter-test-server "));
    g_autoptr(Run) client = run_program("MM_TEST_CLIENT", OPTIONS("--version"));
    g_assert_cmpint(client->code, ==, 0);
    g_assert_true(g_str_has_prefix(client->out, "milter-test-client "));
}

/* ---- No filter. */

static void
test_no_filter(void)
{
    Stand stand;
    stand_begin_empty(&stand);
    g_autoptr(Run) run = run_server(stand.spec, NULL);
    g_autofree char *expected =
        g_strdup_printf("Failed to connect to %s: No such file or directory\n", stand.spec);
    g_assert_cmpint(run->code, ==, 1);
    g_assert_cmpstr(run->out, ==, "");
    g_assert_cmpstr(run->err, ==, expected);
    stand_end(&stand);
}

static void
test_refused(void)
{
    g_autofree char *spec = g_strdup_printf("inet:%u@127.0.0.1", test_free_port());
    g_autofree char *expected =
        g_strdup_printf("Failed to connect to %s: Connection refused\n", spec);
    g_autoptr(Run) run = run_server(spec, NULL);
    g_assert_cmpint(run->code, ==, 1);
    g_assert_cmpstr(run->err, ==, expected);
    g_autoptr(Run) load = run_server(spec, OPTIONS("-t", "2", "--sessions", "5"));
    g_assert_cmpint(load->code, ==, 1);
    g_assert_true(g_str_has_prefix(load->out, "status: error\n"));
    g_assert_nonnull(strstr(load->out, "\nerrors: 5\n"));
    g_assert_cmpstr(load->err, ==, expected);
}

static void
test_cannot_listen(void)
{
    g_autoptr(Run) folder =
        run_program("MM_TEST_CLIENT", OPTIONS("-s", "unix:/nonexistent/folder/socket"));
    g_assert_cmpint(folder->code, ==, 1);
    g_assert_nonnull(strstr(folder->err, "No such file or directory"));
    g_autoptr(Run) file = run_program("MM_TEST_CLIENT", OPTIONS("-s", "unix:/etc/passwd"));
    g_assert_cmpint(file->code, ==, 1);
    g_assert_true(g_file_test("/etc/passwd", G_FILE_TEST_IS_REGULAR));
    /* TEST-NET-1 is nobody's. */
    g_autoptr(Run) inet = run_program("MM_TEST_CLIENT", OPTIONS("-s", "inet:10025@192.0.2.1"));
    g_assert_cmpint(inet->code, ==, 1);
    g_assert_nonnull(strstr(inet->err, g_strerror(EADDRNOTAVAIL)));
}

static void
test_inet(void)
{
    Stand stand;
    stand_begin_empty(&stand);
    guint port = test_free_port();
    g_free(stand.spec);
    stand.spec = g_strdup_printf("inet:%u@127.0.0.1", port);
    stand.filter = test_process_start(OPTIONS(g_getenv("MM_TEST_CLIENT"), "-s", stand.spec));
    g_assert_true(test_process_wait_for(stand.filter, "ready\n", TEST_PATIENCE));
    g_autofree char *no_host = g_strdup_printf("inet:%u", port);
    g_autofree char *name = g_strdup_printf("inet:%u@localhost", port);
    const char *const specs[] = {stand.spec, no_host, name};
    for (guint i = 0; i < G_N_ELEMENTS(specs); i++) {
        g_autoptr(Run) run = run_server(specs[i], NULL);
        run_expect(run, 0, "status: pass");
    }
    stand_end(&stand);
}

int
main(int argc, char **argv)
{
    g_setenv("LC_ALL", "C.UTF-8", TRUE);
    g_unsetenv("LANGUAGE");
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tools/edits/none", test_none);
    g_test_add_func("/tools/edits/headers", test_headers);
    g_test_add_func("/tools/edits/delete", test_delete);
    g_test_add_func("/tools/edits/folded", test_folded);
    g_test_add_func("/tools/edits/insert", test_insert);
    g_test_add_func("/tools/edits/body", test_body);
    g_test_add_func("/tools/edits/color", test_color);
    g_test_add_func("/tools/usage/server", test_server_usage);
    g_test_add_func("/tools/usage/client", test_client_usage);
    g_test_add_func("/tools/usage/version", test_version);
    g_test_add_func("/tools/connection/no-filter", test_no_filter);
    g_test_add_func("/tools/connection/refused", test_refused);
    g_test_add_func("/tools/connection/cannot-listen", test_cannot_listen);
    g_test_add_func("/tools/connection/inet", test_inet);
    return g_test_run();
}
