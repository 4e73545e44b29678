/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dns-cache.h - answers to name look-ups, for as long as they hold
 *
 * DESCRIPTION
 *     One worker's. A found answer lives as long as its records say, an hour at most; a no as long
 *     as its SOA says, five minutes at most, half a minute without one; addresses the system found
 *     (HOST) half a minute; a failure, and a name the system does not know (yet), three seconds, so
 *     that a name server that is down is not asked again for each recipient. A record of no life
 *     at all is not kept. Bounded by number and bytes: what was not used for longest goes first.
 *     The clock is the caller's.
 */
#ifndef MM_CHAIN_DNS_CACHE_H
#define MM_CHAIN_DNS_CACHE_H

#include "chain/dns-answer.h"

typedef struct MmDnsCache MmDnsCache;

/* entries, bytes: the most it keeps. */
MmDnsCache *mm_dns_cache_new(guint entries, gsize bytes);
/* NULL is allowed. */
void mm_dns_cache_free(MmDnsCache *cache);
void mm_dns_cache_clear(MmDnsCache *cache);
/* now: microseconds. Borrowed until the cache changes; NULL: nothing that still holds. */
MmDnsAnswer *mm_dns_cache_get(MmDnsCache *cache, const char *key, gint64 now);
/* Takes a reference to answer; replaces what is there. */
void mm_dns_cache_put(MmDnsCache *cache, const char *key, MilterResolveKind kind,
                      MmDnsAnswer *answer, gint64 now);
guint mm_dns_cache_count(const MmDnsCache *cache);
gsize mm_dns_cache_bytes(const MmDnsCache *cache);

#endif
