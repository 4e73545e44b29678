/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fastest child there can be: looks at each frame's length and code, answers "continue". As
 * modern filters do, it declines the answers to headers and body. */
#include "base/buffer.h"
#include "sockets.h"
#include "wire/negotiate.h"

#include <libmilter/mfdef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Peer {
    int fd;
    MmFrameReader in;
    MmBuffer out;
} Peer;

static void
close_peer(Peer *peer)
{
    close(peer->fd);
    mm_frame_reader_clear(&peer->in);
    mm_buffer_clear(&peer->out);
    g_free(peer);
}

static void
answer(Peer *peer, guint8 code)
{
    const MmOptions options = {.version = MM_PROTOCOL_VERSION,
                               .protocol = SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY};
    switch (code) {
    case SMFIC_OPTNEG:
        mm_options_append(&peer->out, &options);
        break;
    case SMFIC_CONNECT:
    case SMFIC_HELO:
    case SMFIC_MAIL:
    case SMFIC_RCPT:
    case SMFIC_DATA:
    case SMFIC_UNKNOWN:
    case SMFIC_BODYEOB:
        mm_reply_append_plain(&peer->out, MM_REPLY_CONTINUE);
        break;
    default:
        break;
    }
}

/* FALSE: it is gone. */
static gboolean
serve(Peer *peer)
{
    MmFrame frame;
    gsize room;
    guint8 *place = mm_frame_reader_reserve(&peer->in, &room);
    ssize_t n = recv(peer->fd, place, room, 0);
    if (n <= 0)
        return FALSE;
    mm_frame_reader_commit(&peer->in, (gsize)n);
    while (mm_frame_reader_next(&peer->in, &frame) == MM_FRAME_READY)
        answer(peer, frame.code);
    bench_send(peer->fd, mm_buffer_data(&peer->out), mm_buffer_length(&peer->out));
    mm_buffer_truncate(&peer->out, 0);
    return TRUE;
}

static void
take_all(int epoll, int listener)
{
    for (int fd = bench_accept(listener); fd >= 0; fd = bench_accept(listener)) {
        Peer *peer = g_new0(Peer, 1);
        peer->fd = fd;
        mm_frame_reader_init(&peer->in, MM_FRAME_ACCEPT_MAX);
        mm_buffer_init(&peer->out, 0);
        bench_watch(epoll, fd, peer);
    }
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        g_printerr("usage: bench-child SPEC\n");
        return EXIT_FAILURE;
    }
    int epoll = bench_epoll();
    int listener = bench_listen(argv[1]);
    bench_watch(epoll, listener, NULL);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, G_N_ELEMENTS(events), -1);
        for (int i = 0; i < n; i++) {
            Peer *peer = events[i].data.ptr;
            if (!peer)
                take_all(epoll, listener);
            else if (!serve(peer))
                close_peer(peer);
        }
    }
}
