/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/team-private.h"

void
mm_team_tell_change(MmTeam *team)
{
    if (g_atomic_int_get(&team->watched))
        mm_worker_post(team->control, team->ops.changed, team->data);
}

/* On the worker. The count goes down before the look at watched, and the control thread sets
 * watched before it looks at the count: one of the two notices. */
static void
session_ended(gpointer data)
{
    MmMate *mate = data;
    g_atomic_int_add(&mate->count, -1);
    mm_door_leave(mate);
    mm_team_tell_change(mate->team);
}

static gboolean
mate_init(MmMate *mate, MmTeam *team, guint number, MmJobs *jobs, GError **error)
{
    char name[16];
    g_snprintf(name, sizeof(name), "worker-%u", number);
    mate->team = team;
    mate->number = (gint)number;
    mate->worker = mm_worker_new(name, number, error);
    if (!mate->worker)
        return FALSE;
    mate->crew = mm_crew_new(mate->worker, jobs);
    mate->sessions = mm_sessions_new(mate->crew, session_ended, mate);
    return TRUE;
}

MmTeam *
mm_team_new(guint size, MmWorker *control, MmJobs *jobs, const MmTeamOps *ops, gpointer data,
            GError **error)
{
    MmTeam *team = g_new0(MmTeam, 1);
    team->control = control;
    team->ops = *ops;
    team->data = data;
    team->mates = g_new0(MmMate, size);
    for (; team->size < size; team->size++) {
        if (!mate_init(&team->mates[team->size], team, team->size, jobs, error)) {
            mm_team_free(team);
            return NULL;
        }
    }
    return team;
}

static void
retire(gpointer data)
{
    MmMate *mate = data;
    mm_crew_retire(mate->crew);
    mm_worker_release(mate->worker);
}

/* On the worker. The sessions end at the end of the round, the rest behind them; until then the
 * worker may not go. */
static void
close_sessions(gpointer data)
{
    MmMate *mate = data;
    mm_door_close(mate);
    mm_worker_hold(mate->worker);
    mm_sessions_close(mate->sessions);
    mm_defer(mm_worker_reactor(mate->worker), &mate->retirement, retire, mate);
}

static void
mate_clear(MmMate *mate)
{
    mm_worker_free(mate->worker);
    mm_sessions_free(mate->sessions);
    mm_crew_free(mate->crew);
}

/* Until its last session has ended, each may pass its turn on to another, or tell it of a place. */
void
mm_team_free(MmTeam *team)
{
    if (!team)
        return;
    mm_timer_stop(mm_worker_reactor(team->control), &team->look);
    for (guint i = 0; i < team->size; i++)
        mm_worker_post(team->mates[i].worker, close_sessions, &team->mates[i]);
    for (guint i = 0; i < team->size; i++)
        mm_worker_end(team->mates[i].worker);
    for (guint i = 0; i < team->size; i++)
        mate_clear(&team->mates[i]);
    g_free(team->mates);
    g_free(team);
}

typedef struct Adoption {
    MmMate *mate;
    MmSnapshot *snapshot;
} Adoption;

static void
adopt(gpointer data)
{
    Adoption *adoption = data;
    mm_crew_adopt(adoption->mate->crew, adoption->snapshot);
    mm_snapshot_unref(adoption->snapshot);
    g_free(adoption);
}

void
mm_team_adopt(MmTeam *team, MmSnapshot *snapshot)
{
    for (guint i = 0; i < team->size; i++) {
        Adoption *adoption = g_new0(Adoption, 1);
        *adoption = (Adoption){&team->mates[i], mm_snapshot_ref(snapshot)};
        mm_worker_post(team->mates[i].worker, adopt, adoption);
    }
}

static void
drain(gpointer data)
{
    mm_sessions_drain(((MmMate *)data)->sessions);
}

void
mm_team_drain(MmTeam *team)
{
    for (guint i = 0; i < team->size; i++)
        mm_worker_post(team->mates[i].worker, drain, &team->mates[i]);
}

typedef struct Errand {
    MmMate *mate;
    MmTeamFunction function;
    gpointer data;
} Errand;

static void
run_errand(gpointer data)
{
    Errand *errand = data;
    errand->function(errand->mate->sessions, errand->data);
    g_free(errand);
}

void
mm_team_run(MmTeam *team, guint i, MmTeamFunction function, gpointer data)
{
    Errand *errand = g_new0(Errand, 1);
    *errand = (Errand){&team->mates[i], function, data};
    mm_worker_post(team->mates[i].worker, run_errand, errand);
}

void
mm_team_watch_changes(MmTeam *team)
{
    g_atomic_int_set(&team->watched, TRUE);
}

gboolean
mm_team_is_over(MmTeam *team)
{
    return g_atomic_int_get(&team->open) == 0 && mm_team_sessions(team) == 0;
}

guint64
mm_team_sessions_total(const MmTeam *team)
{
    guint64 total = 0;
    for (guint i = 0; i < team->size; i++)
        total += __atomic_load_n(&team->mates[i].total, __ATOMIC_RELAXED);
    return total;
}

guint
mm_team_sessions(const MmTeam *team)
{
    guint count = 0;
    for (guint i = 0; i < team->size; i++)
        count += (guint)g_atomic_int_get(&team->mates[i].count);
    return count;
}

guint
mm_team_size(const MmTeam *team)
{
    return team->size;
}
