/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     event.h - what all commands have in common
 *
 * DESCRIPTION
 *     The event that is made of one, the question, and the end of the message they are about.
 */
#ifndef MM_SESSION_EVENT_H
#define MM_SESSION_EVENT_H

#include "session/private.h"
#include "wire/reply.h"

MilterSlice mm_session_slice(MmSlice slice);
/* session->event, begun; macros of that kind are the current ones. */
MilterEvent *mm_session_event(MmSession *session, MilterEventKind kind, MmSlice raw);
/* Asks the chain session->event. */
void mm_session_ask(MmSession *session);
/* Answers the MTA by one packet without data. */
void mm_session_reply(MmSession *session, MmReplyKind kind);
/* Between the content of a message and its end nothing else may come: a stage that still works on
 * the content has no room for another question. */
gboolean mm_session_is_inside_content(const MmSession *session);
/* The state is that between messages. */
void mm_session_end_message(MmSession *session);
/* The message is over without the MTA having been told a verdict for it. */
void mm_session_abort_message(MmSession *session);

#endif
