/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

static const char *plugin;

static MmHarness *
configured(const char *key, const char *value)
{
    MmHarness *harness = mm_harness_new(plugin);
    if (key)
        mm_harness_set(harness, key, value);
    g_assert_true(mm_harness_configure(harness));
    return harness;
}

/* Connects and looks whether it is local, and not remote. */
static void
expect_local(MmHarness *harness, const char *host, const char *address, gboolean local)
{
    MmHarnessSession *session = mm_harness_open(harness);
    g_assert_cmpint(mm_harness_connect(session, host, address), ==, MILTER_VERDICT_CONTINUE);
    g_assert_true((mm_harness_fact(session, "local") != NULL) == local);
    g_assert_true((mm_harness_fact(session, "remote") != NULL) == !local);
    mm_harness_close(session);
}

static void
test_local(void)
{
    static const char *const local[] = {
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255",   "192.168.3.4",
        "::1",       "fe80::1",  "fd00::1",    "::ffff:127.0.0.1", "169.254.8.8",
        "fc00::1",   "fe80::2",  "100.64.0.1", "100.127.255.255",  "::ffff:10.9.8.7"};
    static const char *const remote[] = {"192.0.2.1",   "172.32.0.1",       "100.128.0.1",
                                         "2001:db8::1", "::ffff:192.0.2.1", "8.8.8.8"};
    MmHarness *harness = configured(NULL, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(local); i++)
        expect_local(harness, "host.example.org", local[i], TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(remote); i++)
        expect_local(harness, "host.example.org", remote[i], FALSE);
    expect_local(harness, "localhost", "/run/socket", TRUE);
    expect_local(harness, "localhost", NULL, TRUE);
    mm_harness_free(harness);
}

static void
test_networks(void)
{
    MmHarness *harness = configured("local-networks", "['192.0.2.128/25', '2001:db8:1::/48']");
    expect_local(harness, "a", "192.0.2.200", TRUE);
    expect_local(harness, "a", "192.0.2.1", FALSE);
    expect_local(harness, "a", "2001:db8:1:2::3", TRUE);
    expect_local(harness, "a", "2001:db8:2::1", FALSE);
    expect_local(harness, "a", "127.0.0.1", FALSE); /* the list says all */
    expect_local(harness, "a", "/run/socket", TRUE);
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "a", "192.0.2.200");
    g_assert_cmpstr(mm_harness_fact(session, "local"), ==, "192.0.2.128/25");
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_bad_settings(void)
{
    static const struct {
        const char *key, *value, *part;
    } cases[] = {
        {"local-networks", "['10.0.0.1/8']", "10.0.0.1/8"},
        {"local-networks", "['10.0.0.0/8', 'example.org']", "example.org"},
        {"local-networks", "['10.0.0.0/40']", "ADDRESS/BITS"},
        {"trusted-domains", "['']", "domain"},
        {"trusted-domains", "['*.example.org']", "*.example.org"},
        {"trusted-domains", "['user@example.org']", "user@example.org"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        MmHarness *harness = mm_harness_new(plugin);
        mm_harness_set(harness, cases[i].key, cases[i].value);
        g_assert_false(mm_harness_configure(harness));
        g_assert_nonnull(strstr(mm_harness_problem(harness, 0), cases[i].key));
        g_assert_nonnull(strstr(mm_harness_problem(harness, 0), cases[i].part));
        g_assert_null(mm_harness_problem(harness, 1));
        mm_harness_free(harness);
    }
}

static void
expect_trusted(MmHarness *harness, const char *host, const char *resolve, const char *name,
               const char *domain)
{
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "{client_resolve}", resolve);
    mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "{client_name}", name);
    mm_harness_connect(session, host, "192.0.2.1");
    g_assert_cmpstr(mm_harness_fact(session, "trusted"), ==, domain);
    mm_harness_close(session);
}

static void
test_trusted(void)
{
    MmHarness *harness = configured("trusted-domains", "['example.org', 'example.net']");
    expect_trusted(harness, "mx.example.org", NULL, NULL, "example.org");
    expect_trusted(harness, "MX.EXAMPLE.NET", "OK", "mx.example.net", "example.net");
    expect_trusted(harness, "example.org", "OK", NULL, "example.org");
    expect_trusted(harness, "badexample.org", "OK", NULL, NULL);
    /* What only looks like a name of theirs. */
    expect_trusted(harness, "mx.example.org", "FORGED", NULL, NULL);
    expect_trusted(harness, "mx.example.org", "FAIL", NULL, NULL);
    expect_trusted(harness, "mx.example.org", "TEMP", NULL, NULL);
    expect_trusted(harness, "mx.example.org", NULL, "unknown", NULL);
    expect_trusted(harness, "mx.example.org", NULL, "[192.0.2.1]", NULL);
    expect_trusted(harness, "[192.0.2.1]", NULL, NULL, NULL);
    mm_harness_free(harness);
}

static void
test_tls(void)
{
    MmHarness *harness = configured(NULL, NULL);
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    mm_harness_helo(session, "mx.example.org");
    g_assert_null(mm_harness_fact(session, "tls"));
    /* STARTTLS, then HELO again. */
    mm_harness_set_macro(session, MILTER_EVENT_HELO, "{tls_version}", "TLSv1.3");
    mm_harness_helo(session, "mx.example.org");
    g_assert_cmpstr(mm_harness_fact(session, "tls"), ==, "TLSv1.3");
    mm_harness_close(session);

    session = mm_harness_open(harness);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{tls_version}", "TLSv1.2");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpstr(mm_harness_fact(session, "tls"), ==, "TLSv1.2");
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_authenticated(void)
{
    MmHarness *harness = configured(NULL, NULL);
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    mm_harness_helo(session, "mx.example.org");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_null(mm_harness_fact(session, "authenticated"));
    mm_harness_abort(session);
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{auth_type}", "PLAIN");
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{auth_authen}", "ann");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpstr(mm_harness_fact(session, "authenticated"), ==, "ann");
    mm_harness_abort(session);
    /* The login is of the message, not of the session. */
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{auth_type}", NULL);
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{auth_authen}", NULL);
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_null(mm_harness_fact(session, "authenticated"));
    mm_harness_abort(session);
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{auth_type}", "EXTERNAL");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpstr(mm_harness_fact(session, "authenticated"), ==, "");
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_descriptor(void)
{
    MmHarness *harness = mm_harness_new(plugin);
    const MilterStage *stage = mm_harness_plugin(harness)->stage;
    guint settled_at_mail = 0, settled_at_connect = 0;
    for (const MilterFact *fact = stage->facts; fact->name; fact++) {
        settled_at_connect += fact->settled_after == MILTER_EVENT_CONNECT ? 1 : 0;
        settled_at_mail += fact->settled_after == MILTER_EVENT_MAIL ? 1 : 0;
    }
    g_assert_cmpuint(settled_at_connect, ==, 3);
    g_assert_cmpuint(settled_at_mail, ==, 2);
    mm_harness_free(harness);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    plugin = argv[1];
    g_test_add_func("/origin/local", test_local);
    g_test_add_func("/origin/networks", test_networks);
    g_test_add_func("/origin/bad-settings", test_bad_settings);
    g_test_add_func("/origin/trusted", test_trusted);
    g_test_add_func("/origin/tls", test_tls);
    g_test_add_func("/origin/authenticated", test_authenticated);
    g_test_add_func("/origin/descriptor", test_descriptor);
    return g_test_run();
}
