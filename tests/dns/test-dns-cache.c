/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/dns-cache.h"

#define SECOND G_USEC_PER_SEC

static void
put(MmDnsCache *cache, const char *key, MilterResolveKind kind, MilterResolveStatus status,
    guint32 ttl, gint64 now)
{
    MmDnsAnswer *answer = mm_dns_answer_new(status);
    answer->ttl = ttl;
    if (status == MILTER_RESOLVED)
        mm_dns_answer_add(answer, key);
    mm_dns_cache_put(cache, key, kind, answer, now);
    mm_dns_answer_unref(answer);
}

/* The last moment at which it is there, in seconds. */
static guint
life(MilterResolveKind kind, MilterResolveStatus status, guint32 ttl)
{
    MmDnsCache *cache = mm_dns_cache_new(10, 100000);
    guint seconds = 0;
    put(cache, "a", kind, status, ttl, 5);
    while (mm_dns_cache_get(cache, "a", 4 + (gint64)(seconds + 1) * SECOND))
        seconds++;
    mm_dns_cache_free(cache);
    return seconds;
}

static void
test_life(void)
{
    g_assert_cmpuint(life(MILTER_RESOLVE_A, MILTER_RESOLVED, 0), ==, 0);
    g_assert_cmpuint(life(MILTER_RESOLVE_A, MILTER_RESOLVED, 1), ==, 1);
    g_assert_cmpuint(life(MILTER_RESOLVE_A, MILTER_RESOLVED, 600), ==, 600);
    g_assert_cmpuint(life(MILTER_RESOLVE_A, MILTER_RESOLVED, G_MAXUINT32), ==, 3600);
    g_assert_cmpuint(life(MILTER_RESOLVE_HOST, MILTER_RESOLVED, 0), ==, 30);
    g_assert_cmpuint(life(MILTER_RESOLVE_HOST, MILTER_RESOLVE_NONE, 0), ==, 3);
    g_assert_cmpuint(life(MILTER_RESOLVE_PTR, MILTER_RESOLVE_NONE, 0), ==, 30);
    g_assert_cmpuint(life(MILTER_RESOLVE_PTR, MILTER_RESOLVE_NONE, 7), ==, 7);
    g_assert_cmpuint(life(MILTER_RESOLVE_PTR, MILTER_RESOLVE_NONE, 86400), ==, 300);
    g_assert_cmpuint(life(MILTER_RESOLVE_PTR, MILTER_RESOLVE_TEMPORARY, 600), ==, 3);
}

static void
test_replace(void)
{
    MmDnsCache *cache = mm_dns_cache_new(10, 100000);
    put(cache, "a", MILTER_RESOLVE_A, MILTER_RESOLVED, 600, 0);
    gsize bytes = mm_dns_cache_bytes(cache);
    put(cache, "a", MILTER_RESOLVE_A, MILTER_RESOLVE_NONE, 600, 0);
    g_assert_cmpuint(mm_dns_cache_count(cache), ==, 1);
    g_assert_cmpuint(mm_dns_cache_bytes(cache), <, bytes);
    g_assert_cmpint(mm_dns_cache_get(cache, "a", 1)->status, ==, MILTER_RESOLVE_NONE);
    /* One that holds for no time takes the place of one that did. */
    put(cache, "a", MILTER_RESOLVE_A, MILTER_RESOLVED, 0, 0);
    g_assert_null(mm_dns_cache_get(cache, "a", 1));
    g_assert_cmpuint(mm_dns_cache_count(cache), ==, 0);
    g_assert_cmpuint(mm_dns_cache_bytes(cache), ==, 0);
    mm_dns_cache_free(cache);
}

static void
test_least_used_goes(void)
{
    MmDnsCache *cache = mm_dns_cache_new(3, 100000);
    put(cache, "a", MILTER_RESOLVE_A, MILTER_RESOLVED, 600, 0);
    put(cache, "b", MILTER_RESOLVE_A, MILTER_RESOLVED, 600, 0);
    put(cache, "c", MILTER_RESOLVE_A, MILTER_RESOLVED, 600, 0);
    g_assert_nonnull(mm_dns_cache_get(cache, "a", 1));
    put(cache, "d", MILTER_RESOLVE_A, MILTER_RESOLVED, 600, 0);
    g_assert_nonnull(mm_dns_cache_get(cache, "a", 1));
    g_assert_null(mm_dns_cache_get(cache, "b", 1));
    g_assert_nonnull(mm_dns_cache_get(cache, "c", 1));
    g_assert_nonnull(mm_dns_cache_get(cache, "d", 1));
    mm_dns_cache_clear(cache);
    g_assert_null(mm_dns_cache_get(cache, "d", 1));
    g_assert_cmpuint(mm_dns_cache_bytes(cache), ==, 0);
    mm_dns_cache_free(cache);
}

static void
test_bytes(void)
{
    MmDnsCache *cache = mm_dns_cache_new(100000, 20000);
    for (guint i = 0; i < 1000; i++) {
        char key[16];
        g_snprintf(key, sizeof(key), "name-%u", i);
        put(cache, key, MILTER_RESOLVE_A, MILTER_RESOLVED, 600, 0);
        g_assert_cmpuint(mm_dns_cache_bytes(cache), <=, 20000);
    }
    g_assert_cmpuint(mm_dns_cache_count(cache), >, 10);
    g_assert_nonnull(mm_dns_cache_get(cache, "name-999", 1));
    g_assert_null(mm_dns_cache_get(cache, "name-0", 1));
    mm_dns_cache_free(cache);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dns-cache/life", test_life);
    g_test_add_func("/dns-cache/replace", test_replace);
    g_test_add_func("/dns-cache/least-used-goes", test_least_used_goes);
    g_test_add_func("/dns-cache/bytes", test_bytes);
    return g_test_run();
}
