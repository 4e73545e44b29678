/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer: groups of changes, one transaction each; and the slow round that expires. */
#include "store/sqlite-private.h"

#define GROUP_MSEC 200
#define RETRY_SECONDS 1

/* The key space is expired in so many slices, one every SLICE_SECONDS: a round takes under six
 * hours. */
#define N_SLICES 4096
#define SLICE_SECONDS 5
/* After the clock was set forward by more than this nothing expires for so long: if that was a
 * mistake, it can be put right before anything is lost. */
#define JUMP_SECONDS 3600

/* ---- The writer. */

typedef struct Writer {
    GreySqlite *sqlite;
    GreyFile *file;
    guint slice;                                          /* the next to expire */
    gboolean moved;                                       /* the file; it was said */
    gint64 next_slice, last_clock, last_wall, held_until; /* microseconds */
} Writer;

/* Nobody changes what is taken any more. */
static void
detach(GreyWrite *write)
{
    if (!write->slot)
        return;
    grey_part_relock(write->part);
    if (write->slot->extra == write)
        write->slot->extra = NULL;
    grey_part_unlock(write->part);
}

static void
settle(GreyWrite *write)
{
    if (write->slot) {
        grey_part_relock(write->part);
        write->slot->pins--;
        grey_part_touch(write->part, write->slot); /* a reader may have looked before: see there */
        if (write->slot->pins == 0)
            grey_part_wake(write->part);
        grey_part_unlock(write->part);
    }
    grey_sqlite_write_free(write);
}

static int
compare_writes(gconstpointer a, gconstpointer b)
{
    gint64 left = (gint64)(*(const GreyWrite *const *)a)->id.a;
    gint64 right = (gint64)(*(const GreyWrite *const *)b)->id.a;
    return left < right ? -1 : left > right;
}

static gboolean
save_group(GreyFile *file, const GPtrArray *group)
{
    if (!grey_file_do(file->begin))
        return FALSE;
    gboolean good = TRUE;
    for (guint i = 0; i < group->len && good; i++)
        good = grey_file_save(file, g_ptr_array_index(group, i));
    if (good)
        good = grey_file_do(file->commit);
    if (!good)
        grey_file_do(file->rollback);
    return good;
}

static gboolean
save_group_alone(Writer *writer, const GPtrArray *group)
{
    g_mutex_lock(&writer->sqlite->lock_log);
    gboolean good = save_group(writer->file, group);
    g_mutex_unlock(&writer->sqlite->lock_log);
    return good;
}

static void
set_failing(Writer *writer, gboolean failing)
{
    GreySqlite *sqlite = writer->sqlite;
    if (sqlite->failing == failing)
        return;
    g_autofree char *detail =
        failing ? g_strdup_printf("%s: %s", sqlite->path, sqlite3_errmsg(writer->file->db)) : NULL;
    if (failing)
        grey_store_log(&sqlite->store, 0, "greylist-store-write",
                       N_("The greylist's store cannot be written; it is tried again"), detail);
    else
        grey_store_log(&sqlite->store, 2, "greylist-store-written",
                       N_("The greylist's store can be written again"), sqlite->path);
    g_mutex_lock(&sqlite->lock_writes);
    sqlite->failing = failing;
    g_cond_broadcast(&sqlite->committed);
    g_mutex_unlock(&sqlite->lock_writes);
}

/* What is committed to a file that has lost its name is gone when the host ends, and no call
 * fails. Said once. */
static void
look_for_file(Writer *writer)
{
    GreySqlite *sqlite = writer->sqlite;
    int moved = FALSE;
    sqlite3_file_control(writer->file->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved && !writer->moved)
        grey_store_log(
            &sqlite->store, 0, "greylist-store-moved",
            N_("The greylist's file was moved, replaced or deleted: what is learned is lost "
               "unless the host is restarted"),
            sqlite->path);
    writer->moved = moved;
}

/* Until it is on disk, or the store closes. */
static void
save(Writer *writer, const GPtrArray *group)
{
    GreySqlite *sqlite = writer->sqlite;
    while (!save_group_alone(writer, group)) {
        set_failing(writer, TRUE);
        gint64 until = g_get_monotonic_time() + RETRY_SECONDS * G_TIME_SPAN_SECOND;
        g_mutex_lock(&sqlite->lock_writes);
        while (!sqlite->stopping &&
               g_cond_wait_until(&sqlite->writes_changed, &sqlite->lock_writes, until)) {
        }
        gboolean stopping = sqlite->stopping;
        g_mutex_unlock(&sqlite->lock_writes);
        if (stopping)
            return;
    }
    set_failing(writer, FALSE);
    look_for_file(writer);
}

static void
write_group(Writer *writer, GreyWrite *first, guint64 sequence)
{
    GreySqlite *sqlite = writer->sqlite;
    g_autoptr(GPtrArray) group = g_ptr_array_new();
    for (GreyWrite *write = first; write; write = write->next) {
        detach(write);
        g_ptr_array_add(group, write);
    }
    /* In the order of the rows: neighbours are on one page. The sort is stable: changes to one rule
     * stay in their order. */
    g_ptr_array_sort(group, compare_writes);
    save(writer, group);
    for (guint i = 0; i < group->len; i++)
        settle(g_ptr_array_index(group, i));
    g_mutex_lock(&sqlite->lock_writes);
    sqlite->sequence_done = sequence;
    g_cond_broadcast(&sqlite->committed);
    g_mutex_unlock(&sqlite->lock_writes);
}

/* ---- Expiry. */

static gboolean
sweep_slice(Writer *writer, guint64 *n)
{
    /* Unsigned: the upper half would overflow. */
    gint64 first = (gint64)((guint64)G_MININT64 + ((guint64)writer->slice << 52));
    gint64 last = first + (((gint64)1 << 52) - 1);
    gint64 now = grey_store_now(&writer->sqlite->store);
    writer->slice = (writer->slice + 1) % N_SLICES;
    g_mutex_lock(&writer->sqlite->lock_log);
    gboolean good = grey_file_sweep(writer->file, first, last, now, n);
    g_mutex_unlock(&writer->sqlite->lock_log);
    return good;
}

static void
forget_rule(gpointer data, const GreyEntry *entry)
{
    grey_sqlite_queue_rule(data, entry, TRUE);
}

static void
end_of_round(Writer *writer)
{
    GreySqlite *sqlite = writer->sqlite;
    if (writer->slice == 0)
        grey_rules_expire(sqlite->rules, grey_store_now(&sqlite->store), forget_rule, sqlite);
}

/* Whether the wall clock went no further than time did. */
static gboolean
clock_is_steady(Writer *writer, gint64 now)
{
    GreySqlite *sqlite = writer->sqlite;
    gint64 wall = sqlite->store.environment.wall_clock(sqlite->store.environment.data);
    gint64 jump = (wall - writer->last_wall) - (now - writer->last_clock);
    gboolean first = writer->last_clock == 0;
    writer->last_wall = wall;
    writer->last_clock = now;
    if (!first && jump > JUMP_SECONDS * G_TIME_SPAN_SECOND) {
        writer->held_until = now + JUMP_SECONDS * G_TIME_SPAN_SECOND;
        grey_store_log(&sqlite->store, 1, "greylist-clock-jump",
                       N_("The clock was set forward: nothing expires for an hour"), NULL);
    }
    return now >= writer->held_until;
}

static void
sweep_by_itself(Writer *writer)
{
    gint64 now = g_get_monotonic_time();
    guint64 n = 0;
    if (now < writer->next_slice)
        return;
    writer->next_slice = now + SLICE_SECONDS * G_TIME_SPAN_SECOND;
    if (!clock_is_steady(writer, now) || !sweep_slice(writer, &n))
        return;
    end_of_round(writer);
}

static void
answer_sweeps(Writer *writer, GSList *requests)
{
    for (GSList *item = requests; item; item = item->next) {
        GreyRequest *request = item->data;
        gboolean good = sweep_slice(writer, &request->n);
        request->done_round = writer->slice == 0;
        end_of_round(writer);
        if (good)
            grey_request_complete(request);
        else
            grey_request_fail(request, sqlite3_errmsg(writer->file->db));
    }
    g_slist_free(requests);
}

/* ---- Its loop. */

static int
log_grew(void *data, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    GreySqlite *sqlite = data;
    g_mutex_lock(&sqlite->lock_checkpoint);
    sqlite->log_pages = (guint)pages;
    g_cond_signal(&sqlite->checkpoint_due);
    g_mutex_unlock(&sqlite->lock_checkpoint);
    return SQLITE_OK;
}

/* With the lock: until there is something to do. */
static void
wait_for_work(Writer *writer)
{
    GreySqlite *sqlite = writer->sqlite;
    while (!sqlite->stopping && !sqlite->sweeps && sqlite->n_waiting < GREY_SQLITE_GROUP_OPS &&
           !(sqlite->hurry && sqlite->first)) {
        gint64 until = writer->next_slice;
        if (sqlite->first)
            until = MIN(until, sqlite->oldest + GROUP_MSEC * G_TIME_SPAN_MILLISECOND);
        if (!g_cond_wait_until(&sqlite->writes_changed, &sqlite->lock_writes, until))
            return;
    }
}

/* FALSE: the store closes and all is written. */
static gboolean
work(Writer *writer)
{
    GreySqlite *sqlite = writer->sqlite;
    g_mutex_lock(&sqlite->lock_writes);
    wait_for_work(writer);
    GreyWrite *first = sqlite->first;
    GSList *sweeps = g_steal_pointer(&sqlite->sweeps);
    guint64 sequence = sqlite->sequence;
    gboolean stopping = sqlite->stopping;
    sqlite->first = NULL;
    sqlite->last = &sqlite->first;
    sqlite->n_waiting = 0;
    sqlite->hurry = FALSE;
    g_mutex_unlock(&sqlite->lock_writes);
    if (first)
        write_group(writer, first, sequence);
    answer_sweeps(writer, sweeps);
    if (!stopping)
        sweep_by_itself(writer);
    return !stopping || first;
}

gpointer
grey_sqlite_writer(gpointer data)
{
    GreySqlite *sqlite = data;
    Writer writer = {.sqlite = sqlite, .file = &sqlite->writer_file};
    writer.slice = (guint)g_random_int_range(0, N_SLICES);
    writer.next_slice = g_get_monotonic_time() + SLICE_SECONDS * G_TIME_SPAN_SECOND;
    sqlite3_wal_hook(writer.file->db, log_grew, sqlite);
    while (work(&writer)) {
    }
    return NULL;
}
