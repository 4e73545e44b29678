/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     serve.h - the host at work: listener, team, signals, reload, shutdown
 */
#ifndef MM_CONTROL_SERVE_H
#define MM_CONTROL_SERVE_H

#include "control/options.h"

/* Serves until TERM or INT; the paths of line become absolute if it goes into the background.
 * Returns the exit code of the process. */
int mm_serve(MmCommandLine *line);

#endif
