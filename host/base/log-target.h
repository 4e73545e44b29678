/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     log-target.h - syslog and the journal as targets of the log
 *
 * DESCRIPTION
 *     syslog gets the line as it is. The journal gets it by its own protocol (systemd's
 *     JOURNAL_NATIVE_PROTOCOL: a datagram of FIELD=value lines) with MESSAGE, PRIORITY,
 *     SYSLOG_IDENTIFIER, SYSLOG_FACILITY, MILTER_MANAGER_ID and each field of the line as
 *     MILTER_MANAGER_NAME, so that "journalctl MILTER_MANAGER_ID=message" finds the messages in any
 *     language. A datagram the journal does not take goes without fields, and if that fails too to
 *     standard output.
 *
 *     Set once, before threads start. A line is one system call.
 */
#ifndef MM_BASE_LOG_TARGET_H
#define MM_BASE_LOG_TARGET_H

#include "base/log.h"

#define MM_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* What "auto" means: "journal" if standard output or error is a stream of the journal, else
 * "syslog" for a daemon, else "stdout". */
const char *mm_log_auto_target(gboolean daemon);
/* The number of a facility ("mail"), or -1. */
int mm_log_facility(const char *name);
/* target: "stdout", "syslog" or "journal"; facility: a number of mm_log_facility. FALSE with error:
 * there is no journal; the target stays what it was. */
gboolean mm_log_choose_target(const char *target, int facility, GError **error);

/* The datagram for the journal; with_fields FALSE: without those of the line. */
GString *mm_log_journal_datagram(const MmLogLine *line, int facility, gboolean with_fields);

#endif
