/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "s25r.h"

#include <libintl.h>
#include <string.h>

/* Steps of one match. Names have 255 bytes at most, for which a sound expression takes some
 * thousands. The library's own limit, ten millions, is a fifth of a second in which no other
 * session of the worker gets on. */
#define LIMIT "(*LIMIT_MATCH=1000000)"

typedef struct Pattern {
    const char *text; /* as written; owned by the settings */
    GRegex *regex;    /* NULL: text is a domain */
    gint said;        /* atomic: the minute in which it was last said that it is given up; or -1 */
} Pattern;

struct S25rPatterns {
    const MilterHost *host;
    MilterInstance *self;
    GArray *list; /* of Pattern */
};

static void
pattern_clear(gpointer data)
{
    g_clear_pointer(&((Pattern *)data)->regex, g_regex_unref);
}

/* /EXPRESSION/ */
static gboolean
is_expression(const char *text)
{
    return text[0] == '/';
}

/* Without the limit first: the error of a malformed one names place and text. */
static GRegex *
compile(const char *text, GError **error)
{
    const GRegexCompileFlags flags = G_REGEX_CASELESS | G_REGEX_RAW;

    gsize length = strlen(text);
    if (length < 3 || text[length - 1] != '/') {
        g_set_error_literal(error, G_REGEX_ERROR, G_REGEX_ERROR_COMPILE,
                            dgettext("milter-manager", N_("the closing slash is missing")));
        return NULL;
    }
    g_autofree char *expression = g_strndup(text + 1, length - 2);
    g_autoptr(GRegex) plain = g_regex_new(expression, flags, 0, error);
    if (!plain)
        return NULL;
    g_autofree char *limited = g_strconcat(LIMIT, expression, NULL);
    return g_regex_new(limited, flags | G_REGEX_OPTIMIZE, 0, error);
}

static gboolean
pattern_init(Pattern *pattern, const char *text, GError **error)
{
    *pattern = (Pattern){.text = text, .said = -1};
    if (is_expression(text)) {
        pattern->regex = compile(text, error);
        return pattern->regex != NULL;
    }
    if (net_domain_is_valid(text))
        return TRUE;
    g_set_error_literal(error, G_REGEX_ERROR, G_REGEX_ERROR_COMPILE,
                        dgettext("milter-manager", N_("this is no domain")));
    return FALSE;
}

S25rPatterns *
s25r_patterns_new(const MilterHost *host, MilterInstance *self, const char *key)
{
    S25rPatterns *patterns = g_new0(S25rPatterns, 1);
    patterns->host = host;
    patterns->self = self;
    patterns->list = g_array_new(FALSE, FALSE, sizeof(Pattern));
    g_array_set_clear_func(patterns->list, pattern_clear);
    for (const char *const *text = host->get_strings(self, key); *text; text++) {
        g_autoptr(GError) error = NULL;
        Pattern pattern;
        if (!pattern_init(&pattern, *text, &error)) {
            g_autofree char *problem = g_strdup_printf("“%s”: %s", *text, error->message);
            host->problem(self, key, problem, N_("a domain, or an expression as /EXPRESSION/"));
            s25r_patterns_free(patterns);
            return NULL;
        }
        g_array_append_val(patterns->list, pattern);
    }
    return patterns;
}

void
s25r_patterns_free(S25rPatterns *patterns)
{
    if (!patterns)
        return;
    g_array_unref(patterns->list);
    g_free(patterns);
}

/* Once a minute, for a client may bring such names as fast as it connects. */
static gboolean
is_to_be_said(const S25rPatterns *patterns, Pattern *pattern)
{
    gint minute = (gint)(patterns->host->now() / (60 * G_USEC_PER_SEC));
    gint said = g_atomic_int_get(&pattern->said);
    return minute != said && g_atomic_int_compare_and_exchange(&pattern->said, said, minute);
}

/* Whether it would have matched is not known then: it counts as if it had not. */
static void
log_given_up(const S25rPatterns *patterns, const Pattern *pattern, const char *name,
             const GError *error)
{
    const MilterField fields[] = {
        {"expression", pattern->text}, {"name", name}, {"reason", error->message}};
    patterns->host->log(patterns->self, NULL, MILTER_LOG_WARNING, "s25r-expression-given-up",
                        N_("An expression takes too long for a client's name: it counts as not "
                           "matching"),
                        fields, G_N_ELEMENTS(fields));
}

static gboolean
expression_matches(const S25rPatterns *patterns, Pattern *pattern, const char *name)
{
    g_autoptr(GError) error = NULL;
    gboolean matches = g_regex_match_full(pattern->regex, name, -1, 0, 0, NULL, &error);
    if (error && is_to_be_said(patterns, pattern))
        log_given_up(patterns, pattern, name, error);
    return matches;
}

const char *
s25r_patterns_match(const S25rPatterns *patterns, const char *name)
{
    for (guint i = 0; i < patterns->list->len; i++) {
        Pattern *pattern = &g_array_index(patterns->list, Pattern, i);
        if (pattern->regex ? expression_matches(patterns, pattern, name)
                           : net_name_is_within(name, pattern->text))
            return pattern->text;
    }
    return NULL;
}
