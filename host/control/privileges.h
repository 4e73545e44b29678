/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     privileges.h - from root to the user that serves
 */
#ifndef MM_CONTROL_PRIVILEGES_H
#define MM_CONTROL_PRIVILEGES_H

#include "config/settings.h"

/* Group of the unix socket: as set, else "mail" where it exists and we may give it; "": leave it.
 * Free. */
char *mm_privileges_socket_group(const MmSettings *manager);
/* Started as root: becomes the user (default milter-manager) with its groups and nothing of root's.
 * FALSE with error: there is no such user, or none is named and milter-manager does not exist. As
 * another user: nothing to do. */
gboolean mm_privileges_drop(const MmSettings *manager, GError **error);

#endif
