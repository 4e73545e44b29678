/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     status.h - --status and --watch: the state of the running host as a table
 */
#ifndef MM_CONTROL_STATUS_H
#define MM_CONTROL_STATUS_H

#include "control/options.h"

/* The table of a status answer (JSON text), or NULL with error if it is none. Free. */
char *mm_status_table(const char *json, GError **error);
/* Asks the host that the command line and the configuration name, prints; with watch each second
 * until interrupted. Returns the exit code: 1 if no host could be asked. */
int mm_status_show(const MmCommandLine *line, gboolean watch);

#endif
