/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     control-client.h - asks a running host through its control socket
 *
 * DESCRIPTION
 *     The protocol of the control socket, from the side that asks. One line of JSON each way:
 *
 *         {"verb":"NAME","arguments":VALUE}
 *         {"ok":true,"result":VALUE}    or    {"ok":false,"error":"TEXT"}
 *
 *     A verb is one of the host's (status, reload, statistics, check, verbs) or STAGE.VERB of a
 *     plugin. JSON goes in and out as text. Blocking, with a deadline for every call; for tools,
 *     never for the host's own threads. SIGPIPE is not raised.
 */
#ifndef MM_BASE_CONTROL_CLIENT_H
#define MM_BASE_CONTROL_CLIENT_H

#include <glib.h>

/* Bytes of one line, its end included. More is refused by the side that reads. */
#define MM_CONTROL_REQUEST_MAX (1024u * 1024u)
#define MM_CONTROL_ANSWER_MAX (4u * 1024u * 1024u)

#define MM_CONTROL_ERROR (mm_control_error_quark())
GQuark mm_control_error_quark(void);
typedef enum MmControlError {
    MM_CONTROL_ERROR_NOT_RUNNING, /* no socket there, or nobody listens */
    MM_CONTROL_ERROR_PERMISSION,  /* the socket is somebody else's */
    MM_CONTROL_ERROR_TIMEOUT,
    MM_CONTROL_ERROR_PROTOCOL, /* the connection broke, or what came is no answer */
    MM_CONTROL_ERROR_REFUSED,  /* the host said no; the message is the host's */
} MmControlError;

/* Where the control socket of a host lies that listens at main_path (a unix socket's path):
 * "DIR/NAME.sock" gives "DIR/NAME-control.sock", any other name gets "-control" behind it. NULL
 * (the host listens on inet): the default folder. Free. */
char *mm_control_path_beside(const char *main_path);

typedef struct MmControlClient MmControlClient;

/* seconds: how long to wait. NULL with error. */
MmControlClient *mm_control_connect(const char *path, double seconds, GError **error);
void mm_control_close(MmControlClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmControlClient, mm_control_close)
/* arguments: one JSON value as text without line ends, or NULL for none. Returns the JSON text of
 * the result (free it), or NULL with error. After any error but REFUSED the connection is of no
 * more use. */
char *mm_control_call(MmControlClient *client, const char *verb, const char *arguments,
                      double seconds, GError **error);

#endif
