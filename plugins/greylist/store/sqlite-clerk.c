/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clerk: administration, off the threads that mail waits for. */
#include "store/sqlite-private.h"

/* Rows one slice looks at; with what is queued meanwhile the clerk goes on in turn. */
#define SLICE_ROWS 10000

static GreySlot *
hold(GreySqlite *sqlite, const GreyEntry *name, GreyPart **part)
{
    const GreySecret *secret = &sqlite->secret;
    return grey_sqlite_hold(sqlite, &sqlite->clerk_file, grey_id_of(secret, name),
                            grey_place_of(secret, name), TRUE, part);
}

/* A pair that is learned with every message is not written with every message. */
static gboolean
is_fresh(const GreyRecord *old, const GreyEntry *entry, gint64 now)
{
    return entry->record.kind == GREY_KIND_PAIR && grey_record_lives(old, now) &&
           entry->record.last - old->last < GREY_TOUCH_SECONDS;
}

static gboolean
put_rule(GreySqlite *sqlite, GreyRequest *request, const GreyEntry *rule)
{
    if (!grey_rules_put(sqlite->rules, rule)) {
        request->error = g_strdup("there are too many rules");
        return FALSE;
    }
    grey_sqlite_queue_rule(sqlite, rule, FALSE);
    request->n++;
    return TRUE;
}

static gboolean
put_one(GreySqlite *sqlite, GreyRequest *request, const GreyEntry *entry, gint64 now)
{
    GreyPart *part;
    if (entry->record.kind == GREY_KIND_RULE)
        return put_rule(sqlite, request, entry);
    GreySlot *slot = hold(sqlite, entry, &part);
    if (!slot) {
        request->error = g_strdup("the disk fails or does not keep up");
        return FALSE;
    }
    gboolean kept = request->keep && grey_record_is_settled(&slot->record, now);
    if (!kept)
        request->n++;
    if (!kept && !is_fresh(&slot->record, entry, now)) {
        slot->record = entry->record;
        grey_sqlite_queue(sqlite, part, slot, entry->source, entry->sender, entry->recipient);
    }
    grey_part_unlock(part);
    return TRUE;
}

/* An entry with the hash that it is sorted by. */
typedef struct Sorted {
    gint64 row;
    const GreyEntry *entry;
} Sorted;

static int
compare_rows(gconstpointer a, gconstpointer b)
{
    gint64 left = ((const Sorted *)a)->row, right = ((const Sorted *)b)->row;
    return left < right ? -1 : left > right;
}

static void
put(GreySqlite *sqlite, GreyRequest *request)
{
    const GreyBatch *batch = request->batch;
    gint64 now = grey_store_now(&sqlite->store);
    g_autofree Sorted *sorted = g_new(Sorted, MAX(batch->entries->len, 1u));
    for (guint i = 0; i < batch->entries->len; i++) {
        const GreyEntry *entry = grey_batch_entry(batch, i);
        sorted[i] = (Sorted){(gint64)grey_id_of(&sqlite->secret, entry).a, entry};
    }
    qsort(sorted, batch->entries->len, sizeof(Sorted), compare_rows);
    for (guint i = 0; i < batch->entries->len; i++) {
        if (!put_one(sqlite, request, sorted[i].entry, now))
            return;
    }
}

static void
remove_one(GreySqlite *sqlite, GreyRequest *request)
{
    const GreyEntry *name = grey_batch_entry(request->batch, 0);
    if (name->record.kind == GREY_KIND_RULE) {
        request->n = grey_rules_remove(sqlite->rules, name);
        if (request->n > 0)
            grey_sqlite_queue_rule(sqlite, name, TRUE);
        return;
    }
    GreyPart *part;
    GreySlot *slot = hold(sqlite, name, &part);
    if (!slot) {
        request->error = g_strdup("the disk fails or does not keep up");
        return;
    }
    if (slot->record.first != 0) {
        request->n = 1;
        slot->record = (GreyRecord){.first = 0};
        grey_sqlite_queue(sqlite, part, slot, "", "", "");
    }
    grey_part_unlock(part);
}

static void
get(GreySqlite *sqlite, GreyRequest *request)
{
    const GreyEntry *name = grey_batch_entry(request->batch, 0);
    request->found = grey_batch_new();
    if (name->record.kind == GREY_KIND_RULE) {
        grey_rules_get(sqlite->rules, name, grey_batch_add, request->found);
        return;
    }
    GreyPart *part;
    const GreySlot *slot = hold(sqlite, name, &part);
    if (!slot) {
        request->error = g_strdup("the disk fails or does not keep up");
        return;
    }
    GreyEntry entry = *name;
    entry.record = slot->record;
    entry.note = "";
    grey_part_unlock(part);
    if (entry.record.first != 0)
        grey_batch_add(request->found, &entry);
}

/* ---- Slices of the file. */

static void
read_entry(sqlite3_stmt *row, GreyEntry *entry)
{
    grey_file_read_record(row, GREY_SCAN_RECORD, &entry->record);
    entry->source = grey_file_text(row, GREY_SCAN_TEXTS);
    entry->sender = grey_file_text(row, GREY_SCAN_TEXTS + 1);
    entry->recipient = grey_file_text(row, GREY_SCAN_TEXTS + 2);
    entry->note = "";
}

typedef gboolean (*RowFunction)(GreyRequest *request, const GreyEntry *entry, gint64 now);

/* Rows from *at on, at most SLICE_ROWS, until function returns FALSE. TRUE: more may follow at *at.
 */
static gboolean
scan(GreySqlite *sqlite, GreyRequest *request, gint64 *at, RowFunction function)
{
    sqlite3_stmt *row = sqlite->clerk_file.scan;
    gint64 now = grey_store_now(&sqlite->store);
    guint n = 0;
    int result = SQLITE_DONE;
    gint64 last = *at;
    gboolean wanted = TRUE;
    sqlite3_bind_int64(row, 1, *at);
    sqlite3_bind_int(row, 2, SLICE_ROWS);
    while (wanted && (result = sqlite3_step(row)) == SQLITE_ROW) {
        GreyEntry entry;
        read_entry(row, &entry);
        last = sqlite3_column_int64(row, 0);
        wanted = function(request, &entry, now);
        n++;
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        request->error = g_strdup(sqlite3_errmsg(sqlite->clerk_file.db));
    sqlite3_reset(row);
    gboolean more = (!wanted || n == SLICE_ROWS) && last < G_MAXINT64 && !request->error;
    if (more)
        *at = last + 1;
    return more;
}

static gboolean
add_to_page(GreyRequest *request, const GreyEntry *entry, gint64 now)
{
    (void)now;
    if (grey_filter_matches(&request->filter, entry))
        grey_batch_add(request->found, entry);
    return request->found->entries->len < request->limit;
}

/* Cursors: "r" and a rule's key, then "e" and the next row. */
static void
page(GreySqlite *sqlite, GreyRequest *request)
{
    const char *cursor = request->cursor ? request->cursor : "r";
    gint64 at = G_MININT64;
    request->found = grey_batch_new();
    if (*cursor == 'r') {
        g_autofree char *next = grey_rules_page(sqlite->rules, &request->filter, cursor + 1,
                                                request->limit, grey_batch_add, request->found);
        if (next) {
            request->next_cursor = g_strconcat("r", next, NULL);
            return;
        }
    } else if (*cursor != 'e' ||
               !g_ascii_string_to_signed(cursor + 1, 10, G_MININT64, G_MAXINT64, &at, NULL)) {
        request->error = g_strdup("this cursor is not one of this store");
        return;
    }
    if (request->found->entries->len >= request->limit || scan(sqlite, request, &at, add_to_page))
        request->next_cursor = g_strdup_printf("e%" G_GINT64_FORMAT, at);
}

static gboolean
count_row(GreyRequest *request, const GreyEntry *entry, gint64 now)
{
    request->stats.entries[entry->record.kind][entry->record.state]++;
    request->stats.ended += !grey_record_lives(&entry->record, now);
    return TRUE;
}

static guint64
file_size(GreySqlite *sqlite)
{
    gint64 pages = 0;
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(sqlite->clerk_file.db,
                       "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", -1,
                       &statement, NULL);
    if (sqlite3_step(statement) == SQLITE_ROW)
        pages = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return (guint64)pages;
}

/* One slice; TRUE: the request goes to the end of the queue. */
static gboolean
count(GreySqlite *sqlite, GreyRequest *request)
{
    gint64 at = G_MININT64;
    if (request->cursor)
        at = g_ascii_strtoll(request->cursor, NULL, 10);
    if (scan(sqlite, request, &at, count_row)) {
        g_free(request->cursor);
        request->cursor = g_strdup_printf("%" G_GINT64_FORMAT, at);
        g_async_queue_push(sqlite->to_clerk, request);
        return TRUE;
    }
    grey_rules_count(sqlite->rules, request->stats.entries[GREY_KIND_RULE]);
    request->stats.bytes = file_size(sqlite);
    g_mutex_lock(&sqlite->lock_writes);
    request->stats.waiting = sqlite->n_waiting;
    g_mutex_unlock(&sqlite->lock_writes);
    return FALSE;
}

/* ---- Its loop. */

/* What is promised to be on disk. */
static void
wait_for_disk(GreySqlite *sqlite, GreyRequest *request)
{
    if (!grey_sqlite_wait(sqlite) && !request->error)
        request->error = g_strdup("the disk fails: not written yet");
}

static void
serve(GreySqlite *sqlite, GreyRequest *request)
{
    switch (request->kind) {
    case GREY_REQUEST_PUT:
        grey_sqlite_wait_for_room(sqlite);
        put(sqlite, request);
        if (!request->soon)
            wait_for_disk(sqlite, request);
        break;
    case GREY_REQUEST_REMOVE:
        remove_one(sqlite, request);
        wait_for_disk(sqlite, request);
        break;
    case GREY_REQUEST_PAGE:
        page(sqlite, request);
        break;
    case GREY_REQUEST_GET:
        get(sqlite, request);
        break;
    case GREY_REQUEST_STATS:
        if (count(sqlite, request))
            return;
        break;
    default:
        wait_for_disk(sqlite, request);
        break;
    }
    grey_request_complete(request);
}

gpointer
grey_sqlite_clerk(gpointer data)
{
    GreySqlite *sqlite = data;
    GreyRequest *request;
    while ((request = g_async_queue_pop(sqlite->to_clerk)) != &grey_sqlite_end)
        serve(sqlite, request);
    return NULL;
}
