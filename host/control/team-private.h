/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the team share; nobody else includes it. */
#ifndef MM_CONTROL_TEAM_PRIVATE_H
#define MM_CONTROL_TEAM_PRIVATE_H

#include "control/listener.h"
#include "control/team.h"

/* A worker and what lies on it. */
typedef struct MmMate {
    MmTeam *team;
    gint number;
    MmWorker *worker;
    MmCrew *crew;
    MmSessions *sessions;
    MmListener *listener; /* on the worker; NULL: it does not listen */
    MmDeferred retirement;
    gint count;    /* of sessions; atomic */
    gint crowded;  /* it accepts nothing until there is a place; atomic */
    gint asked;    /* by the control thread whether it is there, without an answer yet; atomic */
    gboolean told; /* that it does not answer; on the control thread */
    guint64 total; /* sessions started; atomic */
} MmMate;

struct MmTeam {
    MmWorker *control;
    MmTeamOps ops;
    gpointer data;
    gint watched; /* changes are told; atomic */
    gint most;    /* sessions of all; 0: any number; atomic */
    gint places;  /* taken by sessions, or by who tries to accept one; atomic */
    gint open;    /* listeners; atomic */
    gint turn;    /* number of the one that accepts; atomic */
    MmTimer look;
    MmMate *mates;
    guint size;
};

/* On a worker: tells the control thread, if it wants to know. */
void mm_team_tell_change(MmTeam *team);
/* door.c: on the worker, after the end of a session. */
void mm_door_leave(MmMate *mate);
/* On the worker: it listens no more. */
void mm_door_close(gpointer mate);

#endif
