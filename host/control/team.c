/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/team.h"

typedef struct Mate {
    MmTeam *team;
    MmWorker *worker;
    MmCrew *crew;
    MmSessions *sessions;
    MmDeferred retirement;
    gint count; /* of sessions; atomic */
} Mate;

struct MmTeam {
    MmWorker *control;
    MmWorkFunction ended;
    gpointer data;
    gint watched; /* ends are told; atomic */
    Mate *mates;
    guint size;
    guint64 total;
};

/* On the worker. The count goes down before the look at watched, and the control thread sets
 * watched before it looks at the count: one of the two notices. */
static void
session_ended(gpointer data)
{
    Mate *mate = data;
    MmTeam *team = mate->team;
    g_atomic_int_add(&mate->count, -1);
    if (g_atomic_int_get(&team->watched) && team->ended)
        mm_worker_post(team->control, team->ended, team->data);
}

static gboolean
mate_init(Mate *mate, MmTeam *team, guint number, MmJobs *jobs, GError **error)
{
    char name[16];
    g_snprintf(name, sizeof(name), "worker-%u", number);
    mate->team = team;
    mate->worker = mm_worker_new(name, number, error);
    if (!mate->worker)
        return FALSE;
    mate->crew = mm_crew_new(mate->worker, jobs);
    mate->sessions = mm_sessions_new(mate->crew, session_ended, mate);
    return TRUE;
}

MmTeam *
mm_team_new(guint size, MmWorker *control, MmJobs *jobs, MmWorkFunction ended, gpointer data,
            GError **error)
{
    MmTeam *team = g_new0(MmTeam, 1);
    team->control = control;
    team->ended = ended;
    team->data = data;
    team->mates = g_new0(Mate, size);
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
    Mate *mate = data;
    mm_crew_retire(mate->crew);
    mm_worker_release(mate->worker);
}

/* On the worker. The sessions end at the end of the round, the rest behind them; until then the
 * worker may not go. */
static void
close_sessions(gpointer data)
{
    Mate *mate = data;
    mm_worker_hold(mate->worker);
    mm_sessions_close(mate->sessions);
    mm_defer(mm_worker_reactor(mate->worker), &mate->retirement, retire, mate);
}

static void
mate_clear(Mate *mate)
{
    mm_worker_post(mate->worker, close_sessions, mate);
    mm_worker_free(mate->worker);
    mm_sessions_free(mate->sessions);
    mm_crew_free(mate->crew);
}

void
mm_team_free(MmTeam *team)
{
    if (!team)
        return;
    for (guint i = 0; i < team->size; i++)
        mate_clear(&team->mates[i]);
    g_free(team->mates);
    g_free(team);
}

typedef struct Adoption {
    Mate *mate;
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

typedef struct Arrival {
    Mate *mate;
    int fd;
} Arrival;

static void
start_session(gpointer data)
{
    Arrival *arrival = data;
    mm_sessions_start(arrival->mate->sessions, arrival->fd);
    g_free(arrival);
}

void
mm_team_start_session(MmTeam *team, int fd)
{
    Mate *least = &team->mates[0];
    for (guint i = 1; i < team->size; i++) {
        if (g_atomic_int_get(&team->mates[i].count) < g_atomic_int_get(&least->count))
            least = &team->mates[i];
    }
    Arrival *arrival = g_new0(Arrival, 1);
    *arrival = (Arrival){least, fd};
    g_atomic_int_inc(&least->count);
    team->total++;
    mm_worker_post(least->worker, start_session, arrival);
}

static void
drain(gpointer data)
{
    mm_sessions_drain(((Mate *)data)->sessions);
}

void
mm_team_drain(MmTeam *team)
{
    for (guint i = 0; i < team->size; i++)
        mm_worker_post(team->mates[i].worker, drain, &team->mates[i]);
}

typedef struct Errand {
    Mate *mate;
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
mm_team_watch_ends(MmTeam *team, gboolean watch)
{
    g_atomic_int_set(&team->watched, watch);
}

guint64
mm_team_sessions_total(const MmTeam *team)
{
    return team->total;
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
