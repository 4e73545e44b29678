/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/statistics.h"

struct MilterCounter {
    guint64 value;
};

struct MilterHistogram {
    guint64 buckets[MM_HISTOGRAM_BUCKETS];
};

typedef struct Entry {
    MilterCounter *counter;
    MilterHistogram *histogram;
} Entry;

static GMutex lock; /* guards the tree, never the figures */
static GTree *entries;

static gint
compare(gconstpointer a, gconstpointer b, gpointer unused)
{
    (void)unused;
    return g_strcmp0(a, b);
}

static Entry *
entry_for(const char *stage, const char *name)
{
    g_autofree char *full = g_strdup_printf("%s.%s", stage, name);
    if (!entries)
        entries = g_tree_new_full(compare, NULL, g_free, g_free);
    Entry *entry = g_tree_lookup(entries, full);
    if (!entry) {
        entry = g_new0(Entry, 1);
        g_tree_insert(entries, g_steal_pointer(&full), entry);
    }
    return entry;
}

MilterCounter *
mm_counter(const char *stage, const char *name)
{
    g_mutex_lock(&lock);
    Entry *entry = entry_for(stage, name);
    if (!entry->counter)
        entry->counter = g_new0(MilterCounter, 1);
    MilterCounter *counter = entry->counter;
    g_mutex_unlock(&lock);
    return counter;
}

void
mm_counter_add(MilterCounter *counter, guint64 n)
{
    __atomic_fetch_add(&counter->value, n, __ATOMIC_RELAXED);
}

guint64
mm_counter_get(MilterCounter *counter)
{
    return __atomic_load_n(&counter->value, __ATOMIC_RELAXED);
}

MilterHistogram *
mm_histogram(const char *stage, const char *name)
{
    g_mutex_lock(&lock);
    Entry *entry = entry_for(stage, name);
    if (!entry->histogram)
        entry->histogram = g_new0(MilterHistogram, 1);
    MilterHistogram *histogram = entry->histogram;
    g_mutex_unlock(&lock);
    return histogram;
}

static double
bound(guint bucket)
{
    return (double)(1u << bucket) / 1000.0;
}

void
mm_histogram_add(MilterHistogram *histogram, double value)
{
    guint bucket = 0;
    while (bucket + 1 < MM_HISTOGRAM_BUCKETS && value > bound(bucket))
        bucket++;
    __atomic_fetch_add(&histogram->buckets[bucket], 1, __ATOMIC_RELAXED);
}

static guint64
bucket_get(MilterHistogram *histogram, guint bucket)
{
    return __atomic_load_n(&histogram->buckets[bucket], __ATOMIC_RELAXED);
}

guint64
mm_histogram_count(MilterHistogram *histogram)
{
    guint64 count = 0;
    for (guint i = 0; i < MM_HISTOGRAM_BUCKETS; i++)
        count += bucket_get(histogram, i);
    return count;
}

double
mm_histogram_quantile(MilterHistogram *histogram, double quantile)
{
    guint64 count = mm_histogram_count(histogram);
    guint64 seen = 0;
    for (guint i = 0; i < MM_HISTOGRAM_BUCKETS; i++) {
        seen += bucket_get(histogram, i);
        if (seen > 0 && (double)seen >= quantile * (double)count)
            return bound(i);
    }
    return 0;
}

typedef struct Visit {
    MmStatisticsFunction function;
    gpointer data;
} Visit;

static gboolean
visit_entry(gpointer key, gpointer value, gpointer data)
{
    const Visit *visit = data;
    const Entry *entry = value;
    if (entry->counter)
        visit->function(key, entry->counter, NULL, visit->data);
    if (entry->histogram)
        visit->function(key, NULL, entry->histogram, visit->data);
    return FALSE;
}

void
mm_statistics_foreach(MmStatisticsFunction function, gpointer data)
{
    Visit visit = {function, data};
    g_mutex_lock(&lock);
    if (entries)
        g_tree_foreach(entries, visit_entry, &visit);
    g_mutex_unlock(&lock);
}
