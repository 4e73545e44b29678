/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     answer.h - the chain's verdict on a message, and the edits in front of it
 *
 * DESCRIPTION
 *     A new body goes in pieces, as the MTA takes them.
 */
#ifndef MM_SESSION_ANSWER_H
#define MM_SESSION_ANSWER_H

#include "session/private.h"

void mm_session_answer_message(MmSession *session, const MmVerdict *verdict);
/* While session->body is not NULL: to be called when there is room. */
void mm_session_continue_answer(MmSession *session);
/* The rest is not said. */
void mm_session_drop_answer(MmSession *session);

#endif
