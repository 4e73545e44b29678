/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     decide.h - what a greylist says to one recipient of one message
 *
 * DESCRIPTION
 *     A pure function of what the store has, the question and the clock: SQLite and memory call it
 * on their records; the Redis script says the same in Lua, and the same tests run against all
 * three.
 *
 *     In this order, the first that applies:
 *       1. a RULE that was asked for: BY_RULE or BLOCKED
 *       2. the recipient is a trap: TRAPPED, and the source becomes TRAPPED
 *       3. the source is ALLOWED: BY_SOURCE (the triplet is not looked at)
 *       4. the triplet has PASSED: KNOWN
 *       5. the source is TRAPPED and the question holds trapped ones: TRAPPED
 *       6. the triplet is PENDING and as old as the delay: MATURE, and it has PASSED
 *       7. another recipient of the transaction was let in by 4 or 6: COMPANION, and it has PASSED
 *       8. the PAIR is there: BY_PAIR
 *       9. the triplet is PENDING: EARLY
 *      10. NEW, and the triplet is PENDING
 *
 *     Entries that have ended count as not there. A MATURE pass is counted for the source if its
 * sender was not counted before and the last counted pass is GREY_PASS_SPACING seconds away or
 * more; the auto_allow-th makes the source ALLOWED.
 *
 *     A clock that was set back: a PENDING entry from the future, by more than GREY_CLOCK_SLACK
 * seconds, is MATURE; what was seen before has come back.
 */
#ifndef GREYLIST_STORE_DECIDE_H
#define GREYLIST_STORE_DECIDE_H

#include "store/entry.h"

#define GREY_PASS_SPACING 3600
#define GREY_CLOCK_SLACK 60
#define GREY_RULES_MAX 8

typedef enum GreyAskFlags {
    GREY_ASK_COMPANION = 1u << 0,    /* another recipient of this transaction was let in */
    GREY_ASK_TRAP = 1u << 1,         /* the recipient is a trap */
    GREY_ASK_HOLD_TRAPPED = 1u << 2, /* a trapped source stays out (it is no shared pool) */
    GREY_ASK_DRY = 1u << 3,          /* change nothing */
} GreyAskFlags;

typedef struct GreyQuestion {
    const char *source, *sender, *recipient; /* normalised; never NULL */
    /* Names of rules that concern this mail, most exact first; at most GREY_RULES_MAX. Each has one
     * text that is not "". */
    const GreyEntry *rules;
    gsize n_rules;
    const char *pair_sender, *pair_recipient;   /* both "": no pair */
    guint32 flags;                              /* GreyAskFlags */
    guint32 delay, retry_window, pass_lifetime; /* seconds */
    guint32 auto_allow;                         /* 0: never; at most GREY_SENDERS_MAX */
} GreyQuestion;

typedef enum GreySays {
    GREY_SAYS_FAILED = 0, /* the store could not answer */
    GREY_SAYS_NEW,        /* the four that keep out */
    GREY_SAYS_EARLY,
    GREY_SAYS_TRAPPED,
    GREY_SAYS_BLOCKED,
    GREY_SAYS_MATURE, /* and those that let in */
    GREY_SAYS_KNOWN,
    GREY_SAYS_COMPANION,
    GREY_SAYS_BY_SOURCE,
    GREY_SAYS_BY_PAIR,
    GREY_SAYS_BY_RULE,
} GreySays;

typedef struct GreyAnswer {
    GreySays says;
    guint32 tries;     /* of the triplet, this one included; NEW: 1 */
    gint64 waited;     /* seconds since the triplet was first seen */
    guint32 remain;    /* NEW, EARLY, TRAPPED: seconds until it would be let in */
    guint32 rule;      /* BY_RULE, BLOCKED: index of the question's rule */
    const char *why;   /* FAILED: a short reason, constant; else NULL */
    GreyRecord source; /* as after the decision; first 0: none */
    GreyRecord triplet;
} GreyAnswer;

/* "new", "early", "known" ... */
const char *grey_says_name(GreySays says);
gboolean grey_says_lets_in(GreySays says);

/* What the store has; a record with first 0 is not there. */
typedef struct GreyHave {
    GreyRecord source, triplet;
    gboolean pair;    /* there, and has not ended */
    int rule;         /* index of the first of the question's rules that is there; -1: none */
    gboolean blocked; /* that rule blocks */
} GreyHave;

#define GREY_CHANGED_SOURCE 1u
#define GREY_CHANGED_TRIPLET 2u
/* Decides at now (seconds) and brings have up to date; *changed gets bits for what must be written.
 */
GreyAnswer grey_decide(const GreyQuestion *question, GreyHave *have, gint64 now, guint32 *changed);
/* What the answer still depends on, of what is not in looked: one of the bits, or 0. Who reads
 * records from a disk reads only what is needed. */
#define GREY_LOOKED_SOURCE 1u
#define GREY_LOOKED_TRIPLET 2u
#define GREY_LOOKED_PAIR 4u
guint32 grey_decide_needs(const GreyQuestion *question, const GreyHave *have, guint32 looked,
                          gint64 now);

/* The number a source's record remembers a sender by. */
guint32 grey_sender_number(const char *sender);

#endif
