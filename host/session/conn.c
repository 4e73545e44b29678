/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes taken from one socket before others get their turn. */
#define READ_CAP (256u * 1024u)
/* More than this waits to be written: full. One answer may go beyond. */
#define WRITE_CAP (64u * 1024u)
/* The MTA must take our answers; nothing else bounds a peer that stopped reading. */
#define WRITE_SECONDS 60.0

struct MmConn {
    MmReactor *reactor;
    int fd;
    MmWatch *watch;
    guint32 watched;
    const MmConnOps *ops;
    gpointer owner;
    MmFrameReader reader;
    MmBuffer out;
    MmTimer write_limit;
    gboolean reading;
    gboolean writing; /* the owner has more to write */
    gboolean ended;
    int error;
};

static void
watch(MmConn *conn, guint32 events)
{
    if (events == conn->watched || conn->ended)
        return;
    conn->watched = events;
    mm_watch_change(conn->watch, events);
}

/* Reading is watched for on when nobody reads, until something does arrive (see event): between a
 * question and its answer nothing comes as a rule, and two system calls are saved. */
static void
watch_for(MmConn *conn)
{
    guint32 reading = conn->reading ? MM_WATCH_READ : conn->watched & MM_WATCH_READ;
    gboolean writes = conn->writing || mm_buffer_length(&conn->out) > 0;
    watch(conn, reading | (writes ? MM_WATCH_WRITE : 0));
}

static void
end(MmConn *conn, MmConnEnd how, int error)
{
    if (conn->ended)
        return;
    conn->ended = TRUE;
    conn->error = error;
    mm_timer_stop(conn->reactor, &conn->write_limit);
    mm_watch_remove(conn->watch);
    conn->watch = NULL;
    conn->ops->ended(conn->owner, how);
}

static MmConnEnd
kind_of_close(const MmConn *conn)
{
    return mm_frame_reader_is_inside(&conn->reader) ? MM_CONN_INSIDE : MM_CONN_CLOSED;
}

typedef enum ReadResult {
    READ_SOME,
    READ_NOTHING,
    READ_END,
} ReadResult;

static ReadResult
read_once(MmConn *conn, gsize *n)
{
    gsize available;
    guint8 *place = mm_frame_reader_reserve(&conn->reader, &available);
    ssize_t got;
    do
        got = recv(conn->fd, place, available, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        mm_frame_reader_commit(&conn->reader, (gsize)got);
        *n = (gsize)got;
        return (gsize)got == available ? READ_SOME : READ_NOTHING;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        *n = 0;
        return READ_NOTHING;
    }
    conn->error = got < 0 ? errno : 0;
    return READ_END;
}

/* Reads until there is no more, the owner stops taking, or the cap. */
static void
read_round(MmConn *conn)
{
    gsize total = 0;
    ReadResult result = READ_SOME;
    while (result == READ_SOME && total < READ_CAP && conn->reading) {
        gsize n = 0;
        result = read_once(conn, &n);
        if (result == READ_END) {
            int error = conn->error;
            end(conn, error && error != ECONNRESET ? MM_CONN_FAILED : kind_of_close(conn), error);
            return;
        }
        total += n;
        if (n > 0)
            conn->ops->readable(conn->owner);
        if (conn->ended)
            return;
    }
}

static void
peer_stopped_reading(gpointer data)
{
    end(data, MM_CONN_BLOCKED, ETIMEDOUT);
}

void
mm_conn_flush(MmConn *conn)
{
    while (!conn->ended && mm_buffer_length(&conn->out) > 0) {
        ssize_t n =
            send(conn->fd, mm_buffer_data(&conn->out), mm_buffer_length(&conn->out), MSG_NOSIGNAL);
        if (n > 0) {
            mm_buffer_consume(&conn->out, (gsize)n);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!mm_timer_is_armed(&conn->write_limit))
                mm_timer_start(conn->reactor, &conn->write_limit, WRITE_SECONDS,
                               peer_stopped_reading, conn);
            break;
        }
        /* The reason is found by the next read as well: it ends the connection from the loop. */
        conn->error = errno;
        mm_buffer_clear(&conn->out);
        break;
    }
    if (mm_buffer_length(&conn->out) == 0)
        mm_timer_stop(conn->reactor, &conn->write_limit);
    watch_for(conn);
}

static void
event(gpointer data, guint32 events)
{
    MmConn *conn = data;
    if (events & MM_WATCH_WRITE) {
        mm_timer_stop(conn->reactor, &conn->write_limit);
        mm_conn_flush(conn);
        if (!conn->ended && !mm_conn_is_full(conn))
            conn->ops->writable(conn->owner);
    }
    if ((events & (MM_WATCH_READ | MM_WATCH_HANGUP)) && conn->reading && !conn->ended) {
        read_round(conn);
        return;
    }
    if ((events & MM_WATCH_HANGUP) && !conn->ended) {
        end(conn, MM_CONN_CLOSED, 0);
        return;
    }
    /* A question is open and there is more to read: it can wait. */
    if (events & MM_WATCH_READ)
        watch(conn, conn->watched & ~(guint32)MM_WATCH_READ);
}

MmConn *
mm_conn_new(MmReactor *reactor, int fd, gsize frame_limit, const MmConnOps *ops, gpointer owner)
{
    MmConn *conn = g_new0(MmConn, 1);
    conn->reactor = reactor;
    conn->fd = fd;
    conn->ops = ops;
    conn->owner = owner;
    conn->reading = TRUE;
    conn->watched = MM_WATCH_READ;
    mm_frame_reader_init(&conn->reader, frame_limit);
    mm_buffer_init(&conn->out, 0);
    conn->watch = mm_watch_add(reactor, fd, MM_WATCH_READ, event, conn);
    if (!conn->watch) {
        int error = errno;
        conn->ended = TRUE;
        mm_conn_free(conn);
        errno = error;
        return NULL;
    }
    return conn;
}

void
mm_conn_free(MmConn *conn)
{
    if (!conn)
        return;
    mm_timer_stop(conn->reactor, &conn->write_limit);
    if (conn->watch)
        mm_watch_remove(conn->watch);
    close(conn->fd);
    mm_frame_reader_clear(&conn->reader);
    mm_buffer_clear(&conn->out);
    g_free(conn);
}

MmFrameResult
mm_conn_next(MmConn *conn, MmFrame *frame)
{
    return mm_frame_reader_next(&conn->reader, frame);
}

/* Not reading costs no system call until something does arrive (see event). With bytes to write,
 * the flush that follows sets the watch: most often it writes them all, and nothing changes. */
void
mm_conn_set_reading(MmConn *conn, gboolean reading)
{
    conn->reading = reading;
    if (reading && mm_buffer_length(&conn->out) == 0)
        watch_for(conn);
}

void
mm_conn_set_writing(MmConn *conn, gboolean writing)
{
    conn->writing = writing;
}

MmBuffer *
mm_conn_out(MmConn *conn)
{
    return &conn->out;
}

gboolean
mm_conn_is_full(const MmConn *conn)
{
    return mm_buffer_length(&conn->out) > WRITE_CAP;
}

gboolean
mm_conn_is_behind(const MmConn *conn)
{
    return mm_buffer_length(&conn->out) > 0;
}

gboolean
mm_conn_is_inside(const MmConn *conn)
{
    return mm_frame_reader_is_inside(&conn->reader);
}

int
mm_conn_error(const MmConn *conn)
{
    return conn->error;
}
