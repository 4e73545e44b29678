/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/resolve.h"

#include "base/i18n.h"
#include "base/log.h"
#include "chain/dns-cache.h"
#include "chain/dns-channel.h"
#include "chain/dns-host.h"
#include "chain/statistics.h"

#define CACHE_ENTRIES 8192u
#define CACHE_BYTES (4u * 1024u * 1024u)

struct MmResolver {
    MmReactor *reactor;
    MmDnsHost *host;
    MmClock clock;
    char **servers; /* NULL: not configured */
    double seconds;
    MmDnsChannel *channel; /* NULL: could not be made */
    MmDnsCache *cache;
    GHashTable *lookups; /* key to Lookup */
    GHashTable *waiters; /* id to Waiter */
    GQueue ready;        /* waiters with an answer, to be told at the end of the round */
    MmDeferred deferred;
    guint64 last_id;
    gboolean closing;
    gboolean full; /* said so */
    MilterCounter *asked, *cached, *failed;
};

/* One question on its way. */
typedef struct Lookup {
    MmResolver *resolver;
    char *key;
    MilterResolveKind kind;
    char *question;
    GQueue waiting; /* of Waiter */
} Lookup;

/* One who asked. In waiting of its look-up, then in ready. */
typedef struct Waiter {
    guint64 id;
    MmResolver *resolver;
    MilterResolveFunction function;
    gpointer data;
    GQueue *queue; /* NULL: its function runs */
    GList link;
    MmTimer deadline;
    MmDnsAnswer *answer;
} Waiter;

/* ---- Telling. */

static void
waiter_free(gpointer data)
{
    Waiter *waiter = data;
    mm_timer_stop(waiter->resolver->reactor, &waiter->deadline);
    if (waiter->queue)
        g_queue_unlink(waiter->queue, &waiter->link);
    mm_dns_answer_unref(waiter->answer);
    g_free(waiter);
}

static void
tell(Waiter *waiter)
{
    MmResolver *resolver = waiter->resolver;
    MmDnsAnswer *answer = mm_dns_answer_ref(waiter->answer);
    MilterResolveFunction function = waiter->function;
    gpointer data = waiter->data;
    const MilterResolveAnswer told = {
        .size = sizeof(told),
        .status = answer->status,
        .values = (const char *const *)(gpointer)answer->values->pdata,
        .n_values = answer->values->len,
        .ttl = answer->status == MILTER_RESOLVED ? answer->ttl : 0,
    };
    g_hash_table_remove(resolver->waiters, &waiter->id);
    function(data, &told);
    mm_dns_answer_unref(answer);
}

/* Those that are ready now; what their functions ask for waits for the next round. */
static void
tell_ready(gpointer data)
{
    MmResolver *resolver = data;
    for (guint n = resolver->ready.length; n > 0 && resolver->ready.length > 0; n--)
        tell(resolver->ready.head->data);
    if (resolver->ready.length > 0)
        mm_defer(resolver->reactor, &resolver->deferred, tell_ready, resolver);
}

static void
make_ready(Waiter *waiter, MmDnsAnswer *answer)
{
    MmResolver *resolver = waiter->resolver;
    if (waiter->queue)
        g_queue_unlink(waiter->queue, &waiter->link);
    mm_timer_stop(resolver->reactor, &waiter->deadline);
    waiter->answer = mm_dns_answer_ref(answer);
    waiter->queue = &resolver->ready;
    g_queue_push_tail_link(waiter->queue, &waiter->link);
    if (answer->status == MILTER_RESOLVE_TEMPORARY)
        mm_counter_add(resolver->failed, 1);
    mm_defer(resolver->reactor, &resolver->deferred, tell_ready, resolver);
}

static void
make_ready_with(Waiter *waiter, MilterResolveStatus status)
{
    MmDnsAnswer *answer = mm_dns_answer_new(status);
    make_ready(waiter, answer);
    mm_dns_answer_unref(answer);
}

static void
time_is_up(gpointer data)
{
    make_ready_with(data, MILTER_RESOLVE_TEMPORARY);
}

/* ---- Look-ups. */

static void
lookup_free(gpointer data)
{
    Lookup *lookup = data;
    g_free(lookup->key);
    g_free(lookup->question);
    g_free(lookup);
}

static void
lookup_end(Lookup *lookup, MmDnsAnswer *answer)
{
    MmResolver *resolver = lookup->resolver;
    mm_dns_cache_put(resolver->cache, lookup->key, lookup->kind, answer, resolver->clock());
    while (lookup->waiting.length > 0)
        make_ready(lookup->waiting.head->data, answer);
    g_hash_table_remove(resolver->lookups, lookup->key);
    if (resolver->full && g_hash_table_size(resolver->lookups) < MM_RESOLVE_OPEN / 2) {
        resolver->full = FALSE;
        MM_LOG(MM_LOG_NOTICE, "dns-free", N_("Names are looked up again"));
    }
}

static void lookup_start(Lookup *lookup);

/* No answer: the channel made way for another. */
static void
dns_answered(gpointer data, MmDnsAnswer *answer)
{
    Lookup *lookup = data;
    if (answer) {
        lookup_end(lookup, answer);
        mm_dns_answer_unref(answer);
    } else if (!lookup->resolver->closing) {
        lookup_start(lookup);
    }
}

static void
lookup_fail(Lookup *lookup)
{
    MmDnsAnswer *answer = mm_dns_answer_new(MILTER_RESOLVE_TEMPORARY);
    lookup_end(lookup, answer);
    mm_dns_answer_unref(answer);
}

static void
host_answered(gpointer data, MmDnsAnswer *answer)
{
    lookup_end(data, answer);
    mm_dns_answer_unref(answer);
}

/* May end it at once. */
static void
lookup_start(Lookup *lookup)
{
    MmResolver *resolver = lookup->resolver;
    if (lookup->kind == MILTER_RESOLVE_HOST)
        mm_dns_host_ask(resolver->host, lookup->question, host_answered, lookup);
    else if (resolver->channel)
        mm_dns_channel_ask(resolver->channel, lookup->kind, lookup->question, dns_answered, lookup);
    else
        lookup_fail(lookup);
}

static Lookup *
lookup_new(MmResolver *resolver, MilterResolveKind kind, const char *key, const char *question)
{
    Lookup *lookup = g_new0(Lookup, 1);
    lookup->resolver = resolver;
    lookup->key = g_strdup(key);
    lookup->kind = kind;
    lookup->question = g_strdup(question);
    g_hash_table_insert(resolver->lookups, lookup->key, lookup);
    mm_counter_add(resolver->asked, 1);
    return lookup;
}

static gboolean
is_full(MmResolver *resolver)
{
    if (g_hash_table_size(resolver->lookups) < MM_RESOLVE_OPEN)
        return FALSE;
    if (!resolver->full)
        MM_LOG(MM_LOG_WARNING, "dns-full",
               N_("Too many names are being looked up: further ones fail for now"),
               MM_UINT("open", MM_RESOLVE_OPEN));
    resolver->full = TRUE;
    return TRUE;
}

/* ---- The resolver. */

MmResolver *
mm_resolver_new(MmWorker *worker, MmClock clock)
{
    MmResolver *resolver = g_new0(MmResolver, 1);
    resolver->reactor = mm_worker_reactor(worker);
    resolver->host = mm_dns_host_new(worker);
    resolver->clock = clock ? clock : g_get_monotonic_time;
    resolver->cache = mm_dns_cache_new(CACHE_ENTRIES, CACHE_BYTES);
    resolver->lookups = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, lookup_free);
    resolver->waiters = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, waiter_free);
    resolver->asked = mm_counter(NULL, "manager.dns-lookups");
    resolver->cached = mm_counter(NULL, "manager.dns-cached");
    resolver->failed = mm_counter(NULL, "manager.dns-failures");
    return resolver;
}

void
mm_resolver_free(MmResolver *resolver)
{
    if (!resolver)
        return;
    resolver->closing = TRUE;
    mm_dns_channel_free(resolver->channel);
    mm_dns_host_free(resolver->host);
    g_hash_table_unref(resolver->waiters);
    g_hash_table_unref(resolver->lookups);
    mm_defer_cancel(resolver->reactor, &resolver->deferred);
    mm_dns_cache_free(resolver->cache);
    g_strfreev(resolver->servers);
    g_free(resolver);
}

static gboolean
is_as_before(const MmResolver *resolver, const char *const *servers, double seconds)
{
    return resolver->channel && servers[0] && seconds == resolver->seconds &&
           g_strv_equal(servers, (const char *const *)resolver->servers);
}

static char **
copy_of(const char *const *texts)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (; *texts; texts++)
        g_strv_builder_add(builder, *texts);
    return g_strv_builder_end(builder);
}

void
mm_resolver_configure(MmResolver *resolver, const char *const *servers, double seconds)
{
    g_autoptr(GError) error = NULL;
    if (is_as_before(resolver, servers, seconds))
        return;
    MmDnsChannel *old = resolver->channel;
    resolver->channel = mm_dns_channel_new(resolver->reactor, servers, seconds, &error);
    if (!resolver->channel)
        MM_LOG(MM_LOG_ERROR, "dns-unusable", N_("Names cannot be looked up"),
               MM_STR("error", error->message));
    g_strfreev(resolver->servers);
    resolver->servers = copy_of(servers);
    resolver->seconds = seconds;
    mm_dns_cache_clear(resolver->cache);
    mm_dns_channel_free(old);
}

static Waiter *
waiter_new(MmResolver *resolver, MilterResolveFunction function, gpointer data)
{
    Waiter *waiter = g_new0(Waiter, 1);
    waiter->id = ++resolver->last_id;
    waiter->resolver = resolver;
    waiter->function = function;
    waiter->data = data;
    waiter->link.data = waiter;
    g_hash_table_insert(resolver->waiters, &waiter->id, waiter);
    return waiter;
}

static void
wait_for(Waiter *waiter, Lookup *lookup)
{
    MmResolver *resolver = waiter->resolver;
    waiter->queue = &lookup->waiting;
    g_queue_push_tail_link(waiter->queue, &waiter->link);
    mm_timer_start(resolver->reactor, &waiter->deadline, resolver->seconds, time_is_up, waiter);
}

/* From the cache, with what is on its way, or anew. */
static void
look_up(Waiter *waiter, MilterResolveKind kind, const char *question)
{
    MmResolver *resolver = waiter->resolver;
    g_autofree char *key = g_strdup_printf("%u %s", (guint)kind, question);
    MmDnsAnswer *known = mm_dns_cache_get(resolver->cache, key, resolver->clock());
    Lookup *lookup = known ? NULL : g_hash_table_lookup(resolver->lookups, key);
    if (known) {
        mm_counter_add(resolver->cached, 1);
        make_ready(waiter, known);
    } else if (lookup) {
        wait_for(waiter, lookup);
    } else if (!resolver->servers || is_full(resolver)) {
        make_ready_with(waiter, MILTER_RESOLVE_TEMPORARY);
    } else {
        lookup = lookup_new(resolver, kind, key, question);
        wait_for(waiter, lookup);
        lookup_start(lookup);
    }
}

guint64
mm_resolve(MmResolver *resolver, MilterResolveKind kind, const char *name,
           MilterResolveFunction function, gpointer data)
{
    Waiter *waiter = waiter_new(resolver, function, data);
    guint64 id = waiter->id;
    g_autofree char *question = mm_dns_question(kind, name);
    if (question)
        look_up(waiter, kind, question);
    else
        make_ready_with(waiter, MILTER_RESOLVE_NONE);
    return id;
}

void
mm_resolve_cancel(MmResolver *resolver, guint64 query)
{
    g_hash_table_remove(resolver->waiters, &query);
}
