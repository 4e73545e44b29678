/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include <string.h>

/* Digits in a row that rule 2 asks for. */
#define LONG_NUMBER 5u

void
s25r_name_init(S25rName *name, const char *text)
{
    gsize length = strnlen(text, S25R_NAME_MAX + 1);
    if (length > 0 && length <= S25R_NAME_MAX && text[length - 1] == '.')
        length--;
    length = MIN(length, S25R_NAME_MAX);
    name->length = (guint)length;
    name->n_labels = 1;
    name->start[0] = 0;
    for (guint i = 0; i < length; i++) {
        name->text[i] = g_ascii_tolower(text[i]);
        if (text[i] != '.' || name->n_labels == S25R_LABELS_MAX)
            continue;
        name->end[name->n_labels - 1] = (guint8)i;
        name->start[name->n_labels++] = (guint8)(i + 1);
    }
    name->text[length] = '\0';
    name->end[name->n_labels - 1] = (guint8)length;
}

gboolean
s25r_name_is_none(const S25rName *name)
{
    return name->text[0] == '[' || strcmp(name->text, "unknown") == 0;
}

static gboolean
is_digit(const S25rName *name, guint i)
{
    return g_ascii_isdigit(name->text[i]);
}

static gboolean
is_empty(const S25rName *name, guint label)
{
    return name->start[label] == name->end[label];
}

static gboolean
begins_with_digit(const S25rName *name, guint label)
{
    return is_digit(name, name->start[label]);
}

static gboolean
ends_with_digit(const S25rName *name, guint label)
{
    return !is_empty(name, label) && is_digit(name, name->end[label] - 1u);
}

static gboolean
has_two_numbers(const S25rName *name, guint label)
{
    guint numbers = 0;
    for (guint i = name->start[label]; i < name->end[label]; i++) {
        gboolean begins = i == name->start[label] || !is_digit(name, i - 1);
        if (is_digit(name, i) && begins)
            numbers++;
    }
    return numbers >= 2;
}

static gboolean
has_long_number(const S25rName *name, guint label)
{
    guint run = 0;
    for (guint i = name->start[label]; i < name->end[label] && run < LONG_NUMBER; i++)
        run = is_digit(name, i) ? run + 1 : 0;
    return run == LONG_NUMBER;
}

static gboolean
has_joined_numbers(const S25rName *name, guint label)
{
    for (guint i = name->start[label]; i + 2u < name->end[label]; i++) {
        if (is_digit(name, i) && name->text[i + 1] == '-' && is_digit(name, i + 2))
            return TRUE;
    }
    return FALSE;
}

/* Behind label there is more than a dot, then a dot, then, if letter is asked for, a letter. */
static gboolean
goes_on(const S25rName *name, guint label, gboolean letter)
{
    if (label + 1 >= name->n_labels)
        return FALSE;
    for (guint i = name->start[label + 1] + 1u; i < name->length; i++) {
        if (name->text[i] == '.' && (!letter || g_ascii_isalpha(name->text[i + 1])))
            return TRUE;
    }
    return FALSE;
}

/* Rule 3 with label as the one that begins with a digit. */
static gboolean
is_low_number(const S25rName *name, guint label)
{
    return label + 1 < name->n_labels && begins_with_digit(name, label) &&
           !is_empty(name, label + 1) && goes_on(name, label + 1, TRUE);
}

static gboolean
rule_3(const S25rName *name)
{
    return is_low_number(name, 0) || (!is_empty(name, 0) && is_low_number(name, 1));
}

static gboolean
rule_4(const S25rName *name)
{
    return name->n_labels > 1 && ends_with_digit(name, 0) && has_joined_numbers(name, 1);
}

static gboolean
rule_5(const S25rName *name)
{
    return name->n_labels > 3 && ends_with_digit(name, 0) && ends_with_digit(name, 1) &&
           !is_empty(name, 2) && goes_on(name, 2, FALSE);
}

/* Where the word that rule 6 asks for ends; 0: there is none. */
static guint
line_word(const S25rName *name)
{
    const char *text = name->text;
    if (g_str_has_prefix(text, "dhcp"))
        return 4;
    if (g_str_has_prefix(text, "dialup"))
        return 6;
    if (g_str_has_prefix(text, "ppp") || g_str_has_prefix(text, "dsl"))
        return 3;
    return text[0] && strchr("achrsvx", text[0]) && g_str_has_prefix(text + 1, "dsl") ? 4 : 0;
}

static gboolean
rule_6(const S25rName *name)
{
    guint i = line_word(name);
    for (; i > 0 && i < name->end[0]; i++) {
        if (is_digit(name, i))
            return TRUE;
    }
    return FALSE;
}

guint
s25r_rules(const S25rName *name)
{
    guint hits = 0;
    if (s25r_name_is_none(name))
        return 1u << 0;
    if (name->n_labels > 1 && has_two_numbers(name, 0))
        hits |= 1u << 1;
    if (has_long_number(name, 0))
        hits |= 1u << 2;
    if (rule_3(name))
        hits |= 1u << 3;
    if (rule_4(name))
        hits |= 1u << 4;
    if (rule_5(name))
        hits |= 1u << 5;
    if (rule_6(name))
        hits |= 1u << 6;
    return hits;
}
