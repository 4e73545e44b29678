/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sqlite-private.h - the store on disk: its threads and what they share
 *
 * DESCRIPTION
 *     Recent keys are in a table in memory (table.h), what an answer needs beyond them is read by
 * the readers, and what changes is written by the writer, a group of changes in one transaction. So
 * an answer waits for a read of a B-tree at most, never for a commit.
 *
 *         desk's thread   decides if the table has all it needs, else asks a reader
 *         readers         read what is missing into the table, decide
 *         clerk           administration: writes through the table like a decision, waits for the
 *                         commit; lists and counts in slices
 *         writer          takes what is queued when there are GROUP_OPS of them or the first is
 *                         GROUP_MSEC old; expires a slice of the key space now and then
 *         checkpointer    brings the log back into the file
 *
 *     Why this is right: a slot that is not on disk yet is pinned, one that is being read is marked
 * loading before the read begins. So whatever is missing from the table is on disk as it last was,
 * and a slot is filled once.
 */
#ifndef GREYLIST_STORE_SQLITE_PRIVATE_H
#define GREYLIST_STORE_SQLITE_PRIVATE_H

#include "store/private.h"
#include "store/rules.h"
#include "store/table.h"

#include <sqlite3.h>

#define GREY_SQLITE_APPLICATION_ID 0x47724c31 /* "GrL1" */
#define GREY_SQLITE_VERSION 1

#define GREY_N_READERS 2
/* So many queued changes make a group at once. */
#define GREY_SQLITE_GROUP_OPS 200

/* Ends the thread that takes it from its queue. */
extern GreyRequest grey_sqlite_end;

/* A change on its way to the disk. */
typedef struct GreyWrite {
    struct GreyWrite *next;
    GreyId id;
    GreyPart *part;
    GreySlot *slot; /* pinned by this; NULL for a rule */
    gboolean remove;
    GreyRecord record;
    char *note;   /* RULE */
    char texts[]; /* source, sender, recipient, each with its NUL; all empty: none are kept */
} GreyWrite;

/* One connection to the file, of one thread. */
typedef struct GreyFile {
    sqlite3 *db;
    sqlite3_stmt *load, *save, *drop, *save_rule, *drop_rule, *sweep, *scan, *look, *begin, *commit,
        *rollback;
} GreyFile;

typedef struct GreySqlite GreySqlite;

/* What a reader's thread is given. */
typedef struct GreyReader {
    GreySqlite *sqlite;
    GreyFile *file;
} GreyReader;

struct GreySqlite {
    GreyStore store;
    char *path;
    int lock; /* descriptor of the lock file */
    GreySecret secret;
    GreyTable *table; /* extra of a slot: the GreyWrite that is queued and may still be changed */
    GreyRules *rules;

    GreyFile reader_files[GREY_N_READERS], clerk_file, writer_file, checkpoint_file;
    GreyReader seats[GREY_N_READERS];
    GThread *readers[GREY_N_READERS], *clerk, *writer, *checkpointer;
    GAsyncQueue *to_read;  /* of GreyRequest */
    GAsyncQueue *to_clerk; /* of GreyRequest */

    /* The queue of the writer, under lock. */
    GMutex lock_writes;
    GCond writes_changed; /* something to do for the writer */
    GCond committed;      /* sequence_done has moved, or there is room */
    GreyWrite *first, **last;
    guint n_waiting;  /* queued and not taken yet */
    gint64 oldest;    /* monotonic: when first came */
    guint64 sequence; /* of the last one queued */
    guint64 sequence_done;
    gboolean hurry; /* somebody waits for the commit */
    gboolean stopping;
    GSList *sweeps;   /* of GreyRequest: EXPIRE */
    gboolean failing; /* the last commit failed */

    GMutex lock_log; /* held while the log grows, and while it must not */
    GMutex lock_checkpoint;
    GCond checkpoint_due;
    guint log_pages; /* of the log, as the last commit left it */
    gboolean checkpoints_end;
};

/* ---- sqlite-file.c */
/* Opens a file, or makes it with mode 0600; what root makes is the folder's owner's. flags: further
 * ones of open(2). A descriptor, or -1 with errno. */
int grey_file_create(const char *path, int flags);
/* Makes a new file with its tables, or checks the one that is there; nothing is written to a file
 * that is not ours. */
gboolean grey_file_make(const char *path, GreySecret *secret, GError **error);
/* A connection to a file that is made. cache: of its pages, in KiB. FALSE with error, file is
 * closed. */
gboolean grey_file_open(GreyFile *file, const char *path, guint cache, GError **error);
void grey_file_close(GreyFile *file);
gboolean grey_file_load_rules(GreyFile *file, GreyRules *rules);
/* FALSE: the read failed. record->first is 0 if there is none. */
gboolean grey_file_load(GreyFile *file, GreyId id, GreyRecord *record);
/* In a transaction. */
gboolean grey_file_save(GreyFile *file, const GreyWrite *write);
/* Those of the rows from first to last that have ended go. */
gboolean grey_file_sweep(GreyFile *file, gint64 first, gint64 last, gint64 now, guint64 *n);
/* Runs a statement without results. */
gboolean grey_file_do(sqlite3_stmt *statement);
/* Columns of scan: the row, then the record from column 1 (check) on, then the texts. */
#define GREY_SCAN_RECORD 2
#define GREY_SCAN_TEXTS 9
/* Never NULL. */
const char *grey_file_text(sqlite3_stmt *row, int column);
void grey_file_read_record(sqlite3_stmt *row, int column, GreyRecord *record);

/* ---- sqlite-read.c */
gboolean grey_sqlite_decide(GreyDesk *desk, const GreyQuestion *question, GreyAnswer *answer);
gpointer grey_sqlite_reader(gpointer reader);
/* Loads into the table what is not there; not on a desk's thread. NULL: the disk failed, or the
 * part is full; else the slot, its part locked. cold: it was for once. */
GreySlot *grey_sqlite_hold(GreySqlite *sqlite, GreyFile *file, GreyId id, guint64 place,
                           gboolean cold, GreyPart **part);

/* ---- sqlite-queue.c */
/* With the slot's part locked: its record is to be written. */
void grey_sqlite_queue(GreySqlite *sqlite, GreyPart *part, GreySlot *slot, const char *source,
                       const char *sender, const char *recipient);
void grey_sqlite_queue_rule(GreySqlite *sqlite, const GreyEntry *rule, gboolean remove);
/* Waits until all that was queued is on disk; FALSE: the disk fails. Not on a desk's thread. */
gboolean grey_sqlite_wait(GreySqlite *sqlite);
/* Waits until there is room for an import's next batch. */
void grey_sqlite_wait_for_room(GreySqlite *sqlite);
/* Its slot is settled, if it has one. */
void grey_sqlite_write_free(GreyWrite *write);

/* ---- sqlite-write.c */
gpointer grey_sqlite_writer(gpointer sqlite);

/* ---- sqlite-checkpoint.c */
gpointer grey_sqlite_checkpointer(gpointer sqlite);

/* ---- sqlite-clerk.c */
gpointer grey_sqlite_clerk(gpointer sqlite);

#endif
