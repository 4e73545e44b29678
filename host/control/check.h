/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     check.h - what a configuration says that no single key shows
 */
#ifndef MM_CONTROL_CHECK_H
#define MM_CONTROL_CHECK_H

#include "chain/snapshot.h"

/* The mode of a file in octal, as "0660"; FALSE: it is none. mode may be NULL. */
gboolean mm_check_mode(const char *text, guint *mode);
/* [manager] alone: specs and modes that the schema cannot judge; errors. */
void mm_check_manager(const MmSettings *manager, MmProblems *problems);
/* Two stages on one socket: a warning. A stage on the host's own socket: an error. */
void mm_check_sockets(const MmSnapshot *snapshot, MmProblems *problems);

#endif
