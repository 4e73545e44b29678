/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <string.h>

static const char *plugin;

static MmHarness *
configured(const char *zones)
{
    MmHarness *harness = mm_harness_new(plugin);
    mm_harness_set(harness, "zones", zones);
    g_assert_true(mm_harness_configure(harness));
    return harness;
}

static void
list(MmHarness *harness, const char *name, const char *answer)
{
    mm_harness_name(harness, MILTER_RESOLVE_A, name, answer, NULL);
}

/* The common fact after CONNECT; NULL: it is not set. */
static void
expect(MmHarness *harness, const char *address, const char *fact)
{
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "mx.example.org", address);
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpstr(mm_harness_fact(session, "dnsbl"), ==, fact);
    mm_harness_close(session);
}

static void
test_listed(void)
{
    MmHarness *harness = configured("['bl.example.org', 'Other.Example.Net.', 'no.example.com']");
    list(harness, "7.2.0.192.bl.example.org", "127.0.0.2");
    mm_harness_name(harness, MILTER_RESOLVE_A, "7.2.0.192.other.example.net", "127.0.0.3",
                    "127.0.0.10", NULL);
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "mx.example.org", "192.0.2.7");
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpstr(mm_harness_fact(session, "dnsbl"), ==, "bl.example.org,other.example.net");
    g_assert_cmpstr(mm_harness_fact(session, "dnsbl-bl.example.org"), ==, "127.0.0.2");
    g_assert_cmpstr(mm_harness_fact(session, "dnsbl-other.example.net"), ==,
                    "127.0.0.3,127.0.0.10");
    g_assert_null(mm_harness_fact(session, "dnsbl-no.example.com"));
    g_assert_cmpstr(mm_harness_detail(session), ==, "fact=bl.example.org+other.example.net");
    mm_harness_close(session);
    g_assert_cmpuint(mm_harness_logged(harness, "dnsbl-listed"), ==, 2);
    g_assert_cmpuint(mm_harness_count(harness, "clients"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "listed"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "zone-bl-example-org"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "zone-no-example-com"), ==, 0);
    expect(harness, "192.0.2.8", NULL);
    mm_harness_free(harness);
}

static void
test_ipv6(void)
{
    MmHarness *harness = configured("['bl.example.org']");
    list(harness, "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example.org",
         "127.0.0.4");
    list(harness, "7.2.0.192.bl.example.org", "127.0.0.2");
    expect(harness, "2001:db8::25", "bl.example.org");
    expect(harness, "2001:db8::26", NULL);
    expect(harness, "::ffff:192.0.2.7", "bl.example.org");
    mm_harness_free(harness);
}

static void
test_expected(void)
{
    MmHarness *harness =
        configured("['a.example.org=127.0.0.4/31', 'b.example.org=127.0.0.2', 'c.example.org']");
    list(harness, "1.2.0.192.a.example.org", "127.0.0.5");
    list(harness, "2.2.0.192.a.example.org", "127.0.0.6");
    list(harness, "2.2.0.192.b.example.org", "127.0.0.2");
    list(harness, "3.2.0.192.b.example.org", "127.0.0.3");
    list(harness, "3.2.0.192.c.example.org", "127.1.2.3");
    expect(harness, "192.0.2.1", "a.example.org");
    expect(harness, "192.0.2.2", "b.example.org");
    expect(harness, "192.0.2.3", "c.example.org");
    g_assert_cmpuint(mm_harness_count(harness, "foreign"), ==, 0);
    mm_harness_free(harness);
}

/* Answers of somebody who lists everybody, or nobody. */
static void
test_foreign(void)
{
    MmHarness *harness = configured("['gone.example.org', 'shut.example.org']");
    list(harness, "1.2.0.192.gone.example.org", "203.0.113.80");
    list(harness, "1.2.0.192.shut.example.org", "127.255.255.254");
    list(harness, "2.2.0.192.gone.example.org", "203.0.113.80");
    expect(harness, "192.0.2.1", NULL);
    expect(harness, "192.0.2.2", NULL);
    g_assert_cmpuint(mm_harness_count(harness, "foreign"), ==, 3);
    /* One warning an hour for each. */
    g_assert_cmpuint(mm_harness_logged(harness, "dnsbl-foreign"), ==, 1);
    g_assert_cmpuint(mm_harness_logged(harness, "dnsbl-refused"), ==, 1);
    g_assert_nonnull(strstr(mm_harness_log_line(harness, "dnsbl-foreign"), "gone.example.org"));
    g_assert_nonnull(strstr(mm_harness_log_line(harness, "dnsbl-foreign"), "203.0.113.80"));
    mm_harness_advance(harness, 3601);
    expect(harness, "192.0.2.2", NULL);
    g_assert_cmpuint(mm_harness_logged(harness, "dnsbl-foreign"), ==, 2);
    mm_harness_free(harness);
}

static void
test_failures(void)
{
    MmHarness *harness = configured("['bad.example.org', 'good.example.org']");
    mm_harness_name_fails(harness, MILTER_RESOLVE_A, "1.2.0.192.bad.example.org",
                          MILTER_RESOLVE_TEMPORARY);
    list(harness, "1.2.0.192.good.example.org", "127.0.0.2");
    expect(harness, "192.0.2.1", "good.example.org");
    g_assert_cmpuint(mm_harness_count(harness, "failures"), ==, 1);
    mm_harness_free(harness);
}

static void
test_too_slow(void)
{
    MmHarness *harness = configured("['slow.example.org', 'good.example.org']");
    list(harness, "1.2.0.192.slow.example.org", "127.0.0.2");
    mm_harness_name_delay(harness, MILTER_RESOLVE_A, "1.2.0.192.slow.example.org", 60);
    list(harness, "1.2.0.192.good.example.org", "127.0.0.2");
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(session, "a", "192.0.2.1"), ==, MM_HARNESS_LATER);
    g_assert_cmpuint(mm_harness_n_queries(harness), ==, 1);
    mm_harness_advance(harness, 5.1);
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_false(mm_harness_timed_out(session));
    g_assert_cmpstr(mm_harness_fact(session, "dnsbl"), ==, "good.example.org");
    g_assert_cmpuint(mm_harness_count(harness, "failures"), ==, 1);
    g_assert_cmpuint(mm_harness_n_queries(harness) + mm_harness_n_timers(harness), ==, 0);
    mm_harness_close(session);
    mm_harness_free(harness);
}

/* All at once: none waits for another. */
static void
test_in_parallel(void)
{
    MmHarness *harness = configured("['a.example.org', 'b.example.org', 'c.example.org']");
    mm_harness_hold(harness, TRUE);
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(session, "a", "192.0.2.1"), ==, MM_HARNESS_LATER);
    g_assert_cmpuint(mm_harness_n_queries(harness), ==, 3);
    mm_harness_close(session); /* in the midst of it */
    g_assert_cmpuint(mm_harness_n_queries(harness) + mm_harness_n_timers(harness), ==, 0);
    mm_harness_free(harness);
}

static void
test_not_asked(void)
{
    static const char *const addresses[] = {
        "10.0.0.1", "127.0.0.1",  "192.168.1.1",       "169.254.0.1", "::1", "fe80::1",
        "fd00::1",  "100.64.0.1", "::ffff:172.16.0.1", "/run/socket", NULL};
    MmHarness *harness = configured("['bl.example.org']");
    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        MmHarnessSession *session = mm_harness_open(harness);
        mm_harness_hold(harness, TRUE);
        g_assert_cmpint(mm_harness_connect(session, "a", addresses[i]), ==,
                        MILTER_VERDICT_CONTINUE);
        mm_harness_hold(harness, FALSE);
        mm_harness_close(session);
    }
    mm_harness_free(harness);
}

static void
test_settings(void)
{
    static const char *const bad[] = {
        "['']",
        "['no zone']",
        "['.example.org']",
        "['a..example.org']",
        "['bl.a-name-that-is-too-long-for-the-name-of-a-fact-with-a-word-in-front.org']",
        "['a/b.example.org']",
        "['a.example.org=']",
        "['a.example.org=127.0.0.2/33']",
        "['a.example.org=10.0.0.2']",
        "['a.example.org=0.0.0.0/0']",
        "['a.example.org=::1']",
        "['a.example.org', 'A.example.org.']"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        MmHarness *harness = mm_harness_new(plugin);
        mm_harness_set(harness, "zones", bad[i]);
        g_assert_false(mm_harness_configure(harness));
        g_assert_nonnull(strstr(mm_harness_problem(harness, 0), "zones: “"));
        g_assert_null(mm_harness_problem(harness, 1));
        mm_harness_free(harness);
    }
    MmHarness *harness = configured("[]");
    g_assert_nonnull(strstr(mm_harness_warning(harness, 0), "zones"));
    expect(harness, "192.0.2.1", NULL);
    mm_harness_free(harness);
}

static void
test_other_fact(void)
{
    MmHarness *harness = mm_harness_new(plugin);
    mm_harness_set(harness, "zones", "['bl.example.org']");
    mm_harness_set(harness, "fact", "'bad'");
    g_assert_true(mm_harness_configure(harness));
    list(harness, "7.2.0.192.bl.example.org", "127.0.0.2");
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "mx.example.org", "192.0.2.7");
    mm_harness_await(session);
    g_assert_cmpstr(mm_harness_fact(session, "bad"), ==, "bl.example.org");
    g_assert_cmpstr(mm_harness_fact(session, "bad-bl.example.org"), ==, "127.0.0.2");
    mm_harness_close(session);
    mm_harness_free(harness);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    plugin = argv[1];
    g_test_add_func("/dnsbl/listed", test_listed);
    g_test_add_func("/dnsbl/ipv6", test_ipv6);
    g_test_add_func("/dnsbl/expected", test_expected);
    g_test_add_func("/dnsbl/foreign", test_foreign);
    g_test_add_func("/dnsbl/failures", test_failures);
    g_test_add_func("/dnsbl/too-slow", test_too_slow);
    g_test_add_func("/dnsbl/in-parallel", test_in_parallel);
    g_test_add_func("/dnsbl/not-asked", test_not_asked);
    g_test_add_func("/dnsbl/settings", test_settings);
    g_test_add_func("/dnsbl/other-fact", test_other_fact);
    return g_test_run();
}
