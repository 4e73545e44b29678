/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the relay gets its connection: a name with many addresses, a queue that is full. */
#include "peer.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME "scanner.example"
/* None of them is anybody's: nothing of these tests leaves the machine. */
#define REFUSED "127.0.0.2"
#define FULL "127.0.0.3"

static const char *plugin;

typedef struct Fixture {
    MmHarness *harness;
    Peer *peer;    /* 127.0.0.1, listens */
    Peer *refused; /* nobody listens */
    Peer *full;    /* its queue is full: a connection stays on its way */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarness *harness = fixture->harness = mm_harness_new(plugin);
    fixture->peer = peer_new(harness, "127.0.0.1", 0);
    fixture->refused = peer_new_deaf(harness, REFUSED, fixture->peer->port);
    fixture->full = peer_new(harness, FULL, fixture->peer->port);
    peer_fill(fixture->full);
    g_autofree char *spec = g_strdup_printf("inet:%u@" NAME, fixture->peer->port);
    mm_harness_set(harness, "connection-spec", spec);
    mm_harness_set(harness, "connection-timeout", "4.0");
    mm_harness_set(harness, "standby", "0");
    g_assert_true(mm_harness_configure(harness));
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_harness_free(fixture->harness);
    peer_free(fixture->peer);
    peer_free(fixture->refused);
    peer_free(fixture->full);
}

#define ADDRESSES(...)                                                                             \
    mm_harness_name(fixture->harness, MILTER_RESOLVE_HOST, NAME, __VA_ARGS__, NULL)

/* The child is reached in the end. */
static void
reach(Peer *peer, MmHarnessSession *session)
{
    peer_negotiate(peer, "O6,0,0");
    mm_harness_await(session);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpint(mm_harness_connect(session, "mx.example.org", "192.0.2.1"), ==,
                    MM_HARNESS_LATER);
    peer_expect(peer, "Cmx.example.org|");
    peer_say(peer, "c");
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
    peer_expect(peer, "Q");
}

static MmHarnessSession *
fail(Fixture *fixture, const char *why)
{
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    mm_harness_await(session);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_FAILED);
    g_assert_cmpstr(mm_harness_detail(session), ==, why);
    g_assert_cmpuint(mm_harness_n_watches(fixture->harness), ==, 0);
    g_assert_cmpuint(mm_harness_n_timers(fixture->harness), ==, 0);
    return session;
}

static void
test_first(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES("127.0.0.1", REFUSED);
    reach(fixture->peer, mm_harness_open(fixture->harness));
}

static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(REFUSED, REFUSED, "127.0.0.1");
    reach(fixture->peer, mm_harness_open(fixture->harness));
}

/* Errors that connect itself returns: the broadcast address is no one's. */
static void
test_impossible(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES("255.255.255.255", "127.0.0.1");
    reach(fixture->peer, mm_harness_open(fixture->harness));
}

/* An address of the other family is no address of this child. */
static void
test_family(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES("::1", "2001:db8::25", "127.0.0.1", "::1");
    reach(fixture->peer, mm_harness_open(fixture->harness));
    ADDRESSES("::1", "2001:db8::25");
    mm_harness_close(fail(fixture, "the host name has no address of the family"));
}

static void
test_family_inet6(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *spec = g_strdup_printf("inet6:%u@" NAME, fixture->peer->port);
    mm_harness_set(fixture->harness, "connection-spec", spec);
    g_assert_true(mm_harness_configure(fixture->harness));
    ADDRESSES("127.0.0.1");
    mm_harness_close(fail(fixture, "the host name has no address of the family"));
    g_assert_false(peer_has_caller(fixture->peer));
}

/* Who does not answer gets his share of the time, and no more. */
static void
test_silent(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(FULL, "127.0.0.1");
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    mm_harness_advance(fixture->harness, 1.9);
    g_assert_false(peer_has_caller(fixture->peer));
    mm_harness_advance(fixture->harness, 0.2);
    reach(fixture->peer, session);
}

/* What one leaves of his share is the others'. */
static void
test_silent_share(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(REFUSED, REFUSED, FULL, "127.0.0.1");
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    mm_harness_advance(fixture->harness, 1.9);
    g_assert_false(peer_has_caller(fixture->peer));
    mm_harness_advance(fixture->harness, 0.2);
    reach(fixture->peer, session);
}

/* All of it for the last: the deadline of the question ends it. */
static void
test_silent_all(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(REFUSED, FULL);
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    mm_harness_advance(fixture->harness, 3.9);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MM_HARNESS_LATER);
    mm_harness_advance(fixture->harness, 0.2);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_FAILED);
    g_assert_true(mm_harness_timed_out(session));
    g_assert_cmpuint(mm_harness_n_watches(fixture->harness), ==, 0);
    g_assert_cmpuint(mm_harness_n_timers(fixture->harness), ==, 0);
    mm_harness_close(session);
}

/* The last one's reason is told, and whose it is. */
static void
test_none(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(REFUSED);
    mm_harness_close(fail(fixture, REFUSED ": Connection refused"));
    ADDRESSES("127.0.0.4", REFUSED);
    mm_harness_close(fail(fixture, REFUSED ": Connection refused"));
    mm_harness_name_fails(fixture->harness, MILTER_RESOLVE_HOST, NAME, MILTER_RESOLVE_NONE);
    mm_harness_close(fail(fixture, "the host name does not exist"));
    mm_harness_name_fails(fixture->harness, MILTER_RESOLVE_HOST, NAME, MILTER_RESOLVE_TEMPORARY);
    mm_harness_close(fail(fixture, "the host name was not resolved"));
}

/* The session ends while an address is tried, and others would be next. */
static void
test_closed(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(FULL, "127.0.0.1");
    mm_harness_close(mm_harness_open(fixture->harness));
    g_assert_cmpuint(mm_harness_n_watches(fixture->harness), ==, 0);
    g_assert_cmpuint(mm_harness_n_timers(fixture->harness), ==, 0);
    mm_harness_advance(fixture->harness, 10);
    g_assert_false(peer_has_caller(fixture->peer));
}

/* The name is asked for anew by each session: it may have moved. */
static void
test_moved(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(REFUSED);
    MmHarnessSession *session = fail(fixture, REFUSED ": Connection refused");
    ADDRESSES("127.0.0.1");
    g_assert_cmpint(mm_harness_connect(session, "mx.example.org", "192.0.2.1"), ==,
                    MILTER_VERDICT_FAILED);
    mm_harness_close(session);
    reach(fixture->peer, mm_harness_open(fixture->harness));
    g_assert_cmpuint(mm_harness_name_asked(fixture->harness, MILTER_RESOLVE_HOST, NAME), ==, 2);
}

/* Who did not answer is not waited for by each session: he comes last, for a minute. */
static void
test_failed(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(FULL, "127.0.0.1");
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    mm_harness_advance(fixture->harness, 2.1);
    reach(fixture->peer, session);
    reach(fixture->peer, mm_harness_open(fixture->harness));
    mm_harness_advance(fixture->harness, 58);
    reach(fixture->peer, mm_harness_open(fixture->harness));
    mm_harness_advance(fixture->harness, 3);
    session = mm_harness_open(fixture->harness);
    mm_harness_advance(fixture->harness, 1.9);
    g_assert_false(peer_has_caller(fixture->peer));
    mm_harness_advance(fixture->harness, 0.2);
    reach(fixture->peer, session);
}

/* Where nobody is better he is tried in his place, and once he answers he is as good as any. */
static void
test_failed_back(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(FULL, REFUSED, "127.0.0.1");
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    mm_harness_advance(fixture->harness, 2.1);
    reach(fixture->peer, session);
    g_assert_cmpint(listen(fixture->refused->listener, 1), ==, 0);
    ADDRESSES(REFUSED, FULL);
    reach(fixture->refused, mm_harness_open(fixture->harness));
    ADDRESSES(FULL, REFUSED);
    reach(fixture->refused, mm_harness_open(fixture->harness));
}

/* ---- A unix socket. */

typedef struct Local {
    MmHarness *harness;
    char *directory;
    Peer *peer;
} Local;

static void
set_up_local(Local *local, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    (void)unused;
    local->directory = g_dir_make_tmp("relay-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *path = g_build_filename(local->directory, "child", NULL);
    g_autofree char *spec = g_strconcat("unix:", path, NULL);
    local->harness = mm_harness_new(plugin);
    local->peer = peer_new_unix(local->harness, path);
    mm_harness_set(local->harness, "connection-spec", spec);
    mm_harness_set(local->harness, "connection-timeout", "4.0");
    mm_harness_set(local->harness, "standby", "0");
    g_assert_true(mm_harness_configure(local->harness));
}

static void
tear_down_local(Local *local, gconstpointer unused)
{
    (void)unused;
    mm_harness_free(local->harness);
    peer_free(local->peer);
    g_rmdir(local->directory);
    g_free(local->directory);
}

#ifdef __linux__ /* elsewhere a full queue cannot be told from a refusal */
/* A child that is busy takes the connection as soon as there is room in its queue: a burst of
 * sessions is no failure. */
static void
test_queue(Local *local, gconstpointer unused)
{
    (void)unused;
    peer_fill(local->peer);
    MmHarnessSession *session = mm_harness_open(local->harness);
    mm_harness_advance(local->harness, 2);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MM_HARNESS_LATER);
    peer_empty(local->peer);
    mm_harness_advance(local->harness, 0.5);
    peer_negotiate(local->peer, "O6,0,0");
    mm_harness_await(session);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
}

static void
test_queue_for_ever(Local *local, gconstpointer unused)
{
    (void)unused;
    peer_fill(local->peer);
    MmHarnessSession *session = mm_harness_open(local->harness);
    mm_harness_advance(local->harness, 4);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_FAILED);
    g_assert_cmpstr(mm_harness_detail(session), ==, "its queue of connections is full");
    g_assert_cmpuint(mm_harness_n_timers(local->harness), ==, 0);
    g_assert_cmpuint(mm_harness_n_watches(local->harness), ==, 0);
    mm_harness_close(session);
    mm_harness_close(mm_harness_open(local->harness)); /* in between */
    g_assert_cmpuint(mm_harness_n_timers(local->harness), ==, 0);
}
#endif

/* Nobody listens. */
static void
test_stale(Local *local, gconstpointer unused)
{
    (void)unused;
    close(local->peer->listener);
    MmHarnessSession *session = mm_harness_open(local->harness);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_FAILED);
    g_assert_cmpstr(mm_harness_detail(session), ==, "Connection refused");
    mm_harness_close(session);
    local->peer->listener = -1;
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    plugin = argv[1];
#define ADD(path, function)                                                                        \
    g_test_add("/relay/connect/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("first", test_first);
    ADD("refused", test_refused);
    ADD("impossible", test_impossible);
    ADD("family", test_family);
    ADD("family-inet6", test_family_inet6);
    ADD("silent", test_silent);
    ADD("silent-share", test_silent_share);
    ADD("silent-all", test_silent_all);
    ADD("none", test_none);
    ADD("closed", test_closed);
    ADD("moved", test_moved);
    ADD("failed", test_failed);
    ADD("failed-back", test_failed_back);
#define ADD_LOCAL(path, function)                                                                  \
    g_test_add("/relay/connect/" path, Local, NULL, set_up_local, function, tear_down_local)
#ifdef __linux__
    ADD_LOCAL("queue", test_queue);
    ADD_LOCAL("queue-for-ever", test_queue_for_ever);
#endif
    ADD_LOCAL("stale", test_stale);
    return g_test_run();
}
