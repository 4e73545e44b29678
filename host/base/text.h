/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     text.h - checks of texts that cross a boundary
 */
#ifndef MM_BASE_TEXT_H
#define MM_BASE_TEXT_H

#include <glib.h>

/* A name of a stage or plugin: [A-Za-z0-9._-]{1,64}, not "." or "..". */
gboolean mm_text_is_name(const char *name);

/* The text with the passwords of its URIs ("scheme://user:password@host") written as "***", or NULL
 * if there is none. What stands between ":" and the last "@" of a URI counts, so that a password
 * with characters that should have been escaped is hidden as a whole. Free. */
char *mm_text_hide_passwords(const char *text);

typedef enum MmReplyCheck {
    MM_REPLY_VALID,
    MM_REPLY_REPAIRABLE, /* valid SMTP, but some MTA would misread it: mm_text_reply_repair helps */
    MM_REPLY_INVALID,
} MmReplyCheck;

/* An SMTP reply as SMFIR_REPLYCODE carries it: every line begins with the same code 4xx or 5xx
 * (three digits), "-" on all lines but the last, " " on the last, lines separated by CRLF with none
 * at the end; no NUL, no other control character but TAB; an enhanced code, if there, has the class
 * of the code and is on every line. At most 32 lines of 980 bytes (libmilter's limits). */
MmReplyCheck mm_text_reply_check(const char *reply, gsize length);
/* Repairs what Postfix or Sendmail would misread: a digit as first character of a text without an
 * enhanced code gets x.0.0 put in; a single "%" is doubled. Returns a new NUL-terminated string, or
 * NULL if the reply is INVALID. */
char *mm_text_reply_repair(const char *reply, gsize length);

#endif
