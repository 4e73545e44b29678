/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The standard cases: odd input, and each key of the schema at its limits. */
#include "private.h"

#include "config/schema.h"
#include "config/value.h"

#include <glib/gstdio.h>
#include <string.h>

/* ---- Odd input. */

static const struct {
    const char *host, *address, *helo, *sender, *recipient, *parameter;
} clients[] = {
    {"[192.0.2.1]", "192.0.2.1", "", "<>", "<>", ""},
    {"localhost", NULL, "[127.0.0.1]", "", "", "="},
    {"unknown", "/run/a socket", "a b c", "no brackets", "<\"quoted @ local\"@example.org>",
     "A=B=C"},
    {"mx.example.org", "2001:db8::1", "[IPv6:2001:db8::1]", "<@a,@b:c@d>", "<postmaster>",
     "SIZE=-1"},
    {"mx.example.org", "::ffff:192.0.2.1", "mx", "<\xC3\xA9\x80\xFF@example.org>", "<@>",
     "AUTH=<>"},
    {"", "0.0.0.0", "%s%n%d", "<%s%n@example.org>", "<%s%n@example.org>", "%s%n"},
    {"a..b.", "255.255.255.255", "..", "<a@b@c>", "<a\tb@c>", "\x01"},
};

static void
await(MmHarnessSession *session, int answer)
{
    if (answer != MM_HARNESS_LATER || mm_harness_await(session) != MM_HARNESS_LATER)
        return;
    while (session->turn != TURN_NONE)
        mm_harness_advance(session->harness, MAX(mm_harness_deadline(session, NULL), 0));
}

static void
bring_content(MmHarnessSession *session)
{
    static const char nuls[] = "\0\0\r\n.\r\n\0";
    g_autofree char *long_text = g_strnfill(60000, 'x');
    await(session, mm_harness_header(session, "", ""));
    await(session, mm_harness_header(session, "X", long_text));
    await(session, mm_harness_header(session, "\xFF\xFE", "\n \n \n"));
    await(session, mm_harness_end_of_headers(session));
    await(session, mm_harness_body(session, nuls, sizeof(nuls)));
    await(session, mm_harness_body(session, long_text, 60000));
    await(session, mm_harness_body(session, "\r", 1));
    await(session, mm_harness_end_of_message(session));
}

static void
test_odd_input(gconstpointer data)
{
    MmHarness *harness = cases_harness(data);
    g_assert_true(mm_harness_configure(harness));
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        MmHarnessSession *session = mm_harness_open(harness);
        if (session->turn != TURN_NONE)
            await(session, MM_HARNESS_LATER);
        await(session, mm_harness_connect(session, clients[i].host, clients[i].address));
        await(session, mm_harness_helo(session, clients[i].helo));
        await(session, mm_harness_helo(session, clients[i].helo));
        await(session, mm_harness_mail(session, clients[i].sender, clients[i].parameter, NULL));
        for (guint j = 0; j < 100; j++)
            await(session,
                  mm_harness_rcpt(session, clients[i].recipient, clients[i].parameter, NULL));
        await(session, mm_harness_unknown(session, ""));
        await(session, mm_harness_data(session));
        bring_content(session);
        mm_harness_close(session);
    }
    mm_harness_free(harness);
}

/* MAIL without CONNECT and HELO: an MTA may do so after it lost a milter. */
static void
test_late_start(gconstpointer data)
{
    MmHarness *harness = cases_harness(data);
    g_assert_true(mm_harness_configure(harness));
    MmHarnessSession *session = mm_harness_open(harness);
    if (session->turn != TURN_NONE)
        await(session, MM_HARNESS_LATER);
    await(session, mm_harness_mail(session, "<>", NULL));
    await(session, mm_harness_rcpt(session, "<recipient@example.net>", NULL));
    await(session, mm_harness_data(session));
    bring_content(session);
    mm_harness_free(harness);
}

/* ---- Keys. */

static void
add_value(GPtrArray *values, GVariant *value)
{
    g_autoptr(GVariant) sunk = g_variant_ref_sink(value);
    g_ptr_array_add(values, mm_value_print(sunk));
}

static void
add_text_values(GPtrArray *values)
{
    add_value(values, g_variant_new_string(""));
    add_value(values, g_variant_new_string("\xE2\x80\x9C %s%n \\ ' \n"));
    add_value(values, g_variant_new_string("unix:/nowhere"));
}

static void
add_list_values(GPtrArray *values)
{
    static const char *const odd[] = {"", "/[/", "!", "a=b=c", "192.0.2.0/33", "%s%n"};
    add_value(values, g_variant_new_strv(NULL, 0));
    add_value(values, g_variant_new_strv(odd, G_N_ELEMENTS(odd)));
}

static void
add_type_values(GPtrArray *values, const GVariantType *type)
{
    switch (*g_variant_type_peek_string(type)) {
    case 'b':
        add_value(values, g_variant_new_boolean(FALSE));
        add_value(values, g_variant_new_boolean(TRUE));
        break;
    case 'u':
        add_value(values, g_variant_new_uint32(0));
        add_value(values, g_variant_new_uint32(G_MAXUINT32));
        break;
    case 't':
        add_value(values, g_variant_new_uint64(0));
        add_value(values, g_variant_new_uint64(G_MAXUINT64));
        break;
    case 'd':
        add_value(values, g_variant_new_double(0));
        add_value(values, g_variant_new_double(1e300));
        break;
    case 's':
        add_text_values(values);
        break;
    default:
        add_list_values(values);
    }
}

/* Texts of values at the limits of what the schema allows. */
static GPtrArray *
extremes_of(GSettingsSchemaKey *key)
{
    GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GVariant) range = g_settings_schema_key_get_range(key);
    const char *kind;
    g_autoptr(GVariant) detail = NULL;
    g_variant_get(range, "(&sv)", &kind, &detail);
    if (strcmp(kind, "type") == 0) {
        add_type_values(values, g_settings_schema_key_get_value_type(key));
        return values;
    }
    for (gsize i = 0; i < g_variant_n_children(detail); i++) {
        g_autoptr(GVariant) value = g_variant_get_child_value(detail, i);
        g_ptr_array_add(values, mm_value_print(value));
    }
    return values;
}

static void
try_value(const Case *one, const char *key, const char *value)
{
    MmHarness *harness = cases_harness(one);
    mm_harness_set(harness, key, value);
    if (!MM_STAGE_HAS(harness->stage, configure)) {
        mm_harness_expand(harness);
    } else if (mm_harness_configure(harness)) {
        MmHarnessSession *session = mm_harness_open(harness);
        if (session->turn != TURN_NONE)
            await(session, MM_HARNESS_LATER);
        await(session, mm_harness_connect(session, "mx.example.org", "192.0.2.1"));
        await(session, mm_harness_mail(session, "<>", NULL));
        await(session, mm_harness_rcpt(session, "<recipient@example.net>", NULL));
    } else {
        g_assert_nonnull(mm_harness_problem(harness, 0));
    }
    mm_harness_free(harness);
}

static void
test_keys(gconstpointer data)
{
    const Case *one = data;
    MmHarness *harness = mm_harness_new(one->file);
    GSettingsSchema *schema =
        harness->plugin->schemas
            ? mm_schemas_lookup(harness->plugin->schemas, harness->plugin->schema_id)
            : NULL;
    mm_harness_free(harness);
    if (!schema)
        return;
    g_auto(GStrv) names = mm_schema_keys(schema);
    for (guint i = 0; names[i]; i++) {
        GSettingsSchemaKey *key = g_settings_schema_get_key(schema, names[i]);
        g_autoptr(GPtrArray) values = extremes_of(key);
        for (guint j = 0; j < values->len; j++)
            try_value(one, names[i], g_ptr_array_index(values, j));
        g_settings_schema_key_unref(key);
    }
    g_settings_schema_unref(schema);
}

/* ---- Detectors. */

static void
test_expand_nothing(gconstpointer data)
{
    g_autofree char *empty = g_dir_make_tmp("mm-harness-XXXXXX", NULL);
    MmHarness *harness = cases_harness(data);
    mm_harness_set_root(harness, empty);
    mm_harness_expand(harness);
    for (guint i = 0; i < mm_harness_n_stages(harness); i++)
        g_assert_nonnull(mm_harness_stage_value(harness, i, "plugin"));
    mm_harness_free(harness);
    g_rmdir(empty);
}

void
extremes_add(const Case *one, gboolean has_sessions, gboolean expands)
{
    if (has_sessions) {
        cases_add(one, "odd-input", test_odd_input);
        cases_add(one, "late-start", test_late_start);
    }
    if (expands)
        cases_add(one, "expand-nothing", test_expand_nothing);
    cases_add(one, "keys", test_keys);
}
