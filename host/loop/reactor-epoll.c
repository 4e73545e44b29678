/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linux: one epoll descriptor, level-triggered. */
#include "base/i18n.h"
#include "loop/backend.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* The event that is the context's own wake-up. */
#define WAKE_UP G_MAXUINT64
/* Nobody has asked since the last collect. */
#define UNKNOWN (-1)

struct MmBackend {
    MmReactor *reactor;
    int epoll;
    int wake_up; /* of the context, watched as well; -1: not yet */
    int found;   /* events of the last poll that wait for collect, or UNKNOWN */
    struct epoll_event events[MM_REACTOR_ROUND];
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
    backend->wake_up = -1;
    backend->found = UNKNOWN;
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

/* The context's wake-up among two descriptors of which the other is ours; NULL: it is not so. */
static GPollFD *
find_wake_up(const MmBackend *backend, GPollFD *fds, guint n)
{
    if (n != 2 || (fds[0].fd != backend->epoll && fds[1].fd != backend->epoll))
        return NULL;
    GPollFD *other = fds[0].fd == backend->epoll ? &fds[1] : &fds[0];
    return other->events == G_IO_IN ? other : NULL;
}

static gboolean
watch_wake_up(MmBackend *backend, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE_UP};
    if (backend->wake_up == fd)
        return TRUE;
    if (backend->wake_up >= 0 || epoll_ctl(backend->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        return FALSE;
    backend->wake_up = fd;
    return TRUE;
}

gboolean
mm_backend_poll(MmBackend *backend, GPollFD *fds, guint n, gint timeout, gint *result)
{
    GPollFD *wake_up = find_wake_up(backend, fds, n);
    if (!wake_up || !watch_wake_up(backend, wake_up->fd))
        return FALSE;
    GPollFD *own = wake_up == fds ? &fds[1] : &fds[0];
    own->revents = wake_up->revents = 0;
    backend->found = UNKNOWN;
    *result = epoll_wait(backend->epoll, backend->events, MM_REACTOR_ROUND, timeout);
    if (*result < 0)
        return TRUE;
    backend->found = *result;
    for (int i = 0; i < backend->found; i++) {
        GPollFD *fd = backend->events[i].data.u64 == WAKE_UP ? wake_up : own;
        fd->revents = G_IO_IN;
    }
    *result = (own->revents != 0) + (wake_up->revents != 0);
    return TRUE;
}

void
mm_backend_collect(MmBackend *backend)
{
    struct epoll_event events[MM_REACTOR_ROUND];
    int n = backend->found;
    backend->found = UNKNOWN;
    if (n == UNKNOWN)
        n = epoll_wait(backend->epoll, events, MM_REACTOR_ROUND, 0);
    else
        memcpy(events, backend->events, (gsize)n * sizeof(events[0]));
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 != WAKE_UP)
            mm_reactor_event(backend->reactor, (guint32)(events[i].data.u64 & G_MAXUINT32),
                             (guint32)(events[i].data.u64 >> 32), translate(events[i].events));
    }
}

const char *
mm_backend_name(void)
{
    return "epoll";
}
