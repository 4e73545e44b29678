/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     backend.h - what a reactor asks of epoll, kqueue or plain GSources; private to the loop
 */
#ifndef MM_LOOP_BACKEND_H
#define MM_LOOP_BACKEND_H

#include "loop/reactor.h"

typedef struct MmBackend MmBackend;

struct MmWatch {
    MmReactor *reactor;
    int fd;
    guint32 events;
    MmWatchFunction function;
    gpointer data;
    guint32 slot;       /* in the reactor's table */
    guint32 generation; /* of the slot: an event for an earlier watch is dropped */
    gpointer tag;       /* the backend's own */
};

/* Called by the reactor. */
MmBackend *mm_backend_new(MmReactor *reactor, GMainContext *context, GError **error);
void mm_backend_free(MmBackend *backend);
gboolean mm_backend_add(MmBackend *backend, MmWatch *watch); /* FALSE and errno */
void mm_backend_change(MmBackend *backend, MmWatch *watch);
void mm_backend_remove(MmBackend *backend, MmWatch *watch);
/* The descriptor the reactor's source polls; -1: the backend has sources of its own. */
int mm_backend_descriptor(MmBackend *backend);
/* Does the context's poll in the backend's own call, see mm_reactor_poll. FALSE: it cannot. */
gboolean mm_backend_poll(MmBackend *backend, GPollFD *fds, guint n, gint timeout, gint *result);
/* Takes at most MM_REACTOR_ROUND events without waiting, those that mm_backend_poll has found if it
 * was called since, and calls mm_reactor_event for each. */
void mm_backend_collect(MmBackend *backend);
const char *mm_backend_name(void);

/* Called by the backend: an event for the watch that had this slot and generation. */
void mm_reactor_event(MmReactor *reactor, guint32 slot, guint32 generation, guint32 events);
/* By a backend with sources of its own, after its events of a round. */
void mm_reactor_end_round(MmReactor *reactor);

#endif
