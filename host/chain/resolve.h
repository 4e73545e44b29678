/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     resolve.h - names for plugins, without blocking a worker
 *
 * DESCRIPTION
 *     One resolver a worker, for all its stages. A, AAAA, PTR, TXT and MX are asked of name
 *     servers (dns-channel.h) and of nobody else. HOST is what the system makes of a name - its
 *     hosts file, its name service switch, its search list - for that is what the administrator
 *     who writes a host name into the configuration means; only the C library knows, and it
 *     blocks, so it is asked in threads of its own (dns-host.h).
 *
 *     Answers are cached (dns-cache.h); who asks for what is being asked for already waits for the
 *     same answer. Each asker has the whole of the time: when it is over he gets TEMPORARY, while
 *     the look-up itself goes on to its own end and serves the next. With MM_RESOLVE_OPEN look-ups
 *     open a new one is TEMPORARY at once. A name that cannot exist (a label too long, a PTR for
 *     what is no address) is NONE without being asked for.
 *
 *     Answers come from the reactor, never from within mm_resolve. A function may ask and cancel.
 */
#ifndef MM_CHAIN_RESOLVE_H
#define MM_CHAIN_RESOLVE_H

#include "loop/worker.h"
#include <milter-manager/host.h>

#define MM_RESOLVE_OPEN 1024u

typedef struct MmResolver MmResolver;
/* Microseconds, monotonic. */
typedef gint64 (*MmClock)(void);

/* Does nothing until it is configured, so any thread may make it. worker: borrowed. clock: for the
 * cache; NULL: g_get_monotonic_time. */
MmResolver *mm_resolver_new(MmWorker *worker, MmClock clock);
/* On the worker. Open queries end without an answer, and nobody waits for one. NULL is allowed. */
void mm_resolver_free(MmResolver *resolver);
/* On the worker. servers as in dns-servers, seconds as in dns-timeout. Look-ups that are open go to
 * the new servers; the cache is emptied. Nothing happens if nothing changed; the system's own
 * servers are read again every time. */
void mm_resolver_configure(MmResolver *resolver, const char *const *servers, double seconds);

/* As in host.h. Before it is configured every answer is TEMPORARY. */
guint64 mm_resolve(MmResolver *resolver, MilterResolveKind kind, const char *name,
                   MilterResolveFunction function, gpointer data);
void mm_resolve_cancel(MmResolver *resolver, guint64 query);

#endif
