/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     keyfile.h - the syntax of the configuration file: groups, keys, comments; nothing of types
 *
 * DESCRIPTION
 *     "[GROUP]" and "KEY=VALUE" lines, "#" comments on lines of their own, blank lines. Every line
 * that is none of these is a problem of its own, and reading goes on behind it. A line may end in
 * CRLF.
 */
#ifndef MM_CONFIG_KEYFILE_H
#define MM_CONFIG_KEYFILE_H

#include "config/config.h"

#define MM_KEYFILE_SIZE_MAX (1024u * 1024u)
#define MM_KEYFILE_LINE_MAX 65536u

typedef struct MmKeyGroup {
    char *name;
    guint line;
    GPtrArray *keys; /* of MmRawKey, owned */
} MmKeyGroup;

void mm_raw_key_free(gpointer key);
/* Origin NULL: "FILE:LINE". Copies. */
MmRawKey *mm_raw_key_new(const char *key, const char *value, const char *origin, const char *file,
                         guint line);
/* Groups of MmKeyGroup in their order; free with g_ptr_array_unref. Never NULL. */
GPtrArray *mm_keyfile_parse(const char *file, const char *text, gsize size, MmProblems *problems);

#endif
