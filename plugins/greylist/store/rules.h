/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     rules.h - what an administrator allows and blocks, in memory
 *
 * DESCRIPTION
 *     Rules are few and are asked for with every mail, so SQLite keeps them here too. Any thread.
 */
#ifndef GREYLIST_STORE_RULES_H
#define GREYLIST_STORE_RULES_H

#include "store/private.h"

#define GREY_RULES_LIMIT 100000

typedef struct GreyRules GreyRules;

GreyRules *grey_rules_new(void);
void grey_rules_free(GreyRules *rules);
/* The first of the question's rules that is there and has not ended, into have. */
void grey_rules_find(GreyRules *rules, const GreyQuestion *question, gint64 now, GreyHave *have);
/* FALSE: there are GREY_RULES_LIMIT. */
gboolean grey_rules_put(GreyRules *rules, const GreyEntry *entry);
gboolean grey_rules_remove(GreyRules *rules, const GreyEntry *name);
/* The names of those that have ended are given to function, which must not call back; they go. */
guint grey_rules_expire(GreyRules *rules, gint64 now,
                        void (*function)(gpointer data, const GreyEntry *entry), gpointer data);
guint grey_rules_count(GreyRules *rules, guint64 entries[GREY_N_STATES]);

/* The rule of that name is handed to function. */
typedef void (*GreyEntryFunction)(gpointer data, const GreyEntry *entry);
gboolean grey_rules_get(GreyRules *rules, const GreyEntry *name, GreyEntryFunction function,
                        gpointer data);
/* Rules after the cursor ("" : all), in the order of their keys, at most limit of those that match.
 * Returns the cursor for the rest (free with g_free), NULL at the end. */
char *grey_rules_page(GreyRules *rules, const GreyFilter *filter, const char *cursor, gsize limit,
                      GreyEntryFunction function, gpointer data);

#endif
