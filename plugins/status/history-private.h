/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the history share. */
#ifndef STATUS_HISTORY_PRIVATE_H
#define STATUS_HISTORY_PRIVATE_H

#include "history.h"

#include <sqlite3.h>

/* Resolutions: a sample is noted in all of them. */
typedef struct Level {
    gint64 width; /* seconds */
    gint64 kept;  /* seconds */
} Level;
#define N_LEVELS 3
extern const Level history_levels[N_LEVELS];

/* More names than that are none a host has. */
#define SERIES_MAX 1024

struct History {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback, *add, *expire, *find_series, *add_series,
        *count_series;
    GHashTable *known;     /* "STAGE NAME" to Known */
    gboolean has_baseline; /* there was a sample */
    gboolean noting;       /* growth goes into the file, in the transaction that is open */
    gint64 expired;        /* time of the last sweep, in widths of the middle level */
};

/* What a series was at the last sample. */
typedef struct Known {
    gint64 id; /* 0: not in the file, as far as we know */
    double last;
} Known;

gboolean history_fail(const History *history, GError **error);
/* Runs a statement that gives no rows. */
gboolean history_do(const History *history, sqlite3_stmt *statement, GError **error);

#endif
