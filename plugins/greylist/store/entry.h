/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     entry.h - what a greylist store keeps
 *
 * DESCRIPTION
 *     An entry is named by its kind and up to three texts; a text that is no part of a kind's name
 * is
 * "". Texts hold no control characters and are at most GREY_TEXT_MAX bytes each: grey_text_clean
 * makes them so.
 *
 *         kind     source  sender  recipient   what it says
 *         TRIPLET  x       x       x           PENDING: seen, not yet let in; PASSED: let in
 *         SOURCE   x                           COUNTING its passes, ALLOWED after enough of them,
 *                                              TRAPPED after it wrote to a trap
 *         PAIR             x       x           ALLOWED: sender (a domain) was written to by
 * recipient RULE     x or    x or    x           ALLOWED or BLOCKED by an administrator; exactly
 * one text is not ""
 *
 *     A source is "d:DOMAIN", "s:DOMAIN", "n:NETWORK/PREFIX" or "a:ADDRESS" (see source.h). In
 * rules a sender or recipient is an address or "@DOMAIN". Times are seconds since 1970-01-01 UTC.
 */
#ifndef GREYLIST_STORE_ENTRY_H
#define GREYLIST_STORE_ENTRY_H

#include <glib.h>

#define GREY_TEXT_MAX 512
#define GREY_NOTE_MAX 256
#define GREY_SENDERS_MAX 8
#define GREY_TIME_MAX G_GINT64_CONSTANT(253402300799) /* the end of the year 9999 */

typedef enum GreyKind {
    GREY_KIND_TRIPLET = 0,
    GREY_KIND_SOURCE = 1,
    GREY_KIND_PAIR = 2,
    GREY_KIND_RULE = 3,
} GreyKind;
#define GREY_N_KINDS 4

typedef enum GreyState {
    GREY_STATE_PENDING = 0,
    GREY_STATE_PASSED = 1,
    GREY_STATE_COUNTING = 2,
    GREY_STATE_ALLOWED = 3,
    GREY_STATE_TRAPPED = 4,
    GREY_STATE_BLOCKED = 5,
} GreyState;
#define GREY_N_STATES 6

/* The part of an entry that a decision changes. */
typedef struct GreyRecord {
    guint8 kind;  /* GreyKind */
    guint8 state; /* GreyState */
    guint8 n_senders;
    guint32 tries; /* attempts of a triplet, counted passes of a source */
    gint64 first;  /* first seen */
    gint64 last; /* last use; exact to GREY_TOUCH_SECONDS. SOURCE COUNTING: the last counted pass */
    gint64 until;                      /* the entry ends; 0: never */
    guint32 senders[GREY_SENDERS_MAX]; /* SOURCE: which senders were counted */
} GreyRecord;

/* The last use of an entry is written anew when it is this old. */
#define GREY_TOUCH_SECONDS 3600

/* An entry with its texts, never NULL. A store without texts (store-text off) gives the entries
 * themselves with "" for all three; PAIR and RULE have their texts always. */
typedef struct GreyEntry {
    GreyRecord record;
    const char *source, *sender, *recipient;
    const char *note; /* RULE; else "" */
} GreyEntry;

/* "triplet", "pending" ...; never NULL. */
const char *grey_kind_name(guint kind);
const char *grey_state_name(guint state);
/* FALSE: no such name. */
gboolean grey_kind_from_name(const char *name, GreyKind *kind);
gboolean grey_state_from_name(const char *name, GreyState *state);
/* Whether kind can be in state. */
gboolean grey_state_fits(GreyKind kind, GreyState state);
/* NULL: entry can be stored; else what is wrong with it, a constant text. */
const char *grey_entry_check(const GreyEntry *entry);
/* Whether the entry has not ended at now. */
gboolean grey_record_lives(const GreyRecord *record, gint64 now);

/* A copy of text without control characters ("?" in their place), cut to at most GREY_TEXT_MAX
 * bytes. Free with g_free. */
char *grey_text_clean(const char *text, gsize length);

/* Which entries a list shows. */
typedef struct GreyFilter {
    guint32 kinds;     /* bits 1 << GreyKind; 0: all */
    guint32 states;    /* bits 1 << GreyState; 0: all */
    const char *match; /* glob ("*", "?") that one of the texts must match; NULL: all */
} GreyFilter;
gboolean grey_filter_matches(const GreyFilter *filter, const GreyEntry *entry);

#endif
