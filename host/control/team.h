/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     team.h - all workers of the host, and the sessions they share out among them
 *
 * DESCRIPTION
 *     Used on the control thread. Each worker listens on the MTA's socket and serves what it
 * accepts; one that has clearly more sessions than another hands a new one over. What is counted
 * for all of them is counted here. A worker wakes the control thread only while somebody there
 * wants to know.
 */
#ifndef MM_CONTROL_TEAM_H
#define MM_CONTROL_TEAM_H

#include "session/session.h"

typedef struct MmTeam MmTeam;

/* Called on the control thread, with data. */
typedef struct MmTeamOps {
    MmWorkFunction changed; /* a session ended or a worker listens no more; while it is watched */
    MmWorkFunction failed;  /* a worker cannot listen */
} MmTeamOps;

/* size: threads, at least 1. NULL with error. */
MmTeam *mm_team_new(guint size, MmWorker *control, MmJobs *jobs, const MmTeamOps *ops,
                    gpointer data, GError **error);
/* Ends all sessions, retires the snapshot, joins the threads. */
void mm_team_free(MmTeam *team);
/* New sessions get snapshot; each worker takes its own reference. */
void mm_team_adopt(MmTeam *team, MmSnapshot *snapshot);
/* Every worker listens on fd, which is taken over. FALSE with error: fd is left open, the host must
 * not go on. */
gboolean mm_team_open(MmTeam *team, int fd, GError **error);
/* No more sessions; takes effect before what is posted to the workers later. */
void mm_team_close(MmTeam *team);
/* There are never more sessions than this; 0: any number. Further connections wait in the kernel's
 * queue. Sessions there are already go on. */
void mm_team_set_most(MmTeam *team, guint most);
/* Ends idle sessions at once and the others after their message. */
void mm_team_drain(MmTeam *team);
/* Runs function on worker i (below mm_team_size) with its sessions. */
typedef void (*MmTeamFunction)(MmSessions *sessions, gpointer data);
void mm_team_run(MmTeam *team, guint i, MmTeamFunction function, gpointer data);
/* A change that comes after this is told; look whether it is over for those before. */
void mm_team_watch_changes(MmTeam *team);
/* No worker listens, and no session is left. */
gboolean mm_team_is_over(MmTeam *team);
guint mm_team_sessions(const MmTeam *team);
/* Started since the team was made. */
guint64 mm_team_sessions_total(const MmTeam *team);
guint mm_team_size(const MmTeam *team);

#endif
