/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passes bytes on between the MTA and one child without looking at them: what no relay can beat. */
#include "sockets.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Pair Pair;
typedef struct End {
    Pair *pair;
    int fd, other;
} End;

struct Pair {
    End ends[2];
    Pair *next_dead;
    gboolean dead;
};

static Pair *dead; /* freed after the round: events of theirs may still be in the list */

static void
take_all(int epoll, int listener, const char *child)
{
    for (int fd = bench_accept(listener); fd >= 0; fd = bench_accept(listener)) {
        Pair *pair = g_new0(Pair, 1);
        int other = bench_connect(child);
        pair->ends[0] = (End){pair, fd, other};
        pair->ends[1] = (End){pair, other, fd};
        bench_watch(epoll, fd, &pair->ends[0]);
        bench_watch(epoll, other, &pair->ends[1]);
    }
}

static void
pass_on(End *end)
{
    static char bytes[256 * 1024];
    Pair *pair = end->pair;
    if (pair->dead)
        return;
    ssize_t n = recv(end->fd, bytes, sizeof(bytes), 0);
    if (n > 0) {
        bench_send(end->other, bytes, (gsize)n);
        return;
    }
    close(pair->ends[0].fd);
    close(pair->ends[1].fd);
    pair->dead = TRUE;
    pair->next_dead = dead;
    dead = pair;
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        g_printerr("usage: bench-forward SPEC CHILD-SPEC\n");
        return EXIT_FAILURE;
    }
    int epoll = bench_epoll();
    int listener = bench_listen(argv[1]);
    bench_watch(epoll, listener, NULL);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, G_N_ELEMENTS(events), -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                pass_on(events[i].data.ptr);
            else
                take_all(epoll, listener, argv[2]);
        }
        while (dead) {
            Pair *next = dead->next_dead;
            g_free(dead);
            dead = next;
        }
    }
}
