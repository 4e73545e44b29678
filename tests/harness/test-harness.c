/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness against a stage that keeps the rules, and what it lets a test do. */
#include "harness.h"

static MmHarness *
configured(const char *key, const char *value)
{
    MmHarness *harness = mm_harness_new(POLITE);
    if (key)
        mm_harness_set(harness, key, value);
    g_assert_true(mm_harness_configure(harness));
    return harness;
}

static void
test_settings(void)
{
    MmHarness *harness = mm_harness_new(POLITE);
    mm_harness_set(harness, "sise", "3");
    mm_harness_set(harness, "seconds", "1000");
    g_assert_false(mm_harness_configure(harness));
    g_assert_nonnull(strstr(mm_harness_problem(harness, 0), "sise"));
    g_assert_nonnull(strstr(mm_harness_problem(harness, 1), "from 0.0 to 100.0"));
    g_assert_null(mm_harness_problem(harness, 2));
    mm_harness_set(harness, "sise", NULL);
    mm_harness_set(harness, "seconds", NULL);
    mm_harness_set(harness, "size", "9");
    g_assert_false(mm_harness_configure(harness));
    g_assert_cmpstr(mm_harness_problem(harness, 0), ==,
                    "[stages/stage] size: nine is too much (8 at most)");
    mm_harness_set(harness, "size", "8");
    g_assert_true(mm_harness_configure(harness));
    g_assert_null(mm_harness_problem(harness, 0));
    g_assert_cmpstr(mm_harness_warning(harness, 0), ==, "[stages/stage] size: eight is a lot");
    mm_harness_free(harness);
}

static void
test_session(void)
{
    MmHarness *harness = configured("way", "at-once");
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(mm_harness_connect(session, "mx.example.org", "192.0.2.1"), ==,
                    MILTER_VERDICT_CONTINUE);
    g_assert_true(mm_harness_was_asked(session));
    g_assert_cmpstr(mm_harness_fact(session, "polite"), ==, "192.0.2.1");
    g_assert_cmpint(mm_harness_helo(session, "mx.example.org"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(mm_harness_mail(session, "<a@example.org>", "SIZE=1", NULL), ==,
                    MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(mm_harness_rcpt(session, "<refused@example.org>", NULL), ==,
                    MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_reply(session), ==, "550 5.7.1 no");
    g_assert_cmpstr(mm_harness_detail(session), ==, "refused");
    g_assert_cmpint(mm_harness_rcpt(session, "<echo@example.org>", "451 4.0.0 echo", NULL), ==,
                    MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_reply(session), ==, "451 4.0.0 echo");
    mm_harness_abort(session);
    g_assert_cmpint(mm_harness_message(session, "<a@example.org>", "<b@example.org>"), ==,
                    MILTER_VERDICT_CONTINUE);
    g_assert_cmpuint(mm_harness_n_edits(session), ==, 1);
    g_assert_cmpstr(mm_harness_edit(session, 0)->name.data, ==, "X-Polite");
    g_assert_cmpstr(mm_harness_new_body(session)->str, ==, "new\r\n");
    g_assert_cmpuint(mm_harness_count(harness, "asked"), ==, 12);
    double sum;
    g_assert_cmpuint(mm_harness_observed(harness, "sizes", &sum), ==, 3);
    g_assert_cmpfloat(sum, ==, 21 + 18 + 15);
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_names(void)
{
    MmHarness *harness = configured("way", "name");
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(session, "x", NULL), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpuint(mm_harness_count(harness, "asked"), ==, 1);
    mm_harness_name(harness, MILTER_RESOLVE_A, "POLITE.example.org", "192.0.2.7", NULL);
    g_assert_cmpint(mm_harness_helo(session, "x"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpuint(mm_harness_count(harness, "asked"), ==, 102);
    g_assert_cmpuint(mm_harness_name_asked(harness, MILTER_RESOLVE_A, "polite.example.org"), ==, 2);
    mm_harness_name_delay(harness, MILTER_RESOLVE_A, "polite.example.org", 5);
    g_assert_cmpint(mm_harness_unknown(session, "XYZ"), ==, MM_HARNESS_LATER);
    const char *label;
    g_assert_cmpfloat(mm_harness_deadline(session, &label), ==, 30);
    g_assert_cmpstr(label, ==, "being polite");
    mm_harness_advance(harness, 4.9);
    g_assert_cmpint(mm_harness_await(session), ==, MM_HARNESS_LATER);
    mm_harness_advance(harness, 0.2);
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpfloat(mm_harness_deadline(session, &label), <, 0);
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_timer_and_deadline(void)
{
    MmHarness *harness = configured("way", "timer");
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(session, "x", "::1"), ==, MM_HARNESS_LATER);
    g_assert_cmpuint(mm_harness_n_timers(harness), ==, 1);
    mm_harness_advance(harness, 1);
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_set(harness, "seconds", "31");
    g_assert_true(mm_harness_configure(harness));
    MmHarnessSession *second = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(second, "x", "/run/socket"), ==, MM_HARNESS_LATER);
    mm_harness_advance(harness, 30);
    g_assert_cmpint(mm_harness_verdict(second), ==, MILTER_VERDICT_FAILED);
    g_assert_true(mm_harness_timed_out(second));
    g_assert_cmpint(mm_harness_helo(second, "x"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_false(mm_harness_was_asked(second)); /* it failed before MAIL */
    g_assert_cmpuint(mm_harness_n_timers(harness), ==, 0);
    mm_harness_free(harness);
}

static void
run_way(const char *way, gboolean threads)
{
    MmHarness *harness = configured("way", way);
    mm_harness_set_threads(harness, threads);
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "x", "192.0.2.1");
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(mm_harness_message(session, "<>", "<b@example.org>"), ==,
                    MILTER_VERDICT_CONTINUE);
    g_assert_cmpuint(mm_harness_n_edits(session), ==, 1);
    mm_harness_hold(harness, TRUE);
    g_assert_cmpint(mm_harness_mail(session, "<>", NULL), ==, MM_HARNESS_LATER);
    g_assert_cmpint(mm_harness_await(session), ==, MM_HARNESS_LATER);
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_ways(void)
{
    run_way("job", FALSE);
    run_way("job", TRUE);
    run_way("watch", FALSE);
}

static void
test_reload(void)
{
    g_autofree char *json = NULL, *error = NULL;
    MmHarness *harness = configured(NULL, NULL);
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_true(mm_harness_configure(harness));
    g_assert_true(mm_harness_admin(harness, "generation", NULL, &json, &error));
    g_assert_cmpstr(json, ==, "1");
    g_assert_null(error);
    g_free(json);
    g_assert_true(mm_harness_admin(harness, "generation", "\"fail\"", &json, &error));
    g_assert_null(json);
    g_assert_cmpstr(error, ==, "as asked");
    g_clear_pointer(&error, g_free);
    g_assert_false(mm_harness_admin(harness, "nothing", NULL, &json, &error));
    g_assert_cmpint(mm_harness_message(session, "<>", "<b@example.org>"), ==,
                    MILTER_VERDICT_CONTINUE);
    mm_harness_free(harness);
}

static void
test_expand(void)
{
    MmHarness *harness = mm_harness_new(POLITE);
    mm_harness_set(harness, "names", "['one', 'two']");
    g_assert_true(mm_harness_expand(harness));
    g_assert_cmpuint(mm_harness_n_stages(harness), ==, 2);
    g_assert_cmpstr(mm_harness_stage_name(harness, 1), ==, "two");
    g_assert_cmpstr(mm_harness_stage_value(harness, 0, "plugin"), ==, "relay");
    g_assert_cmpstr(mm_harness_stage_value(harness, 1, "connection-spec"), ==, "'unix:/nowhere'");
    g_assert_cmpstr(mm_harness_stage_origin(harness, 1, "connection-spec"), ==, "test: two");
    g_assert_null(mm_harness_stage_value(harness, 1, "nothing"));
    mm_harness_set(harness, "loud", "true");
    g_assert_false(mm_harness_expand(harness));
    g_assert_cmpstr(mm_harness_problem(harness, 0), ==, "[stages/stage] too loud");
    mm_harness_free(harness);
}

static void
test_log_and_macros(void)
{
    MmHarness *harness = configured("loud", "true");
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "x", NULL);
    g_assert_cmpstr(mm_harness_log_line(harness, "polite-asked"), ==,
                    "info polite-asked: Asked (session=1)");
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "i", "4F1");
    mm_harness_helo(session, "x");
    g_assert_cmpstr(mm_harness_log_line(harness, "polite-asked"), ==,
                    "info polite-asked: Asked (session=1)");
    mm_harness_mail(session, "<>", NULL);
    g_assert_cmpstr(mm_harness_log_line(harness, "polite-asked"), ==,
                    "info polite-asked: Asked (session=1 i=4F1)");
    g_assert_cmpuint(mm_harness_logged(harness, "polite-asked"), ==, 3);
    mm_harness_clear_log(harness);
    g_assert_cmpuint(mm_harness_logged(harness, NULL), ==, 0);
    mm_harness_free(harness);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/harness/settings", test_settings);
    g_test_add_func("/harness/session", test_session);
    g_test_add_func("/harness/names", test_names);
    g_test_add_func("/harness/timer-and-deadline", test_timer_and_deadline);
    g_test_add_func("/harness/ways", test_ways);
    g_test_add_func("/harness/reload", test_reload);
    g_test_add_func("/harness/expand", test_expand);
    g_test_add_func("/harness/log-and-macros", test_log_and_macros);
    mm_harness_standard_cases(POLITE, NULL);
    mm_harness_standard_cases(POLITE, "way", "name", NULL);
    mm_harness_standard_cases(POLITE, "way", "timer", NULL);
    mm_harness_standard_cases(POLITE, "way", "job", NULL);
    mm_harness_standard_cases(POLITE, "way", "watch", NULL);
    return g_test_run();
}
