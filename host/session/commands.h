/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     commands.h - what each command of the MTA means
 *
 * DESCRIPTION
 *     Keeps the order of the protocol. A command is answered at once, or makes a question to the
 * chain: then session->waiting is TRUE, and no further command may come before the verdict.
 */
#ifndef MM_SESSION_COMMANDS_H
#define MM_SESSION_COMMANDS_H

#include "session/private.h"

/* FALSE: it breaks the protocol, the session must end. */
gboolean mm_session_command(MmSession *session, const MmCommand *command);

#endif
