/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

typedef struct Query {
    MmCrew *crew;
    guint64 id;
    MilterResolveKind kind;
    char *name;
    MilterResolveFunction function; /* NULL: cancelled; touched on the worker alone */
    void *data;
    MilterResolveStatus status;
    GPtrArray *values;
} Query;

static void
add_addresses(Query *query, const struct addrinfo *list)
{
    for (const struct addrinfo *entry = list; entry; entry = entry->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof(text), NULL, 0,
                        NI_NUMERICHOST) == 0)
            g_ptr_array_add(query->values, g_strdup(text));
    }
}

/* In the pool. */
static void
look_up(gpointer data)
{
    Query *query = data;
    query->status = MILTER_RESOLVE_TEMPORARY;
    if (query->kind != MILTER_RESOLVE_HOST)
        return;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(query->name, NULL, &hints, &list);
    if (result == 0) {
        add_addresses(query, list);
        freeaddrinfo(list);
    }
    if (result == EAI_NONAME || (result == 0 && query->values->len == 0))
        query->status = MILTER_RESOLVE_NONE;
    else if (result == 0)
        query->status = MILTER_RESOLVED;
}

static void
look_up_done(gpointer data)
{
    Query *query = data;
    if (query->crew->queries)
        g_hash_table_remove(query->crew->queries, &query->id);
    const MilterResolveAnswer answer = {.size = sizeof(answer),
                                        .status = query->status,
                                        .values = (const char *const *)query->values->pdata,
                                        .n_values = query->values->len};
    if (query->function)
        query->function(query->data, &answer);
    g_ptr_array_unref(query->values);
    g_free(query->name);
    g_free(query);
}

uint64_t
mm_resolve(MilterWorker *worker, MilterResolveKind kind, const char *name,
           MilterResolveFunction function, void *data)
{
    Query *query = g_new0(Query, 1);
    query->crew = worker;
    query->id = ++worker->last_query;
    query->kind = kind;
    query->name = g_strdup(name);
    query->function = function;
    query->data = data;
    query->values = g_ptr_array_new_with_free_func(g_free);
    if (!worker->queries)
        worker->queries = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_hash_table_insert(worker->queries, &query->id, query);
    mm_jobs_push(worker->jobs, worker->worker, "name look-up", look_up, look_up_done, query);
    return query->id;
}

void
mm_resolve_cancel(MilterWorker *worker, uint64_t query)
{
    Query *found = worker->queries ? g_hash_table_lookup(worker->queries, &query) : NULL;
    if (found)
        found->function = NULL;
}
