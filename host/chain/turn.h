/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     turn.h - one question to one stage: ticket, deadline, exactly one answer
 *
 * DESCRIPTION
 *     A turn ends by an answer, by its deadline or by being cancelled; what the stage says to it
 * after that is dropped. While the MTA waits for it, a deadline is cut to the share that the stage
 * has in what the MTA grants.
 */
#ifndef MM_CHAIN_TURN_H
#define MM_CHAIN_TURN_H

#include "chain/private.h"

typedef enum MmAsked {
    MM_ASKED_ANSWERED, /* member->answer is filled */
    MM_ASKED_LATER,
} MmAsked;
/* LATER: turn_ends->answered follows, unless the turn is cancelled. */
MmAsked mm_turn_ask(MmMember *member, const MilterEvent *event);
/* turn_ends->negotiated follows only where the stage did not answer at once. */
void mm_turn_negotiate(MmMember *member);
/* Drops an open question: its answer will be ignored. */
void mm_turn_cancel(MmMember *member);
/* The stage has seconds from now, at most what the MTA grants. label: what it waits for, borrowed
 * for the turn, or NULL. */
void mm_turn_deadline(MmMember *member, double seconds, const char *label);
/* What was asked before the MTA began to wait must end within what it grants. */
void mm_turn_cut(MmMember *member);
/* The stage, or its deadline, says. */
void mm_turn_finish(MmMember *member, const MilterVerdict *verdict);
void mm_turn_finish_negotiation(MmMember *member, const MilterNegotiation *negotiation,
                                const char *detail);

/* Copies the texts, each of which may be NULL. */
void mm_answer_set(MmAnswer *answer, MilterVerdictKind kind, const char *reply, const char *detail);
void mm_answer_clear(MmAnswer *answer);

#endif
