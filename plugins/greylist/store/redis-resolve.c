/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hiredis would ask the name service on the worker's thread; here a thread of its own does. */
#include "store/redis-private.h"

#include <arpa/inet.h>
#include <netdb.h>

#define KEEP_SECONDS 60

static gboolean
is_numeric(const char *host)
{
    guint8 address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static GPtrArray *
look_up(const char *host)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return found;
    for (const struct addrinfo *item = list; item; item = item->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(item->ai_addr, item->ai_addrlen, text, sizeof(text), NULL, 0,
                        NI_NUMERICHOST) == 0)
            g_ptr_array_add(found, g_strdup(text));
    }
    freeaddrinfo(list);
    return found;
}

/* Holds a reference to the store: nobody waits for a slow name server. */
static gpointer
resolve(gpointer data)
{
    GreyRedis *redis = data;
    GPtrArray *found = look_up(redis->uri->host);
    g_mutex_lock(&redis->lock);
    if (found->len > 0) {
        g_ptr_array_unref(redis->addresses);
        redis->addresses = g_ptr_array_ref(found);
    }
    redis->resolving = FALSE;
    redis->resolved_at = g_get_monotonic_time();
    g_mutex_unlock(&redis->lock);
    g_ptr_array_unref(found);
    grey_store_unref(&redis->store);
    return NULL;
}

char *
grey_redis_address(GreyRedis *redis, guint attempt)
{
    if (is_numeric(redis->uri->host))
        return g_strdup(redis->uri->host);
    char *address = NULL;
    g_mutex_lock(&redis->lock);
    gint64 age = g_get_monotonic_time() - redis->resolved_at;
    gboolean old = redis->resolved_at == 0 || age > KEEP_SECONDS * G_TIME_SPAN_SECOND ||
                   (redis->addresses->len == 0 && age > G_TIME_SPAN_SECOND);
    if (old && !redis->resolving) {
        redis->resolving = TRUE;
        grey_store_ref(&redis->store);
        g_thread_unref(g_thread_new("grey-resolve", resolve, redis));
    }
    if (redis->addresses->len > 0)
        address = g_strdup(g_ptr_array_index(redis->addresses, attempt % redis->addresses->len));
    g_mutex_unlock(&redis->lock);
    return address;
}
