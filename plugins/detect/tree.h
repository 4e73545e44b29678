/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     tree.h - files below a directory that is taken for the root, read with suspicion
 *
 * DESCRIPTION
 *     A detector reads files that others write: a FIFO, a device, a loop of links, a disk image
 *     where a script should be. Paths are absolute as the system in the tree sees them; symbolic
 *     links, absolute ones too, resolve inside the tree. A file is opened without waiting, must be
 *     a regular one, of at most limit bytes, without NUL bytes.
 *
 *     Results are owned by the caller (g_free) unless a line says otherwise. Control thread.
 */
#ifndef DETECT_TREE_H
#define DETECT_TREE_H

#include <glib.h>

#define DETECT_FILE_MAX (256u * 1024u)
#define DETECT_ENTRIES_MAX 1024u

typedef struct DetectTree DetectTree;

typedef enum DetectRead {
    DETECT_READ_OK,
    DETECT_READ_ABSENT, /* no such file, or a link that leads nowhere */
    DETECT_READ_FAILED, /* there, but cannot be used: why says it */
} DetectRead;

/* root: "/" or the directory of --root. */
DetectTree *detect_tree_new(const char *root);
void detect_tree_free(DetectTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DetectTree, detect_tree_free)

/* The path after all links, still as the tree sees it; its last part need not exist. NULL: a loop,
 * or a directory on the way is missing. */
char *detect_tree_resolve(const DetectTree *tree, const char *path);
/* *text is NUL-terminated. why (translated) is set if FAILED; it does not name the path. */
DetectRead detect_tree_read(const DetectTree *tree, const char *path, char **text, char **why);
/* Names in a directory in the order of bytes, without those that begin with "."; NULL-terminated.
 * NULL with errno if it is no directory, cannot be read or has more than DETECT_ENTRIES_MAX
 * (EFBIG). g_strfreev. */
char **detect_tree_list(const DetectTree *tree, const char *path);
/* As test(1) run by root: kind is one of e f d r s x S L h w p b c. */
gboolean detect_tree_test(const DetectTree *tree, char kind, const char *path);

#endif
