/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     socket.h - the control socket: requests in, answers out
 *
 * DESCRIPTION
 *     The protocol is in base/control-client.h. Connections are served on the control thread, each
 *     one request after the other: the next line is read when the answer before is written. All of
 *     it is bounded: the line (MM_CONTROL_REQUEST_MAX), nesting (64), the answer
 *     (MM_CONTROL_ANSWER_MAX), connections (16; more wait in the kernel's queue), silence (a
 *     minute, then the connection is closed) and the time a request may take (ten minutes, then it
 *     is answered with an error and its answer dropped).
 *
 *     A client that closed its side still gets the answer if the connection takes it at once.
 */
#ifndef MM_CONTROL_SOCKET_H
#define MM_CONTROL_SOCKET_H

#include "loop/reactor.h"

typedef struct MmControlSocket MmControlSocket;
/* One request; owned by whoever must answer it. */
typedef struct MmRequest MmRequest;

/* Must answer or refuse request, now or later, exactly once. arguments: JSON text, or NULL if there
 * were none; borrowed during the call, as verb is. */
typedef void (*MmVerbFunction)(gpointer data, MmRequest *request, const char *verb,
                               const char *arguments);

/* Takes over fd, a listening socket. path (may be NULL) is removed when it is freed. NULL and errno
 * if fd cannot be watched; both are left alone then. */
MmControlSocket *mm_control_socket_new(MmReactor *reactor, int fd, const char *path,
                                       MmVerbFunction function, gpointer data);
/* Closes all connections; requests that are open may still be answered, which does nothing then. */
void mm_control_socket_free(MmControlSocket *control);

/* json: one JSON value as text; line ends in it are replaced. Frees request. Also if the client is
 * gone. */
void mm_request_answer(MmRequest *request, const char *json);
/* text: why not, translated. Frees request. */
void mm_request_refuse(MmRequest *request, const char *text);

#endif
