/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checkpointer: brings the log back into the file. */
#include "store/sqlite-private.h"

#define CHECKPOINT_PAGES 16384 /* 64 MiB */

static gboolean
wait_until_due(GreySqlite *sqlite)
{
    g_mutex_lock(&sqlite->lock_checkpoint);
    while (!sqlite->checkpoints_end && sqlite->log_pages < CHECKPOINT_PAGES)
        g_cond_wait(&sqlite->checkpoint_due, &sqlite->lock_checkpoint);
    sqlite->log_pages = 0;
    gboolean due = !sqlite->checkpoints_end;
    g_mutex_unlock(&sqlite->lock_checkpoint);
    return due;
}

/* The rest, while the log does not grow: once all of it is in the file, and readers have gone on to
 * that, the next commit begins the log anew. A reader looks for a millisecond or two. */
#define REST_TRIES 20
#define REST_PAUSE 1000

static void
bring_rest(GreySqlite *sqlite, sqlite3 *db)
{
    int in_log = 0, in_file = -1;
    g_mutex_lock(&sqlite->lock_log);
    for (guint i = 0; i < REST_TRIES && in_file < in_log; i++) {
        if (i > 0)
            g_usleep(REST_PAUSE);
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &in_file);
    }
    g_mutex_unlock(&sqlite->lock_log);
}

/* First what disturbs nobody and does nearly all; then the rest: the writer waits for that, answers
 * do not. */
gpointer
grey_sqlite_checkpointer(gpointer data)
{
    GreySqlite *sqlite = data;
    sqlite3 *db = sqlite->checkpoint_file.db;
    while (wait_until_due(sqlite)) {
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        bring_rest(sqlite, db);
    }
    return NULL;
}
