/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Callers that wait for an accept. */
#define QUEUE 4
/* The system may take some more than it is told to. */
#define CALLERS_MAX 64

static Peer *
peer_alloc(MmHarness *harness, int family)
{
    Peer *peer = g_new0(Peer, 1);
    peer->harness = harness;
    peer->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    g_assert_cmpint(peer->listener, >=, 0);
    line_init(&peer->line, -1);
    return peer;
}

Peer *
peer_new_deaf(MmHarness *harness, const char *address, guint16 port)
{
    Peer *peer = peer_alloc(harness, AF_INET);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof(in);
    g_assert_cmpint(inet_pton(AF_INET, address, &in.sin_addr), ==, 1);
    g_assert_cmpint(bind(peer->listener, (struct sockaddr *)&in, sizeof(in)), ==, 0);
    g_assert_cmpint(getsockname(peer->listener, (struct sockaddr *)&in, &length), ==, 0);
    peer->port = ntohs(in.sin_port);
    return peer;
}

Peer *
peer_new(MmHarness *harness, const char *address, guint16 port)
{
    Peer *peer = peer_new_deaf(harness, address, port);
    g_assert_cmpint(listen(peer->listener, QUEUE), ==, 0);
    return peer;
}

Peer *
peer_new_unix(MmHarness *harness, const char *path)
{
    Peer *peer = peer_alloc(harness, AF_UNIX);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    g_assert_cmpuint(strlen(path), <, sizeof(un.sun_path));
    strcpy(un.sun_path, path);
    peer->path = g_strdup(path);
    g_assert_cmpint(bind(peer->listener, (struct sockaddr *)&un, sizeof(un)), ==, 0);
    g_assert_cmpint(listen(peer->listener, QUEUE), ==, 0);
    return peer;
}

void
peer_free(Peer *peer)
{
    line_close(&peer->line);
    close(peer->listener);
    if (peer->path)
        unlink(peer->path);
    g_free(peer->path);
    g_free(peer);
}

/* ---- A queue that is full. */

/* FALSE: there is no room any more. */
static gboolean
call(const struct sockaddr *address, socklen_t length)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    g_assert_cmpint(fd, >=, 0);
    gboolean made =
        connect(fd, address, length) == 0 || (errno == EINPROGRESS && poll(&poll_fd, 1, 50) == 1);
    close(fd); /* what is in the queue stays there */
    return made;
}

void
peer_fill(Peer *peer)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    guint callers = 0;
    g_assert_cmpint(getsockname(peer->listener, (struct sockaddr *)&address, &length), ==, 0);
    while (call((struct sockaddr *)&address, length))
        g_assert_cmpuint(++callers, <, CALLERS_MAX);
}

void
peer_empty(Peer *peer)
{
    for (int fd; (fd = accept(peer->listener, NULL, NULL)) >= 0;)
        close(fd);
}

/* ---- A dialog. */

gboolean
peer_has_caller(Peer *peer)
{
    struct pollfd poll_fd = {.fd = peer->listener, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static gboolean
has_caller(gpointer data)
{
    return peer_has_caller(data);
}

void
peer_accept(Peer *peer)
{
    peer_close(peer);
    g_assert_true(mm_harness_wait(peer->harness, has_caller, peer));
    int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    line_init(&peer->line, fd);
}

typedef struct Wanted {
    Line *line;
    LineResult result;
    char *text;
} Wanted;

static gboolean
has_packet(gpointer data)
{
    Wanted *wanted = data;
    MmFrame frame;
    wanted->result = line_receive(wanted->line, 0, &frame);
    if (wanted->result == LINE_PACKET)
        wanted->text = packet_text(&frame);
    return wanted->result != LINE_NOTHING;
}

void
peer_expect(Peer *peer, const char *text)
{
    Wanted wanted = {.line = &peer->line};
    g_assert_true(mm_harness_wait(peer->harness, has_packet, &wanted));
    g_assert_cmpint(wanted.result, ==, LINE_PACKET);
    if (!g_str_has_prefix(wanted.text, text))
        g_assert_cmpstr(wanted.text, ==, text);
    g_free(wanted.text);
}

void
peer_expect_end(Peer *peer)
{
    Wanted wanted = {.line = &peer->line};
    g_assert_true(mm_harness_wait(peer->harness, has_packet, &wanted));
    g_assert_cmpstr(wanted.text, ==, NULL);
}

void
peer_say(Peer *peer, const char *packets)
{
    g_assert_true(line_send_packets(&peer->line, packets));
    mm_harness_pump(peer->harness);
}

void
peer_close(Peer *peer)
{
    line_close(&peer->line);
    mm_harness_pump(peer->harness);
}

void
peer_reset(Peer *peer)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    g_assert_cmpint(setsockopt(peer->line.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), ==,
                    0);
    peer_close(peer);
}

Line
peer_take(Peer *peer)
{
    Line line = peer->line;
    line_init(&peer->line, -1);
    return line;
}

void
peer_negotiate(Peer *peer, const char *answer)
{
    peer_accept(peer);
    peer_expect(peer, "O");
    peer_say(peer, answer);
}
