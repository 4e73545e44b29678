/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     server.h - the host at work, as the files of this folder share it; nobody else includes it
 */
#ifndef MM_CONTROL_SERVER_H
#define MM_CONTROL_SERVER_H

#include "control/daemon.h"
#include "control/setup.h"
#include "control/socket-file.h"
#include "control/socket.h"
#include "control/sockets.h"
#include "control/team.h"

typedef struct MmServer {
    MmCommandLine *line;
    GMainLoop *loop;
    MmWorker *control;
    MmJobs *jobs;
    MmSetup setup;
    MmSettings *manager; /* [manager] as we were started with */
    MmSockets sockets;   /* until somebody serves them */
    MmPidFile *pid_file;
    gboolean daemon;
    MmSnapshot *snapshot;
    MmTeam *team;
    MmSocketFile *main_file; /* of the socket the team listens on */
    MmControlSocket *control_socket;
    guint most;  /* sessions at once; 0: no limit */
    guint ready; /* workers that have the configuration */
    MmTimer shutdown_limit;
    guint signals[4]; /* sources */
    gboolean stopping;
    gboolean failed;        /* what ended the serving is an error */
    gint64 started, loaded; /* seconds since 1970; atomic, as is reloads */
    guint reloads;
} MmServer;

/* serve.c: max-sessions, as it is now, or what there are descriptors for. */
void mm_server_limit_sessions(MmServer *server);

/* reload.c: takes the configuration anew, whole or not at all; problems has what was wrong. Logs
 * everything. FALSE: the one before goes on. */
gboolean mm_server_reload(MmServer *server, MmProblems *problems);
/* Takes what of [manager] may change while serving. */
void mm_server_take_settings(const MmSettings *manager);
void mm_server_log_problems(const MmProblems *problems, const char *id);

/* figures.c: every counter and histogram, one line each. */
void mm_server_log_statistics(MmServer *server);
/* What is asked for all figures gets the server's own too, until they are hidden. With a team. */
void mm_server_show_figures(const MmServer *server);
void mm_server_hide_figures(void);
/* Now, as started or loaded. */
void mm_server_note_time(gint64 *time);

/* verbs.c: the verbs of the control socket; data is the server. */
void mm_server_verb(gpointer data, MmRequest *request, const char *verb, const char *arguments);

#endif
