/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linux: one epoll descriptor, level-triggered. */
#include "base/i18n.h"
#include "loop/backend.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/epoll.h>
#include <unistd.h>

struct MmBackend {
    MmReactor *reactor;
    int epoll;
};

MmBackend *
mm_backend_new(MmReactor *reactor, GMainContext *context, GError **error)
{
    (void)context;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "epoll_create1: %s",
                    g_strerror(errno));
        return NULL;
    }
    MmBackend *backend = g_new0(MmBackend, 1);
    backend->reactor = reactor;
    backend->epoll = fd;
    return backend;
}

void
mm_backend_free(MmBackend *backend)
{
    close(backend->epoll);
    g_free(backend);
}

static struct epoll_event
event_for(const MmWatch *watch)
{
    struct epoll_event event = {.events = EPOLLRDHUP};
    if (watch->events & MM_WATCH_READ)
        event.events |= EPOLLIN;
    if (watch->events & MM_WATCH_WRITE)
        event.events |= EPOLLOUT;
    event.data.u64 = ((guint64)watch->generation << 32) | watch->slot;
    return event;
}

gboolean
mm_backend_add(MmBackend *backend, MmWatch *watch)
{
    struct epoll_event event = event_for(watch);
    return epoll_ctl(backend->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void
mm_backend_change(MmBackend *backend, MmWatch *watch)
{
    struct epoll_event event = event_for(watch);
    (void)epoll_ctl(backend->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void
mm_backend_remove(MmBackend *backend, MmWatch *watch)
{
    (void)epoll_ctl(backend->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

int
mm_backend_descriptor(MmBackend *backend)
{
    return backend->epoll;
}

static guint32
translate(guint32 events)
{
    guint32 result = 0;
    if (events & EPOLLIN)
        result |= MM_WATCH_READ;
    if (events & EPOLLOUT)
        result |= MM_WATCH_WRITE;
    if (events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
        result |= MM_WATCH_HANGUP;
    return result;
}

void
mm_backend_collect(MmBackend *backend)
{
    struct epoll_event events[MM_REACTOR_ROUND];
    int n = epoll_wait(backend->epoll, events, MM_REACTOR_ROUND, 0);
    for (int i = 0; i < n; i++)
        mm_reactor_event(backend->reactor, (guint32)(events[i].data.u64 & G_MAXUINT32),
                         (guint32)(events[i].data.u64 >> 32), translate(events[i].events));
}

const char *
mm_backend_name(void)
{
    return "epoll";
}
