/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of the client's address its name spells. */
#include "evidence.h"

#include <string.h>

#define NUMBERS_MAX 64u
/* Hexadecimal digits of an IPv6 address that are no chance, and how many of them are not 0. */
#define NIBBLES 12u
#define TELLING_NIBBLES 4u
#define ADDRESS_NIBBLES 32u
#define GROUP_NIBBLES 4u

static gboolean
contains(const char *text, guint length, const char *part, guint part_length)
{
    return length >= part_length && memmem(text, length, part, part_length) != NULL;
}

/* ---- IPv4. */

/* The numbers of up to three digits in text, others as one that no octet is. */
static guint
collect_numbers(const char *text, guint length, guint *numbers)
{
    guint n = 0;
    for (guint i = 0; i < length && n < NUMBERS_MAX;) {
        guint value = 0, digits = 0;
        for (; i < length && g_ascii_isdigit(text[i]); i++, digits++)
            value = MIN(value * 10 + (guint)(text[i] - '0'), 1000u);
        if (digits > 0)
            numbers[n++] = digits <= 3 ? value : G_MAXUINT;
        else
            i++;
    }
    return n;
}

/* Octets that numbers begin with, from octet at on, in steps of direction. */
static guint
run_of(const guint *numbers, guint n, const guint8 *octets, int at, int direction)
{
    guint run = 0;
    for (; run < n && at >= 0 && at < 4 && numbers[run] == octets[at]; at += direction)
        run++;
    return run;
}

/* Two count only if they are the last two: others are the same for a whole provider. */
static guint
longest_run(const guint *numbers, guint n, const guint8 *octets)
{
    guint longest = 0;
    for (guint i = 0; i < n; i++) {
        for (int at = 0; at < 4; at++) {
            guint up = run_of(numbers + i, n - i, octets, at, 1);
            guint down = run_of(numbers + i, n - i, octets, at, -1);
            if (up >= 3 || (up == 2 && at == 2))
                longest = MAX(longest, up);
            if (down >= 3 || (down == 2 && at == 3))
                longest = MAX(longest, down);
        }
    }
    return longest;
}

/* All of it in one piece: decimal digits padded with zeros, hexadecimal, or one number. */
static gboolean
has_packed(const char *text, guint length, const guint8 *o)
{
    char packed[16];
    g_snprintf(packed, sizeof(packed), "%03u%03u%03u%03u", o[0], o[1], o[2], o[3]);
    if (contains(text, length, packed, 12))
        return TRUE;
    g_snprintf(packed, sizeof(packed), "%03u%03u%03u%03u", o[3], o[2], o[1], o[0]);
    if (contains(text, length, packed, 12))
        return TRUE;
    g_snprintf(packed, sizeof(packed), "%02x%02x%02x%02x", o[0], o[1], o[2], o[3]);
    if (contains(text, length, packed, 8))
        return TRUE;
    g_snprintf(packed, sizeof(packed), "%02x%02x%02x%02x", o[3], o[2], o[1], o[0]);
    if (contains(text, length, packed, 8))
        return TRUE;
    guint32 number = (guint32)o[0] << 24 | (guint32)o[1] << 16 | (guint32)o[2] << 8 | o[3];
    int digits = g_snprintf(packed, sizeof(packed), "%u", number);
    return contains(text, length, packed, (guint)digits);
}

static guint
spelled_v4(const char *text, guint length, const guint8 *octets)
{
    guint numbers[NUMBERS_MAX];
    guint n = collect_numbers(text, length, numbers);
    guint run = longest_run(numbers, n, octets);
    if (run < 4 && length >= 8 && has_packed(text, length, octets))
        return 4;
    return run;
}

/* ---- IPv6. */

/* The hexadecimal digits of text without what separates them; with padded each group of up to four
 * is filled up with zeros in front. Room for GROUP_NIBBLES times the length. */
static guint
collect_nibbles(const char *text, guint length, gboolean padded, char *nibbles)
{
    guint n = 0;
    for (guint i = 0; i < length;) {
        guint end = i;
        while (end < length && g_ascii_isxdigit(text[end]))
            end++;
        for (guint pad = end - i; padded && pad > 0 && pad < GROUP_NIBBLES; pad++)
            nibbles[n++] = '0';
        memcpy(nibbles + n, text + i, end - i);
        n += end - i;
        /* A letter of no number separates for good. */
        if (end < length && g_ascii_isalpha(text[end]))
            nibbles[n++] = '|';
        i = end + 1;
    }
    return n;
}

/* Addresses are full of zeros: they are no sign. */
static gboolean
is_telling(const char *window)
{
    guint telling = 0;
    for (guint i = 0; i < NIBBLES; i++)
        telling += window[i] != '0' ? 1 : 0;
    return telling >= TELLING_NIBBLES;
}

static gboolean
has_window(const char *nibbles, guint n, const char *address)
{
    for (guint i = 0; i + NIBBLES <= ADDRESS_NIBBLES; i++) {
        if (is_telling(address + i) && contains(nibbles, n, address + i, NIBBLES))
            return TRUE;
    }
    return FALSE;
}

static guint
spelled_v6(const char *text, guint length, const guint8 *bytes)
{
    static const char digits[] = "0123456789abcdef";
    char nibbles[(S25R_NAME_MAX + 1) * (GROUP_NIBBLES + 1)];
    char forward[ADDRESS_NIBBLES], backward[ADDRESS_NIBBLES];
    for (guint i = 0; i < ADDRESS_NIBBLES; i++) {
        forward[i] = digits[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
        backward[ADDRESS_NIBBLES - 1 - i] = forward[i];
    }
    for (guint padded = 0; padded < 2; padded++) {
        guint n = collect_nibbles(text, length, padded == 1, nibbles);
        if (n >= NIBBLES && (has_window(nibbles, n, forward) || has_window(nibbles, n, backward)))
            return NIBBLES / 2;
    }
    return 0;
}

guint
s25r_spelled_octets(const char *text, guint length, const NetAddress *address)
{
    switch (address->size) {
    case 4:
        return spelled_v4(text, length, address->bytes);
    case 16:
        return spelled_v6(text, length, address->bytes);
    default:
        return 0;
    }
}
