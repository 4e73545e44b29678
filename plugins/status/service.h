/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     service.h - what an instance of the stage holds: an address that is served, and a history
 *
 * DESCRIPTION
 *     There is one service for each address, whoever uses it, over reloads: so the listening goes
 * on when a configuration is loaded anew. It has a thread, the clerk, that opens and closes, tries
 *     again and records: nothing of this is done in a worker or in the control thread. Nothing is
 *     opened before an instance is in use: to check a configuration opens nothing.
 *
 *     One lock guards all of it. It is never held while the clerk works.
 */
#ifndef STATUS_SERVICE_H
#define STATUS_SERVICE_H

#include "base/address.h"

#include <milter-manager/plugin.h>

typedef struct Service Service;

typedef struct Status Status;
/* An instance. */
struct Status {
    const MilterHost *host;
    MilterInstance *self;
    Service *service;
    Status *predecessor; /* until it is discarded */
    char *directory;     /* of the history; NULL: none is kept */
    gboolean live;       /* in use: it has come to a worker, and its successor has not */
    gboolean over;       /* its successor has */
};

/* status is filled but for service; address is taken over. */
void service_join(Status *status, MmAddress *address);
/* The instance is discarded. Waits for the clerk if nobody else uses the service. */
void service_leave(Status *status);
/* The instance has come to a worker. */
void service_use(Status *status);
/* Another instance of the configuration that is being made has the address, or the directory;
 * before service_join. NULL: none; else its name, which lives as long as that. */
const char *service_find_listener(const Status *status, const MmAddress *address);
const char *service_find_recorder(const Status *status);

#endif
