/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/statistics.h"

struct MilterCounter {
    guint64 value;
};

struct MilterHistogram {
    guint64 buckets[MM_HISTOGRAM_BUCKETS];
    guint64 sum; /* microseconds */
};

struct MmGauge {
    gint value;
};

typedef struct Entry {
    char *stage; /* NULL: the host's own */
    char *name;
    MilterCounter *counter;
    MilterHistogram *histogram;
    MmGauge *gauge;
} Entry;

static GMutex lock; /* guards the tree and the readings, never the figures */
static GTree *entries;
static const MmReading *readings;
static guint n_readings;
static gconstpointer readings_data;

static gint
compare(gconstpointer a, gconstpointer b, gpointer unused)
{
    (void)unused;
    return g_strcmp0(a, b);
}

static Entry *
entry_for(const char *stage, const char *name)
{
    g_autofree char *full = stage ? g_strdup_printf("%s.%s", stage, name) : g_strdup(name);
    if (!entries)
        entries = g_tree_new_full(compare, NULL, g_free, NULL);
    Entry *entry = g_tree_lookup(entries, full);
    if (!entry) {
        entry = g_new0(Entry, 1);
        entry->stage = g_strdup(stage);
        entry->name = g_strdup(name);
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

/* What no clock measures counts as nothing, or as very long. */
static guint64
microseconds(double value)
{
    return value > 0 ? (guint64)(MIN(value, 1e9) * G_USEC_PER_SEC + 0.5) : 0;
}

void
mm_histogram_add(MilterHistogram *histogram, double value)
{
    guint bucket = 0;
    guint64 time = microseconds(value);
    while (bucket + 1 < MM_HISTOGRAM_BUCKETS && value > bound(bucket))
        bucket++;
    __atomic_fetch_add(&histogram->buckets[bucket], 1, __ATOMIC_RELAXED);
    if (time > 0)
        __atomic_fetch_add(&histogram->sum, time, __ATOMIC_RELAXED);
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

MmGauge *
mm_gauge(const char *stage, const char *name)
{
    g_mutex_lock(&lock);
    Entry *entry = entry_for(stage, name);
    if (!entry->gauge)
        entry->gauge = g_new0(MmGauge, 1);
    MmGauge *gauge = entry->gauge;
    g_mutex_unlock(&lock);
    return gauge;
}

void
mm_gauge_add(MmGauge *gauge, gint n)
{
    g_atomic_int_add(&gauge->value, n);
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

/* ---- As a plugin sees them. */

void
mm_statistics_set_readings(const MmReading *list, guint n, gconstpointer data)
{
    g_mutex_lock(&lock);
    readings = list;
    n_readings = n;
    readings_data = data;
    g_mutex_unlock(&lock);
}

typedef struct Show {
    MilterFigureFunction function;
    void *data;
    double bounds[MM_HISTOGRAM_BUCKETS - 1];
} Show;

static void
show_number(const Show *show, const Entry *entry, MilterFigureKind kind, guint64 value)
{
    const MilterFigure figure = {.size = sizeof(figure),
                                 .kind = kind,
                                 .stage = entry->stage,
                                 .name = entry->name,
                                 .value = value};
    show->function(show->data, &figure);
}

static void
show_histogram(const Show *show, const Entry *entry)
{
    uint64_t counts[MM_HISTOGRAM_BUCKETS];
    MilterFigure figure = {.size = sizeof(figure),
                           .kind = MILTER_FIGURE_HISTOGRAM,
                           .stage = entry->stage,
                           .name = entry->name,
                           .bounds = show->bounds,
                           .counts = counts,
                           .n_bounds = G_N_ELEMENTS(show->bounds)};
    guint64 sum = __atomic_load_n(&entry->histogram->sum, __ATOMIC_RELAXED);
    figure.sum = (double)sum / G_USEC_PER_SEC;
    for (guint i = 0; i < MM_HISTOGRAM_BUCKETS; i++) {
        counts[i] = bucket_get(entry->histogram, i);
        figure.value += counts[i];
    }
    show->function(show->data, &figure);
}

static gboolean
show_entry(gpointer key, gpointer value, gpointer data)
{
    const Show *show = data;
    const Entry *entry = value;
    (void)key;
    if (entry->counter)
        show_number(show, entry, MILTER_FIGURE_COUNTER, mm_counter_get(entry->counter));
    if (entry->gauge)
        show_number(show, entry, MILTER_FIGURE_GAUGE,
                    (guint64)MAX(g_atomic_int_get(&entry->gauge->value), 0));
    if (entry->histogram)
        show_histogram(show, entry);
    return FALSE;
}

static void
show_reading(const Show *show, const MmReading *reading)
{
    const MilterFigure figure = {.size = sizeof(figure),
                                 .kind = reading->kind,
                                 .name = reading->name,
                                 .value = reading->read(readings_data)};
    show->function(show->data, &figure);
}

void
mm_statistics_figures(MilterFigureFunction function, void *data)
{
    Show show = {.function = function, .data = data};
    for (guint i = 0; i < G_N_ELEMENTS(show.bounds); i++)
        show.bounds[i] = bound(i);
    g_mutex_lock(&lock);
    for (guint i = 0; i < n_readings; i++)
        show_reading(&show, &readings[i]);
    if (entries)
        g_tree_foreach(entries, show_entry, &show);
    g_mutex_unlock(&lock);
}
