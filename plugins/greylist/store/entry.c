/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/entry.h"

#include <string.h>

/* The program that asks translates it. */
#define N_(text) (text)

static const char *const kind_names[GREY_N_KINDS] = {"triplet", "source", "pair", "rule"};
static const char *const state_names[GREY_N_STATES] = {"pending", "passed",  "counting",
                                                       "allowed", "trapped", "blocked"};

const char *
grey_kind_name(guint kind)
{
    return kind < GREY_N_KINDS ? kind_names[kind] : "unknown";
}

const char *
grey_state_name(guint state)
{
    return state < GREY_N_STATES ? state_names[state] : "unknown";
}

gboolean
grey_kind_from_name(const char *name, GreyKind *kind)
{
    for (guint i = 0; i < GREY_N_KINDS; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *kind = (GreyKind)i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
grey_state_from_name(const char *name, GreyState *state)
{
    for (guint i = 0; i < GREY_N_STATES; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *state = (GreyState)i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
grey_state_fits(GreyKind kind, GreyState state)
{
    static const guint32 fits[GREY_N_KINDS] = {
        [GREY_KIND_TRIPLET] = 1u << GREY_STATE_PENDING | 1u << GREY_STATE_PASSED,
        [GREY_KIND_SOURCE] =
            1u << GREY_STATE_COUNTING | 1u << GREY_STATE_ALLOWED | 1u << GREY_STATE_TRAPPED,
        [GREY_KIND_PAIR] = 1u << GREY_STATE_ALLOWED,
        [GREY_KIND_RULE] = 1u << GREY_STATE_ALLOWED | 1u << GREY_STATE_BLOCKED,
    };
    return (guint)kind < GREY_N_KINDS && (guint)state < GREY_N_STATES &&
           (fits[kind] & (1u << state)) != 0;
}

static gboolean
are_times(const GreyRecord *record)
{
    return record->first > 0 && record->first <= GREY_TIME_MAX && record->last > 0 &&
           record->last <= GREY_TIME_MAX && record->until >= 0 && record->until <= GREY_TIME_MAX;
}

static const char *
check_text(const char *text, gsize max)
{
    gsize length = strlen(text);
    if (length > max)
        return N_("a text is too long");
    for (gsize i = 0; i < length; i++) {
        if (g_ascii_iscntrl(text[i]))
            return N_("a text has a control character");
    }
    return NULL;
}

/* The texts a kind is named by: bits 1 source, 2 sender, 4 recipient. */
static const char *
check_name(const GreyEntry *entry)
{
    guint has =
        (*entry->source ? 1u : 0u) | (*entry->sender ? 2u : 0u) | (*entry->recipient ? 4u : 0u);
    switch (entry->record.kind) {
    case GREY_KIND_TRIPLET:
        return has == 7u ? NULL : N_("a triplet needs source, sender and recipient");
    case GREY_KIND_SOURCE:
        return has == 1u ? NULL : N_("a source is named by source alone");
    case GREY_KIND_PAIR:
        return has == 6u ? NULL : N_("a pair needs sender and recipient");
    case GREY_KIND_RULE:
        return has == 1u || has == 2u || has == 4u
                   ? NULL
                   : N_("a rule needs one of source, sender and recipient");
    default:
        return N_("its kind is not known");
    }
}

const char *
grey_entry_check(const GreyEntry *entry)
{
    const char *wrong = check_name(entry);
    if (!wrong && !grey_state_fits(entry->record.kind, entry->record.state))
        wrong = N_("its state does not fit its kind");
    if (!wrong && !are_times(&entry->record))
        wrong = N_("its times are not seconds since 1970");
    if (!wrong && entry->record.n_senders > GREY_SENDERS_MAX)
        wrong = N_("it has too many senders");
    if (!wrong)
        wrong = check_text(entry->source, GREY_TEXT_MAX);
    if (!wrong)
        wrong = check_text(entry->sender, GREY_TEXT_MAX);
    if (!wrong)
        wrong = check_text(entry->recipient, GREY_TEXT_MAX);
    if (!wrong)
        wrong = check_text(entry->note, GREY_NOTE_MAX);
    return wrong;
}

gboolean
grey_record_lives(const GreyRecord *record, gint64 now)
{
    return record->first != 0 && (record->until == 0 || record->until > now);
}

char *
grey_text_clean(const char *text, gsize length)
{
    char *clean = g_strndup(text, MIN(length, GREY_TEXT_MAX));
    for (char *c = clean; *c; c++) {
        if (g_ascii_iscntrl(*c))
            *c = '?';
    }
    return clean;
}

/* Bytes, not characters: addresses need not be UTF-8. */
static gboolean
glob(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            again = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++again;
        } else {
            return FALSE;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

gboolean
grey_filter_matches(const GreyFilter *filter, const GreyEntry *entry)
{
    if (filter->kinds && !(filter->kinds & (1u << entry->record.kind)))
        return FALSE;
    if (filter->states && !(filter->states & (1u << entry->record.state)))
        return FALSE;
    return !filter->match || glob(filter->match, entry->source) ||
           glob(filter->match, entry->sender) || glob(filter->match, entry->recipient);
}
