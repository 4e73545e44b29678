/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FreeBSD and its relatives: one kqueue descriptor, level-triggered. */
#include "loop/backend.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdint.h>
#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

struct MmBackend {
    MmReactor *reactor;
    int kqueue;
};

MmBackend *
mm_backend_new(MmReactor *reactor, GMainContext *context, GError **error)
{
    (void)context;
    int fd = kqueue();
    if (fd < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "kqueue: %s",
                    g_strerror(errno));
        return NULL;
    }
    MmBackend *backend = g_new0(MmBackend, 1);
    backend->reactor = reactor;
    backend->kqueue = fd;
    return backend;
}

void
mm_backend_free(MmBackend *backend)
{
    close(backend->kqueue);
    g_free(backend);
}

/* A kevent carries one pointer: the slot and as much of the generation as there is room for. */
static void *
name_of(const MmWatch *watch)
{
    return (void *)(uintptr_t)(((guint64)watch->generation << 32) | watch->slot);
}

/* The read filter is always there, since it reports the hang-up. It is cleared (EV_CLEAR) while
 * nothing is to be read, so that unread data is reported once instead of turning the loop. */
static gboolean
apply(MmBackend *backend, const MmWatch *watch)
{
    struct kevent changes[2];
    u_short reading = (watch->events & MM_WATCH_READ) ? 0 : EV_CLEAR;
    u_short writing = (watch->events & MM_WATCH_WRITE) ? EV_ENABLE : EV_DISABLE;
    EV_SET(&changes[0], (uintptr_t)watch->fd, EVFILT_READ, EV_ADD | EV_ENABLE | reading, 0, 0,
           name_of(watch));
    EV_SET(&changes[1], (uintptr_t)watch->fd, EVFILT_WRITE, EV_ADD | writing, 0, 0, name_of(watch));
    return kevent(backend->kqueue, changes, 2, NULL, 0, NULL) == 0;
}

gboolean
mm_backend_add(MmBackend *backend, MmWatch *watch)
{
    return apply(backend, watch);
}

static void
delete_filters(MmBackend *backend, const MmWatch *watch)
{
    struct kevent change;
    EV_SET(&change, (uintptr_t)watch->fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
    (void)kevent(backend->kqueue, &change, 1, NULL, 0, NULL);
    EV_SET(&change, (uintptr_t)watch->fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
    (void)kevent(backend->kqueue, &change, 1, NULL, 0, NULL);
}

/* EV_CLEAR cannot be taken back by modifying: the filters are made anew. */
void
mm_backend_change(MmBackend *backend, MmWatch *watch)
{
    delete_filters(backend, watch);
    (void)apply(backend, watch);
}

void
mm_backend_remove(MmBackend *backend, MmWatch *watch)
{
    delete_filters(backend, watch);
}

int
mm_backend_descriptor(MmBackend *backend)
{
    return backend->kqueue;
}

static guint32
translate(const struct kevent *event)
{
    guint32 result = event->filter == EVFILT_WRITE ? MM_WATCH_WRITE : 0;
    if (event->filter == EVFILT_READ && event->data > 0)
        result |= MM_WATCH_READ;
    if (event->flags & (EV_EOF | EV_ERROR))
        result |= MM_WATCH_HANGUP;
    /* A listening socket counts connections in data; an error has its number there. */
    return result;
}

gboolean
mm_backend_poll(MmBackend *backend, GPollFD *fds, guint n, gint timeout, gint *result)
{
    (void)backend, (void)fds, (void)n, (void)timeout, (void)result;
    return FALSE;
}

void
mm_backend_collect(MmBackend *backend)
{
    struct kevent events[MM_REACTOR_ROUND];
    const struct timespec at_once = {0, 0};
    int n = kevent(backend->kqueue, NULL, 0, events, MM_REACTOR_ROUND, &at_once);
    for (int i = 0; i < n; i++) {
        guint64 name = (guint64)(uintptr_t)events[i].udata;
        mm_reactor_event(backend->reactor, (guint32)(name & G_MAXUINT32), (guint32)(name >> 32),
                         translate(&events[i]));
    }
}

const char *
mm_backend_name(void)
{
    return "kqueue";
}
