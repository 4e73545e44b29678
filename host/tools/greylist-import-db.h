/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     greylist-import-db.h - postgrey's database itself, where Berkeley DB is there to read it
 *
 * DESCRIPTION
 *     postgrey must not run: the file is checked as a whole first and then read, not locked. It is
 *     never written to.
 */
#ifndef MM_TOOLS_GREYLIST_IMPORT_DB_H
#define MM_TOOLS_GREYLIST_IMPORT_DB_H

#include "tools/greylist-import.h"

/* FALSE with error stops the reading. */
typedef gboolean (*MmImportFunction)(const MmImportEntry *entry, gpointer data, GError **error);

/* TRUE if the file begins like a Berkeley DB btree of either byte order. */
gboolean mm_import_is_database(const char *head, gsize size);
/* Calls function for each pair. FALSE with error: the file is damaged, a pair is malformed (record
 * number in the text), or this program was built without Berkeley DB. */
gboolean mm_import_database(const char *file, MmImport *import, MmImportFunction function,
                            gpointer data, GError **error);

#endif
