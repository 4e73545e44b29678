/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     listener.h - the socket the MTA connects to
 *
 * DESCRIPTION
 *     Tells its owner of connections that wait, who accepts them one by one. Out of descriptors, or
 * paused by its owner, it tells of none: the kernel's queue holds what comes, nothing sleeps.
 *     Several reactors may each have a listener for one socket, with a duplicate of the descriptor.
 */
#ifndef MM_CONTROL_LISTENER_H
#define MM_CONTROL_LISTENER_H

#include "base/address.h"
#include "loop/reactor.h"

typedef struct MmListener MmListener;

typedef struct MmListenerOptions {
    const MmAddress *address;
    guint mode;        /* of a unix socket */
    uid_t owner;       /* of a unix socket, given if we are root */
    const char *group; /* of a unix socket; NULL or "": leave it */
} MmListenerOptions;

/* Connections wait. What is not accepted now is told again. */
typedef void (*MmArrivalFunction)(gpointer data);

/* A bound and listening socket. A unix socket nobody listens on is replaced, one somebody listens
 * on is an error. -1 with error. */
int mm_listener_bind(const MmListenerOptions *options, GError **error);
/* On the reactor's thread, as all below. Takes over fd. NULL and errno if it cannot be watched; fd
 * is left open then. */
MmListener *mm_listener_new(MmReactor *reactor, int fd, MmArrivalFunction arrivals, gpointer data);
void mm_listener_free(MmListener *listener);
/* The next connection, non-blocking and closed on exec; -1: there is none now. */
int mm_listener_accept(MmListener *listener);
void mm_listener_set_paused(MmListener *listener, gboolean paused);

#endif
