/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every verdict at every stage, as milter-test-server prints it and as its exit code. */
#include "tool.h"

#include <string.h>

static const char *const stages[] = {
    "connect", "helo",   "unknown",       "envelope-from", "envelope-recipient",
    "data",    "header", "end-of-header", "body",          "end-of-message"};

typedef struct Verdict {
    const char *action;
    int code;
    const char *line; /* the first */
} Verdict;

static void
check_stage(const char *stage, const Verdict *verdict)
{
    g_autofree char *reply = g_strdup_printf("%s=%s", stage, verdict->action);
    Stand stand;
    g_test_message("%s", reply);
    stand_begin(&stand, OPTIONS("--reply", reply));
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("--unknown", "XYZZY"));
    run_expect(run, verdict->code, verdict->line);
    stand_end(&stand);
}

static void
test_verdict(gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(stages); i++)
        check_stage(stages[i], data);
}

/* Skip ends nothing, wherever it comes. */
static void
test_skip(void)
{
    static const Verdict pass = {"skip", 0, "status: pass"};
    test_verdict(&pass);
}

static void
test_quarantine(void)
{
    Stand stand;
    stand_begin(&stand, OPTIONS("--quarantine", "looks odd"));
    g_autoptr(Run) run = run_server(stand.spec, NULL);
    run_expect(run, 0, "status: quarantine");
    g_assert_cmpstr(run->lines[2], ==, "quarantine-reason: looks odd");
    stand_end(&stand);
}

/* A verdict that refuses makes the quarantine moot; accept does not. */
static void
test_quarantine_and_verdict(void)
{
    Stand stand;
    stand_begin(&stand, OPTIONS("--quarantine", "odd", "--reply", "end-of-message=reject"));
    g_autoptr(Run) rejected = run_server(stand.spec, NULL);
    run_expect(rejected, 3, "status: reject");
    g_assert_cmpstr(rejected->lines[2], ==, "");
    stand_end(&stand);
    stand_begin(&stand, OPTIONS("--quarantine", "odd", "--reply", "end-of-message=accept"));
    g_autoptr(Run) accepted = run_server(stand.spec, NULL);
    run_expect(accepted, 0, "status: quarantine");
    stand_end(&stand);
}

static void
test_reply_lines(void)
{
    Stand stand;
    stand_begin(&stand, OPTIONS("--reply", "data=550 5.7.1 one\\ntwo\\nthree"));
    g_autoptr(Run) run = run_server(stand.spec, NULL);
    run_expect(run, 3, "status: reject [550]<5.7.1>(one\\ntwo\\nthree)");
    stand_end(&stand);
}

/* libmilter takes 32 lines. */
static void
test_reply_many_lines(void)
{
    g_autoptr(GString) reply = g_string_new("data=550 5.7.1 line");
    g_autoptr(GString) expected = g_string_new("status: reject [550]<5.7.1>(line");
    for (guint i = 2; i <= 32; i++) {
        g_string_append_printf(reply, "\\nline %u", i);
        g_string_append_printf(expected, "\\nline %u", i);
    }
    g_string_append_c(expected, ')');
    Stand stand;
    stand_begin(&stand, OPTIONS("--reply", reply->str));
    g_autoptr(Run) run = run_server(stand.spec, NULL);
    run_expect(run, 3, expected->str);
    stand_end(&stand);
}

/* Declined events bring no verdict. */
static void
test_declined(void)
{
    Stand stand;
    stand_begin(&stand, OPTIONS("--no-events",
                                "connect,helo,unknown,envelope-from,envelope-recipient,data,header,"
                                "end-of-header,body",
                                "--reply", "connect=reject", "--reply", "helo=reject", "--reply",
                                "unknown=reject", "--reply", "envelope-from=reject", "--reply",
                                "envelope-recipient=reject", "--reply", "data=reject", "--reply",
                                "header=reject", "--reply", "end-of-header=reject", "--reply",
                                "body=reject"));
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("--unknown", "XYZZY", "-v"));
    run_expect(run, 0, "status: pass");
    for (const char *code = "CHUMRTLNB"; *code; code++) {
        const char packet[] = {'>', ' ', *code, ' ', '\0'};
        g_assert_null(strstr(run->err, packet));
    }
    g_assert_nonnull(strstr(run->err, "> E "));
    stand_end(&stand);
}

/* Nobody waits for answers that were negotiated away, in any version. */
static void
test_no_replies(void)
{
    static const char list[] = "connect,helo,unknown,envelope-from,envelope-recipient,data,header,"
                               "end-of-header,body";
    Stand stand;
    stand_begin(&stand, OPTIONS("--no-reply", list, "--reply", "end-of-message=accept"));
    for (guint version = 2; version <= 6; version++) {
        g_autofree char *number = g_strdup_printf("%u", version);
        g_autoptr(Run) run =
            run_server(stand.spec, OPTIONS("--negotiate-version", number, "--unknown", "X", "-v"));
        run_expect(run, 0, "status: accept");
        g_assert_true((strstr(run->err, "> U X") != NULL) == (version >= 3));
        g_assert_true((strstr(run->err, "> T ") != NULL) == (version >= 4));
    }
    stand_end(&stand);
}

/* ---- Several messages and recipients. */

static void
test_two_messages(void)
{
    static const char mail[] = "Subject: one\n\nbody\n";
    Stand stand;
    stand_begin(&stand, OPTIONS("--reply", "data=451 4.7.1 later"));
    g_autofree char *first = stand_write(&stand, "first", mail, sizeof(mail) - 1);
    g_autofree char *second = stand_write(&stand, "second", mail, sizeof(mail) - 1);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", first, "-m", second));
    run_expect(run, 4, "status: temporary-failure [451]<4.7.1>(later)");
    g_assert_cmpstr(run->lines[2], ==, "");
    g_assert_cmpstr(run->lines[3], ==, "status: temporary-failure [451]<4.7.1>(later)");
    /* What it prints last, when the session is over: all of it has come then. */
    g_assert_true(test_process_wait_for(stand.filter, "\nclose", TEST_PATIENCE));
    g_autofree char *seen = test_process_output(stand.filter);
    char *connect = strstr(seen, "connect <");
    g_assert_nonnull(connect);
    g_assert_null(strstr(connect + 1, "connect <"));
    stand_end(&stand);
}

static void
test_refused_recipients(void)
{
    Stand stand;
    stand_begin(&stand, OPTIONS("--reply", "envelope-recipient=550 5.1.1 unknown"));
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-r", "a@example.org", "-r", "<b@c>"));
    run_expect(run, 3, "status: reject [550]<5.1.1>(unknown)");
    g_assert_cmpstr(run->lines[2], ==,
                    "refused-recipient: <a@example.org> reject [550]<5.1.1>(unknown)");
    g_assert_cmpstr(run->lines[3], ==, "refused-recipient: <b@c> reject [550]<5.1.1>(unknown)");
    stand_end(&stand);
}

/* 421: the MTA hangs up, the second message is never begun. */
static void
test_hang_up(void)
{
    static const char mail[] = "Subject: one\n\nbody\n";
    Stand stand;
    stand_begin(&stand, OPTIONS("--reply", "envelope-from=421 4.7.0 enough"));
    g_autofree char *file = stand_write(&stand, "mail", mail, sizeof(mail) - 1);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", file, "-m", file));
    run_expect(run, 4, "status: temporary-failure [421]<4.7.0>(enough)");
    g_assert_cmpstr(run->lines[2], ==, "");
    g_assert_null(run->lines[3]);
    stand_end(&stand);
}

static void
test_load(void)
{
    Stand stand;
    stand_begin(&stand, OPTIONS("--quarantine", "x"));
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-t", "4", "--sessions", "40"));
    run_expect(run, 0, "status: quarantine");
    g_assert_nonnull(
        strstr(run->out, "\nsessions: 40\nerrors: 0\nmessages-quarantine: 40\nrate: "));
    static const char *const points[] = {"p50", "p90", "p99", "max"};
    for (guint i = 0; i < G_N_ELEMENTS(points); i++) {
        g_autofree char *line = g_strdup_printf("\nlatency-%s: ", points[i]);
        g_assert_nonnull(strstr(run->out, line));
    }
    stand_end(&stand);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        Verdict verdict;
    } verdicts[] = {
        {"/tools/verdicts/continue", {"continue", 0, "status: pass"}},
        {"/tools/verdicts/accept", {"accept", 0, "status: accept"}},
        {"/tools/verdicts/reject", {"reject", 3, "status: reject"}},
        {"/tools/verdicts/temporary-failure", {"tempfail", 4, "status: temporary-failure"}},
        {"/tools/verdicts/discard", {"discard", 5, "status: discard"}},
        {"/tools/verdicts/reject-text",
         {"550 5.7.1 go away", 3, "status: reject [550]<5.7.1>(go away)"}},
        {"/tools/verdicts/temporary-text",
         {"451 4.3.0 in a while", 4, "status: temporary-failure [451]<4.3.0>(in a while)"}},
    };
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++)
        g_test_add_data_func(verdicts[i].path, &verdicts[i].verdict, test_verdict);
    g_test_add_func("/tools/verdicts/skip", test_skip);
    g_test_add_func("/tools/verdicts/quarantine", test_quarantine);
    g_test_add_func("/tools/verdicts/quarantine-and-verdict", test_quarantine_and_verdict);
    g_test_add_func("/tools/verdicts/reply-lines", test_reply_lines);
    g_test_add_func("/tools/verdicts/reply-many-lines", test_reply_many_lines);
    g_test_add_func("/tools/verdicts/declined", test_declined);
    g_test_add_func("/tools/verdicts/no-replies", test_no_replies);
    g_test_add_func("/tools/verdicts/two-messages", test_two_messages);
    g_test_add_func("/tools/verdicts/refused-recipients", test_refused_recipients);
    g_test_add_func("/tools/verdicts/hang-up", test_hang_up);
    g_test_add_func("/tools/verdicts/load", test_load);
    return g_test_run();
}
