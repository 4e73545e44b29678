/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     walk.h - the envelope: each stage in order, the next only after a neutral answer
 *
 * DESCRIPTION
 *     Goes on from chain->at with chain->event. The first answer that is not neutral is the
 * chain's; the verdict is handed up when the loop has ended. However long the chain, the stack
 * stays flat.
 */
#ifndef MM_CHAIN_WALK_H
#define MM_CHAIN_WALK_H

#include "chain/private.h"

void mm_walk_run(MmChain *chain);
/* A member has answered: if it is the one that was asked, the walk goes on. */
void mm_walk_resume(MmChain *chain, MmMember *member);
/* A negotiation ended that the walk may wait for. */
void mm_walk_negotiated(MmChain *chain, MmMember *member);

#endif
