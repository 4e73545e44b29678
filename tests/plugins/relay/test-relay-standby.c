/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections made ahead of need, and children that do not keep them. */
#include "peer.h"

#include <glib/gstdio.h>

static const char *plugin;
static const char *standby = "1";

typedef struct Fixture {
    MmHarness *harness;
    char *directory;
    Peer *peer;
    Line first; /* of the first session, whose MTA's offer the bench was made for */
} Fixture;

static void
configure(Fixture *fixture, const char *spec)
{
    mm_harness_set(fixture->harness, "connection-spec", spec);
    mm_harness_set(fixture->harness, "standby", standby);
    g_assert_true(mm_harness_configure(fixture->harness));
}

/* A first session: from now on one is kept ready. */
static void
begin(Fixture *fixture)
{
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    peer_negotiate(fixture->peer, "O6,0,0");
    fixture->first = peer_take(fixture->peer);
    mm_harness_await(session);
    mm_harness_close(session);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    (void)unused;
    fixture->directory = g_dir_make_tmp("relay-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *path = g_build_filename(fixture->directory, "child", NULL);
    g_autofree char *spec = g_strconcat("unix:", path, NULL);
    fixture->harness = mm_harness_new(plugin);
    fixture->peer = peer_new_unix(fixture->harness, path);
    configure(fixture, spec);
    begin(fixture);
}

static void
set_up_inet(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    fixture->harness = mm_harness_new(plugin);
    fixture->peer = peer_new(fixture->harness, "127.0.0.1", 0);
    g_autofree char *spec = g_strdup_printf("inet:%u@127.0.0.1", fixture->peer->port);
    configure(fixture, spec);
    begin(fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_harness_free(fixture->harness);
    line_close(&fixture->first);
    peer_free(fixture->peer);
    if (fixture->directory)
        g_rmdir(fixture->directory);
    g_free(fixture->directory);
}

/* The session is negotiated without a new connection, and the child gets its first command. */
static void
use(Fixture *fixture)
{
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    peer_expect(fixture->peer, "C");
    peer_say(fixture->peer, "c");
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
}

/* One that closes what idles is left alone longer each time, until one is of use again. */
static void
test_closes(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    for (double pause = 0.5; pause < 10; pause *= 2) {
        peer_negotiate(fixture->peer, "O6,0,0");
        mm_harness_advance(fixture->harness, 1);
        peer_close(fixture->peer);
        mm_harness_advance(fixture->harness, pause - 0.1);
        g_assert_false(peer_has_caller(fixture->peer));
        mm_harness_advance(fixture->harness, 0.2);
        g_assert_true(peer_has_caller(fixture->peer));
    }
    peer_negotiate(fixture->peer, "O6,0,0");
    use(fixture);
    peer_negotiate(fixture->peer, "O6,0,0"); /* at once */
    peer_close(fixture->peer);
    mm_harness_advance(fixture->harness, 0.6);
    g_assert_true(peer_has_caller(fixture->peer));
}

/* One of two closes, the other is used: two are made at once. */
static void
test_one_closes(void)
{
    Fixture fixture = {0};
    standby = "2";
    set_up(&fixture, NULL);
    standby = "1";
    peer_negotiate(fixture.peer, "O6,0,0");
    Line other = peer_take(fixture.peer);
    peer_negotiate(fixture.peer, "O6,0,0");
    line_close(&other);
    mm_harness_pump(fixture.harness);
    use(&fixture);
    peer_negotiate(fixture.peer, "O6,0,0");
    peer_negotiate(fixture.peer, "O6,0,0");
    tear_down(&fixture, NULL);
}

/* One that speaks before it is asked is no child. */
static void
test_speaks(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    peer_negotiate(fixture->peer, "O6,0,0");
    peer_say(fixture->peer, "c");
    peer_expect_end(fixture->peer);
    g_assert_cmpuint(mm_harness_n_watches(fixture->harness), ==, 0);
}

/* A unix socket's end is seen whenever it comes. */
static void
test_old(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    peer_negotiate(fixture->peer, "O6,0,0");
    mm_harness_advance(fixture->harness, 86400);
    use(fixture);
}

/* A host may vanish without a word, a name may have moved: what idled too long is not trusted. */
static void
test_old_inet(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    peer_negotiate(fixture->peer, "O6,0,0");
    mm_harness_advance(fixture->harness, 59);
    use(fixture);
    peer_negotiate(fixture->peer, "O6,0,0");
    mm_harness_advance(fixture->harness, 61);
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MM_HARNESS_LATER);
    peer_expect(fixture->peer, "Q");
    peer_negotiate(fixture->peer, "O6,0,0");
    Line line = peer_take(fixture->peer);
    peer_negotiate(fixture->peer, "O6,0,0");
    mm_harness_await(session);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
    line_close(&line);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    plugin = argv[1];
#define ADD(path, up, function)                                                                    \
    g_test_add("/relay/standby/" path, Fixture, NULL, up, function, tear_down)
    ADD("closes", set_up, test_closes);
    g_test_add_func("/relay/standby/one-closes", test_one_closes);
    ADD("speaks", set_up, test_speaks);
    ADD("old", set_up, test_old);
    ADD("old-inet", set_up_inet, test_old_inet);
    return g_test_run();
}
