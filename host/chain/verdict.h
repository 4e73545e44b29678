/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     verdict.h - what the chain says in the end
 *
 * DESCRIPTION
 *     Decided while stages may be on the stack, handed up when the loop over them has ended: the
 * owner may free the chain, or ask the next question, from within.
 */
#ifndef MM_CHAIN_VERDICT_H
#define MM_CHAIN_VERDICT_H

#include "chain/private.h"

/* Ends the walk, or the content. reply (for REPLY) is copied; decider may be NULL: nobody
 * objected. */
void mm_verdict_decide(MmChain *chain, MilterVerdictKind kind, const char *reply,
                       const MmMember *decider);
/* Tells the owner, if something was decided since. */
void mm_verdict_hand_up(MmChain *chain);
/* For the log: "pass", "reject", ... */
const char *mm_verdict_word(MilterVerdictKind kind);

#endif
