/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPF through the plugin's "why": results, which passes count, and the limits of RFC 7208. */
#include "visit.h"

#include <json-glib/json-glib.h>
#include <string.h>

typedef struct Case {
    const char *record;  /* of example.org */
    const char *address; /* of the client */
    const char *spf;
    gboolean counts; /* the source is the domain */
} Case;

static const Case cases[] = {
    {"v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.1", "pass", TRUE},
    {"v=spf1 ip4:192.0.2.77/24 -all", "192.0.2.1", "pass", TRUE},
    {"V=SPF1 IP4:192.0.2.1 -ALL", "192.0.2.1", "pass", TRUE},
    {"v=spf1 ip4:192.0.0.0/9 -all", "192.0.2.1", "pass", TRUE},
    {"v=spf1 ip4:192.0.0.0/8 -all", "192.0.2.1", "pass", FALSE},
    {"v=spf1 ip4:0.0.0.0/0 -all", "192.0.2.1", "pass", FALSE},
    {"v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", "pass", TRUE},
    {"v=spf1 ip6:2001:d00::/24 -all", "2001:db8::1", "pass", FALSE},
    {"v=spf1 +all", "192.0.2.1", "pass", FALSE},
    {"v=spf1 -all", "192.0.2.1", "fail", FALSE},
    {"v=spf1 ~all", "192.0.2.1", "softfail", FALSE},
    {"v=spf1 ?all", "192.0.2.1", "neutral", FALSE},
    {"v=spf1", "192.0.2.1", "neutral", FALSE},
    {"v=spf10 +all", "192.0.2.1", "none", FALSE},
    {"v=spf1 a -all", "192.0.2.5", "pass", TRUE},
    {"v=spf1 a/24 -all", "192.0.2.99", "pass", TRUE},
    {"v=spf1 a:other.example//64 -all", "2001:db8::99", "pass", TRUE},
    {"v=spf1 a/8 -all", "192.9.9.9", "pass", FALSE},
    {"v=spf1 a:other.example//24 -all", "2001:db9::1", "pass", FALSE},
    {"v=spf1 a:nothing.example -all", "192.0.2.5", "fail", FALSE},
    {"v=spf1 mx -all", "192.0.2.7", "pass", TRUE},
    {"v=spf1 mx/9 -all", "192.9.9.9", "pass", TRUE},
    {"v=spf1 mx/8 -all", "192.9.9.9", "pass", FALSE},
    {"v=spf1 mx:empty.example -all", "192.0.2.7", "fail", FALSE},
    {"v=spf1 -mx +all", "192.0.2.7", "fail", FALSE},
    {"v=spf1 include:in.example -all", "198.51.100.1", "pass", TRUE},
    {"v=spf1 ?include:in.example -all", "198.51.100.1", "neutral", FALSE},
    {"v=spf1 include:in.example -all", "203.0.113.1", "fail", FALSE},
    {"v=spf1 include:all.example -all", "203.0.113.1", "pass", FALSE},
    {"v=spf1 include:wide.example -all", "192.9.9.9", "pass", FALSE},
    {"v=spf1 redirect=wide.example", "192.9.9.9", "pass", FALSE},
    {"v=spf1 include:nothing.example -all", "203.0.113.1", "permerror", FALSE},
    {"v=spf1 redirect=in.example", "198.51.100.1", "pass", TRUE},
    {"v=spf1 redirect=nothing.example", "198.51.100.1", "permerror", FALSE},
    {"v=spf1 -all redirect=in.example", "198.51.100.1", "fail", FALSE},
    {"v=spf1 exists:%{ir}.%{l1r-}._spf.%{d2} -all", "192.0.2.3", "pass", FALSE},
    {"v=spf1 exists:%{i}.no.example -all", "192.0.2.3", "fail", FALSE},
    {"v=spf1 ptr ip4:192.0.2.3 -all", "192.0.2.3", "pass", TRUE},
    {"v=spf1 exp=why.example moo=cow ip4:192.0.2.3 -all", "192.0.2.3", "pass", TRUE},
    {"v=spf1 include:loop.example -all", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 a:n1.x a:n2.x a:n3.x ip4:192.0.2.3", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 include:slow.example -all", "192.0.2.3", "temperror", FALSE},
    {"v=spf1 ip4:nonsense -all", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 ip4:192.0.2.0/33 -all", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 unknown -all", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 a:%{z}.example -all", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 a:%(d} -all", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 all:x -all", "192.0.2.3", "permerror", FALSE},
    {"v=spf1 include: -all", "192.0.2.3", "permerror", FALSE},
};

static void
publish(MmHarness *harness)
{
    mm_harness_name(harness, MILTER_RESOLVE_A, "example.org", "192.0.2.5", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_AAAA, "other.example", "2001:db8::1", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_MX, "example.org", "10 mx1.example.org",
                    "20 mx2.example.org", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "mx1.example.org", "192.0.2.6", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "mx2.example.org", "192.0.2.7", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_MX, "empty.example", "0 .", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "in.example", "some text",
                    "v=spf1 ip4:198.51.100.0/24 -all", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "all.example", "v=spf1 all", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "wide.example", "v=spf1 ip4:192.0.0.0/8", NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "loop.example", "v=spf1 include:loop.example",
                    NULL);
    mm_harness_name(harness, MILTER_RESOLVE_A, "3.2.0.192.a._spf.example.org", "127.0.0.2", NULL);
    mm_harness_name_fails(harness, MILTER_RESOLVE_TXT, "slow.example", MILTER_RESOLVE_TEMPORARY);
}

static char *
member(JsonNode *node, const char *name)
{
    return json_to_string(json_object_get_member(json_node_get_object(node), name), FALSE);
}

static void
check(MmHarness *harness, const Case *one)
{
    g_autofree char *json = NULL, *error = NULL;
    g_autofree char *arguments =
        g_strdup_printf("{\"address\": \"%s\", \"helo\": \"helo.example\","
                        " \"sender\": \"a-b@example.org\", \"recipient\": \"b@example.net\"}",
                        one->address);
    g_assert_true(mm_harness_admin(harness, "why", arguments, &json, &error));
    g_assert_cmpstr(error, ==, NULL);
    g_autoptr(JsonNode) node = json_from_string(json, NULL);
    g_autofree char *spf = member(node, "spf"), *source = member(node, "source");
    g_autofree char *expected = g_strdup_printf("\"%s\"", one->spf);
    if (strcmp(spf, expected) != 0 || g_str_has_prefix(source, "\"s:") != one->counts)
        g_error("%s from %s: %s, %s", one->record, one->address, spf, source);
}

static void
test_results(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    publish(harness);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        mm_harness_name(harness, MILTER_RESOLVE_TXT, "example.org", cases[i].record, NULL);
        check(harness, &cases[i]);
    }
    mm_harness_free(harness);
}

static void
test_two_records(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "example.org", "v=spf1 ip4:192.0.2.1",
                    "v=spf1 ip4:192.0.2.1", NULL);
    const Case one = {"two records", "192.0.2.1", "permerror", FALSE};
    check(harness, &one);
    mm_harness_free(harness);
}

/* Ten look-ups are allowed, not eleven. */
static void
test_lookups(void)
{
    for (guint n = 10; n <= 11; n++) {
        MmHarness *harness = visit_configured("memory:", NULL, NULL);
        g_autoptr(GString) record = g_string_new("v=spf1");
        for (guint i = 0; i < n; i++)
            g_string_append_printf(record, " a:h%u.example", i);
        g_string_append(record, " ip4:192.0.2.1 -all");
        for (guint i = 0; i < n; i++) {
            g_autofree char *name = g_strdup_printf("h%u.example", i);
            mm_harness_name(harness, MILTER_RESOLVE_A, name, "198.51.100.1", NULL);
        }
        mm_harness_name(harness, MILTER_RESOLVE_TXT, "example.org", record->str, NULL);
        const Case one = {record->str, "192.0.2.1", n == 10 ? "pass" : "permerror", n == 10};
        check(harness, &one);
        mm_harness_free(harness);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/greylist/spf/results", test_results);
    g_test_add_func("/greylist/spf/two-records", test_two_records);
    g_test_add_func("/greylist/spf/lookups", test_lookups);
    return g_test_run();
}
