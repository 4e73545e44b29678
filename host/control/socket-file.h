/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     socket-file.h - the file of a unix socket, to be removed when nobody listens any more
 *
 * DESCRIPTION
 *     What stands there when it is to go may be another's: only the very file that was seen at
 * first is removed.
 */
#ifndef MM_CONTROL_SOCKET_FILE_H
#define MM_CONTROL_SOCKET_FILE_H

#include <glib.h>

typedef struct MmSocketFile MmSocketFile;

/* path (may be NULL) is copied. Never NULL; with nothing at path there is nothing to remove. */
MmSocketFile *mm_socket_file_new(const char *path);
/* Removes the file, and frees. NULL is fine. */
void mm_socket_file_remove(MmSocketFile *file);

#endif
