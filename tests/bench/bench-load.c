/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plays an MTA with many sessions at once, in one thread: what a Postfix sends, byte by byte
 * prepared beforehand. Prints the rate and how long a message took, from MAIL to the last answer.
 */
#include "base/buffer.h"
#include "sockets.h"
#include "wire/negotiate.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A step of a session: bytes, then one final answer. */
typedef enum Step {
    STEP_NEGOTIATE,
    STEP_CONNECT,
    STEP_HELO,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT,
    N_STEPS,
} Step;

typedef struct Session {
    int fd;
    Step step;
    guint mails; /* done */
    gint64 began;
    MmFrameReader in;
} Session;

static int sessions_at_once = 16, sessions_in_all = 20000, mails_each = 1, body_size = 2048, idle;
static MmBuffer steps[N_STEPS];
static MmBuffer farewell; /* ABORT and QUIT */
static gboolean prepared; /* the content, for what the filter answers */
static GArray *times;     /* of gint64, microseconds */
static guint started, ended;
static int epoll;
static const char *spec;

/* ---- What is sent. */

static void
macros(Step step, guint8 code, const char *const *pairs, gsize n)
{
    mm_command_append_macros(&steps[step], code, pairs, n);
}

static void
prepare_envelope(void)
{
    static const char *const connect[] = {"j",
                                          "mx.test.example",
                                          "{daemon_name}",
                                          "mx.test.example",
                                          "{daemon_addr}",
                                          "127.0.0.1",
                                          "v",
                                          "Postfix 3.7.11",
                                          "_",
                                          "client.example [192.0.2.1]"};
    static const char *const mail[] = {"{mail_addr}",  "a@test.example", "{mail_host}",
                                       "test.example", "{mail_mailer}",  "smtp"};
    static const char *const rcpt[] = {"{rcpt_addr}",  "b@test.example", "{rcpt_host}",
                                       "test.example", "{rcpt_mailer}",  "virtual"};
    static const char *const queue[] = {"i", "4FxQueueId"};
    static const char *const sender[] = {"<a@test.example>", "SIZE=2048"};
    static const char *const recipient[] = {"<b@test.example>"};
    mm_command_append_optneg(&steps[STEP_NEGOTIATE], MM_PROTOCOL_VERSION, SMFI_CURR_ACTS,
                             SMFI_CURR_PROT);
    macros(STEP_CONNECT, SMFIC_CONNECT, connect, 5);
    mm_command_append_connect(&steps[STEP_CONNECT], "client.example", SMFIA_INET, 4321,
                              "192.0.2.1");
    macros(STEP_HELO, SMFIC_HELO, NULL, 0);
    mm_command_append_text(&steps[STEP_HELO], MM_COMMAND_HELO, "client.example");
    macros(STEP_MAIL, SMFIC_MAIL, mail, 3);
    mm_command_append_envelope(&steps[STEP_MAIL], MM_COMMAND_MAIL, sender, 2);
    macros(STEP_RCPT, SMFIC_RCPT, rcpt, 3);
    mm_command_append_envelope(&steps[STEP_RCPT], MM_COMMAND_RCPT, recipient, 1);
    macros(STEP_DATA, SMFIC_DATA, queue, 1);
    mm_command_append_plain(&steps[STEP_DATA], MM_COMMAND_DATA);
    mm_command_append_plain(&farewell, MM_COMMAND_ABORT);
    mm_command_append_plain(&farewell, MM_COMMAND_QUIT);
}

static void
append_header(const char *name, const char *value)
{
    static const char *const queue[] = {"i", "4FxQueueId"};
    macros(STEP_CONTENT, SMFIC_HEADER, queue, 1);
    mm_command_append_header(&steps[STEP_CONTENT], name, strlen(name), value, strlen(value));
}

static void
prepare_content(const MmOptions *answer)
{
    static const char *const queue[] = {"i", "4FxQueueId"};
    const guint32 streaming = SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;
    prepared = TRUE;
    if ((answer->protocol & streaming) != streaming) {
        fprintf(stderr, "bench-load: the filter wants to answer headers or body\n");
        exit(EXIT_FAILURE);
    }
    append_header("Received",
                  " from client.example (client.example [192.0.2.1])\n\tby mx.test.example");
    append_header("From", " A <a@test.example>");
    append_header("To", " B <b@test.example>");
    append_header("Subject", " a message of the usual kind");
    append_header("Message-Id", " <20261125010203.1@client.example>");
    append_header("Date", " Wed, 25 Nov 2026 01:02:03 +0000");
    append_header("MIME-Version", " 1.0");
    append_header("Content-Type", " text/plain; charset=utf-8");
    macros(STEP_CONTENT, SMFIC_EOH, queue, 1);
    mm_command_append_plain(&steps[STEP_CONTENT], MM_COMMAND_END_OF_HEADERS);
    g_autofree char *body = g_malloc((gsize)body_size + 1);
    memset(body, 'x', (gsize)body_size);
    for (int i = 70; i < body_size; i += 72)
        memcpy(body + i - 1, "\r\n", 2);
    macros(STEP_CONTENT, SMFIC_BODY, queue, 1);
    mm_command_append_body(&steps[STEP_CONTENT], body, (gsize)body_size);
    macros(STEP_CONTENT, SMFIC_BODYEOB, queue, 1);
    mm_command_append_plain(&steps[STEP_CONTENT], MM_COMMAND_END_OF_MESSAGE);
}

/* ---- Sessions. */

static void
send_step(Session *session)
{
    const MmBuffer *bytes = &steps[session->step];
    if (session->step == STEP_MAIL)
        session->began = g_get_monotonic_time();
    bench_send(session->fd, mm_buffer_data(bytes), mm_buffer_length(bytes));
}

static void
start_session(void)
{
    Session *session = g_new0(Session, 1);
    session->fd = bench_connect(spec);
    mm_frame_reader_init(&session->in, 64u * 1024u * 1024u);
    bench_watch(epoll, session->fd, session);
    started++;
    send_step(session);
}

static void
end_session(Session *session)
{
    bench_send(session->fd, mm_buffer_data(&farewell), mm_buffer_length(&farewell));
    close(session->fd);
    mm_frame_reader_clear(&session->in);
    g_free(session);
    ended++;
    if (started < (guint)sessions_in_all)
        start_session();
}

/* FALSE: the session is over. */
static gboolean
next_step(Session *session)
{
    if (session->step == STEP_CONTENT) {
        gint64 took = g_get_monotonic_time() - session->began;
        g_array_append_val(times, took);
        if (++session->mails == (guint)mails_each) {
            end_session(session);
            return FALSE;
        }
        session->step = STEP_MAIL;
    } else {
        session->step++;
    }
    send_step(session);
    return TRUE;
}

static void
take_negotiation(const MmFrame *frame)
{
    const MmOptions offer = {
        .version = MM_PROTOCOL_VERSION, .actions = SMFI_CURR_ACTS, .protocol = SMFI_CURR_PROT};
    MmOptions answer;
    const MmSlice data = {(const char *)frame->data, frame->size};
    if (frame->code != SMFIC_OPTNEG ||
        mm_options_parse_answer(data, &offer, &answer) != MM_OPTIONS_OK) {
        fprintf(stderr, "bench-load: no answer to the negotiation\n");
        exit(EXIT_FAILURE);
    }
    if (!prepared)
        prepare_content(&answer);
}

/* FALSE: the session is over. */
static gboolean
take_frame(Session *session, const MmFrame *frame)
{
    if (session->step == STEP_NEGOTIATE)
        take_negotiation(frame);
    else if (strchr("phimb+-2eq", frame->code))
        return TRUE;
    else if (frame->code != SMFIR_CONTINUE && frame->code != SMFIR_ACCEPT) {
        fprintf(stderr, "bench-load: answer %c at step %u\n", frame->code, session->step);
        exit(EXIT_FAILURE);
    }
    return next_step(session);
}

static void
serve(Session *session)
{
    MmFrame frame;
    gsize room;
    guint8 *place = mm_frame_reader_reserve(&session->in, &room);
    ssize_t n = recv(session->fd, place, room, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        fprintf(stderr, "bench-load: the filter closed at step %u\n", session->step);
        exit(EXIT_FAILURE);
    }
    mm_frame_reader_commit(&session->in, (gsize)n);
    while (mm_frame_reader_next(&session->in, &frame) == MM_FRAME_READY) {
        if (!take_frame(session, &frame))
            return;
    }
}

/* ---- Results. */

static int
compare(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

static double
quantile(double q)
{
    guint at = (guint)((double)(times->len - 1) * q);
    return (double)g_array_index(times, gint64, at) / 1000.0;
}

static void
print_results(gint64 took)
{
    g_array_sort(times, compare);
    printf("%.1f %.3f %.3f\n", (double)times->len * G_USEC_PER_SEC / (double)took, quantile(0.5),
           quantile(0.99));
}

/* Connections that have negotiated and then say nothing, until standard input ends. */
static void
stay_idle(void)
{
    for (int i = 0; i < idle; i++) {
        int fd = bench_connect(spec);
        bench_send(fd, mm_buffer_data(&steps[STEP_NEGOTIATE]),
                   mm_buffer_length(&steps[STEP_NEGOTIATE]));
        bench_send(fd, mm_buffer_data(&steps[STEP_CONNECT]),
                   mm_buffer_length(&steps[STEP_CONNECT]));
    }
    printf("idle\n");
    fflush(stdout);
    (void)getchar();
}

static void
run_all(void)
{
    gint64 began = g_get_monotonic_time();
    for (int i = 0; i < MIN(sessions_at_once, sessions_in_all); i++)
        start_session();
    while (ended < (guint)sessions_in_all) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, G_N_ELEMENTS(events), -1);
        for (int i = 0; i < n; i++)
            serve(events[i].data.ptr);
    }
    print_results(g_get_monotonic_time() - began);
}

int
main(int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"at-once", 'c', 0, G_OPTION_ARG_INT, &sessions_at_once, "Sessions at once", "N"},
        {"sessions", 'n', 0, G_OPTION_ARG_INT, &sessions_in_all, "Sessions in all", "N"},
        {"mails", 'm', 0, G_OPTION_ARG_INT, &mails_each, "Messages in a session", "N"},
        {"size", 'b', 0, G_OPTION_ARG_INT, &body_size, "Bytes of a body", "N"},
        {"idle", 'i', 0, G_OPTION_ARG_INT, &idle, "Only hold N idle sessions", "N"},
        G_OPTION_ENTRY_NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("SPEC");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2) {
        fprintf(stderr, "bench-load: %s\n", error ? error->message : "name the filter's socket");
        return EXIT_FAILURE;
    }
    spec = argv[1];
    for (guint i = 0; i < N_STEPS; i++)
        mm_buffer_init(&steps[i], 0);
    mm_buffer_init(&farewell, 0);
    times = g_array_new(FALSE, FALSE, sizeof(gint64));
    epoll = bench_epoll();
    prepare_envelope();
    if (idle > 0)
        stay_idle();
    else
        run_all();
    return EXIT_SUCCESS;
}
