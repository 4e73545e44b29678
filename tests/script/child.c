/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"

#include "packet.h"
#include "wire/command.h"
#include "wire/negotiate.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Packets longer than this are not kept as texts. */
#define TEXT_MAX 70000u
/* In one write of a flood. */
#define FLOOD_PACKETS 1000u

typedef struct Connection {
    Child *child;
    const Script *script;
    Line line;
    GThread *thread;
    GPtrArray *texts;
    GString *codes;
    GByteArray *body;
    guint64 body_size;
    MmOptions options;
    guint counts[256];
    gboolean closed;
} Connection;

struct Child {
    char *path;
    int listener;
    int wake[2]; /* tells the threads to end */
    GThread *thread;
    GMutex lock; /* guards what is below, and the records of connections */
    GCond changed;
    const Script *script;
    GPtrArray *connections;
    gboolean gate;
    gsize largest;
    gboolean upset;
};

/* ---- What a line of the script says. */

static void
say_body(Line *line, gsize size)
{
    MmBuffer out;
    g_autofree guint8 *data = g_malloc(size);
    for (gsize i = 0; i < size; i++)
        data[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (guint8)('a' + i / 64 % 26);
    mm_buffer_init(&out, 0);
    mm_frame_append(&out, 'b', data, size);
    line_send(line, mm_buffer_data(&out), mm_buffer_length(&out));
    mm_buffer_clear(&out);
}

/* The host may not send the next command before it has the answer. */
static void
stay_quiet(Connection *connection, int milliseconds)
{
    Child *child = connection->child;
    struct pollfd fd = {.fd = connection->line.fd, .events = POLLIN};
    gboolean early =
        mm_frame_reader_is_inside(&connection->line.reader) || poll(&fd, 1, milliseconds) > 0;
    g_mutex_lock(&child->lock);
    child->upset = child->upset || early;
    g_mutex_unlock(&child->lock);
}

static void
wait_at_gate(Child *child)
{
    g_mutex_lock(&child->lock);
    while (!child->gate)
        g_cond_wait(&child->changed, &child->lock);
    g_mutex_unlock(&child->lock);
}

/* Sleeps, but not longer than the child lives. */
static void
wait_for_a_while(Child *child, int milliseconds)
{
    struct pollfd fd = {.fd = child->wake[0], .events = POLLIN};
    (void)poll(&fd, 1, milliseconds);
}

/* Until the other side has had enough. */
static void
flood(Line *line, const char *packet)
{
    MmBuffer out;
    mm_buffer_init(&out, 0);
    for (guint i = 0; i < FLOOD_PACKETS; i++)
        packet_append(&out, packet);
    while (line_send(line, mm_buffer_data(&out), mm_buffer_length(&out)))
        continue;
    mm_buffer_clear(&out);
}

/* FALSE: the connection is over. */
static gboolean
say_one(Connection *connection, const char *what)
{
    Line *line = &connection->line;
    if (*what != '!')
        return line_send_packets(line, what);
    if (strcmp(what, "!gate") == 0)
        wait_at_gate(connection->child);
    else if (g_str_has_prefix(what, "!wait "))
        wait_for_a_while(connection->child, atoi(what + 6));
    else if (g_str_has_prefix(what, "!quiet "))
        stay_quiet(connection, atoi(what + 7));
    else if (g_str_has_prefix(what, "!body "))
        say_body(line, (gsize)atol(what + 6));
    else if (g_str_has_prefix(what, "!flood "))
        flood(line, what + 7);
    else if (strcmp(what, "!empty") == 0)
        line_send(line, "\0\0\0\0", 4);
    else if (strcmp(what, "!huge") == 0)
        line_send(line, "\x40\0\0\0y", 5);
    else if (strcmp(what, "!half") == 0)
        line_send(line, "\0\0\0\x10y5", 6);
    else
        g_assert_true(strcmp(what, "!close") == 0 || strcmp(what, "!hang") == 0);
    return strcmp(what, "!close") != 0 && strcmp(what, "!half") != 0 &&
           !g_str_has_prefix(what, "!flood ");
}

/* Packets that follow each other go out in one write. */
static gboolean
say(Connection *connection, const char *what)
{
    g_auto(GStrv) each = g_strsplit(what, "~", -1);
    g_autoptr(GString) packets = g_string_new(NULL);
    for (guint i = 0; each[i]; i++) {
        gboolean follows = each[i + 1] && *each[i + 1] != '!';
        if (*each[i] == '!' || !follows) {
            g_string_append(packets, each[i]);
            if (packets->len > 0 && !say_one(connection, packets->str))
                return FALSE;
            g_string_truncate(packets, 0);
        } else {
            g_string_append_printf(packets, "%s~", each[i]);
        }
    }
    return TRUE;
}

/* ---- A connection. */

static void
record(Connection *connection, const MmFrame *frame)
{
    Child *child = connection->child;
    gboolean is_body = frame->code == 'B';
    gboolean kept = frame->size <= TEXT_MAX && !(is_body && connection->script->forgets_body);
    char *text = kept ? packet_text(frame) : NULL;
    g_mutex_lock(&child->lock);
    if (text)
        g_ptr_array_add(connection->texts, text);
    connection->counts[frame->code]++;
    if (frame->code != 'D')
        g_string_append_c(connection->codes, (char)frame->code);
    connection->body_size += is_body ? frame->size : 0;
    if (is_body && kept)
        g_byte_array_append(connection->body, frame->data, (guint)frame->size);
    child->largest = MAX(child->largest, frame->size);
    g_cond_broadcast(&child->changed);
    g_mutex_unlock(&child->lock);
}

static const char *
line_for(const Connection *connection, const Script *script, guint8 code)
{
    for (guint i = 0; i < SAYS_MAX && script->says[i].at; i++) {
        const Says *says = &script->says[i];
        guint which = (guint)atoi(says->at + 1);
        if ((guint8)*says->at == code && (which == 0 || which == connection->counts[code]))
            return says->what;
    }
    return NULL;
}

static void
answer_negotiation(Connection *connection)
{
    const Script *script = connection->script;
    g_autofree char *numbers = g_strdup_printf("O%x,%x,%x", script->version ? script->version : 6,
                                               script->actions, script->protocol);
    connection->options = (MmOptions){.version = script->version ? script->version : 6,
                                      .actions = script->actions,
                                      .protocol = script->protocol};
    line_send_packets(&connection->line, script->answer ? script->answer : numbers);
}

/* FALSE: the connection is over. */
static gboolean
answer(Connection *connection, const MmFrame *frame)
{
    MmCommandKind kind;
    g_mutex_lock(&connection->child->lock);
    const char *what = line_for(connection, connection->script, frame->code);
    g_mutex_unlock(&connection->child->lock);
    if (what)
        return say(connection, what);
    if (frame->code == 'Q')
        return FALSE;
    if (frame->code == 'O')
        answer_negotiation(connection);
    else if (mm_command_kind_from_code(frame->code, &kind) &&
             mm_options_answers(&connection->options, kind))
        line_send_packets(&connection->line, "c");
    return TRUE;
}

static gpointer
serve(gpointer data)
{
    Connection *connection = data;
    Child *child = connection->child;
    MmFrame frame;
    while (line_receive(&connection->line, SCRIPT_SECONDS * 10, &frame) == LINE_PACKET) {
        record(connection, &frame);
        if (!answer(connection, &frame))
            break;
    }
    g_mutex_lock(&child->lock);
    line_close(&connection->line);
    connection->closed = TRUE;
    g_cond_broadcast(&child->changed);
    g_mutex_unlock(&child->lock);
    return NULL;
}

static void
connection_new(Child *child, int fd)
{
    Connection *connection = g_new0(Connection, 1);
    connection->child = child;
    connection->texts = g_ptr_array_new_with_free_func(g_free);
    connection->codes = g_string_new(NULL);
    connection->body = g_byte_array_new();
    line_init(&connection->line, fd);
    g_mutex_lock(&child->lock);
    connection->script = child->script;
    g_ptr_array_add(child->connections, connection);
    connection->thread = g_thread_new("child", serve, connection);
    g_cond_broadcast(&child->changed);
    g_mutex_unlock(&child->lock);
}

static void
connection_free(Connection *connection)
{
    g_thread_join(connection->thread);
    g_ptr_array_unref(connection->texts);
    g_string_free(connection->codes, TRUE);
    g_byte_array_unref(connection->body);
    g_free(connection);
}

/* ---- The listener. */

static gpointer
take_connections(gpointer data)
{
    Child *child = data;
    struct pollfd fds[2] = {{.fd = child->listener, .events = POLLIN},
                            {.fd = child->wake[0], .events = POLLIN}};
    while (poll(fds, 2, -1) > 0 && fds[1].revents == 0) {
        int fd = accept4(child->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            connection_new(child, fd);
    }
    return NULL;
}

static void
start_listening(Child *child)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_assert_cmpuint(strlen(child->path), <, sizeof(address.sun_path));
    strcpy(address.sun_path, child->path);
    child->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(pipe2(child->wake, SOCK_CLOEXEC), ==, 0);
    g_assert_cmpint(bind(child->listener, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(child->listener, 256), ==, 0);
    child->thread = g_thread_new("listener", take_connections, child);
}

static void
stop_listening(Child *child)
{
    g_assert_cmpint(write(child->wake[1], "x", 1), ==, 1);
    g_thread_join(child->thread);
    child->thread = NULL;
    close(child->listener);
    unlink(child->path);
}

Child *
child_new(const char *path)
{
    static const Script plain;
    Child *child = g_new0(Child, 1);
    child->path = g_strdup(path);
    child->script = &plain;
    child->connections = g_ptr_array_new();
    g_mutex_init(&child->lock);
    g_cond_init(&child->changed);
    start_listening(child);
    return child;
}

void
child_set_listening(Child *child, gboolean listening)
{
    if (!listening) {
        stop_listening(child);
        return;
    }
    close(child->wake[0]);
    close(child->wake[1]);
    start_listening(child);
}

void
child_free(Child *child)
{
    if (child->thread)
        stop_listening(child);
    child_open_gate(child);
    g_mutex_lock(&child->lock);
    for (guint i = 0; i < child->connections->len; i++) {
        Connection *connection = g_ptr_array_index(child->connections, i);
        if (!connection->closed)
            shutdown(connection->line.fd, SHUT_RDWR);
    }
    g_mutex_unlock(&child->lock);
    for (guint i = 0; i < child->connections->len; i++)
        connection_free(g_ptr_array_index(child->connections, i));
    g_ptr_array_unref(child->connections);
    close(child->wake[0]);
    close(child->wake[1]);
    g_mutex_clear(&child->lock);
    g_cond_clear(&child->changed);
    g_free(child->path);
    g_free(child);
}

void
child_set_script(Child *child, const Script *script)
{
    g_mutex_lock(&child->lock);
    child->script = script;
    g_mutex_unlock(&child->lock);
}

void
child_open_gate(Child *child)
{
    g_mutex_lock(&child->lock);
    child->gate = TRUE;
    g_cond_broadcast(&child->changed);
    g_mutex_unlock(&child->lock);
}

/* ---- The record. */

guint
child_connections(Child *child)
{
    g_mutex_lock(&child->lock);
    guint n = child->connections->len;
    g_mutex_unlock(&child->lock);
    return n;
}

static Connection *
nth(Child *child, guint i)
{
    g_assert_cmpuint(i, <, child->connections->len);
    return g_ptr_array_index(child->connections, i);
}

static guint
count_packets(Child *child, const char *text)
{
    guint n = 0;
    for (guint i = 0; i < child->connections->len; i++) {
        Connection *connection = nth(child, i);
        for (guint j = 0; j < connection->texts->len; j++) {
            n += g_str_has_prefix(g_ptr_array_index(connection->texts, j), text);
        }
    }
    return n;
}

static gboolean
all_closed(Child *child)
{
    for (guint i = 0; i < child->connections->len; i++) {
        if (!nth(child, i)->closed)
            return FALSE;
    }
    return TRUE;
}

/* With the lock held: waits for the next change. */
static void
await(Child *child, const char *what)
{
    gint64 until = g_get_monotonic_time() + (gint64)(SCRIPT_SECONDS * G_USEC_PER_SEC);
    if (!g_cond_wait_until(&child->changed, &child->lock, until))
        g_error("%s: waited in vain for %s", child->path, what);
}

void
child_wait_closed(Child *child, guint n)
{
    g_mutex_lock(&child->lock);
    while (child->connections->len < n || !all_closed(child))
        await(child, "the end of its connections");
    g_mutex_unlock(&child->lock);
}

void
child_wait_ended(Child *child, guint i)
{
    g_mutex_lock(&child->lock);
    while (!nth(child, i)->closed)
        await(child, "the end of a connection");
    g_mutex_unlock(&child->lock);
}

void
child_wait_connections(Child *child, guint n)
{
    g_mutex_lock(&child->lock);
    while (child->connections->len < n)
        await(child, "a connection");
    g_mutex_unlock(&child->lock);
}

void
child_wait_packet(Child *child, const char *text)
{
    child_wait_packets(child, text, 1);
}

void
child_wait_packets(Child *child, const char *text, guint n)
{
    g_mutex_lock(&child->lock);
    while (count_packets(child, text) < n)
        await(child, text);
    g_mutex_unlock(&child->lock);
}

void
child_change_script(Child *child, guint i, const Script *script)
{
    g_mutex_lock(&child->lock);
    nth(child, i)->script = script;
    g_mutex_unlock(&child->lock);
}

char *
child_codes(Child *child, guint i)
{
    g_mutex_lock(&child->lock);
    char *codes = g_strdup(nth(child, i)->codes->str);
    g_mutex_unlock(&child->lock);
    return codes;
}

char *
child_packets(Child *child, guint i)
{
    GString *all = g_string_new(NULL);
    g_mutex_lock(&child->lock);
    const Connection *connection = nth(child, i);
    for (guint j = 0; j < connection->texts->len; j++)
        g_string_append_printf(all, "%s%s", j > 0 ? "~" : "",
                               (const char *)g_ptr_array_index(connection->texts, j));
    g_mutex_unlock(&child->lock);
    return g_string_free(all, FALSE);
}

guint
child_count(Child *child, guint i, char code)
{
    g_mutex_lock(&child->lock);
    guint n = nth(child, i)->counts[(guint8)code];
    g_mutex_unlock(&child->lock);
    return n;
}

GBytes *
child_body(Child *child, guint i)
{
    g_mutex_lock(&child->lock);
    const Connection *connection = nth(child, i);
    GBytes *body = g_bytes_new(connection->body->data, connection->body->len);
    g_mutex_unlock(&child->lock);
    return body;
}

guint64
child_body_size(Child *child, guint i)
{
    g_mutex_lock(&child->lock);
    guint64 size = nth(child, i)->body_size;
    g_mutex_unlock(&child->lock);
    return size;
}

gboolean
child_is_upset(Child *child)
{
    g_mutex_lock(&child->lock);
    gboolean upset = child->upset;
    g_mutex_unlock(&child->lock);
    return upset;
}

gsize
child_largest(Child *child)
{
    g_mutex_lock(&child->lock);
    gsize largest = child->largest;
    g_mutex_unlock(&child->lock);
    return largest;
}
