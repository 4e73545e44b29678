/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     server.h - the figures over HTTP
 *
 * DESCRIPTION
 *     GET and HEAD of /, /metrics and /status.json, by libmicrohttpd in one thread of its own.
 *     Clients cannot take more than a small share of the host: there are 16 at a time, each with
 *     16 KiB for its request, cut off after ten seconds in which nothing moves; the others wait in
 *     the kernel's queue.
 */
#ifndef STATUS_SERVER_H
#define STATUS_SERVER_H

#include "listen.h"

#include <milter-manager/plugin.h>

typedef struct Server Server;

/* Called in the server's thread; it may wait for a moment. NULL: no graphs. Freed by the server. */
typedef char *(*ServerGraphs)(gpointer data);

/* NULL with error: it cannot listen, or no thread can be had. */
Server *server_new(const MmAddress *address, const MilterHost *host, ServerGraphs graphs,
                   gpointer data, GError **error);
/* Closes what is open; waits for the thread. */
void server_free(Server *server);

#endif
