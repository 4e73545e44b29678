/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     reference.h - a second, plain implementation of what the MTAs do with header operations
 *
 * DESCRIPTION
 *     For the tests of the message model: linked lists of C strings, following the MTAs' own code
 *     step by step and knowing nothing of corrections. One instance is one MTA with one message.
 */
#ifndef MM_TEST_REFERENCE_H
#define MM_TEST_REFERENCE_H

#include <glib.h>
#include <milter-manager/verdict.h>

typedef struct Reference Reference;

Reference *reference_new(gboolean sendmail);
void reference_free(Reference *reference);
/* A header of the message. */
void reference_receive(Reference *reference, const char *name, const char *value);
/* The MTA sends its headers to a filter: text of what the filter is shown, a line a header. With
 * shown FALSE the filter declined headers, and only the text is made. */
char *reference_show(Reference *reference, gboolean shown);
/* A filter's operation; value as it is stored. */
void reference_edit(Reference *reference, guint32 kind, guint32 index, const char *name,
                    const char *value);
/* Everything in the list with a value, hidden or not, except the MTA's own defaults. */
char *reference_dump(const Reference *reference);

#endif
