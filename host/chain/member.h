/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     member.h - one stage in one session: whether it is asked, and what its failure means
 *
 * DESCRIPTION
 *     Knows the stage's part in the session and in the message, its conditions and its health, and
 *     does what its fallback says.
 */
#ifndef MM_CHAIN_MEMBER_H
#define MM_CHAIN_MEMBER_H

#include "chain/private.h"

gboolean mm_member_is_admitted(MmMember *member, MilterEventKind kind, guint32 flags);
/* The stage is tripped and this session does not probe it. While negotiating: for the whole
 * session, as it was not negotiated with. */
gboolean mm_member_is_held_off(MmMember *member);
/* A condition of the stage is false now. */
gboolean mm_member_is_shut_out(MmMember *member);
/* Counts and logs the failure in member->answer, then falls back. */
void mm_member_fail(MmMember *member, MilterEventKind kind);
/* Fills member->answer with what the fallback means at this event; its part in the message ends. */
void mm_member_fall_back(MmMember *member, MilterEventKind kind, const char *detail);
/* TRUE, once: its negotiation failed, and member->answer says so instead of what it is to be asked.
 */
gboolean mm_member_has_not_negotiated(MmMember *member);
void mm_member_succeed(MmMember *member);
/* The message is over for the member without its END_OF_MESSAGE answered. */
void mm_member_abort(MmMember *member);
/* It stays out of the message it is in, and what it has done to it does not count. Before its edits
 * are taken. */
void mm_member_shut_out(MmMember *member);
void mm_member_new_message(MmMember *member);
void mm_member_close(MmMember *member);
void mm_member_set_word(MmMember *member, const char *word);

#endif
