/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the chain says in the end. */
#include "chain/verdict.h"

/* The walk is over; the verdict is handed up when the walker's loop has ended. */
void
mm_verdict_decide(MmChain *chain, MilterVerdictKind kind, const char *reply,
                  const MmMember *decider)
{
    g_string_assign(chain->scratch, reply ? reply : "");
    chain->walk = MM_WALK_IDLE;
    chain->event = NULL;
    chain->verdict = (MmVerdict){.kind = kind,
                                 .reply = reply ? chain->scratch->str : NULL,
                                 .stage = decider ? decider->instance->name : NULL};
    chain->decided = TRUE;
}

void
mm_verdict_hand_up(MmChain *chain)
{
    if (!chain->decided)
        return;
    const MmVerdict verdict = chain->verdict;
    chain->decided = FALSE;
    chain->ops->verdict(chain->owner, &verdict);
}

const char *
mm_verdict_word(MilterVerdictKind kind)
{
    static const char *const words[] = {"pass",    "accept", "reject", "tempfail",
                                        "discard", "reject", "skip",   "failed"};
    return words[MIN(kind, MILTER_VERDICT_FAILED)];
}
