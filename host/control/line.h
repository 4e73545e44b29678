/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     line.h - the lines of the control socket as text: what is asked, what is answered
 *
 * DESCRIPTION
 *     The host's side of the protocol in base/control-client.h, without a socket.
 */
#ifndef MM_CONTROL_LINE_H
#define MM_CONTROL_LINE_H

#include <glib.h>

/* line: without its end, with a NUL behind length bytes. Nesting is bounded (64). NULL: *verb and
 * *arguments are set (JSON text, or NULL if there were none); free them. Else what is wrong,
 * translated, and neither is touched. */
const char *mm_control_line_parse(const char *line, gsize length, char **verb, char **arguments);
/* The line for one JSON value, its end included; line ends in it are replaced. A value that is too
 * long (MM_CONTROL_ANSWER_MAX) becomes a refusal. Free. */
char *mm_control_line_answer(const char *json);
/* The line that says why not. Any bytes; what is behind the first 65536 is left out. Free. */
char *mm_control_line_refusal(const char *text);

#endif
