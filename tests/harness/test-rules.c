/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each broken rule is seen. */
#include "harness.h"

#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#endif

/* How far a session must come for the rule to be broken. */
typedef enum Until {
    UNTIL_CONFIGURED,
    UNTIL_CONNECT,
    UNTIL_HELO,
    UNTIL_MAIL,
    UNTIL_LATER, /* the clock is turned after MAIL */
    UNTIL_CLOSE, /* closed after MAIL, then the clock is turned */
    UNTIL_END,
} Until;

static const struct {
    const char *crime;
    Until until;
    const char *violation;
} crimes[] = {
    {"silent refusal", UNTIL_CONFIGURED, "configure returned NULL"},
    {"unknown key", UNTIL_CONFIGURED, "“no-such-key” of type b"},
    {"wrong type", UNTIL_CONFIGURED, "“crime” of type b"},
    {"wrong statistic", UNTIL_CONFIGURED, "“Not A Name” is no name"},
    {"malformed reply", UNTIL_CONNECT, "CONNECT: a malformed SMTP reply"},
    {"unknown verdict", UNTIL_CONNECT, "77 is no verdict"},
    {"no reason", UNTIL_CONNECT, "FAILED without a reason"},
    {"undeclared fact", UNTIL_CONNECT, "“innocent” is not in the descriptor"},
    {"late problem", UNTIL_CONNECT, "outside configure and expand: too late"},
    {"late counter", UNTIL_CONNECT, "“late” is made outside configure"},
    {"made-up ticket", UNTIL_CONNECT, "3 was never a ticket"},
    {"blocking descriptor", UNTIL_CONNECT, "is blocking"},
    {"watched twice", UNTIL_CONNECT, "is watched already"},
    {"closed before", UNTIL_CONNECT, "was closed before"},
    {"removed twice", UNTIL_CONNECT, "watch_remove: it is gone already"},
    {"left watch", UNTIL_CLOSE, "close left a watch behind"},
    {"left timer", UNTIL_CLOSE, "close left a timer behind"},
    {"left query", UNTIL_CLOSE, "close left a query behind"},
    {"late fact", UNTIL_HELO, "“rogue” is settled after CONNECT, this is HELO"},
    {"two ways", UNTIL_MAIL, "finish within event, then DONE"},
    {"no deadline", UNTIL_MAIL, "MAIL: LATER without a deadline"},
    {"job without label", UNTIL_MAIL, "job: no label"},
    {"second answer", UNTIL_LATER, "a second answer to ticket"},
    {"forgotten", UNTIL_LATER, "MAIL: the ticket is forgotten"},
    {"other thread", UNTIL_LATER, "finish was called from another thread"},
    {"answer after close", UNTIL_CLOSE, "is of a session that is closed"},
    {"malformed edit", UNTIL_END, "END_OF_MESSAGE: a malformed edit"},
};

static MmHarness *
rogue(const char *crime)
{
    MmHarness *harness = mm_harness_new(ROGUE);
    mm_harness_set(harness, "crime", crime);
    mm_harness_name_fails(harness, MILTER_RESOLVE_A, "never.example.org", MILTER_RESOLVE_NONE);
    mm_harness_name_delay(harness, MILTER_RESOLVE_A, "never.example.org", -1);
    return harness;
}

static gboolean
has_violation(const MmHarness *harness, const char *text)
{
    for (guint i = 0; mm_harness_violation(harness, i); i++) {
        if (strstr(mm_harness_violation(harness, i), text))
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_a_violation(gpointer harness)
{
    return mm_harness_violation(harness, 0) != NULL;
}

static void
run_session(MmHarness *harness, Until until)
{
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    if (until >= UNTIL_HELO)
        mm_harness_helo(session, "mx");
    if (until >= UNTIL_MAIL && until != UNTIL_END)
        mm_harness_mail(session, "<>", NULL);
    if (until == UNTIL_LATER) {
        mm_harness_wait(harness, has_a_violation, harness);
        mm_harness_advance(harness, 20);
    }
    if (until == UNTIL_CLOSE) {
        mm_harness_close(session);
        mm_harness_advance(harness, 20);
    }
    if (until == UNTIL_END)
        mm_harness_message(session, "<>", "<b@example.org>");
}

static void
test_crime(gconstpointer data)
{
    const guint i = GPOINTER_TO_UINT(data);
    MmHarness *harness = rogue(crimes[i].crime);
    mm_harness_set_threads(harness, strcmp(crimes[i].crime, "other thread") == 0);
    gboolean good = mm_harness_configure(harness);
    if (good && crimes[i].until > UNTIL_CONFIGURED)
        run_session(harness, crimes[i].until);
    g_assert_true(has_violation(harness, crimes[i].violation));
    mm_harness_forgive(harness);
    mm_harness_free(harness);
}

/* A reader of what was borrowed sees poison, or the sanitizer sees the reader. */
static void
test_borrowed(void)
{
#ifdef HAS_ASAN
    g_test_skip("the sanitizer would end the program");
#else
    MmHarness *harness = rogue("what was borrowed");
    g_assert_true(mm_harness_configure(harness));
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "mx", NULL);
    mm_harness_helo(session, "mx");
    g_assert_nonnull(strstr(mm_harness_log_line(harness, "rogue-kept"), "xDB"));
    mm_harness_free(harness);
#endif
}

static void
test_verb_answered_twice(void)
{
    g_autofree char *json = NULL, *error = NULL;
    MmHarness *harness = rogue("none");
    g_assert_true(mm_harness_configure(harness));
    g_assert_true(mm_harness_admin(harness, "twice", NULL, &json, &error));
    g_assert_cmpstr(json, ==, "1");
    g_assert_true(has_violation(harness, "a second answer to an administration verb"));
    mm_harness_forgive(harness);
    mm_harness_free(harness);
}

/* The test itself fails for a violation that nobody forgave. */
static void
test_violation_fails(void)
{
    if (g_test_subprocess()) {
        MmHarness *harness = rogue("unknown key");
        mm_harness_configure(harness);
        mm_harness_free(harness);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*rogue: violation:*no-such-key*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(crimes); i++) {
        g_autofree char *path = g_strdup_printf("/rules/%s", crimes[i].crime);
        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_crime);
    }
    g_test_add_func("/rules/borrowed", test_borrowed);
    g_test_add_func("/rules/verb-answered-twice", test_verb_answered_twice);
    g_test_add_func("/rules/violation-fails", test_violation_fails);
    return g_test_run();
}
