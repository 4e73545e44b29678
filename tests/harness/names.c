/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fake resolver: a table that the test fills. */
#include "private.h"

#include <string.h>

typedef struct Name {
    MilterResolveStatus status;
    GPtrArray *values; /* of char* */
    gint64 delay;      /* microseconds; negative: never */
    guint asked;
} Name;

struct Names {
    GHashTable *table; /* of Name, by kind and name */
};

static char *
name_key(MilterResolveKind kind, const char *name)
{
    gsize length = strlen(name);
    if (length > 1 && name[length - 1] == '.')
        length--;
    g_autofree char *plain = g_ascii_strdown(name, (gssize)length);
    return g_strdup_printf("%d %s", (int)kind, plain);
}

static void
name_free(gpointer data)
{
    Name *name = data;
    g_ptr_array_unref(name->values);
    g_free(name);
}

static Name *
find(const MmHarness *harness, MilterResolveKind kind, const char *name)
{
    g_autofree char *key = name_key(kind, name);
    return g_hash_table_lookup(harness->names->table, key);
}

static Name *
put(MmHarness *harness, MilterResolveKind kind, const char *name, MilterResolveStatus status)
{
    Name *entry = g_new0(Name, 1);
    const Name *before = find(harness, kind, name);
    entry->status = status;
    entry->values = g_ptr_array_new_with_free_func(g_free);
    entry->asked = before ? before->asked : 0;
    g_hash_table_replace(harness->names->table, name_key(kind, name), entry);
    return entry;
}

Names *
names_new(void)
{
    Names *names = g_new0(Names, 1);
    names->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, name_free);
    return names;
}

void
names_free(Names *names)
{
    g_hash_table_unref(names->table);
    g_free(names);
}

void
mm_harness_name(MmHarness *harness, MilterResolveKind kind, const char *name, ...)
{
    Name *entry = put(harness, kind, name, MILTER_RESOLVED);
    va_list values;
    va_start(values, name);
    for (const char *value; (value = va_arg(values, const char *));)
        g_ptr_array_add(entry->values, g_strdup(value));
    va_end(values);
}

void
mm_harness_name_fails(MmHarness *harness, MilterResolveKind kind, const char *name,
                      MilterResolveStatus status)
{
    put(harness, kind, name, status);
}

void
mm_harness_name_delay(MmHarness *harness, MilterResolveKind kind, const char *name, double seconds)
{
    Name *entry = find(harness, kind, name);
    if (!entry)
        g_error("harness: the name %s is not set", name);
    entry->delay = (gint64)(seconds * G_USEC_PER_SEC);
}

guint
mm_harness_name_asked(const MmHarness *harness, MilterResolveKind kind, const char *name)
{
    const Name *entry = find(harness, kind, name);
    return entry ? entry->asked : 0;
}

/* ---- Queries. */

void
names_query_free(gpointer data)
{
    Query *query = data;
    g_free(query->name);
    g_free(query);
}

static uint64_t
resolve(MilterWorker *worker, MilterResolveKind kind, const char *name,
        MilterResolveFunction function, void *data)
{
    MmHarness *harness = worker->harness;
    harness_on_thread(harness, "resolve");
    Name *entry = find(harness, kind, name);
    if (!entry)
        entry = put(harness, kind, name, MILTER_RESOLVE_NONE);
    entry->asked++;
    Query *query = g_new0(Query, 1);
    *query = (Query){.id = ++harness->last_query,
                     .kind = kind,
                     .name = g_strdup(name),
                     .due = entry->delay < 0 ? G_MAXINT64 : loop_now() + entry->delay,
                     .function = function,
                     .data = data};
    g_ptr_array_add(harness->queries, query);
    return query->id;
}

static void
resolve_cancel(MilterWorker *worker, uint64_t id)
{
    MmHarness *harness = worker->harness;
    harness_on_thread(harness, "resolve_cancel");
    for (guint i = 0; i < harness->queries->len; i++) {
        Query *query = g_ptr_array_index(harness->queries, i);
        if (query->id != id)
            continue;
        g_ptr_array_remove_index(harness->queries, i);
        names_query_free(query);
        return;
    }
}

static void
answer(MmHarness *harness, Query *query)
{
    const Name *entry = find(harness, query->kind, query->name);
    Loan loan = {0};
    guint n = entry->values->len;
    char **values = loan_take(&loan, (n + 1) * sizeof(char *));
    for (guint i = 0; i < n; i++) {
        const char *value = g_ptr_array_index(entry->values, i);
        values[i] = loan_text(&loan, value, strlen(value));
    }
    MilterResolveAnswer *told = loan_take(&loan, sizeof(*told));
    *told = (MilterResolveAnswer){.size = sizeof(*told),
                                  .status = entry->status,
                                  .values = (const char *const *)values,
                                  .n_values = n,
                                  .ttl = 300};
    query->function(query->data, told);
    loan_end(&loan);
    names_query_free(query);
}

gint64
names_due(const MmHarness *harness)
{
    gint64 due = G_MAXINT64;
    for (guint i = 0; i < harness->queries->len; i++)
        due = MIN(due, ((const Query *)g_ptr_array_index(harness->queries, i))->due);
    return due;
}

gboolean
names_pump(MmHarness *harness)
{
    guint64 last = harness->last_query;
    gboolean any = FALSE;
    for (guint i = 0; i < harness->queries->len;) {
        Query *query = g_ptr_array_index(harness->queries, i);
        if (query->due > loop_now() || query->id > last) {
            i++;
            continue;
        }
        g_ptr_array_remove_index(harness->queries, i);
        answer(harness, query);
        any = TRUE;
        i = 0;
    }
    return any;
}

void
harness_fill_names(MilterHost *table)
{
    table->resolve = resolve;
    table->resolve_cancel = resolve_cancel;
}
