/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     facts.h - what stages say of the session and the message to those behind them
 *
 * DESCRIPTION
 *     A fact has the scope of the session or of one message. Until the event after which its
 * setters have settled it, it is not known.
 */
#ifndef MM_CHAIN_FACTS_H
#define MM_CHAIN_FACTS_H

#include "chain/private.h"

void mm_facts_set(MmChain *chain, MilterFactScope scope, const char *name, const char *value);
/* As seen by the stage at position stage. */
MilterFactState mm_facts_get(MmChain *chain, guint fact, guint stage, const char **value);
void mm_facts_new_event(MmChain *chain);
void mm_facts_new_message(MmChain *chain);
void mm_facts_clear(MmChain *chain);

#endif
