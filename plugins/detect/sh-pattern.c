/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns of case and of ${v#p}: * ? [...] and \ before a character that stands for itself. */
#include "detect/sh-private.h"

#include <ctype.h>
#include <string.h>

/* "[:alpha:]" at *at, of which the last character is left; FALSE: there is none. */
static gboolean
match_class(const char **at, char c, gboolean *found)
{
    static const struct {
        const char *name;
        int (*is)(int c);
    } classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank},
                   {"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph},
                   {"lower", islower}, {"print", isprint}, {"punct", ispunct},
                   {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
    for (guint i = 0; i < G_N_ELEMENTS(classes) && strncmp(*at, "[:", 2) == 0; i++) {
        gsize length = strlen(classes[i].name);
        if (strncmp(*at + 2, classes[i].name, length) != 0 ||
            strncmp(*at + 2 + length, ":]", 2) != 0)
            continue;
        *found = *found || classes[i].is((guchar)c);
        *at += length + 3;
        return TRUE;
    }
    return FALSE;
}

/* Moves over "[...]"; whether c is in it. Without an end "[" is a character. */
static gboolean
match_set(const char **pattern, char c)
{
    const char *at = *pattern + 1;
    gboolean negated = *at == '!' || *at == '^';
    gboolean found = FALSE;
    if (negated)
        at++;
    for (const char *first = at; *at && (*at != ']' || at == first); at++) {
        char low = *at;
        if (match_class(&at, c, &found))
            continue;
        if (low == '\\' && at[1])
            low = *++at;
        char high = low;
        if (at[1] == '-' && at[2] && at[2] != ']') {
            at += 2;
            high = *at;
        }
        found = found || (low <= c && c <= high);
    }
    if (*at != ']') {
        *pattern += 1;
        return c == '[';
    }
    *pattern = at + 1;
    return found != negated;
}

/* One character that is no "*"; moves the pattern on. */
static gboolean
match_one(const char **pattern, char c)
{
    if (**pattern == '[')
        return match_set(pattern, c);
    if (**pattern == '\\' && (*pattern)[1])
        *pattern += 1;
    else if (**pattern == '?') {
        *pattern += 1;
        return TRUE;
    }
    return *(*pattern)++ == c;
}

gboolean
sh_match(Sh *sh, const char *pattern, const char *text, gsize length)
{
    const char *end = text + length;
    const char *star = NULL;
    const char *star_text = NULL;
    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            star_text = text;
            continue;
        }
        if (text == end && *pattern == '\0')
            return TRUE;
        if (text < end && *pattern && match_one(&pattern, *text)) {
            text++;
            continue;
        }
        if (!star || star_text == end || !sh_pay(sh, 0))
            return FALSE;
        pattern = star;
        text = ++star_text;
    }
}

/* The pieces from the smallest to the largest, or the other way round: the first that matches. */
void
sh_trim(Sh *sh, GString *text, const char *pattern, gboolean suffix, gboolean largest)
{
    for (gsize i = 0; i <= text->len; i++) {
        gsize size = largest ? text->len - i : i;
        const char *piece = suffix ? text->str + text->len - size : text->str;
        if (!sh_pay(sh, size))
            return;
        if (sh_match(sh, pattern, piece, size)) {
            g_string_erase(text, suffix ? (gssize)(text->len - size) : 0, (gssize)size);
            return;
        }
    }
}
