/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     escape.h - any bytes as one printable line, and back
 *
 * DESCRIPTION
 *     Used by milter-test-server and milter-test-client, on their command lines and in what they
 *     print: "\\", "\n", "\r", "\t" and "\xHH"; reading also takes "\0". Printing escapes every
 * byte that is not printable ASCII.
 */
#ifndef MM_TOOLS_ESCAPE_H
#define MM_TOOLS_ESCAPE_H

#include <glib.h>

void mm_escape_append(GString *out, gconstpointer data, gsize size);
/* Appends what text stands for. FALSE: a backslash begins none of the above; some bytes may have
 * been appended then. */
gboolean mm_escape_read(const char *text, GByteArray *out);
/* What is allowed, for an error text; translated. */
const char *mm_escape_allowed(void);

#endif
