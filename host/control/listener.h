/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     listener.h - the socket the MTA connects to
 *
 * DESCRIPTION
 *     Accepts on the control thread and hands each connection over. Out of descriptors, or paused
 * by its owner, it stops accepting: the kernel's queue holds what comes, nothing sleeps.
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

typedef void (*MmAcceptFunction)(int fd, gpointer data);

/* A bound and listening socket. A unix socket nobody listens on is replaced, one somebody listens
 * on is an error. -1 with error. */
int mm_listener_bind(const MmListenerOptions *options, GError **error);
/* Takes over fd. path (may be NULL) is removed when the listener is freed. */
MmListener *mm_listener_new(MmReactor *reactor, int fd, const char *path, MmAcceptFunction accepted,
                            gpointer data);
void mm_listener_free(MmListener *listener);
void mm_listener_set_paused(MmListener *listener, gboolean paused);

#endif
