/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who accepts. Sessions are served where they are accepted: no thread is woken to hand one over.
 * One worker at a time has its turn, and passes it on when it has LOT sessions more than another:
 * few sessions wake one thread, not all, and many are spread over all.
 *
 * A plugin that holds up the worker whose turn it is would hold up all who come. So the control
 * thread asks it now and then whether it is there, and gives the turn to another if it is not.
 */
#include "base/i18n.h"
#include "base/log.h"
#include "control/team-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

#define LOT 32
/* Connections taken in one round. */
#define ACCEPT_MAX 64
/* Between two looks at the worker whose turn it is. */
#define LOOK_SECONDS 2.0

static gboolean
has_turn(const MmMate *mate)
{
    MmTeam *team = mate->team;
    return g_atomic_int_get(&team->turn) == mate->number;
}

/* ---- Places: who has one may start a session. */

/* There are never more taken than there are, not even for a moment: another one who looks would
 * wait for a place that is free, and nobody would tell it. */
static gboolean
take_place(MmTeam *team)
{
    gint most = g_atomic_int_get(&team->most);
    gint taken;
    do {
        taken = g_atomic_int_get(&team->places);
        if (most > 0 && taken >= most)
            return FALSE;
    } while (!g_atomic_int_compare_and_exchange(&team->places, taken, taken + 1));
    return TRUE;
}

static gboolean
has_place(MmTeam *team)
{
    gint most = g_atomic_int_get(&team->most);
    return most == 0 || g_atomic_int_get(&team->places) < most;
}

/* On the worker. */
static void
update_listener(gpointer data)
{
    MmMate *mate = data;
    if (mate->listener)
        mm_listener_set_paused(mate->listener, !has_turn(mate) || g_atomic_int_get(&mate->crowded));
}

static void
wake_crowded(MmTeam *team)
{
    for (guint i = 0; i < team->size; i++) {
        if (g_atomic_int_compare_and_exchange(&team->mates[i].crowded, TRUE, FALSE))
            mm_worker_post(team->mates[i].worker, update_listener, &team->mates[i]);
    }
}

/* The place is free before the look at who waits, and who waits says so before the look at the
 * places: one of the two notices. */
static void
leave_place(MmTeam *team)
{
    g_atomic_int_add(&team->places, -1);
    if (g_atomic_int_get(&team->most) > 0)
        wake_crowded(team);
}

static void
wait_for_place(MmMate *mate)
{
    g_atomic_int_set(&mate->crowded, TRUE);
    if (has_place(mate->team))
        g_atomic_int_set(&mate->crowded, FALSE);
    update_listener(mate);
}

void
mm_door_leave(MmMate *mate)
{
    leave_place(mate->team);
}

void
mm_team_set_most(MmTeam *team, guint most)
{
    g_atomic_int_set(&team->most, (gint)MIN(most, G_MAXINT));
    wake_crowded(team);
}

/* ---- Turns. */

static MmMate *
find_least(MmTeam *team, MmMate *but)
{
    MmMate *least = NULL;
    for (guint i = 0; i < team->size; i++) {
        MmMate *mate = &team->mates[i];
        if (mate != but && !g_atomic_int_get(&mate->asked) &&
            (!least || g_atomic_int_get(&mate->count) < g_atomic_int_get(&least->count)))
            least = mate;
    }
    return least;
}

static void
give_turn(MmMate *mate)
{
    g_atomic_int_set(&mate->team->turn, mate->number);
    mm_worker_post(mate->worker, update_listener, mate);
}

/* On the worker that has it. */
static void
pass_turn(MmMate *mate)
{
    gint count = g_atomic_int_get(&mate->count);
    if (count <= LOT)
        return;
    MmMate *least = find_least(mate->team, mate);
    if (least && count - g_atomic_int_get(&least->count) > LOT)
        give_turn(least);
}

/* On the worker. */
static void
answer(gpointer data)
{
    MmMate *mate = data;
    g_atomic_int_set(&mate->asked, FALSE);
}

static void
ask(MmMate *mate)
{
    mate->told = FALSE;
    g_atomic_int_set(&mate->asked, TRUE);
    mm_worker_post(mate->worker, answer, mate);
}

/* It was asked and has not answered. */
static void
replace(MmMate *mate)
{
    MmMate *other = find_least(mate->team, mate);
    if (!mate->told)
        MM_LOG(MM_LOG_WARNING, "worker-blocked",
               N_("A worker is held up by a plugin that does not return: its sessions wait"),
               MM_UINT("worker", (guint)mate->number));
    mate->told = TRUE;
    if (other)
        give_turn(other);
}

static void
look(gpointer data)
{
    MmTeam *team = data;
    MmMate *mate = &team->mates[g_atomic_int_get(&team->turn)];
    if (!g_atomic_int_get(&mate->asked))
        ask(mate);
    else
        replace(mate);
    mm_timer_start(mm_worker_reactor(team->control), &team->look, LOOK_SECONDS, look, team);
}

/* ---- Doors. */

/* On the worker. */
static void
arrivals(gpointer data)
{
    MmMate *mate = data;
    MmTeam *team = mate->team;
    for (guint i = 0; i < ACCEPT_MAX && has_turn(mate); i++) {
        if (!take_place(team)) {
            wait_for_place(mate);
            return;
        }
        int fd = mm_listener_accept(mate->listener);
        if (fd < 0) {
            leave_place(team);
            return;
        }
        g_atomic_int_inc(&mate->count);
        __atomic_add_fetch(&mate->total, 1, __ATOMIC_RELAXED);
        mm_sessions_start(mate->sessions, fd);
        pass_turn(mate);
    }
    update_listener(mate);
}

static void
say_closed(MmTeam *team)
{
    g_atomic_int_add(&team->open, -1);
    mm_team_tell_change(team);
}

void
mm_door_close(gpointer data)
{
    MmMate *mate = data;
    if (!mate->listener)
        return;
    g_clear_pointer(&mate->listener, mm_listener_free);
    say_closed(mate->team);
}

typedef struct Door {
    MmMate *mate;
    int fd;
} Door;

/* On the worker. */
static void
open_door(gpointer data)
{
    Door *door = data;
    MmMate *mate = door->mate;
    mate->listener = mm_listener_new(mm_worker_reactor(mate->worker), door->fd, arrivals, mate);
    if (!mate->listener) {
        MM_LOG(MM_LOG_ERROR, "listen-failed", N_("A worker cannot watch the socket of the MTA"),
               MM_STR("reason", g_strerror(errno)));
        close(door->fd);
        say_closed(mate->team);
        mm_worker_post(mate->team->control, mate->team->ops.failed, mate->team->data);
    }
    update_listener(mate);
    g_free(door);
}

gboolean
mm_team_open(MmTeam *team, int fd, GError **error)
{
    for (guint i = 0; i < team->size; i++) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0) {
            int number = errno;
            g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number), "fcntl: %s",
                        g_strerror(number));
            return FALSE;
        }
        Door *door = g_new0(Door, 1);
        *door = (Door){&team->mates[i], own};
        g_atomic_int_inc(&team->open);
        mm_worker_post(team->mates[i].worker, open_door, door);
    }
    close(fd);
    mm_timer_start(mm_worker_reactor(team->control), &team->look, LOOK_SECONDS, look, team);
    return TRUE;
}

void
mm_team_close(MmTeam *team)
{
    mm_timer_stop(mm_worker_reactor(team->control), &team->look);
    for (guint i = 0; i < team->size; i++)
        mm_worker_post(team->mates[i].worker, mm_door_close, &team->mates[i]);
}
