/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     upstream.h - what is said to the MTA: the negotiation's answer, verdicts, edits
 */
#ifndef MM_SESSION_UPSTREAM_H
#define MM_SESSION_UPSTREAM_H

#include "chain/chain.h"
#include "wire/negotiate.h"

/* The offer as stages see it. */
void mm_upstream_offer(const MmOptions *options, MilterOffer *offer);
/* Our answer: version 6 at most, every action that was offered, no-reply for content, leading space
 * and rejected recipients where offered (and wanted), lists of macros where the MTA takes them.
 * Never a bit that was not offered: Sendmail would drop us. symbols are borrowed from the chain's
 * roster. */
void mm_upstream_answer(const MmOptions *offer, MmChain *chain, MmOptions *answer);
/* Whether an MTA that was given answer sends all that the stages of snapshot may want. */
gboolean mm_upstream_suffices(const MmOptions *answer, const MmSnapshot *snapshot);
/* Appends the reply for a verdict. at: what may not be said there is not (UNKNOWN takes no
 * discard). */
void mm_upstream_verdict(MmBuffer *out, MilterEventKind at, const MmVerdict *verdict);
/* Appends the chain's edits: operations in chain order, then quarantine. Returns the last new body,
 * which is to follow as one run, or NULL; borrowed. */
MmSpool *mm_upstream_edits(MmBuffer *out, MmChain *chain, const MilterOffer *offer);
/* Appends the piece of body at the cursor, which moves on; an empty body is one empty piece. FALSE:
 * that was the last, or, with error, it could not be read and nothing was appended. */
gboolean mm_upstream_body(MmBuffer *out, MmSpool *body, MmSpoolCursor *at, GError **error);

#endif
