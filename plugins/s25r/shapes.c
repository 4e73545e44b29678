/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways in which providers number their lines; they need neither the address nor a word. */
#include "evidence.h"

#define IN_A_ROW 3u      /* numbers of up to three digits, each one separator from the next */
#define MIXED_RUNS 4u    /* numbers in one label, each few letters from the next, */
#define MIXED_LETTERS 3u /* of so many at most, */
#define MIXED_DIGITS 5u  /* and so many digits in all */
#define ALL_DIGITS 8u    /* a label of nothing else */
#define LETTER_DIGITS 5u /* behind a single letter */
#define INNER_DIGITS 6u  /* between letters, or behind a word of access lines */
#define WIDE_DIGITS 4u   /* of a second number, where the first is short */
#define PARTS 5u         /* between hyphens */

static guint
digits_from(const char *text, guint from, guint end)
{
    guint at = from;
    while (at < end && g_ascii_isdigit(text[at]))
        at++;
    return at - from;
}

static guint
letters_from(const char *text, guint from, guint end)
{
    guint at = from;
    while (at < end && g_ascii_isalpha(text[at]))
        at++;
    return at - from;
}

static gboolean
is_separator(char c)
{
    return c == '-' || c == '.' || c == '_' || c == 'x';
}

/* 192-0-2-1, 1.2.0.192, 192x0x2x1 */
static gboolean
has_numbers_in_a_row(const char *text, guint length)
{
    guint row = 0;
    for (guint i = 0; i < length && row < IN_A_ROW;) {
        guint digits = digits_from(text, i, length);
        if (digits == 0) {
            row = 0;
            i++;
            continue;
        }
        row = digits <= 3 ? row + 1 : 0;
        i += digits;
        if (i < length && is_separator(text[i]) && row < IN_A_ROW) {
            i++;
            row = i < length && g_ascii_isdigit(text[i]) ? row : 0;
        }
    }
    return row >= IN_A_ROW;
}

/* h29n1fls306o1003 */
static gboolean
is_mixed(const char *text, guint end)
{
    guint runs = 0, digits_in_all = 0;
    for (guint i = 0; i < end;) {
        guint digits = digits_from(text, i, end);
        guint letters = letters_from(text, i + digits, end);
        runs = digits > 0 ? runs + 1 : 0;
        digits_in_all = digits > 0 ? digits_in_all + digits : 0;
        if (runs >= MIXED_RUNS && digits_in_all >= MIXED_DIGITS)
            return TRUE;
        if (letters == 0 || letters > MIXED_LETTERS)
            runs = digits_in_all = 0;
        i += MAX(digits + letters, 1u);
    }
    return FALSE;
}

static guint
count_runs(const char *text, guint end)
{
    guint runs = 0;
    for (guint i = 0; i < end; i++)
        runs += g_ascii_isdigit(text[i]) && (i == 0 || !g_ascii_isdigit(text[i - 1])) ? 1 : 0;
    return runs;
}

static guint
last_part(const char *text, guint end)
{
    guint begin = end;
    while (begin > 0 && text[begin - 1] != '-')
        begin--;
    return begin;
}

/* name-170-10231 */
static gboolean
ends_in_wide_number(const char *text, guint end)
{
    guint last = last_part(text, end);
    if (last < 2 || end - last < WIDE_DIGITS || digits_from(text, last, end) != end - last)
        return FALSE;
    guint before = last_part(text, last - 1);
    guint digits = last - 1 - before;
    return before > 0 && digits > 0 && digits <= 3 && digits_from(text, before, last) == digits;
}

/* town-street2-b-3c-117 */
static gboolean
is_path_of_parts(const char *text, guint end)
{
    guint parts = 1, last = last_part(text, end);
    for (guint i = 0; i < end; i++)
        parts += text[i] == '-' ? 1 : 0;
    guint digits = digits_from(text, last, end);
    return parts >= PARTS && digits == end - last && digits >= 2 && digits <= 3 &&
           count_runs(text, end) >= 3;
}

/* abc123456def, with further labels before the domain */
static gboolean
has_inner_number(const char *text, guint end)
{
    guint begin = last_part(text, end);
    guint letters = letters_from(text, begin, end);
    guint digits = digits_from(text, begin + letters, end);
    guint at = begin + letters + digits;
    return letters > 0 && digits >= INNER_DIGITS && at < end &&
           letters_from(text, at, end) == end - at;
}

static gboolean
is_letter_and_number(const char *text, guint end)
{
    return end > LETTER_DIGITS && g_ascii_isalpha(text[0]) && digits_from(text, 1, end) == end - 1;
}

/* dynamic8510023760 */
static gboolean
has_numbered_word(const char *text, guint length)
{
    for (guint at = 0; at < length;) {
        const char *word;
        guint begin = at;
        guint end = s25r_next_part(text, length, &at);
        guint letters = s25r_line_word_length(text + begin, end - begin, &word);
        if (letters > 0 && digits_from(text, begin + letters, end) >= INNER_DIGITS)
            return TRUE;
    }
    return FALSE;
}

const char *
s25r_shape(const S25rName *name, guint length)
{
    const char *text = name->text;
    guint end = MIN(name->end[0], length); /* of the lowest label */
    gboolean deep = end < length;
    if (has_numbers_in_a_row(text, length))
        return "numbers";
    if (is_mixed(text, end))
        return "mixed";
    if (end >= ALL_DIGITS && digits_from(text, 0, end) == end)
        return "digits";
    if (deep && (is_letter_and_number(text, end) || has_inner_number(text, end)))
        return "digits";
    if (ends_in_wide_number(text, end) || is_path_of_parts(text, end))
        return "parts";
    return has_numbered_word(text, length) ? "word" : NULL;
}
