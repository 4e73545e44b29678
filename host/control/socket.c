/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/socket.h"

#include "base/buffer.h"
#include "base/control-client.h"
#include "base/i18n.h"
#include "base/log.h"
#include "control/line.h"
#include "control/listener.h"
#include "control/socket-file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16u
#define SILENCE_SECONDS 60.0
#define ANSWER_SECONDS 600.0

typedef struct Connection Connection;

struct MmControlSocket {
    MmReactor *reactor;
    MmListener *listener;
    MmSocketFile *file;
    MmVerbFunction function;
    gpointer data;
    Connection *first;
    guint count;
};

struct MmRequest {
    Connection *connection; /* NULL: gone, or it was told to wait no longer */
};

struct Connection {
    MmControlSocket *control;
    Connection *next, *previous;
    int fd;
    MmWatch *watch;     /* NULL while a request is open */
    MmRequest *request; /* the open one */
    gboolean eof;       /* the client sends no more */
    gboolean closed;
    gboolean taking; /* the loop over lines is on the stack */
    MmBuffer in, out;
    MmTimer limit;
    MmDeferred farewell;
};

static void take_lines(Connection *connection);
static void event(gpointer data, guint32 events);

/* ---- Life of a connection. */

static void
let_go(Connection *connection)
{
    MmControlSocket *control = connection->control;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        control->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    mm_buffer_clear(&connection->in);
    mm_buffer_clear(&connection->out);
    g_free(connection);
    control->count--;
    mm_listener_set_paused(control->listener, control->count >= CONNECTIONS_MAX);
}

static void
say_farewell(gpointer data)
{
    let_go(data);
}

/* Nothing happens on it any more; it is freed at the end of the round. */
static void
end(Connection *connection)
{
    MmReactor *reactor = connection->control->reactor;
    if (connection->closed)
        return;
    connection->closed = TRUE;
    mm_timer_stop(reactor, &connection->limit);
    g_clear_pointer(&connection->watch, mm_watch_remove);
    if (connection->request)
        connection->request->connection = NULL;
    connection->request = NULL;
    close(connection->fd);
    mm_defer(reactor, &connection->farewell, say_farewell, connection);
}

static void
silent_too_long(gpointer data)
{
    end(data);
}

static void
watch_for(Connection *connection, guint32 events)
{
    MmReactor *reactor = connection->control->reactor;
    if (connection->watch)
        mm_watch_change(connection->watch, events);
    else
        connection->watch = mm_watch_add(reactor, connection->fd, events, event, connection);
    mm_timer_start(reactor, &connection->limit, SILENCE_SECONDS, silent_too_long, connection);
    if (!connection->watch)
        end(connection);
}

/* ---- Answers. */

/* Writes what it can. */
static void
flush(Connection *connection)
{
    MmBuffer *out = &connection->out;
    while (mm_buffer_length(out) > 0) {
        ssize_t n = send(connection->fd, mm_buffer_data(out), mm_buffer_length(out), MSG_NOSIGNAL);
        if (n > 0) {
            mm_buffer_consume(out, (gsize)n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            watch_for(connection, MM_WATCH_WRITE);
            return;
        } else if (errno != EINTR) {
            end(connection);
            return;
        }
    }
}

/* Takes line. */
static void
put(Connection *connection, char *line)
{
    mm_buffer_append(&connection->out, line, strlen(line));
    g_free(line);
}

/* json or refusal. */
static void
settle(MmRequest *request, const char *json, const char *refusal)
{
    Connection *connection = request->connection;
    g_free(request);
    if (!connection)
        return;
    connection->request = NULL;
    put(connection, json ? mm_control_line_answer(json) : mm_control_line_refusal(refusal));
    flush(connection);
    take_lines(connection);
}

void
mm_request_answer(MmRequest *request, const char *json)
{
    settle(request, json, NULL);
}

void
mm_request_refuse(MmRequest *request, const char *text)
{
    settle(request, NULL, text);
}

static void
waited_too_long(gpointer data)
{
    Connection *connection = data;
    connection->request->connection = NULL;
    connection->request = NULL;
    put(connection, mm_control_line_refusal(_("there was no answer in time")));
    flush(connection);
    take_lines(connection);
}

/* ---- Requests. */

/* The connection waits for its answer, and reads no further. */
static MmRequest *
request_new(Connection *connection)
{
    MmRequest *request = g_new0(MmRequest, 1);
    request->connection = connection;
    connection->request = request;
    g_clear_pointer(&connection->watch, mm_watch_remove);
    mm_timer_start(connection->control->reactor, &connection->limit, ANSWER_SECONDS,
                   waited_too_long, connection);
    return request;
}

static void
take_request(Connection *connection, const char *line, gsize length)
{
    const MmControlSocket *control = connection->control;
    g_autofree char *verb = NULL, *arguments = NULL;
    const char *problem = mm_control_line_parse(line, length, &verb, &arguments);
    if (problem) {
        put(connection, mm_control_line_refusal(problem));
        flush(connection);
    } else {
        control->function(control->data, request_new(connection), verb, arguments);
    }
}

/* Takes the next line; FALSE: there is none yet. */
static gboolean
take_line(Connection *connection)
{
    const char *data = (const char *)mm_buffer_data(&connection->in);
    gsize length = mm_buffer_length(&connection->in);
    const char *line_end = length > 0 ? memchr(data, '\n', length) : NULL;
    if (!line_end)
        return FALSE;
    gsize size = (gsize)(line_end - data);
    g_autofree char *line = g_strndup(data, size);
    mm_buffer_consume(&connection->in, size + 1);
    take_request(connection, line, size);
    return TRUE;
}

/* Nothing is open and nothing waits to be written: what next? */
static void
go_on_reading(Connection *connection)
{
    gsize available;
    if (connection->eof) {
        end(connection);
    } else if (!mm_buffer_reserve(&connection->in, 1, &available)) {
        put(connection, mm_control_line_refusal(_("the request is too long")));
        connection->eof = TRUE;
        flush(connection);
        if (mm_buffer_length(&connection->out) == 0)
            end(connection);
    } else {
        watch_for(connection, MM_WATCH_READ);
    }
}

static gboolean
is_free(const Connection *connection)
{
    return !connection->closed && !connection->request && mm_buffer_length(&connection->out) == 0;
}

static void
take_lines(Connection *connection)
{
    if (connection->taking || connection->closed)
        return;
    connection->taking = TRUE;
    gboolean more = TRUE;
    while (more && is_free(connection))
        more = take_line(connection);
    connection->taking = FALSE;
    if (is_free(connection))
        go_on_reading(connection);
}

static void
read_some(Connection *connection)
{
    gsize available;
    guint8 *place = mm_buffer_reserve(&connection->in, 1, &available);
    g_return_if_fail(place != NULL);
    ssize_t n = recv(connection->fd, place, available, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n < 0)
        end(connection);
    else if (n == 0)
        connection->eof = TRUE;
    else
        mm_buffer_commit(&connection->in, (gsize)n);
    take_lines(connection);
}

static void
event(gpointer data, guint32 events)
{
    Connection *connection = data;
    if (mm_buffer_length(&connection->out) == 0) {
        read_some(connection);
        return;
    }
    flush(connection);
    /* It closed its side, which is reported again and again, and does not read. */
    if ((events & MM_WATCH_HANGUP) && mm_buffer_length(&connection->out) > 0)
        end(connection);
    take_lines(connection);
}

/* ---- The socket. */

static void
begin(MmControlSocket *control, int fd)
{
    Connection *connection = g_new0(Connection, 1);
    connection->control = control;
    connection->fd = fd;
    mm_buffer_init(&connection->in, MM_CONTROL_REQUEST_MAX);
    mm_buffer_init(&connection->out, MM_CONTROL_ANSWER_MAX);
    connection->next = control->first;
    if (control->first)
        control->first->previous = connection;
    control->first = connection;
    control->count++;
    watch_for(connection, MM_WATCH_READ);
}

static void
arrivals(gpointer data)
{
    MmControlSocket *control = data;
    int fd = 0;
    while (control->count < CONNECTIONS_MAX && (fd = mm_listener_accept(control->listener)) >= 0)
        begin(control, fd);
    mm_listener_set_paused(control->listener, control->count >= CONNECTIONS_MAX);
}

MmControlSocket *
mm_control_socket_new(MmReactor *reactor, int fd, const char *path, MmVerbFunction function,
                      gpointer data)
{
    MmControlSocket *control = g_new0(MmControlSocket, 1);
    control->reactor = reactor;
    control->function = function;
    control->data = data;
    control->listener = mm_listener_new(reactor, fd, arrivals, control);
    if (!control->listener) {
        g_free(control);
        return NULL;
    }
    control->file = mm_socket_file_new(path);
    return control;
}

void
mm_control_socket_free(MmControlSocket *control)
{
    if (!control)
        return;
    while (control->first) {
        Connection *connection = control->first;
        end(connection);
        mm_defer_cancel(control->reactor, &connection->farewell);
        let_go(connection);
    }
    mm_socket_file_remove(control->file);
    mm_listener_free(control->listener);
    g_free(control);
}
