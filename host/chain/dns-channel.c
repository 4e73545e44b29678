/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/dns-channel.h"

/* Newer releases deprecate what Debian 12's release (1.18) has no replacement for. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <gio/gio.h>
#include <netinet/in.h>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 2
/* Questions from one source port, where the library can count them. */
#define QUESTIONS_PER_PORT 64

typedef struct Socket {
    MmDnsChannel *channel;
    ares_socket_t fd;
    MmWatch *watch;
} Socket;

struct MmDnsChannel {
    MmReactor *reactor;
    ares_channel ares;
    GPtrArray *sockets; /* of Socket */
    MmTimer timer;
};

typedef struct Question {
    MilterResolveKind kind;
    MmDnsFunction function;
    gpointer data;
} Question;

/* ---- Names of servers. */

/* FALSE: not a port. Nothing there: 53. */
static gboolean
parse_port(const char *text, int *port)
{
    char *end;
    *port = NS_DEFAULTPORT;
    if (*text == '\0')
        return TRUE;
    if (text[0] != ':' || !g_ascii_isdigit(text[1]))
        return FALSE;
    guint64 value = g_ascii_strtoull(text + 1, &end, 10);
    *port = (int)MIN(value, 65536u);
    return *end == '\0' && value > 0 && value <= 65535;
}

static gboolean
parse_server(const char *text, struct ares_addr_port_node *node)
{
    g_autofree char *host = NULL;
    const char *rest = "";
    const char *bracket = strchr(text, ']');
    const char *colon = strchr(text, ':');
    if (text[0] == '[' && bracket) {
        host = g_strndup(text + 1, (gsize)(bracket - text - 1));
        rest = bracket + 1;
    } else if (colon && !strchr(colon + 1, ':')) {
        host = g_strndup(text, (gsize)(colon - text));
        rest = colon;
    } else {
        host = g_strdup(text);
    }
    node->family = strchr(host, ':') ? AF_INET6 : AF_INET;
    return inet_pton(node->family, host, &node->addr) == 1 && parse_port(rest, &node->udp_port) &&
           (node->tcp_port = node->udp_port, TRUE);
}

gboolean
mm_dns_server_is_valid(const char *server)
{
    struct ares_addr_port_node node = {0};
    return parse_server(server, &node);
}

static int
set_servers(MmDnsChannel *channel, const char *const *servers)
{
    guint n = 0;
    while (servers && servers[n])
        n++;
    if (n == 0)
        return ARES_SUCCESS;
    g_autofree struct ares_addr_port_node *nodes = g_new0(struct ares_addr_port_node, n);
    for (guint i = 0; i < n; i++) {
        if (!parse_server(servers[i], &nodes[i]))
            return ARES_EBADSTR;
        nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
    }
    return ares_set_servers_ports(channel->ares, nodes);
}

/* ---- The reactor's side. */

static void
socket_free(gpointer data)
{
    Socket *socket = data;
    if (socket->watch)
        mm_watch_remove(socket->watch);
    g_free(socket);
}

static void time_is_up(gpointer data);

static void
set_timer(MmDnsChannel *channel)
{
    struct timeval room;
    const struct timeval *next = ares_timeout(channel->ares, NULL, &room);
    if (next)
        mm_timer_start(channel->reactor, &channel->timer,
                       (double)next->tv_sec + (double)next->tv_usec / G_USEC_PER_SEC, time_is_up,
                       channel);
    else
        mm_timer_stop(channel->reactor, &channel->timer);
}

static void
time_is_up(gpointer data)
{
    MmDnsChannel *channel = data;
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(channel);
}

/* The socket may be gone after this. */
static void
socket_ready(gpointer data, guint32 events)
{
    const Socket *socket = data;
    MmDnsChannel *channel = socket->channel;
    ares_socket_t fd = socket->fd;
    gboolean readable = (events & (MM_WATCH_READ | MM_WATCH_HANGUP)) != 0;
    gboolean writable = (events & (MM_WATCH_WRITE | MM_WATCH_HANGUP)) != 0;
    ares_process_fd(channel->ares, readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
    set_timer(channel);
}

static Socket *
find_socket(MmDnsChannel *channel, ares_socket_t fd)
{
    for (guint i = 0; i < channel->sockets->len; i++) {
        Socket *socket = g_ptr_array_index(channel->sockets, i);
        if (socket->fd == fd)
            return socket;
    }
    Socket *socket = g_new0(Socket, 1);
    *socket = (Socket){channel, fd, NULL};
    g_ptr_array_add(channel->sockets, socket);
    return socket;
}

/* c-ares tells what it waits for; nothing: it is about to close the socket. A socket that cannot be
 * watched is one whose server does not answer. */
static void
socket_changed(void *data, ares_socket_t fd, int readable, int writable)
{
    MmDnsChannel *channel = data;
    Socket *socket = find_socket(channel, fd);
    guint32 events =
        (readable ? (guint32)MM_WATCH_READ : 0u) | (writable ? (guint32)MM_WATCH_WRITE : 0u);
    if (events == 0)
        g_ptr_array_remove_fast(channel->sockets, socket);
    else if (socket->watch)
        mm_watch_change(socket->watch, events);
    else
        socket->watch = mm_watch_add(channel->reactor, fd, events, socket_ready, socket);
}

/* ---- The channel. */

/* Our own cache is the only one: its clock and its bounds are known. */
static int
open_ares(MmDnsChannel *channel, double seconds)
{
    struct ares_options options = {.timeout = MAX((int)(seconds * 1000.0 / 3.0), 1),
                                   .tries = TRIES,
                                   .sock_state_cb = socket_changed,
                                   .sock_state_cb_data = channel};
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_UDP_MAX_QUERIES
    options.udp_max_queries = QUESTIONS_PER_PORT;
    mask |= ARES_OPT_UDP_MAX_QUERIES;
#endif
#ifdef ARES_OPT_QUERY_CACHE
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    return ares_init_options(&channel->ares, &options, mask);
}

MmDnsChannel *
mm_dns_channel_new(MmReactor *reactor, const char *const *servers, double seconds, GError **error)
{
    static gsize once;
    if (g_once_init_enter(&once)) {
        ares_library_init(ARES_LIB_INIT_ALL);
        g_once_init_leave(&once, 1);
    }
    MmDnsChannel *channel = g_new0(MmDnsChannel, 1);
    channel->reactor = reactor;
    channel->sockets = g_ptr_array_new_with_free_func(socket_free);
    int status = open_ares(channel, seconds);
    if (status == ARES_SUCCESS)
        status = set_servers(channel, servers);
    if (status == ARES_SUCCESS)
        return channel;
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, ares_strerror(status));
    mm_dns_channel_free(channel);
    return NULL;
}

void
mm_dns_channel_free(MmDnsChannel *channel)
{
    if (!channel)
        return;
    if (channel->ares)
        ares_destroy(channel->ares);
    mm_timer_stop(channel->reactor, &channel->timer);
    g_ptr_array_unref(channel->sockets);
    g_free(channel);
}

static MmDnsAnswer *
read_answer(MilterResolveKind kind, int status, const guint8 *message, int size)
{
    switch (status) {
    case ARES_EDESTRUCTION:
        return NULL;
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
        if (message && size > 0)
            return mm_dns_answer_parse(kind, message, (gsize)size);
        return mm_dns_answer_new(status == ARES_SUCCESS ? MILTER_RESOLVE_TEMPORARY
                                                        : MILTER_RESOLVE_NONE);
    default:
        return mm_dns_answer_new(MILTER_RESOLVE_TEMPORARY);
    }
}

static void
answered(void *data, int status, int timeouts, unsigned char *message, int size)
{
    Question question = *(Question *)data;
    (void)timeouts;
    g_free(data);
    question.function(question.data, read_answer(question.kind, status, message, size));
}

void
mm_dns_channel_ask(MmDnsChannel *channel, MilterResolveKind kind, const char *name,
                   MmDnsFunction function, gpointer data)
{
    Question *question = g_new0(Question, 1);
    *question = (Question){kind, function, data};
    ares_query(channel->ares, name, ns_c_in, (int)mm_dns_record_type(kind), answered, question);
    set_timer(channel);
}
