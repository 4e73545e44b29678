/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session: what it keeps in memory, what is told of a message, how long it stays. */
#include "scene.h"

#include "chain/services.h"

#include <libmilter/mfdef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What may wait to be written, whatever the MTA sends or a stage answers. */
#define OUT_MAX (512u * 1024u)

/* ---- Memory. */

/* The MTA sends commands and takes no answer. */
static void
test_commands_unread(Scene *scene, gconstpointer unused)
{
    MmBuffer many;
    guint sent = 0, answered = 0;
    (void)unused;
    fixture_serve(&scene->fixture, "");
    open_session(scene);
    mm_buffer_init(&many, 0);
    for (guint i = 0; i < 1000; i++)
        mm_frame_append(&many, 'H', "x", 2);
    while (sent < 4000000 && send_bytes(scene, &many))
        sent += 1000;
    mm_buffer_clear(&many);
    g_test_message("%u commands taken, %" G_GSIZE_FORMAT " bytes held", sent, scene->most);
    g_assert_cmpuint(scene->most, <=, OUT_MAX);
    MmFrame frame;
    while (receive_packet(scene, &frame) == 'c')
        answered++;
    g_assert_cmpuint(answered, ==, sent);
    STEP(scene, 'H', "again\0", "c-");
}

/* The MTA takes the new body of a message slowly. */
static void
test_body_unread(Scene *scene, gconstpointer unused)
{
    const gsize size = 16u * 1024u * 1024u + 1u;
    MmFrame frame;
    gsize got = 0;
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    actor.new_body = size;
    send_message(scene);
    char code;
    while ((code = receive_packet(scene, &frame)) == 'b') {
        for (gsize i = 0; i < frame.size; i++, got++)
            g_assert_cmpint(frame.data[i], ==, byte_at(got));
    }
    g_assert_cmpint(code, ==, 'c');
    expect(scene, "-");
    g_assert_cmpuint(got, ==, size);
    g_test_message("%" G_GSIZE_FORMAT " bytes held", scene->most);
    g_assert_cmpuint(scene->most, <=, OUT_MAX);
    actor.new_body = 0;
    send_message(scene);
    expect(scene, "c-");
}

/* Its length; what follows is CONTINUE. */
static gsize
receive_body(Scene *scene)
{
    MmFrame frame = {0};
    gsize got = 0;
    for (; receive_packet(scene, &frame) == 'b'; got += frame.size)
        ;
    g_assert_cmpint(frame.code, ==, 'c');
    return got;
}

/* The socket takes at once what is more than may wait: the MTA's next message is read. */
static void
test_body_taken_at_once(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    for (actor.new_body = 65520; actor.new_body <= 65540; actor.new_body++) {
        send_message(scene);
        g_assert_cmpuint(receive_body(scene), ==, actor.new_body);
    }
}

#ifdef __linux__
/* The file of the process that has been unlinked, -1: there is none. */
static int
spool_file(void)
{
    g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
    const char *name;
    int fd = -1;
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *link = g_build_filename("/proc/self/fd", name, NULL);
        g_autofree char *target = g_file_read_link(link, NULL);
        if (target && strstr(target, "/milter-manager-") && strstr(target, "deleted"))
            fd = atoi(name);
    }
    return fd;
}

/* What is left of the new body is lost: the message is refused, though its first pieces are sent.
 */
static void
test_body_lost(Scene *scene, gconstpointer unused)
{
    MmFrame frame;
    guint pieces = 0;
    char code;
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    actor.new_body = 4u * 1024u * 1024u;
    send_message(scene);
    expect(scene, "b");
    g_assert_cmpint(ftruncate(spool_file(), 0), ==, 0);
    for (; (code = receive_packet(scene, &frame)) == 'b'; pieces++)
        ;
    g_assert_cmpint(code, ==, 't');
    g_assert_cmpuint(pieces, <, 16);
    g_assert_cmpint(spool_file(), ==, -1);
    actor.new_body = 0;
    send_message(scene);
    expect(scene, "c-");
}

/* An MTA that sends neither ABORT nor another message for a while: what the last one was made of is
 * not kept for it. */
static void
test_body_let_go(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    actor.new_body = 1024u * 1024u;
    send_message(scene);
    g_assert_cmpuint(receive_body(scene), ==, actor.new_body);
    g_assert_cmpint(spool_file(), ==, -1);
}
#endif

/* The MTA goes while the new body is on its way. */
/* A stage that does not look whether its new body was taken does not let half of it pass. */
static void
test_body_without_room(Scene *scene, gconstpointer kind)
{
    serve_actor_with(scene, "spool-directory='/dev/null'\nfallback-status='temporary-failure'\n");
    open_session(scene);
    STEP(scene, 'M', "<a@example.org>\0", "c-");
    STEP(scene, 'R', "<b@example.net>\0", "c-");
    STEP(scene, 'N', "", "-");
    actor.new_body = 1024u * 1024u;
    actor.kind = GPOINTER_TO_UINT(kind);
    STEP(scene, 'E', "", "t-");
    g_assert_cmpuint(actor.edits_refused, ==, 15);
}

static void
test_body_hang_up(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    actor.new_body = 4u * 1024u * 1024u;
    send_message(scene);
    expect(scene, "b");
    close(scene->fd);
    turn(scene);
    g_assert_cmpuint(scene->ended, ==, 1);
    scene->fd = -1;
}

/* ---- The end of the host: who is in no message goes when it has its answer. */

static void
drain(Scene *scene)
{
    mm_sessions_drain(scene->sessions);
    turn(scene);
}

static void
test_drain_idle(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    drain(scene);
    expect(scene, ".");
}

static void
test_drain_helo(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    actor.later = TRUE;
    STEP(scene, 'H', "again\0", "-");
    drain(scene);
    expect(scene, "-");
    finish(scene);
    expect(scene, "c.");
}

static void
test_drain_mail_refused(Scene *scene, gconstpointer discards)
{
    serve_actor(scene);
    open_session(scene);
    actor.later = TRUE;
    STEP(scene, 'M', "<a@example.org>\0", "-");
    drain(scene);
    actor.kind = discards ? MILTER_VERDICT_DISCARD : MILTER_VERDICT_TEMPFAIL;
    finish(scene);
    expect(scene, discards ? "d." : "t.");
}

/* A message that has begun is brought to its end, however it ends. */
static void
test_drain_mail(Scene *scene, gconstpointer ends)
{
    serve_actor(scene);
    open_session(scene);
    actor.later = TRUE;
    STEP(scene, 'M', "<a@example.org>\0", "-");
    drain(scene);
    finish(scene);
    expect(scene, "c-");
    actor.later = FALSE;
    STEP(scene, 'R', "<b@example.net>\0", "c-");
    STEP(scene, 'T', "", "c-");
    STEP(scene, 'N', "", "-");
    if (strcmp(ends, "abort") == 0)
        STEP(scene, 'A', "", ".");
    else
        STEP(scene, 'E', "", "c.");
}

/* The answers to what came before are written, though the MTA takes none for a while. */
static void
test_drain_behind(Scene *scene, gconstpointer unused)
{
    const gsize size = 4u * 1024u * 1024u;
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    actor.new_body = size;
    send_message(scene);
    drain(scene);
    g_assert_cmpuint(receive_body(scene), ==, size);
    expect(scene, ".");
}

/* ---- What is told of a message: one line, and a report if it has a verdict. */

static guint64
aborted(const Scene *scene)
{
    return mm_counter_get(scene->sessions->messages[MM_OUTCOME_ABORT]);
}

/* A stage learns from the mail that went through: what the MTA gave up did not. */
static void
test_report(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    send_message(scene);
    expect(scene, "c-");
    g_assert_cmpuint(actor.reports, ==, 1);
    g_assert_cmpuint(actor.reported, ==, MILTER_VERDICT_CONTINUE);
    guint64 before = aborted(scene);
    STEP(scene, 'M', "<a@example.org>\0", "c-");
    STEP(scene, 'R', "<b@example.net>\0", "c-");
    STEP(scene, 'A', "", "-");
    g_assert_cmpuint(aborted(scene), ==, before + 1);
    g_assert_cmpuint(actor.reports, ==, 1);
    STEP(scene, 'M', "<a@example.org>\0", "c-");
    actor.kind = MILTER_VERDICT_REJECT;
    STEP(scene, 'R', "<b@example.net>\0", "r-");
    STEP(scene, 'A', "", "-");
    g_assert_cmpuint(actor.reports, ==, 2);
    g_assert_cmpuint(actor.reported, ==, MILTER_VERDICT_REJECT);
}

/* The MTA does not wait for the answer to MAIL. */
static void
test_hang_up_at_mail(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    guint64 before = aborted(scene);
    actor.later = TRUE;
    STEP(scene, 'M', "<a@example.org>\0", "-");
    close(scene->fd);
    scene->fd = -1;
    turn(scene);
    g_assert_cmpuint(scene->ended, ==, 1);
    g_assert_cmpuint(aborted(scene), ==, before + 1);
}

/* ---- Waits. */

/* After QUIT_NC the MTA is owed no answer to a negotiation: its next CONNECT, for which the time
 * runs, is not kept waiting for one that nothing is known of. */
static void
test_new_connection(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    serve_actor(scene); /* nothing is known of this one's stages */
    actor.negotiates = TRUE;
    STEP(scene, 'K', "", "-");
    STEP(scene, 'C', CLIENT, "-");
    g_assert_true(scene->session->connected);
    mm_services()->finish_negotiation(actor.worker, actor.ticket, NULL, "no");
    expect(scene, "t-");
}

/* ---- 158: silence. */

/* Nothing comes for so long. */
static void
pass_time(Scene *scene, double seconds)
{
    MmSession *session = scene->session;
    session->last_activity -= (gint64)(seconds * G_USEC_PER_SEC);
    g_assert_true(mm_timer_is_armed(&session->idle));
    mm_timer_start(session->reactor, &session->idle, 0, session->idle.function, session->idle.data);
    turn(scene);
}

static void
test_158(Scene *scene, gconstpointer unused)
{
    const double minutes = 60;
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    pass_time(scene, 20 * minutes);
    STEP(scene, 'M', "<a@example.org>\0", "c-");
    pass_time(scene, 20 * minutes);
    STEP(scene, 'R', "<b@example.net>\0", "c-");
    pass_time(scene, 7209);
    STEP(scene, 'A', "", "-");
    pass_time(scene, 7211);
    expect(scene, ".");
}

/* Inside a packet there is no reason to wait. */
static void
test_inside(Scene *scene, gconstpointer unused)
{
    (void)unused;
    serve_actor(scene);
    open_session(scene);
    g_assert_cmpint(send(scene->fd, "\0\0\0\x05H", 5, MSG_NOSIGNAL), ==, 5);
    turn(scene);
    pass_time(scene, 59);
    expect(scene, "-");
    pass_time(scene, 2);
    expect(scene, ".");
}

#define ADD_WITH(path, data, function) g_test_add(path, Scene, data, set_up, function, tear_down)
#define ADD(path, function) ADD_WITH(path, NULL, function)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/conformance/158", test_158);
    ADD("/session/idle/inside", test_inside);
    ADD("/session/unread/commands", test_commands_unread);
    ADD("/session/unread/body", test_body_unread);
    ADD("/session/unread/body-hang-up", test_body_hang_up);
    ADD("/session/body-taken-at-once", test_body_taken_at_once);
#ifdef __linux__
    ADD("/session/unread/body-lost", test_body_lost);
    ADD("/session/body-let-go", test_body_let_go);
#endif
    ADD_WITH("/session/body-without-room/continue", GUINT_TO_POINTER(MILTER_VERDICT_CONTINUE),
             test_body_without_room);
    ADD_WITH("/session/body-without-room/accept", GUINT_TO_POINTER(MILTER_VERDICT_ACCEPT),
             test_body_without_room);
    ADD("/session/new-connection", test_new_connection);
    ADD("/session/report", test_report);
    ADD("/session/hang-up-at-mail", test_hang_up_at_mail);
    ADD("/session/drain/idle", test_drain_idle);
    ADD("/session/drain/helo", test_drain_helo);
    ADD("/session/drain/mail-refused", test_drain_mail_refused);
    ADD_WITH("/session/drain/mail-discarded", "", test_drain_mail_refused);
    ADD_WITH("/session/drain/mail", "message", test_drain_mail);
    ADD_WITH("/session/drain/mail-aborted", "abort", test_drain_mail);
    ADD("/session/drain/behind", test_drain_behind);
    return g_test_run();
}
