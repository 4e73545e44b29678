/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session on a pair of sockets, the MTA's end held by the test: what it keeps in memory, how long
 * it stays. */
#include "session/private.h"

#include "chain/services.h"
#include "fixture.h"

#include <errno.h>
#include <libmilter/mfdef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What may wait to be written, whatever the MTA sends or a stage answers. */
#define OUT_MAX (512u * 1024u)

typedef struct Scene {
    Fixture fixture;
    MmSessions *sessions;
    MmSession *session;
    int fd;
    MmFrameReader in;
    guint ended;
    gsize most; /* that was held to be written */
} Scene;

static void
count_end(gpointer data)
{
    Scene *scene = data;
    scene->ended++;
    scene->session = NULL;
}

static void
set_up(Scene *scene, gconstpointer unused)
{
    fixture_set_up(&scene->fixture, unused);
    scene->sessions = mm_sessions_new(scene->fixture.crew, count_end, scene);
    scene->fd = -1;
    mm_frame_reader_init(&scene->in, MM_FRAME_ACCEPT_MAX);
}

/* The host does what there is to do. */
static void
turn(Scene *scene)
{
    while (g_main_context_iteration(mm_worker_context(scene->fixture.control), FALSE))
        ;
    if (scene->session)
        scene->most = MAX(scene->most, mm_conn_out(scene->session->conn)->size);
}

static void
tear_down(Scene *scene, gconstpointer unused)
{
    if (scene->fd >= 0)
        close(scene->fd);
    turn(scene);
    g_assert_cmpuint(scene->ended, ==, 1);
    mm_frame_reader_clear(&scene->in);
    mm_sessions_free(scene->sessions);
    fixture_tear_down(&scene->fixture, unused);
}

/* ---- The MTA. */

/* FALSE: the host takes no more. */
static gboolean
send_bytes(Scene *scene, const MmBuffer *bytes)
{
    const guint8 *data = mm_buffer_data(bytes);
    gsize left = mm_buffer_length(bytes);
    while (left > 0) {
        ssize_t sent = send(scene->fd, data, left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN && left == mm_buffer_length(bytes))
            return FALSE;
        g_assert_true(sent > 0 || errno == EAGAIN);
        data += MAX(sent, 0);
        left -= (gsize)MAX(sent, 0);
        turn(scene);
    }
    turn(scene);
    return TRUE;
}

static gboolean
send_packet(Scene *scene, char code, const void *data, gsize size)
{
    MmBuffer out;
    mm_buffer_init(&out, 0);
    mm_frame_append(&out, (guint8)code, data, size);
    gboolean sent = send_bytes(scene, &out);
    mm_buffer_clear(&out);
    return sent;
}

/* TRUE: something was there. */
static gboolean
read_some(Scene *scene, gboolean *end)
{
    gsize available;
    guint8 *place = mm_frame_reader_reserve(&scene->in, &available);
    ssize_t got = recv(scene->fd, place, available, 0);
    *end = got == 0;
    if (got > 0)
        mm_frame_reader_commit(&scene->in, (gsize)got);
    return got > 0;
}

/* The code of the next packet, "-" for none, "." for the end. */
static char
receive_packet(Scene *scene, MmFrame *frame)
{
    gboolean end = FALSE;
    while (mm_frame_reader_next(&scene->in, frame) == MM_FRAME_MORE) {
        turn(scene);
        if (!read_some(scene, &end))
            return end ? '.' : '-';
    }
    return (char)frame->code;
}

/* One code a packet; "-": and nothing more, ".": the end. */
static void
expect(Scene *scene, const char *codes)
{
    MmFrame frame;
    for (; *codes; codes++)
        g_assert_cmpint(receive_packet(scene, &frame), ==, *codes);
}

/* text: a literal, which may have NULs. */
#define STEP(scene, code, text, answer)                                                            \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_assert_true(send_packet(scene, code, text, sizeof(text) - 1));                           \
        expect(scene, answer);                                                                     \
    }                                                                                              \
    G_STMT_END

#define OFFER "\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"
#define CLIENT                                                                                     \
    "client.example\0"                                                                             \
    "4"                                                                                            \
    "\0\x19"                                                                                       \
    "192.0.2.1\0"

/* A connection up to and with HELO. */
static void
open_session(Scene *scene)
{
    int fds[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
    scene->fd = fds[1];
    mm_sessions_start(scene->sessions, fds[0]);
    scene->session = scene->sessions->first;
    STEP(scene, 'O', OFFER, "O-");
    STEP(scene, 'C', CLIENT, "c-");
    STEP(scene, 'H', "mail.example\0", "c-");
}

static void
send_message(Scene *scene)
{
    STEP(scene, 'M', "<a@example.org>\0", "c-");
    STEP(scene, 'R', "<b@example.net>\0", "c-");
    STEP(scene, 'T', "", "c-");
    STEP(scene, 'N', "", "-");
    STEP(scene, 'B', "body\r\n", "-");
    g_assert_true(send_packet(scene, 'E', NULL, 0));
}

/* ---- A stage that does what the test says. */

static struct {
    gsize new_body;         /* bytes; 0: the body stays */
    gboolean later;         /* no answer yet: see finish */
    gboolean negotiates;    /* and none to the negotiation */
    MilterVerdictKind kind; /* of its answers */
    MilterWorker *worker;
    MilterTicket ticket;
} actor;

static void *
open_actor(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)instance;
    (void)in_worker;
    (void)session;
    actor.worker = worker;
    return &actor;
}

static void
close_actor(void *data)
{
    (void)data;
}

/* Byte i of the new body. */
static char
byte_at(gsize i)
{
    return (char)('!' + i % 89);
}

static void
replace_body(void)
{
    char piece[65536];
    for (gsize done = 0; done < actor.new_body; done += sizeof(piece)) {
        for (gsize i = 0; i < sizeof(piece); i++)
            piece[i] = byte_at(done + i);
        const MilterEdit edit = {.size = sizeof(edit),
                                 .kind = MILTER_EDIT_REPLACE_BODY,
                                 .value = {piece, MIN(sizeof(piece), actor.new_body - done)}};
        g_assert_cmpint(mm_services()->edit(actor.worker, actor.ticket, &edit), ==, MILTER_OK);
    }
}

static MilterReturn
on_event(void *data, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    (void)data;
    actor.ticket = ticket;
    verdict->kind = actor.kind;
    if (event->kind == MILTER_EVENT_END_OF_MESSAGE)
        replace_body();
    return actor.later ? MILTER_LATER : MILTER_DONE;
}

static MilterReturn
negotiate(void *data, MilterTicket ticket, const MilterOffer *offer, MilterNegotiation *negotiation)
{
    (void)data;
    (void)offer;
    (void)negotiation;
    actor.ticket = ticket;
    return actor.negotiates ? MILTER_LATER : MILTER_DONE;
}

static void
finish(Scene *scene)
{
    const MilterVerdict verdict = {.size = sizeof(verdict), .kind = actor.kind};
    mm_services()->finish(actor.worker, actor.ticket, &verdict);
    turn(scene);
}

static MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .rights = MILTER_RIGHT_CHANGE_BODY,
    .open = open_actor,
    .close = close_actor,
    .negotiate = negotiate,
    .event = on_event,
};

/* A chain of the actor alone. */
static void
serve_actor(Scene *scene)
{
    MmSnapshot *snapshot = fixture_build(
        &scene->fixture, "[manager]\nspool-memory-limit=65536\n[stages/actor]\n" PROBE);
    MmInstance *instance = mm_snapshot_instance(snapshot, 0);
    stage.configure = instance->stage->configure;
    stage.discard = instance->stage->discard;
    instance->stage = &stage;
    memset(&actor, 0, sizeof(actor));
    fixture_adopt(&scene->fixture, snapshot);
}

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
    ADD("/session/new-connection", test_new_connection);
    ADD("/session/drain/idle", test_drain_idle);
    ADD("/session/drain/helo", test_drain_helo);
    ADD("/session/drain/mail-refused", test_drain_mail_refused);
    ADD_WITH("/session/drain/mail-discarded", "", test_drain_mail_refused);
    ADD_WITH("/session/drain/mail", "message", test_drain_mail);
    ADD_WITH("/session/drain/mail-aborted", "abort", test_drain_mail);
    ADD("/session/drain/behind", test_drain_behind);
    return g_test_run();
}
