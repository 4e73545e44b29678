/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <harness.h>

static MmHarness *
configured(const char *action)
{
    MmHarness *harness = mm_harness_new(PLUGIN_FILE);
    mm_harness_set(harness, "words", "['lottery']");
    mm_harness_set(harness, "action", action);
    g_assert_true(mm_harness_configure(harness));
    return harness;
}

static int
send_subject(MmHarnessSession *session, const char *subject)
{
    mm_harness_mail(session, "<a@example.org>", NULL);
    mm_harness_rcpt(session, "<b@example.net>", NULL);
    mm_harness_data(session);
    mm_harness_header(session, "Subject", subject);
    mm_harness_end_of_headers(session);
    return mm_harness_end_of_message(session);
}

static void
test_header(void)
{
    MmHarness *harness = configured("'header'");
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(send_subject(session, "The LOTTERY"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpuint(mm_harness_n_edits(session), ==, 1);
    g_assert_cmpstr(mm_harness_edit(session, 0)->name.data, ==, "X-Example");
    g_assert_cmpstr(mm_harness_edit(session, 0)->value.data, ==, "lottery");
    g_assert_cmpint(send_subject(session, "Lunch"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpuint(mm_harness_n_edits(session), ==, 0);
    g_assert_cmpuint(mm_harness_count(harness, "found"), ==, 1);
    g_assert_cmpuint(mm_harness_logged(harness, "example-found"), ==, 1);
    mm_harness_free(harness);
}

static void
test_reject(void)
{
    MmHarness *harness = configured("'reject'");
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(send_subject(session, "lottery"), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_detail(session), ==, "lottery");
    g_assert_true(g_str_has_prefix(mm_harness_reply(session), "550 5.7.1 "));
    mm_harness_free(harness);
}

static void
test_bad_reply(void)
{
    MmHarness *harness = mm_harness_new(PLUGIN_FILE);
    mm_harness_set(harness, "reply", "'no'");
    g_assert_false(mm_harness_configure(harness));
    g_assert_nonnull(mm_harness_problem(harness, 0));
    mm_harness_free(harness);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/example/header", test_header);
    g_test_add_func("/example/reject", test_reject);
    g_test_add_func("/example/bad-reply", test_bad_reply);
    mm_harness_standard_cases(PLUGIN_FILE, "words", "['standard']", NULL);
    return g_test_run();
}
