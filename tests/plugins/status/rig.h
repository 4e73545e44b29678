/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that shows its figures, for tests with the program. */
#ifndef STATUS_RIG_H
#define STATUS_RIG_H

#include "http.h"
#include "manager.h"

/* A stage without its keys. */
#define STATUS "[stages/status]\nplugin='status'\n"

/* Stages before, this one listening on listen, and more lines. */
void write_stages(const Place *place, const char *before, const char *listen, const char *more);
/* The spec of a socket in the folder, and its address. */
char *socket_spec(const Place *place, const char *name);
GSocketAddress *socket_address(const Place *place, const char *name);
/* A host that shows its figures on "s". place is begun. */
Manager *start(Place *place, const char *before, const char *more);
/* What /metrics has. */
GHashTable *samples_of(GSocketAddress *address);
/* A message from that client; the exit code of milter-test-server. */
int send_from(const Place *place, const char *client);

#endif
