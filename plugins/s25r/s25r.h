/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     s25r.h - what the files of this plugin share
 *
 * DESCRIPTION
 *     An instance (S25r) judges names by its settings; a Client is its part in a session: the name
 *     is looked at once, when the client connects, and what was found is a fact. Only an action
 *     that refuses waits for RCPT, where the client may have logged in and other conditions are
 *     known.
 *
 *     Whether there is a name is the MTA's to say: "[ADDRESS]" or "unknown" is no verified name,
 *     and {client_resolve} tells FAIL (none), FORGED and TEMP apart. Without that macro a missing
 *     name is looked up again (lookup.c), because a name server that does not answer is no sign
 *     against anybody.
 */
#ifndef S25R_H
#define S25R_H

#include "evidence.h"

#include <milter-manager/plugin.h>

#define N_(text) (text)

typedef enum S25rAction {
    S25R_FACT,
    S25R_TEMPORARY_FAILURE,
    S25R_REJECT,
} S25rAction;

/* ---- patterns.c: lists of domains and expressions. */

typedef struct S25rPatterns S25rPatterns;
/* NULL: one is malformed, which was reported for key. */
S25rPatterns *s25r_patterns_new(const MilterHost *host, MilterInstance *self, const char *key);
/* NULL is allowed. */
void s25r_patterns_free(S25rPatterns *patterns);
/* The pattern that matches, as written; NULL: none. An expression that backtracks without end on a
 * client's name is given up, which is logged once a minute: it does not match. */
const char *s25r_patterns_match(const S25rPatterns *patterns, const char *name);

/* ---- judge.c: a name by an instance's settings. */

typedef enum S25rCount {
    S25R_COUNT_CLIENTS, /* looked at */
    S25R_COUNT_HITS,
    S25R_COUNT_NO_PTR,
    S25R_COUNT_FORGED,
    S25R_COUNT_TEMPORARY, /* not known whether there is a name */
    S25R_COUNT_ALLOW,
    S25R_COUNT_BLOCK,
    S25R_COUNT_WORD,
    S25R_COUNT_IP,
    S25R_COUNT_SHAPE,
    S25R_COUNT_RULES, /* rule 1; the others follow */
    S25R_N_COUNTS = S25R_COUNT_RULES + S25R_N_RULES - 1,
} S25rCount;

typedef struct S25r {
    const MilterHost *host;
    MilterInstance *self;
    gboolean classic;
    gboolean ipv6;
    S25rAction action;
    const char *fact; /* owned by the settings */
    S25rPatterns *allow, *block;
    MilterCounter *counts[S25R_N_COUNTS];
} S25r;

/* What is known of a client's name. */
typedef enum S25rStanding {
    S25R_VERIFIED, /* the name's addresses include the client's */
    S25R_NONE,
    S25R_FORGED,
    S25R_UNKNOWN, /* a name server did not answer */
} S25rStanding;

typedef struct S25rJudgement {
    S25rEvidence evidence; /* of a verified name that is on no list */
    const char *allowed;   /* the pattern */
    const char *blocked;
    gboolean hit;
    GString *reasons; /* "rule1,word=dsl,ip=4"; owned */
} S25rJudgement;

void s25r_judge(const S25r *s25r, S25rStanding standing, const char *name,
                const NetAddress *address, S25rJudgement *judgement);
void s25r_judgement_clear(S25rJudgement *judgement);
/* Adds a judgement to the instance's counters. */
void s25r_count(const S25r *s25r, S25rStanding standing, const S25rJudgement *judgement);

/* ---- explain.c: the administration's question why. */
void s25r_explain(void *data, MilterAdminRequest *request, const char *arguments);

/* ---- lookup.c: a client's name by its address. */

typedef struct S25rLookup S25rLookup;
/* name NULL unless VERIFIED; borrowed during the call. */
typedef void (*S25rLookupFunction)(void *data, S25rStanding standing, const char *name);
/* function runs once, never from within; not after s25r_lookup_free, which may come within it and
 * ends the look-up. UNKNOWN when seconds are over. */
S25rLookup *s25r_lookup_new(const MilterHost *host, MilterWorker *worker, const NetAddress *address,
                            double seconds, S25rLookupFunction function, void *data);
/* NULL is allowed. */
void s25r_lookup_free(S25rLookup *lookup);

#endif
