/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     notify.h - tells the service manager how far we are (sd_notify(3), Type=notify)
 *
 * DESCRIPTION
 *     Without NOTIFY_SOCKET in the environment nothing happens. What cannot be told is not an
 *     error: the service manager has its own time-outs.
 */
#ifndef MM_CONTROL_NOTIFY_H
#define MM_CONTROL_NOTIFY_H

#include <glib.h>

/* Serving; status: what "systemctl status" shows. */
void mm_notify_ready(const char *status);
/* A reload begins; mm_notify_ready ends it. */
void mm_notify_reloading(void);
void mm_notify_stopping(void);

#endif
