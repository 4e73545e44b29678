/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     team.h - all workers of the host: sessions go to the one that has fewest
 *
 * DESCRIPTION
 *     Used on the control thread. Counts of sessions are kept here; a worker that ends one wakes
 * the control thread only while somebody there wants to know.
 */
#ifndef MM_CONTROL_TEAM_H
#define MM_CONTROL_TEAM_H

#include "session/session.h"

typedef struct MmTeam MmTeam;

/* size: threads, at least 1. ended (may be NULL) is called on the control thread after a session
 * has ended, while ends are watched. NULL with error. */
MmTeam *mm_team_new(guint size, MmWorker *control, MmJobs *jobs, MmWorkFunction ended,
                    gpointer data, GError **error);
/* Ends all sessions, retires the snapshot, joins the threads. */
void mm_team_free(MmTeam *team);
/* New sessions get snapshot; each worker takes its own reference. */
void mm_team_adopt(MmTeam *team, MmSnapshot *snapshot);
void mm_team_start_session(MmTeam *team, int fd);
/* Ends idle sessions at once and the others after their message. */
void mm_team_drain(MmTeam *team);
/* Runs function on worker i (below mm_team_size) with its sessions. */
typedef void (*MmTeamFunction)(MmSessions *sessions, gpointer data);
void mm_team_run(MmTeam *team, guint i, MmTeamFunction function, gpointer data);
/* An end that comes after this is told; look at the count behind it for those before. */
void mm_team_watch_ends(MmTeam *team, gboolean watch);
guint mm_team_sessions(const MmTeam *team);
/* Started since the team was made. */
guint64 mm_team_sessions_total(const MmTeam *team);
guint mm_team_size(const MmTeam *team);

#endif
