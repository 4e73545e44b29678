/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     last-resort.h - the end of a host that a plugin does not let end
 *
 * DESCRIPTION
 *     At the end the threads are joined. One that a plugin holds up would keep the process for
 * ever, deaf and without sockets, and nothing could be started in its place.
 */
#ifndef MM_CONTROL_LAST_RESORT_H
#define MM_CONTROL_LAST_RESORT_H

#include <glib.h>

typedef struct MmLastResort MmLastResort;

/* If it is not called off within seconds, the process ends with EXIT_FAILURE, after a line in the
 * log. Never NULL; without a thread to be had, nothing happens. */
MmLastResort *mm_last_resort_new(double seconds);
/* Calls it off, and frees. */
void mm_last_resort_free(MmLastResort *resort);

#endif
