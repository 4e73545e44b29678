/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test(1) and [: strings, numbers, files, and what joins them. */
#include "detect/sh-private.h"

#include <string.h>

typedef struct Test {
    const Sh *sh;
    const ShWord *words;
    guint n, at;
    gboolean broken; /* an error, whatever the rest says */
} Test;

static ShStatus parse_or(Test *test, guint depth);

static ShStatus
from_boolean(gboolean value)
{
    return value ? SH_TRUE : SH_FALSE;
}

static gboolean
is(const Test *test, guint i, const char *text)
{
    return test->at + i < test->n && strcmp(test->words[test->at + i].text, text) == 0;
}

static ShStatus
compare_numbers(Test *test, const char *a, const char *operator, const char * b)
{
    char *end_a, *end_b;
    gint64 x = g_ascii_strtoll(a, &end_a, 10);
    gint64 y = g_ascii_strtoll(b, &end_b, 10);
    test->broken = test->broken || !*a || *end_a || !*b || *end_b;
    if (strcmp(operator, "-eq") == 0)
        return from_boolean(x == y);
    if (strcmp(operator, "-ne") == 0)
        return from_boolean(x != y);
    if (strcmp(operator, "-lt") == 0)
        return from_boolean(x < y);
    if (strcmp(operator, "-le") == 0)
        return from_boolean(x <= y);
    if (strcmp(operator, "-gt") == 0)
        return from_boolean(x > y);
    return from_boolean(x >= y);
}

static gboolean
is_binary(const char *word)
{
    static const char *const known[] = {"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(word, known[i]) == 0)
            return TRUE;
    return FALSE;
}

static ShStatus
compare(Test *test, const ShWord *a, const char *operator, const ShWord * b)
{
    if (!a->certain || !b->certain)
        return SH_UNKNOWN;
    gboolean equal = strcmp(a->text, b->text) == 0;
    if (*operator== '=')
        return from_boolean(equal);
    if (*operator== '!')
        return from_boolean(!equal);
    return compare_numbers(test, a->text, operator, b->text);
}

static gboolean
is_unary(const char *word)
{
    return word[0] == '-' && word[1] && !word[2] && strchr("znefdrsxSLhwpbc", word[1]);
}

/* Programs may lie where a detector with few rights cannot look. */
static gboolean
can_look_beside(const Test *test, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    return detect_tree_test(test->sh->tree, 'd', folder) &&
           detect_tree_test(test->sh->tree, 'x', folder);
}

static ShStatus
ask(const Test *test, char what, const ShWord *word)
{
    if (!word->certain)
        return SH_UNKNOWN;
    if (what == 'z')
        return from_boolean(!*word->text);
    if (what == 'n')
        return from_boolean(*word->text != '\0');
    if (!test->sh->tree)
        return SH_UNKNOWN;
    gboolean found = detect_tree_test(test->sh->tree, what, word->text);
    if (what == 'x' && !found && !can_look_beside(test, word->text))
        return SH_UNKNOWN;
    return from_boolean(found);
}

static ShStatus
parse_primary(Test *test, guint depth)
{
    if (test->at >= test->n || depth > 16) {
        test->broken = TRUE;
        return SH_UNKNOWN;
    }
    const ShWord *word = &test->words[test->at];
    guint left = test->n - test->at;
    if (left >= 3 && is_binary(word[1].text)) {
        test->at += 3;
        return compare(test, word, word[1].text, &word[2]);
    }
    if (left >= 2 && is_unary(word->text)) {
        test->at += 2;
        return ask(test, word->text[1], &word[1]);
    }
    if (left >= 2 && is(test, 0, "!")) {
        test->at++;
        return sh_not(parse_primary(test, depth + 1));
    }
    if (left >= 3 && is(test, 0, "(")) {
        test->at++;
        ShStatus status = parse_or(test, depth + 1);
        if (!is(test, 0, ")"))
            return SH_UNKNOWN;
        test->at++;
        return status;
    }
    test->at++;
    return word->certain ? from_boolean(*word->text != '\0') : SH_UNKNOWN;
}

static ShStatus
both(ShStatus a, ShStatus b)
{
    if (a == SH_FALSE || b == SH_FALSE)
        return SH_FALSE;
    return a == SH_TRUE && b == SH_TRUE ? SH_TRUE : SH_UNKNOWN;
}

static ShStatus
parse_and(Test *test, guint depth)
{
    ShStatus status = parse_primary(test, depth);
    while (is(test, 0, "-a")) {
        test->at++;
        status = both(status, parse_primary(test, depth));
    }
    return status;
}

static ShStatus
parse_or(Test *test, guint depth)
{
    ShStatus status = parse_and(test, depth);
    while (is(test, 0, "-o")) {
        test->at++;
        status = sh_not(both(sh_not(status), sh_not(parse_and(test, depth))));
    }
    return status;
}

ShStatus
sh_test(const Sh *sh, const ShWord *words, guint n)
{
    Test test = {.sh = sh, .words = words, .n = n};
    if (n == 0)
        return SH_FALSE;
    /* One that is not known may be none or several, and then it is another test. */
    for (guint i = 0; i < n; i++)
        if (!words[i].certain)
            return SH_UNKNOWN;
    ShStatus status = parse_or(&test, 0);
    return test.at == n && !test.broken ? status : SH_UNKNOWN;
}
