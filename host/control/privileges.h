/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     privileges.h - from root to the user that serves
 *
 * DESCRIPTION
 *     Started as root the host becomes the user of the configuration (default milter-manager), with
 *     that user's groups and nothing of root's: no group, no capability, no way back. Started as
 *     anybody else it stays who it is.
 */
#ifndef MM_CONTROL_PRIVILEGES_H
#define MM_CONTROL_PRIVILEGES_H

#include "config/settings.h"

#include <sys/types.h>

/* Whom to become. */
typedef struct MmIdentity {
    char *name; /* NULL: nobody else, we are not root */
    uid_t uid;
    gid_t gid;
} MmIdentity;

/* FALSE with error: there is no such user or group, or we are root, no user is named and
 * milter-manager does not exist. */
gboolean mm_privileges_find(const MmSettings *manager, MmIdentity *identity, GError **error);
void mm_identity_clear(MmIdentity *identity);
/* FALSE with error: not all could be given up, the process must end. Before threads start. */
gboolean mm_privileges_drop(const MmIdentity *identity, GError **error);

/* Group of the unix socket: as set, else "mail" where it exists and we may give it; "": leave it.
 * Free. */
char *mm_privileges_socket_group(const MmSettings *manager);

#endif
