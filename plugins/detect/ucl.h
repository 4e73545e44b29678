/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     ucl.h - as much of the UCL of rspamd's files as is needed to find a worker's socket
 *
 * DESCRIPTION
 *     Read are key = value, key: value, key value, with ";", "," or the end of the line after it;
 *     objects, with names (worker "rspamd_proxy" { }), lists, strings in double quotes, # and
 *     nested comments, .include with its parameters try and priority, and the variables $CONFDIR
 *     and $LOCAL_CONFDIR. Other macros and here-documents are skipped. What is in an included file
 *     belongs to the object that includes it, with the priority of the include. Everything is
 *     bounded; what is behind a limit or an error is not read, and errors say so.
 *
 * SEE ALSO
 *     libucl's README, rspamd's documentation of its configuration.
 */
#ifndef DETECT_UCL_H
#define DETECT_UCL_H

#include "detect/tree.h"

#define UCL_ENTRIES_MAX 8192u
#define UCL_DEPTH_MAX 16u
#define UCL_FILES_MAX 64u

typedef struct UclEntry {
    char *key;
    GPtrArray *values;  /* char *: one, or those of a list; of an object its names */
    GPtrArray *entries; /* UclEntry of an object; NULL: it is none */
    guint priority;
    char *file;
    guint line;
} UclEntry;

typedef struct UclFile {
    GPtrArray *entries; /* UclEntry */
    GPtrArray *errors;  /* char *: "FILE:LINE: why", translated; one a file at most */
} UclFile;

void ucl_file_init(UclFile *file);
void ucl_file_clear(UclFile *file);
/* Adds the entries of path with priority. Absent: FALSE. folder: $CONFDIR. */
gboolean ucl_file_read(UclFile *file, const DetectTree *tree, const char *path, const char *folder,
                       guint priority);

#endif
