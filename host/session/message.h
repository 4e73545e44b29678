/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     message.h - the commands of a message: its envelope, its content, its end
 *
 * DESCRIPTION
 *     An MTA below version 4 sends no DATA: it is made up in front of the content, whose first
 * command is held until that is answered.
 */
#ifndef MM_SESSION_MESSAGE_H
#define MM_SESSION_MESSAGE_H

#include "session/private.h"

/* FALSE, all of them: the command breaks the protocol. */
gboolean mm_session_on_mail(MmSession *session, const MmCommand *command);
gboolean mm_session_on_rcpt(MmSession *session, const MmCommand *command);
gboolean mm_session_on_data(MmSession *session, const MmCommand *command);
/* HEADER, END_OF_HEADERS, BODY. */
gboolean mm_session_on_content(MmSession *session, const MmCommand *command);
gboolean mm_session_on_end_of_message(MmSession *session, const MmCommand *command);

#endif
