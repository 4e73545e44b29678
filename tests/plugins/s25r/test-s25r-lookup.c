/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients whose name the MTA does not tell. */
#include "harness.h"

static const char *plugin;

static MmHarness *
configured(void)
{
    MmHarness *harness = mm_harness_new(plugin);
    g_assert_true(mm_harness_configure(harness));
    return harness;
}

/* The fact after CONNECT; NULL: it is not set. */
static void
expect(MmHarness *harness, const char *host, const char *address, const char *fact)
{
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, host, address);
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpstr(mm_harness_fact(session, "s25r"), ==, fact);
    mm_harness_close(session);
}

static void
test_none(void)
{
    MmHarness *harness = configured();
    expect(harness, "[192.0.2.1]", "192.0.2.1", "no-ptr");
    expect(harness, "unknown", "192.0.2.2", "no-ptr");
    expect(harness, "[2001:db8::1]", "2001:db8::1", "no-ptr");
    expect(harness, "[IPv6:2001:db8::1]", "2001:db8::1", "no-ptr");
    g_assert_cmpuint(mm_harness_name_asked(harness, MILTER_RESOLVE_PTR, "192.0.2.1"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "no-ptr"), ==, 4);
    mm_harness_free(harness);
}

static void
test_temporary(void)
{
    MmHarness *harness = configured();
    mm_harness_name_fails(harness, MILTER_RESOLVE_PTR, "192.0.2.1", MILTER_RESOLVE_TEMPORARY);
    expect(harness, "[192.0.2.1]", "192.0.2.1", NULL);
    /* A PTR, but nobody says what its addresses are. */
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "192.0.2.2", "a.example.org", "b.example.org",
                    NULL);
    mm_harness_name_fails(harness, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVE_TEMPORARY);
    expect(harness, "[192.0.2.2]", "192.0.2.2", NULL);
    g_assert_cmpuint(mm_harness_count(harness, "temporary"), ==, 2);
    g_assert_cmpuint(mm_harness_count(harness, "hits"), ==, 0);
    mm_harness_free(harness);
}

static void
test_forged(void)
{
    MmHarness *harness = configured();
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "192.0.2.1", "mx.example.org", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "mx.example.org", "192.0.2.99", NULL);
    expect(harness, "[192.0.2.1]", "192.0.2.1", "forged");
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "192.0.2.2", "nowhere.example.org", NULL);
    expect(harness, "[192.0.2.2]", "192.0.2.2", "forged");
    g_assert_cmpuint(mm_harness_count(harness, "forged"), ==, 2);
    mm_harness_free(harness);
}

static void
test_verified(void)
{
    MmHarness *harness = configured();
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "192.0.2.1", "other.example.org", "mx.example.org",
                    NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "other.example.org", "192.0.2.7", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "mx.example.org", "192.0.2.7", "192.0.2.1", NULL);
    expect(harness, "[192.0.2.1]", "192.0.2.1", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "192.0.2.3", "dsl3.example.org", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "dsl3.example.org", "192.0.2.3", NULL);
    expect(harness, "[192.0.2.3]", "192.0.2.3", "rule6,word=dsl");
    /* An address of IPv4 in IPv6 is IPv4's. */
    expect(harness, "[192.0.2.3]", "::ffff:192.0.2.3", "rule6,word=dsl");
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "2001:db8::5", "mx.example.org", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_AAAA, "mx.example.org", "2001:db8::5", NULL);
    expect(harness, "[2001:db8::5]", "2001:db8::5", NULL);
    mm_harness_free(harness);
}

static void
test_many_names(void)
{
    MmHarness *harness = configured();
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "192.0.2.1", "a.example.org", "b.example.org",
                    "c.example.org", "d.example.org", "e.example.org", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "e.example.org", "192.0.2.1", NULL);
    expect(harness, "[192.0.2.1]", "192.0.2.1", "forged");
    g_assert_cmpuint(mm_harness_name_asked(harness, MILTER_RESOLVE_A, "d.example.org"), ==, 1);
    g_assert_cmpuint(mm_harness_name_asked(harness, MILTER_RESOLVE_A, "e.example.org"), ==, 0);
    mm_harness_free(harness);
}

static void
test_too_slow(void)
{
    MmHarness *harness = configured();
    const char *label;
    mm_harness_name(harness, MILTER_RESOLVE_PTR, "192.0.2.1", "mx.example.org", NULL);
    mm_harness_name_delay(harness, MILTER_RESOLVE_PTR, "192.0.2.1", -1);
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(session, "[192.0.2.1]", "192.0.2.1"), ==, MM_HARNESS_LATER);
    g_assert_cmpfloat(mm_harness_deadline(session, &label), >, 5.0);
    mm_harness_advance(harness, 5.1);
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_false(mm_harness_timed_out(session));
    g_assert_null(mm_harness_fact(session, "s25r"));
    g_assert_cmpuint(mm_harness_n_timers(harness) + mm_harness_n_queries(harness), ==, 0);
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_hang_up(void)
{
    MmHarness *harness = configured();
    mm_harness_hold(harness, TRUE);
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(session, "[192.0.2.1]", "192.0.2.1"), ==, MM_HARNESS_LATER);
    mm_harness_close(session);
    g_assert_cmpuint(mm_harness_n_timers(harness) + mm_harness_n_queries(harness), ==, 0);
    mm_harness_free(harness);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    plugin = argv[1];
    g_test_add_func("/s25r-lookup/none", test_none);
    g_test_add_func("/s25r-lookup/temporary", test_temporary);
    g_test_add_func("/s25r-lookup/forged", test_forged);
    g_test_add_func("/s25r-lookup/verified", test_verified);
    g_test_add_func("/s25r-lookup/many-names", test_many_names);
    g_test_add_func("/s25r-lookup/too-slow", test_too_slow);
    g_test_add_func("/s25r-lookup/hang-up", test_hang_up);
    return g_test_run();
}
