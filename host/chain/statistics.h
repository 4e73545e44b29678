/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     statistics.h - counters and histograms by name, counted from any thread
 *
 * DESCRIPTION
 *     A name is STAGE.NAME; asking for it again gives the same object, so figures go on over a
 * reload. Objects live as long as the process. Counting is one atomic addition, two for a
 * histogram.
 *
 *     stage is NULL for the host's own, whose names have a dot themselves ("messages.accept").
 */
#ifndef MM_CHAIN_STATISTICS_H
#define MM_CHAIN_STATISTICS_H

#include <glib.h>
#include <milter-manager/host.h>

/* Upper bounds of the buckets are 2^i milliseconds; the last takes the rest. */
#define MM_HISTOGRAM_BUCKETS 24

MilterCounter *mm_counter(const char *stage, const char *name);
void mm_counter_add(MilterCounter *counter, guint64 n);
guint64 mm_counter_get(MilterCounter *counter);

MilterHistogram *mm_histogram(const char *stage, const char *name);
/* value: seconds. */
void mm_histogram_add(MilterHistogram *histogram, double value);
guint64 mm_histogram_count(MilterHistogram *histogram);
/* Upper bound, in seconds, of the bucket that holds the quantile (0 to 1); 0 if nothing was
 * counted. */
double mm_histogram_quantile(MilterHistogram *histogram, double quantile);

/* What goes up and down. */
typedef struct MmGauge MmGauge;
MmGauge *mm_gauge(const char *stage, const char *name);
void mm_gauge_add(MmGauge *gauge, gint n);

/* Calls function for each counter (histogram NULL) and histogram (counter NULL), sorted by name. */
typedef void (*MmStatisticsFunction)(const char *name, MilterCounter *counter,
                                     MilterHistogram *histogram, gpointer data);
void mm_statistics_foreach(MmStatisticsFunction function, gpointer data);

/* Figures of the host that are kept elsewhere: read when somebody asks for all. */
typedef struct MmReading {
    const char *name;
    MilterFigureKind kind; /* no histogram */
    guint64 (*read)(gconstpointer data);
} MmReading;
/* read is called on any thread, with data, until this is called with others; n 0: none. Nobody
 * reads the ones before any more when this returns. */
void mm_statistics_set_readings(const MmReading *readings, guint n, gconstpointer data);

/* The member of MilterHost: counters, gauges, histograms and readings. */
void mm_statistics_figures(MilterFigureFunction function, void *data);

#endif
