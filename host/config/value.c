/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/value.h"

#include "base/i18n.h"

#include <string.h>

static gboolean
is_quote(char c)
{
    return c == '\'' || c == '"';
}

/* Only these escapes stand in the file; GVariant knows more, of which nobody is told. */
static gboolean
check_escapes(const char *text, char **problem)
{
    char quote = '\0';
    for (const char *c = text; *c; c++) {
        if (*c == '\\' && quote) {
            c++;
            if (*c && strchr("\\'\"nt", *c))
                continue;
            *problem = g_strdup_printf(_("“\\%.*s” is no escape: write a backslash as \\\\"),
                                       *c ? 1 : 0, c);
            return FALSE;
        }
        if (is_quote(*c) && !quote)
            quote = *c;
        else if (*c == quote)
            quote = '\0';
    }
    return TRUE;
}

static GVariant *
parse_bare(const char *text, char **problem)
{
    for (const char *c = text; *c; c++) {
        if (is_quote(*c) || *c == '#' || *c == '\\') {
            *problem = g_strdup_printf(_("a text with “%c” must stand in quotes"), *c);
            return NULL;
        }
    }
    return g_variant_ref_sink(g_variant_new_string(text));
}

/* GVariant's own words, without its positions. */
static char *
reason(const GError *error, const char *text)
{
    (void)error;
    return *text ? g_strdup_printf(_("“%s” is not a value of this key"), text)
                 : g_strdup(_("the value is missing"));
}

GVariant *
mm_value_parse(const GVariantType *type, const char *text, char **problem)
{
    gboolean is_string = g_variant_type_equal(type, G_VARIANT_TYPE_STRING);
    if (is_string && *text && !is_quote(*text))
        return parse_bare(text, problem);
    if (!check_escapes(text, problem))
        return NULL;
    g_autoptr(GError) error = NULL;
    GVariant *value = g_variant_parse(type, text, NULL, NULL, &error);
    if (!value)
        *problem = reason(error, text);
    return value;
}

static void
append_quoted(GString *out, const char *text)
{
    g_string_append_c(out, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '\n')
            g_string_append(out, "\\n");
        else if (*c == '\t')
            g_string_append(out, "\\t");
        else if (*c == '\\' || *c == '\'')
            g_string_append_printf(out, "\\%c", *c);
        else
            g_string_append_c(out, *c);
    }
    g_string_append_c(out, '\'');
}

static char *
print_strings(GVariant *value)
{
    GString *out = g_string_new("[");
    GVariantIter iterator;
    const char *text;
    g_variant_iter_init(&iterator, value);
    while (g_variant_iter_next(&iterator, "&s", &text)) {
        if (out->len > 1)
            g_string_append(out, ", ");
        append_quoted(out, text);
    }
    g_string_append_c(out, ']');
    return g_string_free(out, FALSE);
}

char *
mm_value_print(GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY))
        return print_strings(value);
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return g_variant_print(value, FALSE);
    GString *out = g_string_new(NULL);
    append_quoted(out, g_variant_get_string(value, NULL));
    return g_string_free(out, FALSE);
}
