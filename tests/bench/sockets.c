/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sockets.h"

#include "base/address.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
bench_fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void
resolve(const char *spec, gboolean listening, struct sockaddr_storage *storage, socklen_t *length)
{
    g_autoptr(MmAddress) address = mm_address_parse(spec, NULL);
    if (!address || !mm_address_to_sockaddr(address, listening, storage, length)) {
        errno = EINVAL;
        bench_fail(spec);
    }
    if (listening && address->path)
        (void)unlink(address->path);
}

int
bench_listen(const char *spec)
{
    struct sockaddr_storage storage;
    socklen_t length;
    const int backlog = 1024;
    resolve(spec, TRUE, &storage, &length);
    int fd = mm_address_socket(storage.ss_family);
    if (fd < 0 || bind(fd, (struct sockaddr *)&storage, length) != 0 || listen(fd, backlog) != 0)
        bench_fail(spec);
    return fd;
}

int
bench_connect(const char *spec)
{
    struct sockaddr_storage storage;
    socklen_t length;
    gboolean in_progress;
    const gulong pause = 100;
    resolve(spec, FALSE, &storage, &length);
    for (;;) {
        int fd = mm_address_connect(&storage, length, &in_progress);
        if (fd >= 0)
            return fd;
        if (errno != EAGAIN)
            bench_fail(spec);
        g_usleep(pause);
    }
}

int
bench_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED)
        bench_fail("accept");
    return fd;
}

int
bench_epoll(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        bench_fail("epoll_create1");
    return fd;
}

void
bench_watch(int epoll, int fd, gpointer data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_fail("epoll_ctl");
}

void
bench_send(int fd, gconstpointer data, gsize size)
{
    const char *next = data;
    while (size > 0) {
        ssize_t n = send(fd, next, size, MSG_NOSIGNAL);
        if (n > 0) {
            next += n;
            size -= (gsize)n;
        } else if (errno == EAGAIN) {
            struct pollfd entry = {.fd = fd, .events = POLLOUT};
            (void)poll(&entry, 1, -1);
        } else if (errno != EINTR) {
            return; /* the other side is gone: its end is read */
        }
    }
}
