/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets and the thread; messages are made in dns-message.c. */
#include "dns-server.h"

#include "dns-message.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX 65535u

struct DnsServer {
    char spec[32];
    int udp;
    int tcp;
    GThread *thread;
    GMainContext *context; /* the thread's */
    GMainContext *owner;   /* woken with every question */
    GMainLoop *loop;
    GPtrArray *connections; /* of Connection; the thread's alone */
    GMutex lock;            /* guards what follows */
    DnsZone zone;
    GHashTable *behaviours; /* name to DnsBehaviour */
    DnsBehaviour behaviour;
    GPtrArray *questions; /* of DnsQuestion, all that came */
    guint tcp_questions;
    GPtrArray *held; /* of Held */
    gboolean released;
};

typedef struct Connection {
    DnsServer *server;
    int fd;
    GSource *source;
    GByteArray *in;
} Connection;

/* A question that waits; to whom the answer goes. */
typedef struct Held {
    DnsQuestion *question;
    GByteArray *query;
    struct sockaddr_in peer;
    int fd; /* a dup of the connection; -1: UDP */
} Held;

static void
held_free(gpointer data)
{
    Held *held = data;
    dns_question_free(held->question);
    g_byte_array_unref(held->query);
    if (held->fd >= 0)
        close(held->fd);
    g_free(held);
}

static void
connection_free(gpointer data)
{
    Connection *connection = data;
    g_source_destroy(connection->source);
    g_source_unref(connection->source);
    close(connection->fd);
    g_byte_array_unref(connection->in);
    g_free(connection);
}

/* ---- Answering. */

static void
send_answer(DnsServer *server, const Held *held, const GByteArray *answer)
{
    if (held->fd < 0) {
        (void)!sendto(server->udp, answer->data, answer->len, 0,
                      (const struct sockaddr *)&held->peer, sizeof(held->peer));
        return;
    }
    g_autoptr(GByteArray) framed = g_byte_array_new();
    guint8 length[2] = {(guint8)(answer->len >> 8), (guint8)answer->len};
    g_byte_array_append(framed, length, sizeof(length));
    g_byte_array_append(framed, answer->data, answer->len);
    (void)!send(held->fd, framed->data, framed->len, MSG_NOSIGNAL);
}

static DnsBehaviour
behaviour_for(DnsServer *server, const char *name)
{
    gpointer found;
    if (g_hash_table_lookup_extended(server->behaviours, name, NULL, &found))
        return (DnsBehaviour)GPOINTER_TO_INT(found);
    return server->behaviour;
}

static void
answer(DnsServer *server, const Held *held, DnsBehaviour behaviour)
{
    if (behaviour == DNS_DROP)
        return;
    g_autoptr(GByteArray) message =
        dns_message_answer(&server->zone, held->question, held->query, behaviour, held->fd >= 0);
    send_answer(server, held, message);
}

/* Takes held. */
static void
take_question(DnsServer *server, Held *held)
{
    g_mutex_lock(&server->lock);
    g_ptr_array_add(server->questions, dns_question_copy(held->question));
    server->tcp_questions += held->fd >= 0 ? 1 : 0;
    DnsBehaviour behaviour = behaviour_for(server, held->question->name);
    if (behaviour == DNS_HOLD && !server->released) {
        g_ptr_array_add(server->held, held);
    } else {
        answer(server, held, behaviour == DNS_HOLD ? DNS_ANSWER : behaviour);
        held_free(held);
    }
    g_mutex_unlock(&server->lock);
    g_main_context_wakeup(server->owner);
}

static void
take_message(DnsServer *server, const guint8 *data, gsize size, const struct sockaddr_in *peer,
             int fd)
{
    DnsQuestion *question = dns_message_question(data, size);
    if (!question)
        return;
    Held *held = g_new0(Held, 1);
    held->question = question;
    held->query = g_byte_array_append(g_byte_array_new(), data, (guint)size);
    held->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (peer)
        held->peer = *peer;
    take_question(server, held);
}

/* ---- The thread. */

static gboolean
udp_ready(gint fd, GIOCondition condition, gpointer data)
{
    guint8 message[4096];
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof(peer);
    (void)condition;
    gssize size = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&peer, &length);
    if (size > 0)
        take_message(data, message, (gsize)size, &peer, -1);
    return G_SOURCE_CONTINUE;
}

/* Takes whole messages off the front. */
static void
take_framed(Connection *connection)
{
    GByteArray *in = connection->in;
    while (in->len >= 2) {
        guint size = (guint)in->data[0] << 8 | in->data[1];
        if (in->len < size + 2)
            return;
        take_message(connection->server, in->data + 2, size, NULL, connection->fd);
        g_byte_array_remove_range(in, 0, size + 2);
    }
}

static gboolean
connection_ready(gint fd, GIOCondition condition, gpointer data)
{
    Connection *connection = data;
    guint8 bytes[4096];
    (void)condition;
    gssize size = recv(fd, bytes, sizeof(bytes), 0);
    if (size <= 0 || connection->in->len > MESSAGE_MAX) {
        g_ptr_array_remove_fast(connection->server->connections, connection);
        return G_SOURCE_CONTINUE;
    }
    g_byte_array_append(connection->in, bytes, (guint)size);
    take_framed(connection);
    return G_SOURCE_CONTINUE;
}

static GSource *
watch(DnsServer *server, int fd, GUnixFDSourceFunc function, gpointer data)
{
    GSource *source = g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
    g_source_set_callback(source, G_SOURCE_FUNC(function), data, NULL);
    g_source_attach(source, server->context);
    return source;
}

static gboolean
tcp_ready(gint fd, GIOCondition condition, gpointer data)
{
    DnsServer *server = data;
    (void)condition;
    int accepted = accept(fd, NULL, NULL);
    if (accepted < 0)
        return G_SOURCE_CONTINUE;
    Connection *connection = g_new0(Connection, 1);
    connection->server = server;
    connection->fd = accepted;
    connection->in = g_byte_array_new();
    connection->source = watch(server, accepted, connection_ready, connection);
    g_ptr_array_add(server->connections, connection);
    return G_SOURCE_CONTINUE;
}

static gpointer
run(gpointer data)
{
    DnsServer *server = data;
    g_main_context_push_thread_default(server->context);
    g_main_loop_run(server->loop);
    g_main_context_pop_thread_default(server->context);
    return NULL;
}

/* ---- Making and freeing. */

static int
bind_loopback(int type, guint16 port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static guint16
port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
    return ntohs(address.sin_port);
}

/* The TCP port that goes with the system's choice for UDP may be taken: then another. */
static void
bind_both(DnsServer *server)
{
    for (;;) {
        server->udp = bind_loopback(SOCK_DGRAM, 0);
        g_assert_cmpint(server->udp, >=, 0);
        server->tcp = bind_loopback(SOCK_STREAM, port_of(server->udp));
        if (server->tcp >= 0)
            break;
        close(server->udp);
    }
    g_assert_cmpint(listen(server->tcp, 16), ==, 0);
    g_snprintf(server->spec, sizeof(server->spec), "127.0.0.1:%u", port_of(server->udp));
}

DnsServer *
dns_server_new(void)
{
    DnsServer *server = g_new0(DnsServer, 1);
    bind_both(server);
    g_mutex_init(&server->lock);
    dns_zone_init(&server->zone);
    server->behaviours = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    server->questions = g_ptr_array_new_with_free_func((GDestroyNotify)dns_question_free);
    server->held = g_ptr_array_new_with_free_func(held_free);
    server->connections = g_ptr_array_new_with_free_func(connection_free);
    server->owner = g_main_context_ref_thread_default();
    server->context = g_main_context_new();
    server->loop = g_main_loop_new(server->context, FALSE);
    g_source_unref(watch(server, server->udp, udp_ready, server));
    g_source_unref(watch(server, server->tcp, tcp_ready, server));
    server->thread = g_thread_new("dns-server", run, server);
    return server;
}

static gboolean
quit(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_REMOVE;
}

void
dns_server_free(DnsServer *server)
{
    if (!server)
        return;
    g_main_context_invoke(server->context, quit, server->loop);
    g_thread_join(server->thread);
    g_ptr_array_unref(server->connections);
    g_ptr_array_unref(server->held);
    g_ptr_array_unref(server->questions);
    g_hash_table_unref(server->behaviours);
    dns_zone_clear(&server->zone);
    g_main_loop_unref(server->loop);
    g_main_context_unref(server->context);
    g_main_context_unref(server->owner);
    g_mutex_clear(&server->lock);
    close(server->udp);
    close(server->tcp);
    g_free(server);
}

const char *
dns_server_spec(const DnsServer *server)
{
    return server->spec;
}

/* ---- What the test sets and asks. */

void
dns_server_add(DnsServer *server, const char *name, DnsType type, guint32 ttl, const char *value)
{
    g_mutex_lock(&server->lock);
    dns_zone_add(&server->zone, name, type, ttl, value);
    g_mutex_unlock(&server->lock);
}

void
dns_server_add_ptr(DnsServer *server, const char *address, guint32 ttl, const char *name)
{
    g_autofree char *reverse = dns_reverse_name(address);
    dns_server_add(server, reverse, DNS_PTR, ttl, name);
}

void
dns_server_clear(DnsServer *server)
{
    g_mutex_lock(&server->lock);
    dns_zone_clear(&server->zone);
    dns_zone_init(&server->zone);
    g_hash_table_remove_all(server->behaviours);
    server->behaviour = DNS_ANSWER;
    server->released = FALSE;
    g_mutex_unlock(&server->lock);
}

void
dns_server_behave(DnsServer *server, const char *name, DnsBehaviour behaviour)
{
    g_mutex_lock(&server->lock);
    if (name)
        g_hash_table_insert(server->behaviours, dns_name_normal(name), GINT_TO_POINTER(behaviour));
    else
        server->behaviour = behaviour;
    server->released = FALSE;
    g_mutex_unlock(&server->lock);
}

void
dns_server_set_negative_ttl(DnsServer *server, guint32 ttl)
{
    g_mutex_lock(&server->lock);
    server->zone.negative_ttl = ttl;
    g_mutex_unlock(&server->lock);
}

void
dns_server_release(DnsServer *server)
{
    g_mutex_lock(&server->lock);
    server->released = TRUE;
    for (guint i = 0; i < server->held->len; i++)
        answer(server, g_ptr_array_index(server->held, i), DNS_ANSWER);
    g_ptr_array_set_size(server->held, 0);
    g_mutex_unlock(&server->lock);
}

guint
dns_server_count(DnsServer *server, const char *name, DnsType type)
{
    g_autofree char *normal = name ? dns_name_normal(name) : NULL;
    guint count = 0;
    g_mutex_lock(&server->lock);
    for (guint i = 0; i < server->questions->len; i++) {
        const DnsQuestion *question = g_ptr_array_index(server->questions, i);
        gboolean counts = (type == DNS_ANY_TYPE || question->type == type) &&
                          (!normal || g_str_equal(normal, question->name));
        count += counts ? 1 : 0;
    }
    g_mutex_unlock(&server->lock);
    return count;
}

guint
dns_server_count_tcp(DnsServer *server)
{
    g_mutex_lock(&server->lock);
    guint count = server->tcp_questions;
    g_mutex_unlock(&server->lock);
    return count;
}

void
dns_server_wait(DnsServer *server, guint n)
{
    while (dns_server_count(server, NULL, DNS_ANY_TYPE) < n)
        g_main_context_iteration(server->owner, TRUE);
}

char *
dns_reverse_name(const char *address)
{
    guint8 bytes[16];
    GString *name = g_string_new(NULL);
    if (inet_pton(AF_INET, address, bytes) == 1) {
        g_string_printf(name, "%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
        return g_string_free(name, FALSE);
    }
    g_assert_cmpint(inet_pton(AF_INET6, address, bytes), ==, 1);
    for (guint i = 16; i-- > 0;)
        g_string_append_printf(name, "%x.%x.", bytes[i] & 15, bytes[i] >> 4);
    g_string_append(name, "ip6.arpa");
    return g_string_free(name, FALSE);
}
