/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     daemon.h - into the background, and the file with the process number
 */
#ifndef MM_CONTROL_DAEMON_H
#define MM_CONTROL_DAEMON_H

#include <glib.h>

/* Forks. The parent stays until the child says that it serves, and ends with 0, or until the child
 * ends, and ends with 1: it never returns. The child returns, leader of a session of its own, with
 * its standard error still the parent's, so that what goes wrong is read where it was started.
 * FALSE with error: no child could be made. Before threads start. */
gboolean mm_daemon_begin(GError **error);
/* In the child: we serve. Lets the parent go; standard input, output and error become /dev/null,
 * the working directory "/". */
void mm_daemon_ready(void);

typedef struct MmPidFile MmPidFile;
/* Writes our number, and keeps the file locked for as long as we live, by which a file that a dead
 * host left behind is told from one in use. NULL with error: another host holds it, or it cannot be
 * written. */
MmPidFile *mm_pid_file_new(const char *path, GError **error);
/* Removes the file; empties it where we may no longer remove it. */
void mm_pid_file_free(MmPidFile *file);

#endif
