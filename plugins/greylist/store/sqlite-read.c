/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decisions: from the table where it has all, else by a reader. */
#include "store/sqlite-private.h"

typedef struct Ids {
    GreyId source, triplet, pair;
} Ids;

static Ids
ids_of(const GreySqlite *sqlite, const GreyQuestion *question)
{
    const GreySecret *secret = &sqlite->secret;
    Ids ids = {.source = grey_id(secret, GREY_KIND_SOURCE, question->source, "", ""),
               .triplet = grey_id(secret, GREY_KIND_TRIPLET, question->source, question->sender,
                                  question->recipient)};
    if (*question->pair_sender)
        ids.pair =
            grey_id(secret, GREY_KIND_PAIR, "", question->pair_sender, question->pair_recipient);
    return ids;
}

static GreySlot *
find_loaded(GreyPart *part, GreyId id)
{
    GreySlot *slot = grey_part_find(part, id);
    return slot && !slot->loading ? slot : NULL;
}

/* With the part locked. What a decision changes it has looked at: its slot is there. */
static void
write_back(GreySqlite *sqlite, GreyPart *part, GreyId id, const GreyRecord *record,
           const GreyQuestion *question)
{
    gboolean triplet = record->kind == GREY_KIND_TRIPLET;
    GreySlot *slot = grey_part_find(part, id);
    slot->record = *record;
    grey_sqlite_queue(sqlite, part, slot, question->source, triplet ? question->sender : "",
                      triplet ? question->recipient : "");
}

/* Decides with what the table has. Returns 0 and has filled answer, or a bit of what must be read.
 */
static guint32
attempt(GreySqlite *sqlite, const GreyQuestion *question, const Ids *ids, GreyHave *have,
        guint32 looked, gint64 now, GreyAnswer *answer)
{
    GreyPart *part = grey_table_lock(sqlite->table, ids->source.a);
    const GreySlot *source = find_loaded(part, ids->source);
    const GreySlot *triplet = find_loaded(part, ids->triplet);
    have->source = source ? source->record : (GreyRecord){.first = 0};
    have->triplet = triplet ? triplet->record : (GreyRecord){.first = 0};
    looked |= (source ? GREY_LOOKED_SOURCE : 0) | (triplet ? GREY_LOOKED_TRIPLET : 0);
    guint32 needs = grey_decide_needs(question, have, looked, now);
    /* A trap is answered without looking, but changes the source. */
    if (needs == 0 && !source && (question->flags & GREY_ASK_TRAP))
        needs = GREY_LOOKED_SOURCE;
    guint32 changed = 0;
    if (needs == 0)
        *answer = grey_decide(question, have, now, &changed);
    if (changed & GREY_CHANGED_SOURCE)
        write_back(sqlite, part, ids->source, &have->source, question);
    if (changed & GREY_CHANGED_TRIPLET)
        write_back(sqlite, part, ids->triplet, &have->triplet, question);
    grey_part_unlock(part);
    return needs;
}

static gboolean
look_for_pair(GreySqlite *sqlite, GreyId id, gint64 now, GreyHave *have)
{
    GreyPart *part = grey_table_lock(sqlite->table, id.a);
    const GreySlot *slot = find_loaded(part, id);
    if (slot)
        have->pair = grey_record_lives(&slot->record, now);
    grey_part_unlock(part);
    return slot != NULL;
}

gboolean
grey_sqlite_decide(GreyDesk *desk, const GreyQuestion *question, GreyAnswer *answer)
{
    GreySqlite *sqlite = (GreySqlite *)desk->store;
    gint64 now = grey_store_now(desk->store);
    const Ids ids = ids_of(sqlite, question);
    GreyHave have = {.rule = -1};
    grey_rules_find(sqlite->rules, question, now, &have);
    guint32 needs = attempt(sqlite, question, &ids, &have, 0, now, answer);
    if (needs == GREY_LOOKED_PAIR && look_for_pair(sqlite, ids.pair, now, &have))
        needs = attempt(sqlite, question, &ids, &have, GREY_LOOKED_PAIR, now, answer);
    return needs == 0;
}

/* ---- On the store's own threads. */

static gboolean
fill(GreyFile *file, GreyPart *part, GreySlot *slot)
{
    GreyRecord record;
    GreyId id = slot->id;
    grey_part_unlock(part);
    gboolean good = grey_file_load(file, id, &record);
    grey_part_relock(part);
    slot->loading = FALSE;
    slot->record = record;
    if (!good)
        grey_part_drop(part, slot);
    grey_part_wake(part);
    return good;
}

/* A part that is full of what is not on disk gets room with the next commit. */
#define ROOM_WAIT G_USEC_PER_SEC

/* The slot, or one that is made for it and still empty; NULL: there is no room. */
static GreySlot *
find_or_add(GreyPart *part, GreyId id, gboolean cold, gboolean *added)
{
    gint64 until = g_get_monotonic_time() + ROOM_WAIT;
    *added = FALSE;
    for (;;) {
        GreySlot *slot = grey_part_find(part, id);
        if (slot && !slot->loading)
            return slot;
        if (!slot && (slot = grey_part_add(part, id, cold))) {
            *added = TRUE;
            return slot;
        }
        if (!grey_part_wait(part, until))
            return NULL;
    }
}

GreySlot *
grey_sqlite_hold(GreySqlite *sqlite, GreyFile *file, GreyId id, guint64 place, gboolean cold,
                 GreyPart **part)
{
    gboolean added;
    *part = grey_table_lock(sqlite->table, place);
    GreySlot *slot = find_or_add(*part, id, cold, &added);
    if (slot && added) {
        slot->loading = TRUE;
        if (!fill(file, *part, slot))
            slot = NULL;
    }
    if (!slot)
        grey_part_unlock(*part);
    return slot;
}

/* FALSE: the disk failed, or the table is full of what is not on disk. */
static gboolean
load(GreySqlite *sqlite, GreyFile *file, GreyId id, guint64 place)
{
    GreyPart *part;
    if (!grey_sqlite_hold(sqlite, file, id, place, FALSE, &part))
        return FALSE;
    grey_part_unlock(part);
    return TRUE;
}

/* Each turn loads one thing; what was loaded may be pushed out again by others, but not for ever.
 */
#define TURNS_MAX 50

static gboolean
decide(GreySqlite *sqlite, GreyFile *file, GreyRequest *request)
{
    const GreyQuestion *question = request->question;
    gint64 now = grey_store_now(&sqlite->store);
    const Ids ids = ids_of(sqlite, question);
    guint32 looked = 0;
    grey_rules_find(sqlite->rules, question, now, &request->have);
    for (guint i = 0; i < TURNS_MAX; i++) {
        gboolean good = TRUE;
        switch (attempt(sqlite, question, &ids, &request->have, looked, now, &request->answer)) {
        case 0:
            return TRUE;
        case GREY_LOOKED_SOURCE:
            good = load(sqlite, file, ids.source, ids.source.a);
            break;
        case GREY_LOOKED_TRIPLET:
            good = load(sqlite, file, ids.triplet, ids.source.a);
            break;
        default:
            good = load(sqlite, file, ids.pair, ids.pair.a);
            if (look_for_pair(sqlite, ids.pair, now, &request->have))
                looked |= GREY_LOOKED_PAIR;
        }
        if (!good)
            return FALSE;
    }
    return FALSE;
}

/* So many requests may share one look at the file. A look is never so old that a key could have
 * been written and pushed out of the table since: what is written becomes the most recently used.
 */
#define SHARED_LOOK 16

static void
serve(GreySqlite *sqlite, GreyFile *file, GreyRequest *request)
{
    if (decide(sqlite, file, request))
        grey_request_complete(request);
    else
        grey_request_fail(request, "the disk fails or does not keep up");
}

gpointer
grey_sqlite_reader(gpointer data)
{
    const GreyReader *reader = data;
    GreySqlite *sqlite = reader->sqlite;
    GreyRequest *request;
    while ((request = g_async_queue_pop(sqlite->to_read)) != &grey_sqlite_end) {
        guint n = 0;
        gboolean look = grey_file_do(reader->file->look);
        do {
            serve(sqlite, reader->file, request);
            request = ++n < SHARED_LOOK ? g_async_queue_try_pop(sqlite->to_read) : NULL;
        } while (request && request != &grey_sqlite_end);
        if (look)
            grey_file_do(reader->file->commit);
        if (request)
            break;
    }
    return NULL;
}
