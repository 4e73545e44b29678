/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a record: RFC 7208 4.6.1, 5, 6, 7. */
#include "spf-private.h"

#include <string.h>

#define NAME_MAX_LENGTH 253

gboolean
spf_text_is_record(const char *text)
{
    return g_ascii_strncasecmp(text, "v=spf1", 6) == 0 && (text[6] == ' ' || text[6] == '\0');
}

static void
term_clear(gpointer data)
{
    g_free(((SpfTerm *)data)->domain);
}

void
spf_record_free(SpfRecord *record)
{
    g_array_unref(record->terms);
    g_free(record->redirect);
    g_free(record);
}

/* A number at the end of text behind mark, which is cut off. FALSE: not a number up to max. */
static gboolean
cut_bits(char *text, const char *mark, guint max, guint *bits)
{
    char *at = strstr(text, mark);
    guint64 number;
    *bits = max;
    if (!at)
        return TRUE;
    const char *digits = at + strlen(mark);
    if (!g_ascii_string_to_unsigned(digits, 10, 0, max, &number, NULL))
        return FALSE;
    *at = '\0';
    *bits = (guint)number;
    return TRUE;
}

/* :DOMAIN, /BITS and //BITS; value is what follows the name, changed. */
static gboolean
read_host(SpfTerm *term, char *value)
{
    if (!cut_bits(value, "//", 128, &term->bits6) || !cut_bits(value, "/", 32, &term->bits4))
        return FALSE;
    if (!*value)
        return TRUE;
    if (*value != ':' || !value[1])
        return FALSE;
    term->domain = g_strdup(value + 1);
    return TRUE;
}

/* Bits beyond the prefix may be set here. */
static gboolean
read_network(SpfTerm *term, const char *value, guint size)
{
    g_auto(GStrv) parts = g_strsplit(*value == ':' ? value + 1 : "", "/", 2);
    guint64 bits = size * 8;
    if (!parts[0] || !net_address_parse(&term->network.address, parts[0]) ||
        term->network.address.size != size || strchr(parts[0], '%'))
        return FALSE;
    if (parts[1] && !g_ascii_string_to_unsigned(parts[1], 10, 0, size * 8, &bits, NULL))
        return FALSE;
    term->network.bits = (guint)bits;
    return TRUE;
}

static gboolean
read_domain(SpfTerm *term, const char *value)
{
    if (*value != ':' || !value[1])
        return FALSE;
    term->domain = g_strdup(value + 1);
    return TRUE;
}

static gboolean
read_value(SpfTerm *term, char *value)
{
    switch (term->mechanism) {
    case SPF_ALL:
        return !*value;
    case SPF_IP4:
        return read_network(term, value, 4);
    case SPF_IP6:
        return read_network(term, value, 16);
    case SPF_A:
    case SPF_MX:
        return read_host(term, value);
    case SPF_PTR:
        return !*value || read_domain(term, value);
    default:
        return read_domain(term, value);
    }
}

static SpfResult
read_qualifier(const char **word)
{
    switch (**word) {
    case '+':
        (*word)++;
        return SPF_PASS;
    case '-':
        (*word)++;
        return SPF_FAIL;
    case '~':
        (*word)++;
        return SPF_SOFTFAIL;
    case '?':
        (*word)++;
        return SPF_NEUTRAL;
    default:
        return SPF_PASS;
    }
}

static gboolean
read_mechanism(SpfRecord *record, const char *word)
{
    static const char *const names[] = {"all", "ip4", "ip6", "a", "mx", "ptr", "exists", "include"};
    SpfTerm term = {.qualifier = read_qualifier(&word)};
    gsize length = strcspn(word, ":/");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strlen(names[i]) != length || g_ascii_strncasecmp(word, names[i], length) != 0)
            continue;
        g_autofree char *value = g_strdup(word + length);
        term.mechanism = (SpfMechanism)i;
        gboolean good = read_value(&term, value);
        if (good)
            g_array_append_val(record->terms, term);
        else
            g_free(term.domain);
        return good;
    }
    return FALSE;
}

/* NAME=VALUE with a name of letters: redirect, exp, and those that may come. */
static gboolean
read_modifier(SpfRecord *record, const char *word, gboolean *is_one)
{
    gsize length =
        strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    *is_one = length > 0 && g_ascii_isalpha(*word) && word[length] == '=';
    if (!*is_one || g_ascii_strncasecmp(word, "redirect=", length + 1) != 0)
        return TRUE;
    if (record->redirect || !word[length + 1])
        return FALSE;
    record->redirect = g_strdup(word + length + 1);
    return TRUE;
}

SpfRecord *
spf_record_parse(const char *text)
{
    g_autoptr(SpfRecord) record = g_new0(SpfRecord, 1);
    record->terms = g_array_new(FALSE, FALSE, sizeof(SpfTerm));
    g_array_set_clear_func(record->terms, term_clear);
    g_auto(GStrv) words = g_strsplit(text + 6, " ", -1);
    for (guint i = 0; words[i]; i++) {
        gboolean is_modifier = FALSE;
        if (!*words[i])
            continue;
        if (!read_modifier(record, words[i], &is_modifier) ||
            (!is_modifier && !read_mechanism(record, words[i])))
            return NULL;
    }
    return g_steal_pointer(&record);
}

/* ---- Macros. */

static void
append_address(GString *text, const NetAddress *address)
{
    for (guint i = 0; i < address->size; i++) {
        if (address->size == 4)
            g_string_append_printf(text, "%s%u", i ? "." : "", address->bytes[i]);
        else
            g_string_append_printf(text, "%s%x.%x", i ? "." : "", address->bytes[i] >> 4,
                                   address->bytes[i] & 15);
    }
}

/* FALSE: no such letter. */
static gboolean
macro_value(char letter, const SpfNames *names, GString *value)
{
    const char *at = strrchr(names->sender, '@');
    switch (g_ascii_tolower(letter)) {
    case 's':
        g_string_append(value, names->sender);
        return TRUE;
    case 'l':
        g_string_append_len(value, names->sender, at ? at - names->sender : -1);
        return TRUE;
    case 'o':
        g_string_append(value, at ? at + 1 : names->sender);
        return TRUE;
    case 'd':
        g_string_append(value, names->domain);
        return TRUE;
    case 'i':
        append_address(value, names->client);
        return TRUE;
    case 'p':
        g_string_append(value, "unknown");
        return TRUE;
    case 'v':
        g_string_append(value, names->client->size == 4 ? "in-addr" : "ip6");
        return TRUE;
    case 'h':
        g_string_append(value, names->helo);
        return TRUE;
    default:
        return FALSE;
    }
}

/* Cuts value at the delimiters, turns the parts round, keeps the last ones, joins them with dots.
 */
static void
append_parts(GString *out, const char *value, guint keep, gboolean reverse, const char *delimiters)
{
    g_auto(GStrv) parts = g_strsplit_set(value, *delimiters ? delimiters : ".", -1);
    guint n = g_strv_length(parts);
    guint first = keep > 0 && keep < n ? n - keep : 0;
    for (guint i = first; i < n; i++)
        g_string_append_printf(out, "%s%s", i > first ? "." : "", parts[reverse ? n - 1 - i : i]);
}

/* What stands between "%{" and "}". */
static gboolean
expand_braces(GString *out, const char *text, gsize length, const SpfNames *names)
{
    g_autoptr(GString) value = g_string_new(NULL);
    g_autofree char *word = g_strndup(text, length);
    if (!*word || !macro_value(*word, names, value))
        return FALSE;
    char *rest = NULL;
    guint64 keep = g_ascii_strtoull(word + 1, &rest, 10);
    gboolean digits = g_ascii_isdigit(word[1]);
    gboolean reverse = *rest == 'r' || *rest == 'R';
    if (reverse)
        rest++;
    if ((digits && keep == 0) || keep > 128 || strspn(rest, ".-+,/_=") != strlen(rest))
        return FALSE;
    append_parts(out, value->str, (guint)keep, reverse, rest);
    return TRUE;
}

/* Too long a name loses labels on the left (RFC 7208 7.3). */
static char *
fit_name(const char *name)
{
    while (strlen(name) > NAME_MAX_LENGTH) {
        const char *dot = strchr(name, '.');
        if (!dot)
            return NULL;
        name = dot + 1;
    }
    return *name && !strstr(name, "..") ? g_ascii_strdown(name, -1) : NULL;
}

char *
spf_expand(const char *text, const SpfNames *names)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *c = text; *c; c++) {
        if (*c != '%') {
            g_string_append_c(out, *c);
            continue;
        }
        const char *end = c[1] == '{' ? strchr(c, '}') : NULL;
        if (end) {
            if (!expand_braces(out, c + 2, end - c - 2, names))
                return NULL;
            c = end;
        } else if (c[1] == '%' || c[1] == '_') {
            g_string_append_c(out, c[1] == '_' ? ' ' : '%');
            c++;
        } else if (c[1] == '-') {
            g_string_append(out, "%20");
            c++;
        } else {
            return NULL;
        }
    }
    return fit_name(out->str);
}
