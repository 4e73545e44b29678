/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sockets.h - the sockets the host listens on, opened while it may still
 *
 * DESCRIPTION
 *     Opened before the rights of root are given up, so that a socket may lie where only root can
 *     make one. The folder of a unix socket that lies in a folder of its own below /run or /var/run
 *     is made if it is not there: these are empty after a boot. A service manager that listens for
 *     us (LISTEN_FDS) hands over descriptor 3 as the main socket and 4, if there is one, as the
 *     control socket.
 */
#ifndef MM_CONTROL_SOCKETS_H
#define MM_CONTROL_SOCKETS_H

#include "config/settings.h"
#include "control/privileges.h"

/* Closed on exec, non-blocking, listening. */
typedef struct MmSockets {
    int main;
    char *main_path; /* what is ours to remove at the end; NULL: nothing */
    int control;
    char *control_path;
} MmSockets;

/* Where the control socket of this [manager] is, below root. Free. */
char *mm_sockets_control_path(const MmSettings *manager, const char *root);
/* root: --root. FALSE with error: none is open. */
gboolean mm_sockets_open(MmSockets *sockets, const MmSettings *manager, const char *root,
                         const MmIdentity *identity, GError **error);
/* Closes and removes what nobody has taken over (-1 and NULL). */
void mm_sockets_clear(MmSockets *sockets);

#endif
