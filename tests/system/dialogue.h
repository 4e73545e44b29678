/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dialogue.h - what an SMTP client says, as a list of lines
 *
 * DESCRIPTION
 *     A dialogue is a list of commands, NULL-terminated. "@TEXT" is DATA with a message: "@full"
 * has many headers, one of each kind, "@bare" no From, Date or Message-Id, "@header" no body,
 * "@body" no header, "@large" a body of many pieces. "@drop" ends the connection without QUIT.
 */
#ifndef MM_TEST_DIALOGUE_H
#define MM_TEST_DIALOGUE_H

#include "smtp.h"

/* Holds it on a new connection, which is closed and freed. All replies, each behind what it
 * answers, the greeting first; it ends where the connection is closed. The caller frees. */
char *test_dialogue_run(TestSmtp *smtp, const char *const *dialogue);
/* The message that "@TEXT" stands for; NULL: none. The caller frees. */
char *test_dialogue_text(const char *name);

#endif
