/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection to the child: made, negotiated, read, written. */
#include "relay.h"

#include <errno.h>
#include <libmilter/mfdef.h>
#include <sys/socket.h>
#include <unistd.h>

/* Data bytes of a reply; other stacks than libmilter replace a body in one frame. */
#define REPLY_MAX (4u * 1024u * 1024u)
#define READ_CAP (256u * 1024u)

void
child_close_socket(Child *child)
{
    if (child->watch) {
        child->bench->relay->host->watch_remove(child->watch);
        child->watch = NULL;
    }
    if (child->fd >= 0) {
        close(child->fd);
        child->fd = -1;
    }
}

static void
close_all(Child *child)
{
    child->bench->relay->host->timer_remove(child->limit);
    child->limit = NULL;
    connect_end(child);
    child_close_socket(child);
}

static void
release(Child *child)
{
    mm_frame_reader_clear(&child->reader);
    mm_buffer_clear(&child->out);
    for (guint i = 0; i < MM_N_SYMBOL_LISTS; i++)
        g_free(child->symbols[i]);
    g_free(child->why);
    g_free(child);
}

void
child_free(Child *child)
{
    if (!child)
        return;
    close_all(child);
    child->state = CHILD_DEAD;
    child->owner = NULL;
    child->doomed = TRUE;
    if (!child->reading)
        release(child);
}

void
child_die(Child *child, const char *why, gboolean orderly)
{
    if (child->state == CHILD_DEAD)
        return;
    child->state = CHILD_DEAD;
    close_all(child);
    g_free(child->why);
    child->why = g_strdup(why);
    if (child->owner_told)
        child->ops->died(child, child->owner, child->why, orderly);
}

/* ---- Writing. */

static void
watch_for(Child *child, uint32_t events)
{
    if (events == child->watched)
        return;
    child->watched = events;
    child->bench->relay->host->watch_change(child->watch, events);
}

typedef enum Sent {
    SENT_ALL,
    SENT_SOME,
    SENT_FAILED,
} Sent;

static Sent
send_some(Child *child)
{
    while (mm_buffer_length(&child->out) > 0) {
        ssize_t n = send(child->fd, mm_buffer_data(&child->out), mm_buffer_length(&child->out),
                         MSG_NOSIGNAL);
        if (n > 0) {
            mm_buffer_consume(&child->out, (gsize)n);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return SENT_SOME;
        return SENT_FAILED;
    }
    return SENT_ALL;
}

gboolean
child_flush(Child *child)
{
    if (child->state < CHILD_NEGOTIATING || child->state == CHILD_DEAD)
        return FALSE;
    switch (send_some(child)) {
    case SENT_ALL:
        watch_for(child, MILTER_WATCH_READ);
        return TRUE;
    case SENT_SOME:
        watch_for(child, MILTER_WATCH_READ | MILTER_WATCH_WRITE);
        return FALSE;
    case SENT_FAILED:
        break;
    }
    /* What it said last may still be unread: the loop finds the end behind it. */
    mm_buffer_clear(&child->out);
    watch_for(child, MILTER_WATCH_READ);
    return FALSE;
}

void
child_quit(Child *child)
{
    if (!child)
        return;
    if (child->state == CHILD_READY) {
        mm_command_append_plain(&child->out, MM_COMMAND_QUIT);
        (void)send_some(child);
    }
    child_free(child);
}

/* ---- Reading. */

static const char *
problem_of(MmParseResult result)
{
    return result == MM_PARSE_UNKNOWN_CODE ? "protocol error: unknown reply"
                                           : "protocol error: malformed reply";
}

static void
take_symbols(Child *child)
{
    for (guint i = 0; i < MM_N_SYMBOL_LISTS; i++) {
        MmSlice *list = &child->options.symbols[i];
        if (!list->data)
            continue;
        child->symbols[i] = g_strndup(list->data, list->size);
        list->data = child->symbols[i];
    }
}

static void
take_negotiation(Child *child, const MmReply *reply)
{
    if (reply->kind != MM_REPLY_OPTNEG) {
        child_die(child, "protocol error: no answer to the negotiation", FALSE);
        return;
    }
    if (reply->u.text.size > MM_FRAME_DATA_MAX) { /* lists that long are no one's */
        child_die(child, "protocol error: packet too large", FALSE);
        return;
    }
    MmOptionsResult result = mm_options_parse_answer(reply->u.text, &child->offer, &child->options);
    if (result != MM_OPTIONS_OK) {
        child_die(child, mm_options_result_text(result), FALSE);
        return;
    }
    take_symbols(child);
    child->state = CHILD_READY;
    child->ops->ready(child, child->owner);
}

static void
take_frame(Child *child, const MmFrame *frame)
{
    MmReply reply;
    MmParseResult result = mm_reply_parse(frame, &reply);
    if (result != MM_PARSE_OK)
        child_die(child, problem_of(result), FALSE);
    else if (child->state == CHILD_NEGOTIATING)
        take_negotiation(child, &reply);
    else if (!child->ops->reply(child, child->owner, &reply))
        child_die(child, "protocol error: a reply that nobody asked for", FALSE);
}

static void
take_frames(Child *child)
{
    MmFrame frame;
    while (child->state != CHILD_DEAD) {
        switch (mm_frame_reader_next(&child->reader, &frame)) {
        case MM_FRAME_READY:
            take_frame(child, &frame);
            break;
        case MM_FRAME_MORE:
            return;
        case MM_FRAME_EMPTY:
            child_die(child, "protocol error: empty packet", FALSE);
            return;
        case MM_FRAME_TOO_LARGE:
            child_die(child, "protocol error: packet too large", FALSE);
            return;
        }
    }
}

/* FALSE: no more for now. */
static gboolean
read_some(Child *child)
{
    gsize available;
    guint8 *place = mm_frame_reader_reserve(&child->reader, &available);
    ssize_t n = recv(child->fd, place, available, 0);
    if (n > 0) {
        mm_frame_reader_commit(&child->reader, (gsize)n);
        take_frames(child);
        return (gsize)n == available;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return FALSE;
    gboolean closed = n == 0 || errno == ECONNRESET || errno == EPIPE;
    gboolean inside = mm_frame_reader_is_inside(&child->reader);
    child_die(child, inside ? "connection closed inside a reply" : "connection closed",
              closed && !inside);
    return FALSE;
}

static void
read_all(Child *child)
{
    gsize before = 0;
    child->reading = TRUE;
    while (child->state != CHILD_DEAD && before < READ_CAP && read_some(child))
        before += READ_CAP / 16;
    child->reading = FALSE;
    if (child->doomed)
        release(child);
}

/* ---- Connecting. */

void
child_connected(Child *child)
{
    child->state = CHILD_NEGOTIATING;
    mm_command_append_optneg(&child->out, child->offer.version, child->offer.actions,
                             child->offer.protocol);
    (void)child_flush(child);
}

/* FALSE: it is freed. */
static gboolean
write_more(Child *child)
{
    gsize before = mm_buffer_length(&child->out);
    gboolean all = child_flush(child);
    if (child->state != CHILD_READY || (!all && mm_buffer_length(&child->out) == before))
        return TRUE;
    child->reading = TRUE;
    child->ops->written(child, child->owner, all);
    child->reading = FALSE;
    if (!child->doomed)
        return TRUE;
    release(child);
    return FALSE;
}

void
child_event(void *data, uint32_t events)
{
    Child *child = data;
    if (child->state == CHILD_CONNECTING) {
        connect_check(child);
        return;
    }
    if ((events & MILTER_WATCH_WRITE) && !write_more(child))
        return;
    if ((events & (MILTER_WATCH_READ | MILTER_WATCH_HANGUP)) && child->state != CHILD_DEAD)
        read_all(child);
}

Child *
child_new(Bench *bench, const MmOptions *offer, const ChildOps *ops, gpointer owner)
{
    Child *child = g_new0(Child, 1);
    child->bench = bench;
    child->ops = ops;
    child->owner = owner;
    child->fd = -1;
    child->offer = *offer;
    mm_frame_reader_init(&child->reader, REPLY_MAX);
    mm_buffer_init(&child->out, 0);
    connect_begin(child);
    child->owner_told = TRUE;
    return child;
}
