/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/value.h"

#include "base/i18n.h"

#include <math.h>
#include <string.h>

static gboolean
is_quote(char c)
{
    return c == '\'' || c == '"';
}

/* Control characters do not stand in a file of lines; most have no escape either. */
static gboolean
check_characters(const char *text, char **problem)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        *problem = g_strdup(_("the value is no text in UTF-8"));
        return FALSE;
    }
    for (const char *c = text; *c; c++) {
        if (*c != '\t' && g_ascii_iscntrl(*c)) {
            *problem = g_strdup(_("the value has a control character"));
            return FALSE;
        }
    }
    return TRUE;
}

/* Only these escapes stand in the file; GVariant knows more, of which nobody is told. */
static gboolean
check_quotes(const char *text, char **problem)
{
    char quote = '\0';
    for (const char *c = text; *c; c++) {
        if (*c == '\\' && quote) {
            c++;
            if (*c && strchr("\\'\"nt", *c))
                continue;
            g_autofree char *word = g_utf8_substring(c, 0, *c ? 1 : 0);
            *problem = g_strdup_printf(_("“\\%s” is no escape: write a backslash as \\\\"), word);
            return FALSE;
        }
        if (is_quote(*c) && !quote)
            quote = *c;
        else if (*c == quote)
            quote = '\0';
    }
    if (quote)
        *problem = g_strdup_printf(_("the quote %c is not closed"), quote);
    return !quote;
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

/* GVariant reads 010 as eight and knows numbers that are none. */
static gboolean
check_number(GVariant *value, const char *text, char **problem)
{
    gboolean whole = g_variant_is_of_type(value, G_VARIANT_TYPE_UINT32) ||
                     g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64);
    if (whole && text[0] == '0' && text[1]) {
        *problem = g_strdup_printf(_("“%s”: write the number without 0 in front"), text);
        return FALSE;
    }
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE) &&
        !isfinite(g_variant_get_double(value))) {
        *problem = g_strdup_printf(_("“%s” is no number to count with"), text);
        return FALSE;
    }
    return TRUE;
}

GVariant *
mm_value_parse(const GVariantType *type, const char *text, char **problem)
{
    gboolean is_string = g_variant_type_equal(type, G_VARIANT_TYPE_STRING);
    if (!check_characters(text, problem))
        return NULL;
    if (is_string && *text && !is_quote(*text))
        return parse_bare(text, problem);
    if (!check_quotes(text, problem))
        return NULL;
    g_autoptr(GVariant) value = g_variant_parse(type, text, NULL, NULL, NULL);
    if (!value) {
        *problem = *text ? g_strdup_printf(_("“%s” is not a value of this key"), text)
                         : g_strdup(_("the value is missing"));
        return NULL;
    }
    return check_number(value, text, problem) ? g_steal_pointer(&value) : NULL;
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

/* The fewest digits that are read back as the same number. */
static char *
print_double(double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    for (int digits = 6; digits <= 17; digits++) {
        char format[8];
        g_snprintf(format, sizeof(format), "%%.%dg", digits);
        g_ascii_formatd(text, sizeof(text), format, number);
        if (g_ascii_strtod(text, NULL) == number)
            break;
    }
    return g_strconcat(text, strpbrk(text, ".en") ? "" : ".0", NULL);
}

char *
mm_value_print(GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE))
        return print_double(g_variant_get_double(value));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY))
        return print_strings(value);
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return g_variant_print(value, FALSE);
    GString *out = g_string_new(NULL);
    append_quoted(out, g_variant_get_string(value, NULL));
    return g_string_free(out, FALSE);
}
