/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/dns-cache.h"

#include <string.h>

#define LONGEST_FOUND 3600u
#define LONGEST_NONE 300u
#define UNKNOWN_LIFE 30u
#define FAILURE_LIFE 3u
/* What an entry costs beside its texts, about: two structs, an array, a place in the table. */
#define ENTRY_BYTES 256u

typedef struct Entry {
    char *key;
    MmDnsAnswer *answer;
    gint64 expires;
    gsize bytes;
    GList link; /* in used */
} Entry;

struct MmDnsCache {
    GHashTable *entries; /* key to Entry, which owns both */
    GQueue used;         /* least recently used first */
    guint most_entries;
    gsize most_bytes;
    gsize bytes;
};

static void
entry_free(gpointer data)
{
    Entry *entry = data;
    mm_dns_answer_unref(entry->answer);
    g_free(entry->key);
    g_free(entry);
}

MmDnsCache *
mm_dns_cache_new(guint entries, gsize bytes)
{
    MmDnsCache *cache = g_new0(MmDnsCache, 1);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    cache->most_entries = entries;
    cache->most_bytes = bytes;
    return cache;
}

void
mm_dns_cache_clear(MmDnsCache *cache)
{
    g_queue_init(&cache->used);
    g_hash_table_remove_all(cache->entries);
    cache->bytes = 0;
}

void
mm_dns_cache_free(MmDnsCache *cache)
{
    if (!cache)
        return;
    mm_dns_cache_clear(cache);
    g_hash_table_unref(cache->entries);
    g_free(cache);
}

static void
drop(MmDnsCache *cache, Entry *entry)
{
    g_queue_unlink(&cache->used, &entry->link);
    cache->bytes -= entry->bytes;
    g_hash_table_remove(cache->entries, entry->key);
}

MmDnsAnswer *
mm_dns_cache_get(MmDnsCache *cache, const char *key, gint64 now)
{
    Entry *entry = g_hash_table_lookup(cache->entries, key);
    if (!entry)
        return NULL;
    if (now >= entry->expires) {
        drop(cache, entry);
        return NULL;
    }
    g_queue_unlink(&cache->used, &entry->link);
    g_queue_push_tail_link(&cache->used, &entry->link);
    return entry->answer;
}

static guint
life(MilterResolveKind kind, const MmDnsAnswer *answer)
{
    switch (answer->status) {
    case MILTER_RESOLVED:
        return kind == MILTER_RESOLVE_HOST ? UNKNOWN_LIFE : MIN(answer->ttl, LONGEST_FOUND);
    case MILTER_RESOLVE_NONE:
        if (kind == MILTER_RESOLVE_HOST)
            return FAILURE_LIFE;
        return answer->ttl > 0 ? MIN(answer->ttl, LONGEST_NONE) : UNKNOWN_LIFE;
    default:
        return FAILURE_LIFE;
    }
}

static void
make_room(MmDnsCache *cache)
{
    while (cache->used.length > cache->most_entries || cache->bytes > cache->most_bytes)
        drop(cache, cache->used.head->data);
}

void
mm_dns_cache_put(MmDnsCache *cache, const char *key, MilterResolveKind kind, MmDnsAnswer *answer,
                 gint64 now)
{
    Entry *old = g_hash_table_lookup(cache->entries, key);
    if (old)
        drop(cache, old);
    guint seconds = life(kind, answer);
    if (seconds == 0)
        return;
    Entry *entry = g_new0(Entry, 1);
    entry->key = g_strdup(key);
    entry->answer = mm_dns_answer_ref(answer);
    entry->expires = now + (gint64)seconds * G_USEC_PER_SEC;
    entry->bytes = ENTRY_BYTES + strlen(key) + answer->bytes;
    entry->link.data = entry;
    g_hash_table_insert(cache->entries, entry->key, entry);
    g_queue_push_tail_link(&cache->used, &entry->link);
    cache->bytes += entry->bytes;
    make_room(cache);
}

guint
mm_dns_cache_count(const MmDnsCache *cache)
{
    return cache->used.length;
}

gsize
mm_dns_cache_bytes(const MmDnsCache *cache)
{
    return cache->bytes;
}
