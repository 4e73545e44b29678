/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     listen.h - the address of this machine that the figures are shown on
 */
#ifndef STATUS_LISTEN_H
#define STATUS_LISTEN_H

#include "base/address.h"

/* A unix socket, or an address of the loopback: nobody else is to see the figures. */
gboolean listen_is_local(const MmAddress *address);

/* What is left of a socket file when it is closed; NULL in path: there is none. */
typedef struct ListenFile {
    char *path;
    dev_t device;
    ino_t inode;
} ListenFile;

/* A listening socket; file is filled. A unix socket nobody listens on is replaced, one that
 * somebody listens on and what is no socket are errors. -1 with error. */
int listen_open(const MmAddress *address, ListenFile *file, GError **error);
/* Takes the socket file away, if it is still the one that was made. */
void listen_file_remove(ListenFile *file);

#endif
