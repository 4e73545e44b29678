/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scene.h"

#include "chain/services.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Actor actor;

static void
count_end(gpointer data)
{
    Scene *scene = data;
    scene->ended++;
    scene->session = NULL;
}

void
set_up(Scene *scene, gconstpointer unused)
{
    fixture_set_up(&scene->fixture, unused);
    scene->sessions = mm_sessions_new(scene->fixture.crew, count_end, scene);
    scene->fd = -1;
    mm_frame_reader_init(&scene->in, MM_FRAME_ACCEPT_MAX);
}

/* The host does what there is to do. */
void
turn(Scene *scene)
{
    while (g_main_context_iteration(mm_worker_context(scene->fixture.control), FALSE))
        ;
    if (scene->session)
        scene->most = MAX(scene->most, mm_conn_out(scene->session->conn)->size);
}

void
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
gboolean
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

gboolean
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
char
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
void
expect(Scene *scene, const char *codes)
{
    MmFrame frame;
    for (; *codes; codes++)
        g_assert_cmpint(receive_packet(scene, &frame), ==, *codes);
}

/* A connection up to and with HELO. */
void
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

void
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
char
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
        MilterResult result = mm_services()->edit(actor.worker, actor.ticket, &edit);
        actor.edits_refused += result == MILTER_ERROR_FULL;
        g_assert_true(result == MILTER_OK || result == MILTER_ERROR_FULL);
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

void
finish(Scene *scene)
{
    const MilterVerdict verdict = {.size = sizeof(verdict), .kind = actor.kind};
    mm_services()->finish(actor.worker, actor.ticket, &verdict);
    turn(scene);
}

static void
take_report(void *data, const MilterReport *report)
{
    (void)data;
    actor.reports++;
    actor.reported = report->verdict;
}

static MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .rights = MILTER_RIGHT_CHANGE_BODY,
    .open = open_actor,
    .close = close_actor,
    .negotiate = negotiate,
    .event = on_event,
    .report = take_report,
};

void
serve_actor_with(Scene *scene, const char *manager)
{
    g_autofree char *text = g_strconcat("[manager]\nspool-memory-limit=65536\n", manager,
                                        "[stages/actor]\n" PROBE, NULL);
    MmSnapshot *snapshot = fixture_build(&scene->fixture, text);
    MmInstance *instance = mm_snapshot_instance(snapshot, 0);
    stage.configure = instance->stage->configure;
    stage.discard = instance->stage->discard;
    instance->stage = &stage;
    memset(&actor, 0, sizeof(actor));
    fixture_adopt(&scene->fixture, snapshot);
}

void
serve_actor(Scene *scene)
{
    serve_actor_with(scene, "");
}
