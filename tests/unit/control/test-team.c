/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workers of the host among themselves. White-box: which of them does what is seen in team. */
#include "control/team-private.h"

#include "fixture.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* A worker that has one more than the other by so many passes its turn on. */
#define LOT 32

typedef struct Scene {
    Fixture fixture;
    MmTeam *team;
    char *folder;
    MmAddress *address;
    GArray *fds; /* of the MTA's ends */
} Scene;

static void
ignore(gpointer data)
{
    (void)data;
}

static const MmTeamOps ops = {.changed = ignore, .failed = ignore};

static void
set_up(Scene *scene, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    fixture_set_up(&scene->fixture, unused);
    scene->folder = g_dir_make_tmp("team-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *spec = g_strconcat("unix:", scene->folder, "/socket", NULL);
    scene->address = mm_address_parse(spec, &error);
    g_assert_no_error(error);
    scene->fds = g_array_new(FALSE, FALSE, sizeof(int));
    scene->team = mm_team_new(2, scene->fixture.control, scene->fixture.jobs, &ops, scene, &error);
    g_assert_no_error(error);
    MmSnapshot *snapshot = fixture_build(&scene->fixture, "");
    mm_team_adopt(scene->team, snapshot);
    mm_snapshot_unref(snapshot);
    const MmListenerOptions options = {.address = scene->address, .mode = 0600, .owner = geteuid()};
    int fd = mm_listener_bind(&options, &error);
    g_assert_no_error(error);
    g_assert_true(mm_team_open(scene->team, fd, &error));
    g_assert_no_error(error);
}

static void
hang_up(Scene *scene)
{
    for (guint i = 0; i < scene->fds->len; i++)
        close(g_array_index(scene->fds, int, i));
    g_array_set_size(scene->fds, 0);
}

static void
tear_down(Scene *scene, gconstpointer unused)
{
    hang_up(scene);
    while (g_main_context_iteration(mm_worker_context(scene->fixture.control), FALSE))
        ;
    g_unlink(scene->address->path);
    g_rmdir(scene->folder);
    g_array_unref(scene->fds);
    mm_address_free(scene->address);
    g_free(scene->folder);
    fixture_tear_down(&scene->fixture, unused);
}

static void
connect_one(Scene *scene)
{
    struct sockaddr_storage storage;
    socklen_t length;
    gboolean in_progress;
    g_assert_true(mm_address_to_sockaddr(scene->address, FALSE, &storage, &length));
    int fd = mm_address_connect(&storage, length, &in_progress);
    g_assert_cmpint(fd, >=, 0);
    g_array_append_val(scene->fds, fd);
}

/* Until the atomic number is what is expected. */
static void
wait_for(gint *number, gint expected)
{
    while (g_atomic_int_get(number) != expected)
        g_usleep(500);
}

/* As many as a worker takes before it passes its turn on. */
static void
fill(Scene *scene, MmMate *mate)
{
    for (gint n = g_atomic_int_get(&mate->count); n <= LOT; n++) {
        connect_one(scene);
        wait_for(&mate->count, n + 1);
    }
}

/* The first waits for a place and has no session; the places are held by the second, which ends
 * when the first has. */
static void
test_end_crowded(Scene *scene, gconstpointer unused)
{
    MmMate *first = &scene->team->mates[0], *second = &scene->team->mates[1];
    (void)unused;
    fill(scene, first);
    wait_for(&scene->team->turn, second->number);
    hang_up(scene);
    wait_for(&first->count, 0);
    fill(scene, second);
    wait_for(&scene->team->turn, first->number);
    mm_team_set_most(scene->team, LOT + 1);
    connect_one(scene);
    wait_for(&first->crowded, TRUE);
    mm_team_free(scene->team);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/team/end/crowded", Scene, NULL, set_up, test_end_crowded, tear_down);
    return g_test_run();
}
