/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters that do it wrong, or as a libmilter program cannot: what milter-test-server makes of it.
 */
#include "fake.h"

#include <string.h>

typedef struct Wrong {
    FakeFilter filter;
    FakeAnswer answers[2];
    const char *problem; /* on standard error */
} Wrong;

static void
test_wrong(gconstpointer data)
{
    const Wrong *wrong = data;
    FakeFilter filter = wrong->filter;
    g_autofree char *commands = NULL;
    filter.answers = wrong->answers;
    g_autoptr(Run) run = fake_run(
        &filter, OPTIONS("--reading-timeout", "0.2", "--end-of-message-timeout", "0.2"), &commands);
    run_expect(run, 1, "status: error");
    g_assert_nonnull(strstr(run->err, wrong->problem));
}

static const struct {
    const char *path;
    Wrong wrong;
} wrongs[] = {
    {"unknown-reply", {{0}, {{'H', FAKE_ANSWER, {PACKET("x")}}, {0}}, "helo: "}},
    {"data-too-many", {{0}, {{'M', FAKE_ANSWER, {PACKET("c!")}}, {0}}, "no milter reply"}},
    {"empty-packet", {{0}, {{'M', FAKE_RAW, {PACKET("\0\0\0\0")}}, {0}}, "no milter reply"}},
    {"too-large", {{0}, {{'M', FAKE_RAW, {PACKET("\x7f\0\0\0y")}}, {0}}, "no milter reply"}},
    {"bad-reply-code",
     {{0}, {{'R', FAKE_ANSWER, {PACKET("y650 what\0")}}, {0}}, "envelope-recipient: "}},
    {"shutdown", {{0}, {{'E', FAKE_ANSWER, {PACKET("4")}}, {0}}, "end-of-message: shutdown: "}},
    {"connection-failure", {{0}, {{'C', FAKE_ANSWER, {PACKET("f")}}, {0}}, "connect: "}},
    {"late-negotiation",
     {{0}, {{'T', FAKE_ANSWER, {PACKET("O\0\0\0\6\0\0\0\0\0\0\0\0")}}, {0}}, "data: negotiate"}},
    {"early-edit",
     {{0}, {{'T', FAKE_ANSWER, {PACKET("hX\0v\0"), PACKET("c")}}, {0}}, "data: add-header: "}},
    {"early-quarantine",
     {{0}, {{'B', FAKE_ANSWER, {PACKET("qwhy\0"), PACKET("c")}}, {0}}, "body: quarantine: "}},
    {"edit-not-negotiated",
     {{.actions = 2}, {{'E', FAKE_ANSWER, {PACKET("hX\0v\0"), PACKET("c")}}, {0}}, "negotiate"}},
    {"body-in-parts",
     {{0},
      {{'E', FAKE_ANSWER, {PACKET("bone"), PACKET("hX\0v\0"), PACKET("btwo"), PACKET("c")}}, {0}},
      "replace-body: "}},
    {"body-and-progress",
     {{0},
      {{'E', FAKE_ANSWER, {PACKET("bone"), PACKET("p"), PACKET("btwo"), PACKET("c")}}, {0}},
      "replace-body: "}},
    {"version-above", {{.version = 7}, {{0}}, "negotiate: "}},
    {"version-below", {{.version = 1}, {{0}}, "negotiate: "}},
    {"actions-not-offered", {{.actions = 0x8001}, {{0}}, "negotiate: "}},
    {"bad-symbols",
     {{0},
      {{'O', FAKE_ANSWER, {PACKET("O\0\0\0\6\0\0\1\0\0\0\0\0\0\0\0\1i")}}, {0}},
      "negotiate: "}},
    {"no-negotiation", {{0}, {{'O', FAKE_ANSWER, {PACKET("c")}}, {0}}, "negotiate: "}},
    {"close-at-negotiation", {{0}, {{'O', FAKE_CLOSE, {{0}}}, {0}}, "closed the connection"}},
    {"close-at-end", {{0}, {{'E', FAKE_CLOSE, {{0}}}, {0}}, "closed the connection"}},
    {"half-a-packet", {{0}, {{'N', FAKE_CLOSE, {PACKET("\0\0\0")}}, {0}}, "end-of-header: "}},
    {"silence-at-connect", {{0}, {{'C', FAKE_SILENCE, {{0}}}, {0}}, "connect: timed out"}},
    {"silence-at-end", {{0}, {{'E', FAKE_SILENCE, {{0}}}, {0}}, "end-of-message: timed out"}},
};

/* ---- What is right. */

static Run *
run_with(const FakeAnswer *answers, guint32 protocol, const char *const *options, char **commands)
{
    const FakeFilter filter = {.protocol = protocol, .answers = answers};
    return fake_run(&filter, options, commands);
}

static void
test_order(void)
{
    g_autofree char *commands = NULL;
    g_autoptr(Run) run =
        run_with(NULL, 0, OPTIONS("--unknown", "x", "-h", "A:b", "-b", "1", "-b", "2"), &commands);
    run_expect(run, 0, "status: pass");
    g_assert_cmpstr(commands, ==, "ODCHUDMDRDTLDNBBDEQ");
}

static void
test_abort(void)
{
    static const FakeAnswer answers[] = {{'M', FAKE_ANSWER, {PACKET("r")}}, {0}};
    static const char mail[] = "A: b\n\nc\n";
    Stand stand;
    stand_begin_empty(&stand);
    g_autofree char *file = stand_write(&stand, "mail", mail, sizeof(mail) - 1);
    g_autofree char *commands = NULL;
    g_autoptr(Run) run = run_with(answers, 0, OPTIONS("-m", file, "-m", file), &commands);
    run_expect(run, 3, "status: reject");
    g_assert_cmpstr(commands, ==, "ODCHDMADMAQ");
    stand_end(&stand);
}

static void
test_skip(void)
{
    static const FakeAnswer headers[] = {{'L', FAKE_ANSWER, {PACKET("s")}}, {0}};
    static const FakeAnswer body[] = {{'B', FAKE_ANSWER, {PACKET("s")}}, {0}};
    static const FakeAnswer recipients[] = {{'R', FAKE_ANSWER, {PACKET("s")}}, {0}};
    static const struct {
        const FakeAnswer *answers;
        const char *commands;
    } cases[] = {{headers, "ODCHDMDRDRDTLDNBBDEQ"},
                 {body, "ODCHDMDRDRDTLLDNBDEQ"},
                 {recipients, "ODCHDMDRDDTLLDNBBDEQ"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *commands = NULL;
        g_autoptr(Run) run =
            run_with(cases[i].answers, 0x400,
                     OPTIONS("-r", "a", "-r", "b", "-h", "A:b", "-h", "C:d", "-b", "1", "-b", "2"),
                     &commands);
        run_expect(run, 0, "status: pass");
        g_assert_cmpstr(commands, ==, cases[i].commands);
    }
}

/* Progress is no answer, at any stage. */
static void
test_progress(void)
{
    static const FakeAnswer answers[] = {
        {'C', FAKE_ANSWER, {PACKET("p"), PACKET("c")}},
        {'E', FAKE_ANSWER, {PACKET("p"), PACKET("p"), PACKET("p"), PACKET("a")}},
        {0}};
    g_autofree char *commands = NULL;
    g_autoptr(Run) run = run_with(answers, 0, NULL, &commands);
    run_expect(run, 0, "status: accept");
}

static void
test_reply_without_enhanced_code(void)
{
    static const FakeAnswer answers[] = {{'M', FAKE_ANSWER, {PACKET("y450-not\r\n450 now 5.0\0")}},
                                         {0}};
    g_autofree char *commands = NULL;
    g_autoptr(Run) run = run_with(answers, 0, NULL, &commands);
    run_expect(run, 4, "status: temporary-failure [450](not\\nnow 5.0)");
}

static void
test_leading_space(void)
{
    static const FakeAnswer answers[] = {{'E',
                                          FAKE_ANSWER,
                                          {PACKET("hA\0none\0"), PACKET("i\0\0\0\1B\0 one\0"),
                                           PACKET("m\0\0\0\1To\0\ttab\0"), PACKET("c")}},
                                         {0}};
    static const struct {
        guint32 protocol;
        const char *added, *inserted, *changed;
    } cases[] = {{0, "\n+ A: none\n", "\n+ B:  one\n", "\n+ To: \ttab\n"},
                 {0x100000, "\n+ A:none\n", "\n+ B: one\n", "\n+ To:\ttab\n"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *commands = NULL;
        g_autoptr(Run) run =
            run_with(answers, cases[i].protocol, OPTIONS("--output-message"), &commands);
        run_expect(run, 0, "status: pass");
        g_assert_nonnull(strstr(run->out, cases[i].added));
        g_assert_nonnull(strstr(run->out, cases[i].inserted));
        g_assert_nonnull(strstr(run->out, cases[i].changed));
    }
}

static void
test_envelope_edits(void)
{
    static const FakeAnswer answers[] = {
        {'E',
         FAKE_ANSWER,
         {PACKET("eS@x\0RET=HDRS\0ENVID=1\0"), PACKET("2R@x\0NOTIFY=NEVER\0"),
          PACKET("-receiver@example.org\0"), PACKET("+T@x\0"), PACKET("-<T@x>\0"), PACKET("c")}},
        {0}};
    g_autofree char *commands = NULL;
    g_autoptr(Run) run = run_with(answers, 0, OPTIONS("--output-message"), &commands);
    run_expect(run, 0, "status: pass");
    g_assert_nonnull(strstr(run->out, "\n- MAIL FROM:<sender@example.com>\n"
                                      "+ MAIL FROM:<S@x> RET=HDRS ENVID=1\n"
                                      "- RCPT TO:<receiver@example.org>\n"
                                      "+ RCPT TO:<R@x> NOTIFY=NEVER\nHeader:"));
}

/* A reply that refuses makes edits moot. */
static void
test_moot_edits(void)
{
    static const FakeAnswer answers[] = {
        {'E', FAKE_ANSWER, {PACKET("hA\0b\0"), PACKET("bnew"), PACKET("d")}}, {0}};
    g_autofree char *commands = NULL;
    g_autoptr(Run) run = run_with(answers, 0, OPTIONS("--output-message"), &commands);
    run_expect(run, 5, "status: discard");
    g_assert_null(strstr(run->out, "\n+"));
    g_assert_null(strstr(run->out, "\n-"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(wrongs); i++) {
        g_autofree char *path = g_strconcat("/tools/strict/", wrongs[i].path, NULL);
        g_test_add_data_func(path, &wrongs[i].wrong, test_wrong);
    }
    g_test_add_func("/tools/strict/order", test_order);
    g_test_add_func("/tools/strict/abort", test_abort);
    g_test_add_func("/tools/strict/skip", test_skip);
    g_test_add_func("/tools/strict/progress", test_progress);
    g_test_add_func("/tools/strict/reply-without-enhanced-code", test_reply_without_enhanced_code);
    g_test_add_func("/tools/strict/leading-space", test_leading_space);
    g_test_add_func("/tools/strict/envelope-edits", test_envelope_edits);
    g_test_add_func("/tools/strict/moot-edits", test_moot_edits);
    return g_test_run();
}
