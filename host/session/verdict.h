/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     verdict.h - the chain's verdict on what was asked
 */
#ifndef MM_SESSION_VERDICT_H
#define MM_SESSION_VERDICT_H

#include "session/private.h"

/* What it means for the message, and the answer to the MTA; at the end of a message the edits in
 * front of it. */
void mm_session_verdict(MmSession *session, const MmVerdict *verdict);

#endif
