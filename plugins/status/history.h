/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     history.h - figures of the past, in an SQLite file
 *
 * DESCRIPTION
 *     Of each figure that is drawn the file has by how much it grew, per minute (kept two days),
 * per ten minutes (30 days) and per day of UTC (three years). Minutes in which nothing happened
 * take no room. The file grows to 64 MiB at most; what does not fit is an error.
 *
 *     One process has the file at a time. All functions block; a history is used by one thread at a
 *     time.
 */
#ifndef STATUS_HISTORY_H
#define STATUS_HISTORY_H

#include "figures.h"

#define HISTORY_ERROR (history_error_quark())
GQuark history_error_quark(void);

typedef struct History History;

/* directory is made if only it itself is missing. NULL with error: it cannot be used; what is in
 * it stays as it is. */
History *history_open(const char *directory, GError **error);
void history_free(History *history);

/* Notes what grew since the sample before, as of the minute before figures->time; of the first one
 * nothing is noted. FALSE with error: what grew is lost. */
gboolean history_sample(History *history, const Figures *figures, GError **error);

typedef enum HistorySpan {
    HISTORY_DAY,
    HISTORY_MONTH,
    HISTORY_YEAR,
} HistorySpan;
#define HISTORY_N_SPANS 3

typedef struct HistorySeries {
    char *stage; /* NULL: the host's own */
    char *name;
    double *points; /* growth in each step; n_points of the table */
} HistorySeries;

typedef struct HistoryTable {
    gint64 from; /* seconds since 1970 */
    gint64 step; /* seconds */
    gint64 last; /* seconds of the last step that are over, in whole minutes */
    guint n_points;
    GPtrArray *series; /* of HistorySeries: those that grew at all */
} HistoryTable;

/* The span that ends now (seconds). NULL with error. */
HistoryTable *history_read(History *history, HistorySpan span, gint64 now, GError **error);
void history_table_free(HistoryTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HistoryTable, history_table_free)
/* NULL: it did not grow. */
const HistorySeries *history_table_find(const HistoryTable *table, const char *stage,
                                        const char *name);

/* graphs.c: graphs of all spans as HTML. NULL with error. */
char *graphs_html(History *history, gint64 now, GError **error);

#endif
