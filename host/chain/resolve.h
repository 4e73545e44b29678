/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     resolve.h - names for plugins, without blocking a worker
 *
 * DESCRIPTION
 *     HOST asks the system's name service (getaddrinfo) in the job pool. The DNS kinds need a
 * resolver of our own, which is not there yet: they answer TEMPORARY.
 */
#ifndef MM_CHAIN_RESOLVE_H
#define MM_CHAIN_RESOLVE_H

#include "chain/crew.h"
#include <milter-manager/host.h>

uint64_t mm_resolve(MilterWorker *worker, MilterResolveKind kind, const char *name,
                    MilterResolveFunction function, void *data);
void mm_resolve_cancel(MilterWorker *worker, uint64_t query);

#endif
