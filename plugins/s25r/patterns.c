/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "s25r.h"

#include <libintl.h>
#include <string.h>

typedef struct Pattern {
    const char *text; /* as written; owned by the settings */
    GRegex *regex;    /* NULL: text is a domain */
} Pattern;

struct S25rPatterns {
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

static GRegex *
compile(const char *text, GError **error)
{
    gsize length = strlen(text);
    if (length < 3 || text[length - 1] != '/') {
        g_set_error_literal(error, G_REGEX_ERROR, G_REGEX_ERROR_COMPILE,
                            dgettext("milter-manager", N_("the closing slash is missing")));
        return NULL;
    }
    g_autofree char *expression = g_strndup(text + 1, length - 2);
    return g_regex_new(expression, G_REGEX_CASELESS | G_REGEX_RAW | G_REGEX_OPTIMIZE, 0, error);
}

static gboolean
pattern_init(Pattern *pattern, const char *text, GError **error)
{
    *pattern = (Pattern){.text = text};
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

const char *
s25r_patterns_match(const S25rPatterns *patterns, const char *name)
{
    for (guint i = 0; i < patterns->list->len; i++) {
        const Pattern *pattern = &g_array_index(patterns->list, Pattern, i);
        if (pattern->regex ? g_regex_match(pattern->regex, name, 0, NULL)
                           : net_name_is_within(name, pattern->text))
            return pattern->text;
    }
    return NULL;
}
