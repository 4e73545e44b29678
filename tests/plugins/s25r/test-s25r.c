/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stage: settings, what the MTA tells, actions, the verb. */
#include "harness.h"

#include <json-glib/json-glib.h>
#include <string.h>

static const char *plugin, *table;

/* Keys and values, ended by NULL. */
static MmHarness *
configured(const char *first, ...)
{
    MmHarness *harness = mm_harness_new(plugin);
    va_list arguments;
    va_start(arguments, first);
    for (const char *key = first; key; key = va_arg(arguments, const char *))
        mm_harness_set(harness, key, va_arg(arguments, const char *));
    va_end(arguments);
    g_assert_true(mm_harness_configure(harness));
    return harness;
}

/* Connects with {client_resolve} as given; compares the fact. */
static void
expect(MmHarness *harness, const char *host, const char *address, const char *resolve,
       const char *fact)
{
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "{client_resolve}", resolve);
    g_assert_cmpint(mm_harness_connect(session, host, address), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpstr(mm_harness_fact(session, "s25r"), ==, fact);
    mm_harness_close(session);
}

static void
test_evidence(void)
{
    MmHarness *harness = configured(NULL, NULL);
    expect(harness, "mail-1-2.example.org", "192.0.2.1", "OK", NULL);
    expect(harness, "dsl-192-0-2-7.pool.example.org", "192.0.2.7", "OK",
           "rule1,rule6,word=dsl,ip=4,shape=numbers");
    expect(harness, "a2b3.example.org", "192.0.2.7", NULL, NULL);
    expect(harness, "h-1-2.example.org.", "198.51.1.2", NULL, NULL);
    g_assert_cmpuint(mm_harness_count(harness, "clients"), ==, 4);
    g_assert_cmpuint(mm_harness_count(harness, "hits"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "rule1"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "rule6"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "word"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "ip"), ==, 1);
    g_assert_nonnull(strstr(mm_harness_log_line(harness, "s25r-hit"), "word=dsl"));
    mm_harness_free(harness);
}

static void
test_classic(void)
{
    MmHarness *harness = configured("mode", "classic", NULL);
    expect(harness, "mail-1-2.example.org", "192.0.2.1", "OK", "rule1");
    expect(harness, "mail.example.org", "192.0.2.1", "OK", NULL);
    expect(harness, "a1b2.dhcp12345.example.org", "2001:db8::1", "OK", "rule1");
    expect(harness, "mail.example.org", "192.0.2.1", "FAIL", "no-ptr");
    mm_harness_free(harness);
}

static void
test_told_by_the_mta(void)
{
    MmHarness *harness = configured(NULL, NULL);
    expect(harness, "[192.0.2.1]", "192.0.2.1", "TEMP", NULL);
    expect(harness, "[192.0.2.1]", "192.0.2.1", "FAIL", "no-ptr");
    expect(harness, "[192.0.2.1]", "192.0.2.1", "FORGED", "forged");
    expect(harness, "mx.example.org", "192.0.2.1", "FORGED", "forged");
    /* Nobody is asked when the MTA knows. */
    g_assert_cmpuint(mm_harness_name_asked(harness, MILTER_RESOLVE_PTR, "192.0.2.1"), ==, 0);
    /* Not from the network. */
    expect(harness, "localhost", "/run/socket", NULL, NULL);
    expect(harness, "dsl1.example.org", NULL, NULL, NULL);
    g_assert_cmpuint(mm_harness_count(harness, "temporary"), ==, 1);
    g_assert_cmpuint(mm_harness_count(harness, "clients"), ==, 4);
    mm_harness_free(harness);
}

static void
test_lists(void)
{
    MmHarness *harness =
        configured("mode", "classic", "allow", "['example.org', '/^mx1-2[.]/']", "block",
                   "['example.net', 'example.org', '/\\\\.bad\\\\./']", NULL);
    expect(harness, "dsl1.example.org", "192.0.2.1", "OK", NULL);
    expect(harness, "DSL1.Example.ORG.", "192.0.2.1", "OK", NULL);
    expect(harness, "MX1-2.example.com", "192.0.2.1", "OK", NULL);
    expect(harness, "dsl1.badexample.org", "192.0.2.1", "OK", "rule6");
    expect(harness, "mail.example.net", "192.0.2.1", "OK", "block");
    expect(harness, "mail.bad.example.com", "192.0.2.1", "OK", "block");
    expect(harness, "mail.good.example.com", "192.0.2.1", "OK", NULL);
    /* Lists are for names that are verified. */
    expect(harness, "dsl1.example.org", "192.0.2.1", "FORGED", "forged");
    g_assert_cmpuint(mm_harness_count(harness, "allow"), ==, 3);
    g_assert_cmpuint(mm_harness_count(harness, "block"), ==, 2);
    mm_harness_free(harness);
}

/* What the client may choose is a name that keeps an expression busy. The name is judged by what is
 * left. A step more for each letter twice: two millions, less than the library itself allows. */
static void
test_given_up(void)
{
    const char *name = "aaaaaaaaaaaaaaaaaaaaa.dsl1.example.org";
    MmHarness *harness =
        configured("mode", "classic", "block", "['/^(a+)+$/', '/^b/', 'example.net']", NULL);
    expect(harness, "mail.example.org", "192.0.2.1", "OK", NULL);
    g_assert_null(mm_harness_log_line(harness, "s25r-expression-given-up"));
    expect(harness, name, "192.0.2.1", "OK", NULL);
    const char *line = mm_harness_log_line(harness, "s25r-expression-given-up");
    g_assert_nonnull(line);
    g_assert_nonnull(strstr(line, name));
    expect(harness, name, "192.0.2.1", "OK", NULL);
    g_assert_cmpuint(mm_harness_logged(harness, "s25r-expression-given-up"), ==, 1);
    mm_harness_advance(harness, 60);
    expect(harness, name, "192.0.2.1", "OK", NULL);
    g_assert_cmpuint(mm_harness_logged(harness, "s25r-expression-given-up"), ==, 2);
    expect(harness, "b.aaaaaaaaaaaaaaaaaaaaa.example.org", "192.0.2.1", "OK", "block");
    mm_harness_free(harness);
}

static void
test_bad_settings(void)
{
    static const struct {
        const char *key, *value, *part;
    } cases[] = {
        {"allow", "['/[/']", "/[/"},
        {"allow", "['/x']", "closing slash"},
        {"allow", "['/']", "closing slash"},
        {"allow", "['//']", "closing slash"},
        {"block", "['good.example.org', '*.example.org']", "*.example.org"},
        {"block", "['']", "no domain"},
        {"fact", "''", "fact"},
        {"fact", "'!x'", "fact"},
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
test_ipv6(void)
{
    MmHarness *harness = configured("ipv6", "false", NULL);
    expect(harness, "dsl1.example.org", "2001:db8::1", "OK", NULL);
    expect(harness, "dsl1.example.org", "192.0.2.1", "OK", "rule6,word=dsl");
    expect(harness, "dsl1.example.org", "::ffff:192.0.2.1", "OK", "rule6,word=dsl");
    mm_harness_free(harness);
    harness = configured(NULL, NULL);
    expect(harness, "dsl1.example.org", "2001:db8::1", "OK", "rule6,word=dsl");
    expect(harness, "h2001-db8-1-2--3.example.org", "2001:db8:1:2::3", "OK",
           "rule1,ip=6,shape=numbers");
    mm_harness_free(harness);
}

static void
test_other_fact(void)
{
    MmHarness *harness = configured("fact", "suspect", NULL);
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_connect(session, "dsl1.example.org", "192.0.2.1");
    g_assert_cmpstr(mm_harness_fact(session, "suspect"), ==, "rule6,word=dsl");
    g_assert_cmpstr(mm_harness_detail(session), ==, "fact=rule6+word=dsl");
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
expect_reply(MmHarness *harness, const char *host, const char *resolve, const char *reply)
{
    MmHarnessSession *session = mm_harness_open(harness);
    mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "{client_resolve}", resolve);
    g_assert_cmpint(mm_harness_connect(session, host, "192.0.2.1"), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_helo(session, "example.org");
    g_assert_cmpint(mm_harness_mail(session, "<a@example.org>", NULL), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_rcpt(session, "<b@example.org>", NULL);
    if (!reply)
        g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    else
        g_assert_true(g_str_has_prefix(mm_harness_reply(session), reply));
    mm_harness_close(session);
}

static void
test_actions(void)
{
    MmHarness *harness = configured("action", "temporary-failure", NULL);
    expect_reply(harness, "dsl1.example.org", "OK", "450 4.7.1 ");
    expect_reply(harness, "[192.0.2.1]", "FAIL", "450 4.7.25 ");
    expect_reply(harness, "[192.0.2.1]", "TEMP", NULL);
    expect_reply(harness, "mail.example.org", "OK", NULL);
    mm_harness_free(harness);
    harness = configured("action", "reject", NULL);
    expect_reply(harness, "dsl1.example.org", "OK", "550 5.7.1 ");
    expect_reply(harness, "mx.example.org", "FORGED", "550 5.7.25 ");
    mm_harness_free(harness);
    harness = configured("action", "fact", NULL);
    expect_reply(harness, "dsl1.example.org", "OK", NULL);
    mm_harness_free(harness);
}

/* ---- Every line of the table, through the stage. */

static void
check_line(MmHarness *harness, char **columns, gboolean expected)
{
    const char *address = strcmp(columns[5], "-") == 0 ? "203.0.113.77" : columns[5];
    gboolean none = columns[0][0] == '[' || strcmp(columns[0], "unknown") == 0;
    MmHarnessSession *session = mm_harness_open(harness);
    if (none)
        mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "{client_resolve}", "FAIL");
    mm_harness_connect(session, columns[0], address);
    if ((mm_harness_fact(session, "s25r") != NULL) != expected)
        g_error("%s: %s", columns[0], mm_harness_fact(session, "s25r"));
    mm_harness_close(session);
}

static void
check_table(const char *mode, guint column)
{
    MmHarness *harness = configured("mode", mode, NULL);
    g_autofree char *text = NULL;
    g_file_get_contents(table, &text, NULL, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint checked = 0;
    for (guint i = 0; lines[i]; i++) {
        g_auto(GStrv) columns = g_strsplit(lines[i], "\t", -1);
        if (lines[i][0] == '#' || g_strv_length(columns) != 7 || columns[0][0] == '\0')
            continue;
        check_line(harness, columns, strcmp(columns[column], "yes") == 0);
        checked++;
    }
    g_assert_cmpuint(checked, ==, 329); /* without the empty name */
    mm_harness_free(harness);
}

static void
test_table_classic(void)
{
    check_table("classic", 1);
}

static void
test_table_evidence(void)
{
    check_table("evidence", 6);
}

/* ---- explain. */

static JsonNode *
explain(MmHarness *harness, const char *arguments)
{
    g_autofree char *json = NULL;
    g_autofree char *problem = NULL;
    g_assert_true(mm_harness_admin(harness, "explain", arguments, &json, &problem));
    g_assert_cmpstr(problem, ==, NULL);
    JsonNode *node = json_from_string(json, NULL);
    g_assert_nonnull(node);
    return node;
}

static void
test_explain(void)
{
    MmHarness *harness = configured("allow", "['example.net']", NULL);
    g_autoptr(JsonNode) hit =
        explain(harness, "{\"name\":\"dsl-192-0-2-7.example.org\",\"address\":\"192.0.2.7\"}");
    JsonObject *object = json_node_get_object(hit);
    g_assert_true(json_object_get_boolean_member(object, "hit"));
    g_assert_cmpstr(json_object_get_string_member(object, "mode"), ==, "evidence");
    g_assert_cmpint(json_object_get_int_member(object, "octets"), ==, 4);
    g_assert_cmpstr(json_object_get_string_member(object, "word"), ==, "dsl");
    g_assert_cmpstr(
        json_array_get_string_element(json_object_get_array_member(object, "reasons"), 0), ==,
        "rule1");
    g_assert_cmpint(json_array_get_length(json_object_get_array_member(object, "rules")), ==, 2);
    g_autoptr(JsonNode) allowed = explain(harness, "{\"name\":\"dsl1.example.net\"}");
    object = json_node_get_object(allowed);
    g_assert_false(json_object_get_boolean_member(object, "hit"));
    g_assert_cmpstr(json_object_get_string_member(object, "allowed-by"), ==, "example.net");
    g_assert_cmpint(json_array_get_length(json_object_get_array_member(object, "reasons")), ==, 0);
    g_autoptr(JsonNode) nameless = explain(harness, "{\"address\":\"192.0.2.7\"}");
    object = json_node_get_object(nameless);
    g_assert_cmpstr(
        json_array_get_string_element(json_object_get_array_member(object, "reasons"), 0), ==,
        "no-ptr");
    g_assert_cmpuint(mm_harness_count(harness, "clients"), ==, 0);
    mm_harness_free(harness);
}

static void
test_explain_nonsense(void)
{
    static const char *const nonsense[] = {"",         "7",
                                           "[]",       "{\"name\":7}",
                                           "{",        "{\"name\":\"a.b\",\"address\":\"c\"}",
                                           "\"name\"", "{\"name\":null,\"address\":[]}"};
    MmHarness *harness = configured(NULL, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(nonsense); i++) {
        g_autofree char *json = NULL;
        g_autofree char *problem = NULL;
        g_assert_true(mm_harness_admin(harness, "explain", nonsense[i], &json, &problem));
        g_assert_null(json);
        g_assert_nonnull(problem);
    }
    mm_harness_free(harness);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    plugin = argv[1];
    table = argv[2];
    g_test_add_func("/s25r-stage/evidence", test_evidence);
    g_test_add_func("/s25r-stage/classic", test_classic);
    g_test_add_func("/s25r-stage/told-by-the-mta", test_told_by_the_mta);
    g_test_add_func("/s25r-stage/lists", test_lists);
    g_test_add_func("/s25r-stage/given-up", test_given_up);
    g_test_add_func("/s25r-stage/bad-settings", test_bad_settings);
    g_test_add_func("/s25r-stage/ipv6", test_ipv6);
    g_test_add_func("/s25r-stage/other-fact", test_other_fact);
    g_test_add_func("/s25r-stage/actions", test_actions);
    g_test_add_func("/s25r-stage/table-classic", test_table_classic);
    g_test_add_func("/s25r-stage/table-evidence", test_table_evidence);
    g_test_add_func("/s25r-stage/explain", test_explain);
    g_test_add_func("/s25r-stage/explain-nonsense", test_explain_nonsense);
    return g_test_run();
}
