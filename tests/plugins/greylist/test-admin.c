/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The administration's verbs, through the plugin. */
#include "visit.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* The answer; NULL: an error, which is printed if quiet is FALSE. */
static JsonNode *
call(MmHarness *harness, const char *verb, const char *arguments)
{
    g_autofree char *json = NULL, *error = NULL;
    g_assert_true(mm_harness_admin(harness, verb, arguments, &json, &error));
    if (error)
        g_error("%s %s: %s", verb, arguments, error);
    JsonNode *node = json_from_string(json, NULL);
    g_assert_nonnull(node);
    return node;
}

static void
assert_fails(MmHarness *harness, const char *verb, const char *arguments)
{
    g_autofree char *json = NULL, *error = NULL;
    g_assert_true(mm_harness_admin(harness, verb, arguments, &json, &error));
    g_assert_null(json);
    g_assert_nonnull(error);
}

/* A value by its JSONPath, as text. */
static char *
get(JsonNode *root, const char *path)
{
    JsonNode *found = json_path_query(path, root, NULL);
    JsonArray *array = json_node_get_array(found);
    char *text = json_array_get_length(array) == 0
                     ? NULL
                     : json_to_string(json_array_get_element(array, 0), FALSE);
    json_node_unref(found);
    return text;
}

#define IS(root, path, expected)                                                                   \
    do {                                                                                           \
        g_autofree char *value = get(root, path);                                                  \
        g_assert_cmpstr(value, ==, expected);                                                      \
    } while (0)

#define ARGS                                                                                       \
    "{\"address\": \"192.0.2.1\", \"sender\": \"a+x@example.org\", \"recipient\": "                \
    "\"b@example.net\"}"

static void
test_why(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    g_autoptr(JsonNode) before = call(harness, "why", ARGS);
    IS(before, "$.says", "\"new\"");
    IS(before, "$.verdict", "\"delayed\"");
    IS(before, "$.key.sender", "\"a@example.org\"");
    IS(before, "$['source-by']", "\"network\"");
    IS(before, "$.triplet.state", "\"pending\"");
    g_assert_cmpuint(mm_harness_count(harness, "new"), ==, 0);
    visit_word(harness, NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>");
    mm_harness_advance(harness, 300);
    g_autoptr(JsonNode) after = call(harness, "why", ARGS);
    IS(after, "$.says", "\"mature\"");
    IS(after, "$.waited", "300");
    IS(after, "$['lets-in']", "true");
    mm_harness_name(harness, MILTER_RESOLVE_A, "mx.example.org", "192.0.2.1", NULL);
    g_autoptr(JsonNode) named = call(
        harness, "why",
        "{\"address\": \"192.0.2.1\", \"name\": \"mx.example.org\", \"recipient\": \"b@c.d\"}");
    IS(named, "$.source", "\"d:example.org\"");
    IS(named, "$.confirmed", "true");
    g_autoptr(JsonNode) listed = call(
        harness, "why", "{\"address\": \"192.0.2.1\", \"recipient\": \"postmaster@example.net\"}");
    IS(listed, "$.verdict", "\"allowed\"");
    IS(listed, "$.reason", "\"Recipient always reachable\"");
    assert_fails(harness, "why", "{\"recipient\": \"x\"}");
    assert_fails(harness, "why", "[]");
    assert_fails(harness, "why", "{broken");
    mm_harness_free(harness);
}

static void
test_entries(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    static const char name[] = "{\"source\": \"192.0.2.0/24\", \"sender\": \"a@example.org\","
                               " \"recipient\": \"b@example.net\"}";
    g_autoptr(JsonNode) none = call(harness, "show", name);
    IS(none, "$.entry", "null");
    g_autoptr(JsonNode) passed = call(harness, "pass", name);
    IS(passed, "$.entry.state", "\"passed\"");
    g_assert_cmpstr(visit_word(harness, NULL, "192.0.2.9", "<a@example.org>", "<b@example.net>"),
                    ==, "pass");
    g_autoptr(JsonNode) shown = call(harness, "show", name);
    IS(shown, "$.entry.source", "\"n:192.0.2.0/24\"");
    g_autoptr(JsonNode) gone = call(harness, "delete", name);
    IS(gone, "$.deleted", "1");
    g_autoptr(JsonNode) again = call(harness, "delete", name);
    IS(again, "$.deleted", "0");
    g_assert_cmpstr(visit_word(harness, NULL, "192.0.2.9", "<a@example.org>", "<b@example.net>"),
                    ==, "delayed");
    g_autoptr(JsonNode) typed = call(harness, "pass",
                                     "{\"source\": \"n:192.0.2.0/24\", \"sender\": "
                                     "\"A@Example.org\", \"recipient\": \"B@example.NET\"}");
    IS(typed, "$.entry.sender", "\"a@example.org\"");
    g_autoptr(JsonNode) found = call(harness, "show", name);
    IS(found, "$.entry.state", "\"passed\"");
    assert_fails(harness, "pass", "{\"source\": \"192.0.2.0/24\"}");
    assert_fails(harness, "show", "{\"kind\": \"nonsense\"}");
    mm_harness_free(harness);
}

static void
test_rules(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    g_autoptr(JsonNode) one =
        call(harness, "allow", "{\"source\": \"192.0.2.1\", \"seconds\": 100, \"note\": \"n\"}");
    IS(one, "$.entry.source", "\"a:192.0.2.1\"");
    IS(one, "$.entry.note", "\"n\"");
    g_autoptr(JsonNode) two = call(harness, "block", "{\"sender\": \"@Spam.example\"}");
    IS(two, "$.entry.sender", "\"@spam.example\"");
    g_autoptr(JsonNode) three = call(harness, "allow", "{\"recipient\": \"open@example.net\"}");
    IS(three, "$.entry.until", "0");
    g_assert_cmpstr(visit_word(harness, NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>"),
                    ==, "allowed");
    g_assert_cmpstr(
        visit_word(harness, NULL, "192.0.2.2", "<a@spam.example>", "<open@example.net>"), ==,
        "blocked");
    g_assert_cmpstr(
        visit_word(harness, NULL, "192.0.2.2", "<a@other.example>", "<open@example.net>"), ==,
        "allowed");
    g_autoptr(JsonNode) why = call(harness, "why",
                                   "{\"address\": \"192.0.2.2\", \"sender\": \"a@spam.example\","
                                   " \"recipient\": \"open@example.net\"}");
    IS(why, "$.rule", "\"@spam.example\"");
    mm_harness_advance(harness, 101);
    g_assert_cmpstr(visit_word(harness, NULL, "192.0.2.1", "<a@example.org>", "<b@example.net>"),
                    ==, "delayed");
    g_autoptr(JsonNode) removed = call(harness, "expire", NULL);
    IS(removed, "$.removed", "1");
    g_autoptr(JsonNode) list =
        call(harness, "list", "{\"kind\": \"rule\", \"state\": \"blocked\"}");
    IS(list, "$.entries[0].sender", "\"@spam.example\"");
    IS(list, "$.next", "null");
    g_autoptr(JsonNode) long_form = call(harness, "block", "{\"source\": \"2001:DB8:0::1\"}");
    IS(long_form, "$.entry.source", "\"a:2001:db8::1\"");
    g_autoptr(JsonNode) domain = call(harness, "block", "{\"source\": \"Example.ORG\"}");
    IS(domain, "$.entry.source", "\"d:example.org\"");
    /* Of a network only the configured length is looked for. */
    assert_fails(harness, "block", "{\"source\": \"192.0.0.0/16\"}");
    assert_fails(harness, "allow", "{\"sender\": \"x@y.z\", \"seconds\": 9223372036854775807}");
    assert_fails(harness, "allow", "{}");
    assert_fails(harness, "allow", "{\"source\": \"192.0.2.0/99\"}");
    assert_fails(harness, "allow", "{\"source\": \"192.0.2.1/24\"}");
    assert_fails(harness, "block", "{\"source\": \"n:192.0.2\"}");
    assert_fails(harness, "block", "{\"source\": \"300.0.2.1\"}");
    assert_fails(harness, "block", "{\"source\": \"a:mx.example\"}");
    assert_fails(harness, "block", "{\"source\": \"*.example\"}");
    assert_fails(harness, "block", "{\"source\": \"example.\"}");
    assert_fails(harness, "allow", "{\"source\": \"x\", \"sender\": \"y\"}");
    assert_fails(harness, "block", "{\"sender\": \"x@y.z\", \"seconds\": -5}");
    mm_harness_free(harness);
}

static void
test_import_and_export(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    g_autoptr(JsonNode) result =
        call(harness, "import-batch",
             "{\"entries\": ["
             "{\"source\": \"192.0.2.0/24\", \"sender\": \"a@example.org\", \"recipient\": "
             "\"b@example.net\","
             " \"first\": 1735689600, \"last\": 1735689600, \"until\": 1835689600},"
             "{\"source\": \"x\"}, 7]}");
    IS(result, "$.written", "1");
    IS(result, "$.refused[0].index", "1");
    IS(result, "$.refused[1].error", "\"it is not an object\"");
    g_assert_cmpstr(visit_word(harness, NULL, "192.0.2.9", "<a@example.org>", "<b@example.net>"),
                    ==, "pass");
    g_autoptr(JsonNode) page = call(harness, "export-page", NULL);
    IS(page, "$.entries[0].until", "1835689600");
    g_autoptr(JsonNode) stats = call(harness, "stats", NULL);
    IS(stats, "$.entries.triplet.passed", "1");
    IS(stats, "$.available", "true");
    assert_fails(harness, "import-batch", "{}");
    assert_fails(harness, "list", "{\"state\": \"odd\"}");
    assert_fails(harness, "list", "{\"cursor\": \"odd\"}");
    mm_harness_free(harness);
}

/* What the file's store answers comes from other threads. */
static void
test_on_disk(void)
{
    g_autofree char *folder = g_dir_make_tmp("greylist-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "g.sqlite", NULL);
    g_autofree char *uri = g_strconcat("sqlite:", path, NULL);
    MmHarness *harness = visit_configured(uri, NULL, NULL);
    mm_harness_set_threads(harness, TRUE);
    visit_word(harness, NULL, "192.0.2.9", "<a@example.org>", "<b@example.net>");
    g_autoptr(JsonNode) rule = call(harness, "allow", "{\"sender\": \"x@example.org\"}");
    IS(rule, "$.entry.state", "\"allowed\"");
    g_autoptr(JsonNode) stats = call(harness, "stats", NULL);
    IS(stats, "$.entries.triplet.pending", "1");
    IS(stats, "$.entries.rule.allowed", "1");
    g_autoptr(JsonNode) removed = call(harness, "expire", NULL);
    IS(removed, "$.removed", "0");
    mm_harness_free(harness);
    const char *argv[] = {"rm", "-rf", folder, NULL};
    g_spawn_sync(NULL, (char **)(gpointer)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                 NULL, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/greylist/admin/why", test_why);
    g_test_add_func("/greylist/admin/entries", test_entries);
    g_test_add_func("/greylist/admin/rules", test_rules);
    g_test_add_func("/greylist/admin/import-and-export", test_import_and_export);
    g_test_add_func("/greylist/admin/on-disk", test_on_disk);
    return g_test_run();
}
