/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/schema.h"

#include "base/i18n.h"
#include "config/value.h"

#include <string.h>

struct MmSchemas {
    GSettingsSchemaSource *source;
};

MmSchemas *
mm_schemas_open(const char *directory, GError **error)
{
    GSettingsSchemaSource *source =
        g_settings_schema_source_new_from_directory(directory, NULL, FALSE, error);
    if (!source)
        return NULL;
    MmSchemas *schemas = g_new0(MmSchemas, 1);
    schemas->source = source;
    return schemas;
}

void
mm_schemas_free(MmSchemas *schemas)
{
    if (!schemas)
        return;
    g_settings_schema_source_unref(schemas->source);
    g_free(schemas);
}

GSettingsSchema *
mm_schemas_lookup(const MmSchemas *schemas, const char *id)
{
    return g_settings_schema_source_lookup(schemas->source, id, FALSE);
}

static int
compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
mm_schema_keys(GSettingsSchema *schema)
{
    char **keys = g_settings_schema_list_keys(schema);
    qsort(keys, g_strv_length(keys), sizeof(char *), compare);
    return keys;
}

static char *
choices_text(GVariant *choices)
{
    GString *text = g_string_new(_("one of: "));
    GVariantIter iterator;
    const char *choice;
    const char *before = "";
    g_variant_iter_init(&iterator, choices);
    while (g_variant_iter_next(&iterator, "&s", &choice)) {
        g_string_append_printf(text, "%s%s", before, choice);
        before = ", ";
    }
    return g_string_free(text, FALSE);
}

static char *
range_text(GVariant *range)
{
    g_autoptr(GVariant) least = g_variant_get_child_value(range, 0);
    g_autoptr(GVariant) most = g_variant_get_child_value(range, 1);
    g_autofree char *from = mm_value_print(least);
    g_autofree char *to = mm_value_print(most);
    return g_strdup_printf(_("from %s to %s"), from, to);
}

static const char *
type_text(const GVariantType *type)
{
    switch (*g_variant_type_peek_string(type)) {
    case 'b':
        return _("true or false");
    case 'u':
    case 't':
        return _("a whole number, 0 or more");
    case 'd':
        return _("a number");
    case 's':
        return _("a text, in quotes");
    case 'a':
        return _("a list of texts: ['one', 'two']");
    default:
        return "";
    }
}

static const char *const types[] = {"s", "b", "u", "t", "d", "as", NULL};

gboolean
mm_schema_key_is_usable(GSettingsSchemaKey *key)
{
    const GVariantType *type = g_settings_schema_key_get_value_type(key);
    g_autofree char *text = g_variant_type_dup_string(type);
    return g_strv_contains(types, text);
}

char **
mm_schema_choices(GSettingsSchemaKey *key)
{
    g_autoptr(GVariant) range = g_settings_schema_key_get_range(key);
    const char *kind;
    g_autoptr(GVariant) detail = NULL;
    g_variant_get(range, "(&sv)", &kind, &detail);
    return strcmp(kind, "enum") == 0 ? g_variant_dup_strv(detail, NULL) : NULL;
}

char *
mm_schema_allowed(GSettingsSchemaKey *key)
{
    g_autoptr(GVariant) range = g_settings_schema_key_get_range(key);
    const char *kind;
    g_autoptr(GVariant) detail = NULL;
    g_variant_get(range, "(&sv)", &kind, &detail);
    if (strcmp(kind, "enum") == 0)
        return choices_text(detail);
    if (strcmp(kind, "range") == 0)
        return range_text(detail);
    return g_strdup(type_text(g_settings_schema_key_get_value_type(key)));
}

/* Edits that turn a into b, a swap of neighbours being one. */
static guint
distance(const char *a, const char *b)
{
    gsize m = strlen(a), n = strlen(b);
    g_autofree guint *d = g_new(guint, (m + 1) * (n + 1));
#define AT(i, j) d[(i) * (n + 1) + (j)]
    for (gsize i = 0; i <= m; i++)
        AT(i, 0) = (guint)i;
    for (gsize j = 0; j <= n; j++)
        AT(0, j) = (guint)j;
    for (gsize i = 1; i <= m; i++) {
        for (gsize j = 1; j <= n; j++) {
            guint cost = a[i - 1] == b[j - 1] ? 0 : 1;
            guint best = MIN(AT(i - 1, j) + 1, AT(i, j - 1) + 1);
            best = MIN(best, AT(i - 1, j - 1) + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN(best, AT(i - 2, j - 2) + 1);
            AT(i, j) = best;
        }
    }
    return AT(m, n);
#undef AT
}

const char *
mm_schema_nearest(const char *typed, const char *const *candidates)
{
    const gsize longest = 64;
    const char *nearest = NULL;
    g_autofree char *word = g_ascii_strdown(typed, -1);
    gsize length = strlen(word);
    guint best = (guint)MAX(length / 3, 1u) + 1;
    if (length > longest)
        return NULL;
    for (; candidates && *candidates; candidates++) {
        g_autofree char *candidate = g_ascii_strdown(*candidates, -1);
        guint d = strlen(candidate) <= longest ? distance(word, candidate) : best;
        if (d < best) {
            best = d;
            nearest = *candidates;
        }
    }
    return nearest;
}
