/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a child says at the wrong time, and what it says when it is met a second time. */
#include "peer.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *plugin;

typedef struct Fixture {
    MmHarness *harness;
    char *directory;
    Peer *peer;
} Fixture;

static void
configure(Fixture *fixture, const char *standby)
{
    g_autofree char *spec = g_strconcat("unix:", fixture->peer->path, NULL);
    mm_harness_set(fixture->harness, "connection-spec", spec);
    mm_harness_set(fixture->harness, "standby", standby);
    g_assert_true(mm_harness_configure(fixture->harness));
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    (void)unused;
    fixture->directory = g_dir_make_tmp("relay-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *path = g_build_filename(fixture->directory, "child", NULL);
    fixture->harness = mm_harness_new(plugin);
    fixture->peer = peer_new_unix(fixture->harness, path);
    configure(fixture, "0");
}

static void
set_up_inet(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    fixture->harness = mm_harness_new(plugin);
    fixture->peer = peer_new(fixture->harness, "127.0.0.1", 0);
    g_autofree char *spec = g_strdup_printf("inet:%u@127.0.0.1", fixture->peer->port);
    mm_harness_set(fixture->harness, "connection-spec", spec);
    mm_harness_set(fixture->harness, "standby", "0");
    g_assert_true(mm_harness_configure(fixture->harness));
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_harness_free(fixture->harness);
    peer_free(fixture->peer);
    if (fixture->directory)
        g_rmdir(fixture->directory);
    g_free(fixture->directory);
}

/* ---- Parts of a dialog. */

static MmHarnessSession *
open_negotiated(Fixture *fixture, const char *answer)
{
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    peer_negotiate(fixture->peer, answer);
    mm_harness_await(session);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_CONTINUE);
    return session;
}

/* A session without a child, as if it had been away. */
static MmHarnessSession *
open_alone(Fixture *fixture)
{
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    peer_accept(fixture->peer);
    peer_close(fixture->peer);
    mm_harness_await(session);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_FAILED);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    return session;
}

/* The child got the command and says what. */
static void
answer(Fixture *fixture, MmHarnessSession *session, const char *command, const char *what)
{
    peer_expect(fixture->peer, command);
    peer_say(fixture->peer, what);
    mm_harness_await(session);
}

/* A child that comes late is told of CONNECT and, if there was one, HELO; the question stays open.
 */
static void
take_replay(Fixture *fixture, const char *commands)
{
    for (; *commands; commands++) {
        const char command[] = {*commands, '\0'};
        peer_expect(fixture->peer, command);
        peer_say(fixture->peer, "c");
    }
}

static void
connect_and_helo(Fixture *fixture, MmHarnessSession *session)
{
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    answer(fixture, session, "C", "c");
    mm_harness_helo(session, "mx.example.org");
    answer(fixture, session, "H", "c");
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
}

static void
mail_to_data(Fixture *fixture, MmHarnessSession *session)
{
    mm_harness_mail(session, "<a@example.org>", NULL);
    answer(fixture, session, "M", "c");
    mm_harness_rcpt(session, "<b@example.net>", NULL);
    answer(fixture, session, "R", "c");
    mm_harness_data(session);
    answer(fixture, session, "T", "c");
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
}

/* The stage has failed, and nothing of the connection is left. */
static void
expect_failed(Fixture *fixture, MmHarnessSession *session, const char *why)
{
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_FAILED);
    g_assert_cmpstr(mm_harness_detail(session), ==, why);
    g_assert_cmpuint(mm_harness_n_watches(fixture->harness), ==, 0);
    g_assert_cmpuint(mm_harness_n_timers(fixture->harness), ==, 0);
}

#define MORE_TERMS "it came back and wants more than was negotiated"
#define UNASKED "protocol error: a reply that nobody asked for"

/* ---- Replies that come too early. */

/* A child that comes late and says more than it is asked must not be a reply ahead from then on:
 * the last of them would be taken for its word on the message. */
static void
test_early_in_replay(Fixture *fixture, gconstpointer unused)
{
    static const char *const negotiations[] = {"O6,0,0", "O6,0,0~c"};
    static const char *const replies[] = {"c~c", "c"};
    (void)unused;
    for (guint i = 0; i < G_N_ELEMENTS(replies); i++) {
        MmHarnessSession *session = open_alone(fixture);
        mm_harness_mail(session, "<a@example.org>", NULL);
        peer_accept(fixture->peer);
        peer_expect(fixture->peer, "O");
        peer_say(fixture->peer, negotiations[i]);
        if (i == 0) {
            peer_expect(fixture->peer, "C");
            peer_say(fixture->peer, replies[i]);
        }
        expect_failed(fixture, session, UNASKED);
        mm_harness_close(session);
    }
}

static void
test_early_behind_negotiation(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    peer_negotiate(fixture->peer, "O6,0,0~c");
    mm_harness_await(session);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    expect_failed(fixture, session, UNASKED);
    mm_harness_close(session);
}

/* To what it is not asked to answer. */
static void
test_unasked(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,80"); /* no reply to headers */
    connect_and_helo(fixture, session);
    mail_to_data(fixture, session);
    g_assert_cmpint(mm_harness_header(session, "Subject", "x"), ==, MILTER_VERDICT_CONTINUE);
    peer_expect(fixture->peer, "L");
    peer_say(fixture->peer, "c");
    mm_harness_end_of_headers(session);
    expect_failed(fixture, session, UNASKED);
    mm_harness_close(session);
}

/* ---- A child that is met a second time wants something else. */

/* The host brings only what the child first said it wants: one that wants more now would judge a
 * message of which it has not seen all. */
static void
test_other_terms(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,10"); /* no body */
    connect_and_helo(fixture, session);
    peer_close(fixture->peer);
    mm_harness_mail(session, "<a@example.org>", NULL);
    peer_negotiate(fixture->peer, "O6,0,0");
    expect_failed(fixture, session, MORE_TERMS);
    mm_harness_close(session);
    /* The next session has it as it is now. */
    session = open_negotiated(fixture, "O6,0,0");
    mm_harness_close(session);
}

/* Less is no harm. */
static void
test_fewer_terms(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,0");
    connect_and_helo(fixture, session);
    peer_close(fixture->peer);
    mm_harness_mail(session, "<a@example.org>", NULL);
    peer_negotiate(fixture->peer, "O6,0,10");
    take_replay(fixture, "CH");
    answer(fixture, session, "M", "c");
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
}

/* Nothing was negotiated: the host brings all. */
static void
test_first_terms(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_alone(fixture);
    mm_harness_mail(session, "<a@example.org>", NULL);
    peer_negotiate(fixture->peer, "O6,0,0");
    take_replay(fixture, "C");
    answer(fixture, session, "M", "c");
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
}

/* What no child can be sent is no command to wait for. */
static void
test_large_in_replay(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *name = g_strnfill(70000, 'x');
    (void)unused;
    MmHarnessSession *session = open_alone(fixture);
    mm_harness_helo(session, name);
    mm_harness_mail(session, "<a@example.org>", NULL);
    peer_negotiate(fixture->peer, "O6,0,0");
    peer_expect(fixture->peer, "C");
    peer_say(fixture->peer, "c");
    expect_failed(fixture, session, "too large for a child milter");
    mm_harness_close(session);
}

/* ---- Connections on standby. */

/* The first session's own; then the one that was made meanwhile, which the next session takes. */
static MmHarnessSession *
open_from_standby(Fixture *fixture, const char *terms)
{
    configure(fixture, "1");
    MmHarnessSession *first = mm_harness_open(fixture->harness);
    peer_negotiate(fixture->peer, terms);
    Line line = peer_take(fixture->peer);
    peer_negotiate(fixture->peer, terms);
    mm_harness_close(first);
    line_close(&line);
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_CONTINUE);
    return session;
}

/* The next one for the bench, and the session's. */
static Line
negotiate_two(Fixture *fixture, const char *terms)
{
    peer_negotiate(fixture->peer, terms);
    Line line = peer_take(fixture->peer);
    peer_negotiate(fixture->peer, terms);
    return line;
}

/* It closes when it is asked the first thing, as one that was restarted meanwhile. */
static void
test_stale_with_other_terms(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_from_standby(fixture, "O6,0,10");
    mm_harness_hold(fixture->harness, TRUE);
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    line_close(&fixture->peer->line);
    mm_harness_hold(fixture->harness, FALSE);
    Line line = negotiate_two(fixture, "O6,0,0");
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_FAILED);
    g_assert_cmpstr(mm_harness_detail(session), ==, MORE_TERMS);
    line_close(&line);
    mm_harness_close(session);
}

/* It closes between the negotiation and the first command. */
static void
test_closed_before_connect(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_from_standby(fixture, "O6,0,0");
    peer_close(fixture->peer);
    g_assert_cmpint(mm_harness_connect(session, "mx.example.org", "192.0.2.1"), ==,
                    MM_HARNESS_LATER);
    Line line = negotiate_two(fixture, "O6,0,0");
    answer(fixture, session, "C", "c"); /* it comes behind the bench's */
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    line_close(&line);
    mm_harness_close(session);
}

/* ---- Connections that end. */

static void
message(Fixture *fixture, MmHarnessSession *session, const char *last)
{
    mail_to_data(fixture, session);
    mm_harness_end_of_headers(session);
    answer(fixture, session, "N", "c");
    mm_harness_end_of_message(session);
    answer(fixture, session, "E", last);
}

/* Between messages a reset is an end like any other, and in a message a failure of it alone. */
static void
test_reset(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,0");
    connect_and_helo(fixture, session);
    message(fixture, session, "c");
    peer_reset(fixture->peer);
    mm_harness_mail(session, "<a@example.org>", NULL);
    for (guint i = 0; i < 2; i++) {
        peer_negotiate(fixture->peer, "O6,0,0");
        take_replay(fixture, "CH");
        answer(fixture, session, "M", "c");
        g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
        peer_reset(fixture->peer);
        mm_harness_rcpt(session, "<b@example.net>", NULL);
        expect_failed(fixture, session, "connection closed");
        mm_harness_abort(session);
        mm_harness_mail(session, "<a@example.org>", NULL);
    }
    mm_harness_close(session);
}

/* While the next command is on its way. */
static void
test_reset_at_mail(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,0");
    connect_and_helo(fixture, session);
    message(fixture, session, "c");
    mm_harness_hold(fixture->harness, TRUE);
    mm_harness_mail(session, "<a@example.org>", NULL);
    peer_reset(fixture->peer);
    mm_harness_hold(fixture->harness, FALSE);
    peer_negotiate(fixture->peer, "O6,0,0");
    take_replay(fixture, "CH");
    answer(fixture, session, "M", "c");
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
}

/* It answers and is gone at once, as one that serves one message a connection. */
static void
test_answers_and_closes(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,0");
    connect_and_helo(fixture, session);
    mail_to_data(fixture, session);
    mm_harness_end_of_headers(session);
    answer(fixture, session, "N", "c");
    mm_harness_hold(fixture->harness, TRUE);
    mm_harness_end_of_message(session);
    g_assert_true(line_send_packets(&fixture->peer->line, "r"));
    line_close(&fixture->peer->line);
    mm_harness_hold(fixture->harness, FALSE);
    g_assert_cmpint(mm_harness_await(session), ==, MILTER_VERDICT_REJECT);
    mm_harness_mail(session, "<a@example.org>", NULL);
    peer_negotiate(fixture->peer, "O6,0,0");
    mm_harness_close(session);
}

/* A second answer to a message is the next one's failure, and no more than that one's. */
static void
test_two_last_answers(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,0");
    connect_and_helo(fixture, session);
    message(fixture, session, "c~c");
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_mail(session, "<a@example.org>", NULL);
    expect_failed(fixture, session, UNASKED);
    mm_harness_abort(session);
    mm_harness_mail(session, "<a@example.org>", NULL);
    peer_negotiate(fixture->peer, "O6,0,0");
    take_replay(fixture, "CH");
    answer(fixture, session, "M", "c");
    g_assert_cmpint(mm_harness_verdict(session), ==, MILTER_VERDICT_CONTINUE);
    mm_harness_close(session);
}

/* ---- Negotiation. */

static void
test_large_negotiation(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *list = g_strnfill(70000, 'x');
    g_autofree char *terms = g_strdup_printf("O6,100,0;2=%s", list);
    MmHarnessSession *session = mm_harness_open(fixture->harness);
    peer_accept(fixture->peer);
    peer_expect(fixture->peer, "O");
    mm_harness_hold(fixture->harness, TRUE);
    g_assert_true(line_send_packets(&fixture->peer->line, terms));
    mm_harness_hold(fixture->harness, FALSE);
    mm_harness_await(session);
    g_assert_cmpint(mm_harness_negotiation(session), ==, MILTER_VERDICT_FAILED);
    g_assert_cmpstr(mm_harness_detail(session), ==, "protocol error: packet too large");
    mm_harness_close(session);
}

/* ---- Lists of macros. */

/* In the child's spelling and order, however long its list is. */
static void
expect_macros(Fixture *fixture, const char *list, const char *packet)
{
    g_autofree char *terms = g_strdup_printf("O6,100,0;2=%s", list);
    MmHarnessSession *session = open_negotiated(fixture, terms);
    connect_and_helo(fixture, session);
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{x}", "1");
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "i", "Q");
    mm_harness_set_macro(session, MILTER_EVENT_MAIL, "{unwanted}", "2");
    mm_harness_mail(session, "<a@example.org>", NULL);
    if (packet)
        peer_expect(fixture->peer, packet);
    answer(fixture, session, "M", "c");
    mm_harness_close(session);
}

static void
test_macros(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *unknown = g_strnfill(300, 'u');
    g_autofree char *first = g_strdup_printf("%s {i} x", unknown);
    g_autofree char *last = g_strdup_printf("{i},{x} %s", unknown);
    expect_macros(fixture, "{i} {x}", "DM{i}|Q|{x}|1|");
    expect_macros(fixture, " ,{x},, i i ", "DM{x}|1|i|Q|i|Q|");
    expect_macros(fixture, first, "DM{i}|Q|x|1|");
    expect_macros(fixture, last, "DM{i}|Q|{x}|1|");
    expect_macros(fixture, unknown, NULL);
    expect_macros(fixture, "", NULL);
}

/* ---- Waits. */

/* Signs of life put off the end of each wait, and are no answer. */
static void
test_progress(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,0");
    mm_harness_connect(session, "mx.example.org", "192.0.2.1");
    peer_expect(fixture->peer, "C");
    for (guint i = 0; i < 5; i++) {
        mm_harness_advance(fixture->harness, 6);
        g_assert_cmpint(mm_harness_verdict(session), ==, MM_HARNESS_LATER);
        peer_say(fixture->peer, "p");
    }
    mm_harness_advance(fixture->harness, 7.5);
    g_assert_true(mm_harness_timed_out(session));
    peer_expect_end(fixture->peer);
    mm_harness_close(session);
}

static void
take_all(Fixture *fixture, gsize *taken, gsize most)
{
    static char room[16384];
    ssize_t n;
    while (*taken < most &&
           (n = recv(fixture->peer->line.fd, room, sizeof(room), MSG_DONTWAIT)) > 0) {
        *taken += (gsize)n;
        mm_harness_pump(fixture->harness);
    }
}

/* A child that reads slowly, but reads, is waited for. */
static void
test_slow_reader(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *chunk = g_strnfill(60000, 'x');
    gsize taken = 0;
    (void)unused;
    MmHarnessSession *session = open_negotiated(fixture, "O6,0,80080"); /* none to body */
    connect_and_helo(fixture, session);
    mail_to_data(fixture, session);
    mm_harness_end_of_headers(session);
    answer(fixture, session, "N", "c");
    mm_harness_set_flags(session, MILTER_EVENT_MORE);
    while (mm_harness_body(session, chunk, 60000) == MILTER_VERDICT_CONTINUE)
        mm_harness_set_flags(session, MILTER_EVENT_MORE);
    g_assert_cmpint(mm_harness_verdict(session), ==, MM_HARNESS_LATER);
    mm_harness_advance(fixture->harness, 5);
    take_all(fixture, &taken, 200000); /* the system says that there is room after three quarters */
    mm_harness_advance(fixture->harness, 5);
    g_assert_false(mm_harness_timed_out(session));
    mm_harness_advance(fixture->harness, 5);
    g_assert_true(mm_harness_timed_out(session));
    mm_harness_close(session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    plugin = argv[1];
#define ADD(path, function)                                                                        \
    g_test_add("/relay/talk/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("early-in-replay", test_early_in_replay);
    ADD("early-behind-negotiation", test_early_behind_negotiation);
    ADD("unasked", test_unasked);
    ADD("other-terms", test_other_terms);
    ADD("fewer-terms", test_fewer_terms);
    ADD("first-terms", test_first_terms);
    ADD("large-in-replay", test_large_in_replay);
    ADD("stale-with-other-terms", test_stale_with_other_terms);
    ADD("closed-before-connect", test_closed_before_connect);
#define ADD_INET(path, function)                                                                   \
    g_test_add("/relay/talk/" path, Fixture, NULL, set_up_inet, function, tear_down)
    ADD_INET("reset", test_reset);
    ADD_INET("reset-at-mail", test_reset_at_mail);
    ADD("answers-and-closes", test_answers_and_closes);
    ADD("two-last-answers", test_two_last_answers);
    ADD("large-negotiation", test_large_negotiation);
    ADD("macros", test_macros);
    ADD("progress", test_progress);
    ADD("slow-reader", test_slow_reader);
    return g_test_run();
}
