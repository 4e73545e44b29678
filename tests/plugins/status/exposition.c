/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http.h"

#include <math.h>
#include <string.h>

typedef struct Parse {
    GHashTable *samples;
    GHashTable *families; /* "NAME" to its type */
    char *family;         /* the one at hand, or NULL */
    char *series;         /* of a histogram: its labels without le, or NULL */
    double bound, bucket;
} Parse;

static gsize
name_length(const char *text)
{
    g_assert_true(g_ascii_isalpha(*text) || *text == '_' || *text == ':');
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
}

static void
take_comment(Parse *parse, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    g_assert_cmpuint(g_strv_length(words), ==, 4);
    g_assert_cmpuint(name_length(words[2]), ==, strlen(words[2]));
    g_assert_true(g_str_has_prefix(words[2], "milter_manager_"));
    if (strcmp(words[1], "HELP") == 0) {
        g_assert_false(g_hash_table_contains(parse->families, words[2]));
        g_free(parse->family);
        parse->family = g_strdup(words[2]);
        return;
    }
    g_assert_cmpstr(words[1], ==, "TYPE");
    g_assert_cmpstr(words[2], ==, parse->family);
    g_assert_true(strcmp(words[3], "counter") == 0 || strcmp(words[3], "gauge") == 0 ||
                  strcmp(words[3], "histogram") == 0);
    g_assert_true(g_str_has_suffix(words[2], "_total") == (strcmp(words[3], "counter") == 0));
    g_hash_table_insert(parse->families, g_strdup(words[2]), g_strdup(words[3]));
}

/* Returns what follows "{...}"; *le: the bound, NAN for none; *rest: the labels without it. */
static const char *
read_labels(const char *text, double *le, GString *rest)
{
    *le = NAN;
    while (*text != '}') {
        text += *text == ',' || *text == '{';
        gsize length = name_length(text);
        const char *name = text;
        g_assert_true(g_str_has_prefix(text + length, "=\""));
        const char *value = text + length + 2;
        for (text = value; *text != '"'; text++) {
            g_assert_true(*text != '\0' && *text != '\n');
            if (*text != '\\')
                continue;
            text++;
            g_assert_nonnull(strchr("\\\"n", *text));
        }
        if (length == 2 && strncmp(name, "le", 2) == 0)
            *le = strncmp(value, "+Inf\"", 5) == 0 ? INFINITY : g_ascii_strtod(value, NULL);
        else
            g_string_append_len(rest, name, text - name);
        text++;
    }
    return text + 1;
}

static void
check_histogram(Parse *parse, const char *ending, const char *labels, double le, double value)
{
    if (strcmp(ending, "_bucket") == 0) {
        if (g_strcmp0(parse->series, labels) != 0) {
            g_free(parse->series);
            parse->series = g_strdup(labels);
            parse->bound = -INFINITY;
            parse->bucket = 0;
        }
        g_assert_cmpfloat(le, >, parse->bound);
        g_assert_cmpfloat(value, >=, parse->bucket);
        parse->bound = le;
        parse->bucket = value;
        return;
    }
    g_assert_true(isnan(le));
    g_assert_cmpstr(labels, ==, parse->series);
    g_assert_cmpfloat(parse->bound, ==, INFINITY);
    if (strcmp(ending, "_count") == 0)
        g_assert_cmpfloat(value, ==, parse->bucket);
    else
        g_assert_cmpstr(ending, ==, "_sum");
}

static void
take_sample(Parse *parse, const char *line)
{
    g_autoptr(GString) labels = g_string_new(NULL);
    double le = NAN;
    gsize length = name_length(line);
    const char *rest = line + length;
    g_autofree char *name = g_strndup(line, length);
    g_assert_true(g_str_has_prefix(name, parse->family));
    const char *ending = name + strlen(parse->family);
    if (*rest == '{')
        rest = read_labels(rest, &le, labels);
    g_assert_cmpint(*rest, ==, ' ');
    char *end;
    double value = g_ascii_strtod(rest + 1, &end);
    g_assert_true(end > rest + 1 && *end == '\0');
    if (strcmp(g_hash_table_lookup(parse->families, parse->family), "histogram") == 0)
        check_histogram(parse, ending, labels->str, le, value);
    else
        g_assert_cmpstr(ending, ==, "");
    char *sample = g_strndup(line, (gsize)(rest - line));
    g_assert_false(g_hash_table_contains(parse->samples, sample));
    double *copy = g_new(double, 1);
    *copy = value;
    g_hash_table_insert(parse->samples, sample, copy);
}

GHashTable *
exposition_parse(const char *text)
{
    Parse parse = {.samples = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
    parse.families = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint n = g_strv_length(lines);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpuint(n, >, 1);
    g_assert_cmpstr(lines[n - 1], ==, ""); /* the last ends with a line feed too */
    for (guint i = 0; i + 1 < n; i++) {
        if (lines[i][0] == '#')
            take_comment(&parse, lines[i]);
        else
            take_sample(&parse, lines[i]);
    }
    g_hash_table_unref(parse.families);
    g_free(parse.family);
    g_free(parse.series);
    return parse.samples;
}

double
exposition_get(GHashTable *samples, const char *sample)
{
    const double *value = g_hash_table_lookup(samples, sample);
    if (!value)
        g_error("there is no %s", sample);
    return *value;
}
