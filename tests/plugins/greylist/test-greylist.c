/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin in the harness, its store in memory. */
#include "visit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static MmHarness *
configured(const char *key, const char *value)
{
    return visit_configured("memory:", key, value);
}

#define ATTEMPT(word, ...) g_assert_cmpstr(visit_word(harness, __VA_ARGS__), ==, word)

/* Headers of that name from outside go before ours comes, the last one first: so each number is
 * still that of the header it was given for. */
static void
assert_forged_dropped(MmHarnessSession *session)
{
    guint n = mm_harness_n_edits(session) - 1;
    g_assert_cmpuint(n, >, 0);
    for (guint i = 0; i < n; i++) {
        const MilterEdit *edit = mm_harness_edit(session, i);
        g_assert_cmpint(edit->kind, ==, MILTER_EDIT_CHANGE_HEADER);
        g_assert_cmpstr(edit->name.data, ==, "X-Greylist");
        g_assert_cmpuint(edit->index, ==, n - i);
        g_assert_cmpuint(edit->value.size, ==, 0);
    }
}

static void
test_delay(void)
{
    MmHarness *harness = configured(NULL, NULL);
    MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_reply(session), ==,
                    "451 4.7.1 Greylisted, please try again in 240 seconds");
    g_assert_cmpstr(mm_harness_detail(session), ==, "delayed");
    g_assert_cmpstr(mm_harness_fact(session, "greylist"), ==, "delayed");
    mm_harness_close(session);
    mm_harness_advance(harness, 239);
    session = visit_from(harness, NULL, "192.0.2.200");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_reply(session), ==,
                    "451 4.7.1 Greylisted, please try again in 1 seconds");
    mm_harness_advance(harness, 32);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpstr(mm_harness_detail(session), ==, "pass");
    g_assert_cmpint(visit_data(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_end_of_message(session);
    g_assert_cmpuint(mm_harness_n_edits(session), >, 0);
    const MilterEdit *edit = mm_harness_edit(session, mm_harness_n_edits(session) - 1);
    g_assert_cmpint(edit->kind, ==, MILTER_EDIT_ADD_HEADER);
    g_assert_cmpstr(edit->name.data, ==, "X-Greylist");
    g_assert_true(g_str_has_prefix(edit->value.data, "Delayed for 00:04:31 by milter-manager-"));
    g_assert_nonnull(strstr(edit->value.data, "(mx.example.net); Wed, 01 Jan 2025 00:04:31 +0000"));
    assert_forged_dropped(session);
    mm_harness_close(session);
    double sum;
    g_assert_cmpuint(mm_harness_observed(harness, "waited", &sum), ==, 1);
    g_assert_cmpfloat(sum, ==, 271);
    g_assert_cmpuint(mm_harness_count(harness, "new"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "early"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "mature"), ==, 1);
    mm_harness_free(harness);
}

static guint
n_added(MmHarnessSession *session)
{
    guint n = 0;
    for (guint i = 0; i < mm_harness_n_edits(session); i++)
        n += mm_harness_edit(session, i)->kind == MILTER_EDIT_ADD_HEADER;
    return n;
}

static void
finish(MmHarnessSession *session)
{
    g_assert_cmpint(visit_data(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(mm_harness_end_of_message(session), ==, MILTER_VERDICT_CONTINUE);
}

static void
test_header_modes(void)
{
    static const char *const modes[] = {"delays", "none", "all"};
    for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
        MmHarness *harness = configured("header", modes[i]);
        ATTEMPT("delayed", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
        mm_harness_advance(harness, 300);
        MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
        mm_harness_mail(session, "<a@example.org>", NULL);
        visit_rcpt(session, "<b@example.net>");
        finish(session);
        g_assert_cmpuint(n_added(session), ==, i == 1 ? 0 : 1);
        mm_harness_mail(session, "<a@example.org>", NULL);
        visit_rcpt(session, "<b@example.net>");
        finish(session);
        g_assert_cmpuint(n_added(session), ==, i == 2 ? 1 : 0);
        if (i == 2)
            g_assert_true(
                g_str_has_prefix(visit_header(session),
                                 "Sender and recipient are known, not delayed by milter-manager-"));
        g_assert_true((mm_harness_n_edits(session) == 0) == (i == 1));
        mm_harness_close(session);
        mm_harness_free(harness);
    }
}

/* Which of several hosts with one name it was: its address, as the MTA gives it. */
static void
test_header_address(void)
{
    static const char *const names[] = {"{if_addr}", "{daemon_addr}"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        MmHarness *harness = configured("header", "all");
        MmHarnessSession *session = mm_harness_open(harness);
        mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "j", "mx.example.net");
        mm_harness_set_macro(session, MILTER_EVENT_CONNECT, names[i], "198.51.100.25");
        mm_harness_connect(session, "localhost", "127.0.0.1");
        mm_harness_mail(session, "<a@example.org>", NULL);
        visit_rcpt(session, "<b@example.net>");
        finish(session);
        g_assert_true(g_str_has_prefix(visit_header(session), "Local or authenticated client, not "
                                                              "delayed by milter-manager-"));
        g_assert_nonnull(strstr(visit_header(session), " (mx.example.net [198.51.100.25]); "));
        mm_harness_close(session);
        mm_harness_free(harness);
    }
}

static void
test_recipients(void)
{
    MmHarness *harness = configured(NULL, NULL);
    MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<postmaster>"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(visit_rcpt(session, "<Abuse@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_REPLY);
    mm_harness_abort(session);
    mm_harness_advance(harness, 300);
    /* A sender may split recipients, and add some: one that has waited is enough. */
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<c@example.net>"), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(visit_rcpt(session, "<d@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    finish(session);
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<c@example.net>"), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpint(visit_rcpt(session, "<d@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_null_sender(void)
{
    MmHarness *harness = configured(NULL, NULL);
    MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_mail(session, "<>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(visit_data(session), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_detail(session), ==, "delayed");
    mm_harness_abort(session);
    mm_harness_advance(harness, 300);
    mm_harness_mail(session, "<>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<c@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    finish(session);
    g_assert_cmpuint(n_added(session), ==, 1);
    mm_harness_mail(session, "<postmaster@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(visit_data(session), ==, MILTER_VERDICT_REPLY);
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_lists(void)
{
    MmHarness *harness = mm_harness_new(GREYLIST);
    mm_harness_set(harness, "store", "memory:");
    mm_harness_set(harness, "allow-clients", "['192.0.2.0/24', '2001:db8::/32', 'good.example']");
    mm_harness_set(harness, "allow-senders", "['Friend@example.org.', 'example.com.']");
    mm_harness_set(harness, "allow-recipients", "['open@example.net']");
    g_assert_true(mm_harness_configure(harness));
    ATTEMPT("allowed", NULL, "192.0.2.1", "<a@x.example>", "<b@example.net>");
    ATTEMPT("allowed", NULL, "2001:db8::5", "<a@x.example>", "<b@example.net>");
    ATTEMPT("allowed", "mx.good.example", "203.0.113.1", "<a@x.example>", "<b@example.net>");
    ATTEMPT("delayed", "mx.notgood.example", "203.0.113.1", "<a@x.example>", "<b@example.net>");
    ATTEMPT("allowed", NULL, "203.0.113.1", "<Friend@Example.org>", "<b@example.net>");
    ATTEMPT("allowed", NULL, "203.0.113.1", "<x@sub.example.com>", "<b@example.net>");
    ATTEMPT("allowed", NULL, "203.0.113.1", "<a@x.example>", "<OPEN@example.net>");
    g_assert_cmpuint(mm_harness_count(harness, "listed"), ==, 6);
    mm_harness_free(harness);
}

static void
test_local_clients(void)
{
    MmHarness *harness = configured(NULL, NULL);
    ATTEMPT("local", "localhost", "127.0.0.1", "<a@example.org>", "<b@example.net>");
    ATTEMPT("local", "localhost", "::1", "<a@example.org>", "<b@example.net>");
    MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{auth_authen}", "joe");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
    static const char *const facts[] = {"authenticated", "local"};
    for (guint i = 0; i < G_N_ELEMENTS(facts); i++) {
        session = visit_from(harness, NULL, "192.0.2.1");
        mm_harness_set_fact(session, facts[i], MILTER_FACT_TRUE, NULL);
        mm_harness_mail(session, "<a@example.org>", NULL);
        g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_CONTINUE);
        g_assert_cmpstr(mm_harness_detail(session), ==, "local");
        mm_harness_close(session);
    }
    g_assert_cmpuint(mm_harness_count(harness, "new"), ==, 0);
    mm_harness_free(harness);
}

static void
test_traps(void)
{
    MmHarness *harness = configured("traps", "['trap@example.net']");
    ATTEMPT("delayed", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    ATTEMPT("trapped", NULL, "192.0.2.1", "<a@example.org>", "<trap@example.net>");
    mm_harness_advance(harness, 300);
    ATTEMPT("trapped", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    ATTEMPT("delayed", NULL, "198.51.100.1", "<a@example.org>", "<b@example.net>");
    mm_harness_advance(harness, 86400);
    ATTEMPT("delayed", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_advance(harness, 300);
    ATTEMPT("pass", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_free(harness);
}

static void
test_auto_allow(void)
{
    MmHarness *harness = configured(NULL, NULL);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *sender = g_strdup_printf("<%c@example.org>", 'a' + i);
        ATTEMPT("delayed", NULL, "192.0.2.1", sender, "<b@example.net>");
        mm_harness_advance(harness, 300);
        ATTEMPT("pass", NULL, "192.0.2.1", sender, "<b@example.net>");
        mm_harness_advance(harness, 3600);
    }
    ATTEMPT("allowed", NULL, "192.0.2.9", "<new@example.com>", "<b@example.net>");
    ATTEMPT("delayed", NULL, "192.0.3.9", "<new@example.com>", "<b@example.net>");
    mm_harness_free(harness);
}

/* ---- Sources. */

/* Whether two clients are one source: the second one's try is the retry of the first. */
static void
assert_one_source(MmHarness *harness, gboolean one, const char *name, const char *address,
                  const char *other_name, const char *other_address)
{
    static guint number;
    g_autofree char *recipient =
        g_strdup_printf("<r%c%c@example.net>", 'a' + number % 26, 'a' + number / 26);
    number++;
    ATTEMPT("delayed", name, address, "<a@sender.example>", recipient);
    mm_harness_advance(harness, 300);
    ATTEMPT(one ? "pass" : "delayed", other_name, other_address, "<a@sender.example>", recipient);
}

static void
test_source_modes(void)
{
    MmHarness *harness = configured("source", "network");
    assert_one_source(harness, TRUE, NULL, "192.0.2.1", NULL, "192.0.2.200");
    assert_one_source(harness, FALSE, "a.example.org", "192.0.2.1", "b.example.org", "192.0.3.1");
    assert_one_source(harness, TRUE, NULL, "2001:db8:0:1::1", NULL, "2001:db8:0:1:ffff::1");
    assert_one_source(harness, FALSE, NULL, "2001:db8:0:1::1", NULL, "2001:db8:0:2::1");
    assert_one_source(harness, TRUE, NULL, "::ffff:192.0.2.1", NULL, "192.0.2.2");
    mm_harness_free(harness);
    harness = configured("source", "address");
    assert_one_source(harness, TRUE, NULL, "192.0.2.1", NULL, "192.0.2.1");
    assert_one_source(harness, FALSE, NULL, "192.0.2.1", NULL, "192.0.2.2");
    mm_harness_free(harness);
}

static void
test_confirmed_names(void)
{
    MmHarness *harness = configured(NULL, NULL);
    assert_one_source(harness, TRUE, "mail-a.pool.example.org", "192.0.2.1",
                      "mail-b.pool.example.org", "198.51.100.7");
    /* Names of customers' lines say nothing about who it is. */
    assert_one_source(harness, FALSE, "192-0-2-1.dsl.example.org", "192.0.2.1",
                      "198-51-100-7.dsl.example.org", "198.51.100.7");
    assert_one_source(harness, FALSE, "a.co.uk", "192.0.2.1", "co.uk", "198.51.100.7");
    mm_harness_free(harness);
}

/* Sendmail says in a macro what it knows; for others the name's addresses are asked for. */
static const char *
attempt_with(MmHarness *harness, const char *resolved, const char *name, const char *address)
{
    MmHarnessSession *session = mm_harness_open(harness);
    if (resolved)
        mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "{client_resolve}", resolved);
    mm_harness_connect(session, name, address);
    mm_harness_helo(session, "helo.example");
    mm_harness_mail(session, "<a@sender.example>", NULL);
    visit_rcpt(session, "<b@example.net>");
    const char *word = g_intern_string(mm_harness_detail(session));
    mm_harness_close(session);
    return word;
}

static void
test_confirming(void)
{
    MmHarness *harness = configured(NULL, NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "one.example.org", "192.0.2.1", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "two.example.org", "198.51.100.1", "198.51.100.2",
                    NULL);
    mm_harness_name(harness, MILTER_RESOLVE_AAAA, "six.example.org", "2001:DB8:0::1", NULL);
    g_assert_cmpstr(attempt_with(harness, NULL, "one.example.org", "192.0.2.1"), ==, "delayed");
    mm_harness_advance(harness, 300);
    g_assert_cmpstr(attempt_with(harness, NULL, "forged.example.org", "203.0.113.1"), ==,
                    "delayed");
    g_assert_cmpstr(attempt_with(harness, "FORGED", "two.example.org", "198.51.100.2"), ==,
                    "delayed");
    g_assert_cmpstr(attempt_with(harness, NULL, "six.example.org", "2001:db8::1"), ==, "pass");
    g_assert_cmpstr(attempt_with(harness, NULL, "two.example.org", "198.51.100.2"), ==, "pass");
    g_assert_cmpstr(attempt_with(harness, "OK", "x.example.org", "203.0.113.9"), ==, "pass");
    g_assert_cmpuint(mm_harness_name_asked(harness, MILTER_RESOLVE_A, "x.example.org"), ==, 0);
    mm_harness_free(harness);
}

static void
test_spf(void)
{
    MmHarness *harness = configured(NULL, NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "sender.example",
                    "v=spf1 include:_spf.example -all", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "_spf.example",
                    "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 ip6:2001:db8::/32 ~all", NULL);
    assert_one_source(harness, TRUE, NULL, "192.0.2.1", NULL, "198.51.100.1");
    assert_one_source(harness, TRUE, NULL, "192.0.2.1", NULL, "2001:db8:5::1");
    assert_one_source(harness, FALSE, NULL, "192.0.2.1", NULL, "203.0.113.1");
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "sender.example", "v=spf1 +all", NULL);
    assert_one_source(harness, FALSE, NULL, "192.0.2.1", NULL, "198.51.100.1");
    mm_harness_free(harness);
}

/* A name server that is silent costs SOURCE_SECONDS, not the answer. */
static void
test_silent_names(void)
{
    MmHarness *harness = configured(NULL, NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "sender.example", "v=spf1 -all", NULL);
    mm_harness_name_delay(harness, MILTER_RESOLVE_TXT, "sender.example", -1);
    MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_mail(session, "<a@sender.example>", NULL);
    g_assert_cmpint(mm_harness_rcpt(session, "<b@example.net>", NULL), ==, MM_HARNESS_LATER);
    const char *label;
    g_assert_cmpfloat(mm_harness_deadline(session, &label), >, 4);
    g_assert_cmpstr(label, ==, "the name servers");
    mm_harness_advance(harness, 4.1);
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_detail(session), ==, "delayed");
    mm_harness_close(session);
    mm_harness_free(harness);
}

/* ---- Learning. */

static void
test_learning(void)
{
    MmHarness *harness = configured(NULL, NULL);
    const char *const recipients[] = {"<x@Partner.example>", "<y@other.example>", NULL};
    MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{auth_authen}", "joe");
    mm_harness_mail(session, "<joe+tag@example.net>", NULL);
    visit_rcpt(session, recipients[0]);
    mm_harness_report(session, MILTER_VERDICT_CONTINUE, "<joe+tag@example.net>", recipients, "");
    mm_harness_close(session);
    mm_harness_pump(harness);
    g_assert_cmpuint(mm_harness_count(harness, "learned"), ==, 2);
    ATTEMPT("allowed", NULL, "203.0.113.1", "<z@partner.example>", "<joe@example.net>");
    ATTEMPT("delayed", NULL, "203.0.113.1", "<z@partner.example>", "<jim@example.net>");
    ATTEMPT("delayed", NULL, "203.0.113.1", "<z@stranger.example>", "<joe@example.net>");
    /* Mail from outside teaches nothing, nor does mail that was refused. */
    session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_mail(session, "<a@example.org>", NULL);
    visit_rcpt(session, "<b@example.net>");
    mm_harness_report(session, MILTER_VERDICT_CONTINUE, "<a@example.org>", recipients, "");
    mm_harness_close(session);
    g_assert_cmpuint(mm_harness_count(harness, "learned"), ==, 2);
    mm_harness_free(harness);
}

/* ---- Settings. */

static void
assert_refused(const char *key, const char *value, const char *what)
{
    MmHarness *harness = mm_harness_new(GREYLIST);
    mm_harness_set(harness, "store", "memory:");
    mm_harness_set(harness, key, value);
    g_assert_false(mm_harness_configure(harness));
    g_assert_nonnull(mm_harness_problem(harness, 0));
    g_assert_nonnull(strstr(mm_harness_problem(harness, 0), key));
    if (!strstr(mm_harness_problem(harness, 0), what))
        g_error("%s: not in %s", what, mm_harness_problem(harness, 0));
    mm_harness_free(harness);
}

static void
test_settings(void)
{
    assert_refused("reply", "'Grüße'", "ASCII");
    assert_refused("reply", "''", "empty");
    assert_refused("reply", "'550 5.7.1 no'", "4xx");
    assert_refused("reply", "'451 5.7.1 no'", "no SMTP reply");
    assert_refused("store", "'mysql:x'", "mysql");
    assert_refused("store", "'sqlite:relative'", "absolute");
    assert_refused("store", "'sqlite:/nowhere/at/all/x.sqlite'", "does not exist");
    assert_refused("store", "'redis://u:secret@host:99999'", "port");
    assert_refused("password-file", "'/nowhere/at/all'", "does not exist");
    assert_refused("allow-clients", "['1.2.3.4.5']", "1.2.3.4.5");
    assert_refused("allow-senders", "['a b']", "a b");
    assert_refused("traps", "['']", "neither");
    assert_refused("retry-window", "240", "ends before the delay");
    assert_refused("auto-allow", "9", "auto-allow");
}

static void
test_passwords_in_problems(void)
{
    MmHarness *harness = mm_harness_new(GREYLIST);
    mm_harness_set(harness, "store", "'redis://u:secret@host:99999'");
    g_assert_false(mm_harness_configure(harness));
    g_assert_null(strstr(mm_harness_problem(harness, 0), "secret"));
    mm_harness_free(harness);
}

static void
test_replies(void)
{
    MmHarness *harness = configured("reply", "'450 4.2.0 100% sure, {seconds} s'");
    MmHarnessSession *session = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(visit_rcpt(session, "<b@example.net>"), ==, MILTER_VERDICT_REPLY);
    g_assert_cmpstr(mm_harness_reply(session), ==, "450 4.2.0 100% sure, 240 s");
    mm_harness_close(session);
    mm_harness_free(harness);
}

/* Two instances with one store, and different wishes about its texts: the store is shared, for a
 * file can be open only once. */
static void
test_reload_texts(void)
{
    g_autofree char *folder = g_dir_make_tmp("greylist-XXXXXX", NULL);
    g_autofree char *store = g_strdup_printf("'sqlite:%s/g.sqlite'", folder);
    MmHarness *harness = mm_harness_new(GREYLIST);
    mm_harness_set(harness, "store", store);
    mm_harness_set(harness, "store-timeout", "30.0");
    mm_harness_set_threads(harness, TRUE);
    g_assert_true(mm_harness_configure(harness));
    ATTEMPT("delayed", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    MmHarnessSession *lasting = visit_from(harness, NULL, "192.0.2.1");
    mm_harness_set(harness, "store-text", "false");
    mm_harness_set(harness, "password-file", "'/'");
    g_assert_true(mm_harness_configure(harness));
    ATTEMPT("delayed", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_close(lasting);
    mm_harness_free(harness);
    static const char *const names[] = {"g.sqlite", "g.sqlite.lock"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        remove(path);
    }
    g_assert_cmpint(rmdir(folder), ==, 0);
}

/* A reload keeps what is known, also in memory. */
static void
test_reload(void)
{
    MmHarness *harness = configured(NULL, NULL);
    ATTEMPT("delayed", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_advance(harness, 100);
    mm_harness_set(harness, "delay", "90");
    g_assert_true(mm_harness_configure(harness));
    ATTEMPT("pass", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_free(harness);
}

static void
test_clock_jumps(void)
{
    MmHarness *harness = configured(NULL, NULL);
    mm_harness_set_wall_clock(harness, 1800000000);
    ATTEMPT("delayed", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_set_wall_clock(harness, 1700000000);
    ATTEMPT("pass", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_set_wall_clock(harness, 1700000000 + 30 * 86400);
    ATTEMPT("pass", NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_free(harness);
}

static void
prepare(MmHarness *harness, gpointer data)
{
    (void)data;
    mm_harness_set(harness, "store", "memory:");
    mm_harness_name(harness, MILTER_RESOLVE_A, "mx.example.org", "192.0.2.1", NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/greylist/delay", test_delay);
    g_test_add_func("/greylist/header-modes", test_header_modes);
    g_test_add_func("/greylist/header-address", test_header_address);
    g_test_add_func("/greylist/recipients", test_recipients);
    g_test_add_func("/greylist/null-sender", test_null_sender);
    g_test_add_func("/greylist/lists", test_lists);
    g_test_add_func("/greylist/local-clients", test_local_clients);
    g_test_add_func("/greylist/traps", test_traps);
    g_test_add_func("/greylist/auto-allow", test_auto_allow);
    g_test_add_func("/greylist/source-modes", test_source_modes);
    g_test_add_func("/greylist/confirmed-names", test_confirmed_names);
    g_test_add_func("/greylist/confirming", test_confirming);
    g_test_add_func("/greylist/spf", test_spf);
    g_test_add_func("/greylist/silent-names", test_silent_names);
    g_test_add_func("/greylist/learning", test_learning);
    g_test_add_func("/greylist/settings", test_settings);
    g_test_add_func("/greylist/passwords-in-problems", test_passwords_in_problems);
    g_test_add_func("/greylist/replies", test_replies);
    g_test_add_func("/greylist/reload", test_reload);
    g_test_add_func("/greylist/reload-texts", test_reload_texts);
    g_test_add_func("/greylist/clock-jumps", test_clock_jumps);
    mm_harness_standard_cases_prepared(GREYLIST, prepare, NULL);
    return g_test_run();
}
