/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store that is gone with the process: a bounded table, least recently used out first.
 * Everything is answered on the spot, by the caller's thread.
 */
#include "store/private.h"
#include "store/rules.h"
#include "store/table.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_CAPACITY 500000

typedef struct Memory {
    GreyStore store;
    GreySecret secret;
    GreyTable *table; /* extra of a slot: its texts, see texts_new; NULL: none are kept */
    GreyRules *rules;
    gint expired_parts; /* atomic: how many parts this round of expiry has done */
} Memory;

/* Source, sender and recipient, each with its NUL, in one block. */
static char *
texts_new(const char *source, const char *sender, const char *recipient)
{
    gsize a = strlen(source) + 1, b = strlen(sender) + 1, c = strlen(recipient) + 1;
    char *texts = g_malloc(a + b + c);
    memcpy(texts, source, a);
    memcpy(texts + a, sender, b);
    memcpy(texts + a + b, recipient, c);
    return texts;
}

static GreyEntry
entry_of(const GreySlot *slot)
{
    GreyEntry entry = {slot->record, "", "", "", ""};
    if (!slot->extra)
        return entry;
    entry.source = slot->extra;
    entry.sender = entry.source + strlen(entry.source) + 1;
    entry.recipient = entry.sender + strlen(entry.sender) + 1;
    return entry;
}

/* With the part locked. Only pinned slots could keep it from having one, and there are none here.
 */
static void
store_record(Memory *memory, GreyPart *part, GreyId id, const GreyEntry *entry)
{
    GreySlot *slot = grey_part_find(part, id);
    if (!slot)
        slot = grey_part_add(part, id, FALSE);
    slot->record = entry->record;
    gboolean wanted = grey_store_keeps_text(&memory->store) || entry->record.kind == GREY_KIND_PAIR;
    if (!slot->extra && wanted)
        slot->extra = texts_new(entry->source, entry->sender, entry->recipient);
}

static GreyRecord
load_record(GreyPart *part, GreyId id)
{
    const GreySlot *slot = grey_part_find(part, id);
    return slot ? slot->record : (GreyRecord){.first = 0};
}

static gboolean
has_pair(Memory *memory, const GreyQuestion *question, gint64 now)
{
    if (!*question->pair_sender)
        return FALSE;
    GreyId id = grey_id(&memory->secret, GREY_KIND_PAIR, "", question->pair_sender,
                        question->pair_recipient);
    GreyPart *part = grey_table_lock(memory->table, id.a);
    GreyRecord record = load_record(part, id);
    grey_part_unlock(part);
    return grey_record_lives(&record, now);
}

static gboolean
memory_decide(GreyDesk *desk, const GreyQuestion *question, GreyAnswer *answer)
{
    Memory *memory = (Memory *)desk->store;
    gint64 now = grey_store_now(desk->store);
    GreyHave have = {.pair = has_pair(memory, question, now)};
    grey_rules_find(memory->rules, question, now, &have);
    GreyId source = grey_id(&memory->secret, GREY_KIND_SOURCE, question->source, "", "");
    GreyId triplet = grey_id(&memory->secret, GREY_KIND_TRIPLET, question->source, question->sender,
                             question->recipient);
    guint32 changed = 0;
    GreyPart *part = grey_table_lock(memory->table, source.a);
    have.source = load_record(part, source);
    have.triplet = load_record(part, triplet);
    *answer = grey_decide(question, &have, now, &changed);
    if (changed & GREY_CHANGED_SOURCE) {
        const GreyEntry entry = {have.source, question->source, "", "", ""};
        store_record(memory, part, source, &entry);
    }
    if (changed & GREY_CHANGED_TRIPLET) {
        const GreyEntry entry = {have.triplet, question->source, question->sender,
                                 question->recipient, ""};
        store_record(memory, part, triplet, &entry);
    }
    grey_part_unlock(part);
    return TRUE;
}

/* ---- Administration. */

static gboolean
put_one(Memory *memory, const GreyEntry *entry, gboolean keep, gint64 now)
{
    if (entry->record.kind == GREY_KIND_RULE)
        return grey_rules_put(memory->rules, entry);
    GreyId id = grey_id_of(&memory->secret, entry);
    GreyPart *part = grey_table_lock(memory->table, grey_place_of(&memory->secret, entry));
    GreyRecord old = load_record(part, id);
    gboolean write = !keep || !grey_record_is_settled(&old, now);
    if (write)
        store_record(memory, part, id, entry);
    grey_part_unlock(part);
    return write;
}

static void
put(Memory *memory, GreyRequest *request)
{
    gint64 now = grey_store_now(&memory->store);
    for (guint i = 0; i < request->batch->entries->len; i++)
        request->n += put_one(memory, grey_batch_entry(request->batch, i), request->keep, now);
}

static gboolean
remove_one(Memory *memory, const GreyEntry *name)
{
    if (name->record.kind == GREY_KIND_RULE)
        return grey_rules_remove(memory->rules, name);
    GreyPart *part = grey_table_lock(memory->table, grey_place_of(&memory->secret, name));
    GreySlot *slot = grey_part_find(part, grey_id_of(&memory->secret, name));
    if (slot)
        grey_part_drop(part, slot);
    grey_part_unlock(part);
    return slot != NULL;
}

static void
get(Memory *memory, GreyRequest *request)
{
    const GreyEntry *name = grey_batch_entry(request->batch, 0);
    request->found = grey_batch_new();
    if (name->record.kind == GREY_KIND_RULE) {
        grey_rules_get(memory->rules, name, grey_batch_add, request->found);
        return;
    }
    GreyPart *part = grey_table_lock(memory->table, grey_place_of(&memory->secret, name));
    const GreySlot *slot = grey_part_find(part, grey_id_of(&memory->secret, name));
    GreyEntry entry = *name;
    entry.note = "";
    if (slot) {
        entry.record = slot->record;
        grey_batch_add(request->found, &entry);
    }
    grey_part_unlock(part);
}

/* How many slots one request looks at. */
#define SLICE 10000

/* From slot number *slot of part number *part; FALSE: that was all. */
static gboolean
page_slots(Memory *memory, GreyRequest *request, guint *part_number, guint *slot_number)
{
    guint looked = 0;
    for (; *part_number < grey_table_n_parts(memory->table); (*part_number)++, *slot_number = 0) {
        GreyPart *part = grey_table_lock_number(memory->table, *part_number);
        guint n = grey_part_n_slots(part);
        while (*slot_number < n && looked < SLICE &&
               request->found->entries->len < request->limit) {
            const GreySlot *slot = grey_part_slot(part, (*slot_number)++);
            const GreyEntry entry = entry_of(slot);
            looked++;
            if (slot->used && grey_filter_matches(&request->filter, &entry))
                grey_batch_add(request->found, &entry);
        }
        gboolean more = *slot_number < n;
        grey_part_unlock(part);
        if (more)
            return TRUE;
    }
    return FALSE;
}

/* Cursors: "r" and a rule's key, then "e" and the numbers of part and slot. */
static void
page(Memory *memory, GreyRequest *request)
{
    const char *cursor = request->cursor ? request->cursor : "r";
    guint part = 0, slot = 0;
    request->found = grey_batch_new();
    if (*cursor == 'r') {
        g_autofree char *next = grey_rules_page(memory->rules, &request->filter, cursor + 1,
                                                request->limit, grey_batch_add, request->found);
        if (next) {
            request->next_cursor = g_strconcat("r", next, NULL);
            return;
        }
    } else if (sscanf(cursor, "e%u.%u", &part, &slot) != 2) {
        request->error = g_strdup("this cursor is not one of this store");
        return;
    }
    if (page_slots(memory, request, &part, &slot))
        request->next_cursor = g_strdup_printf("e%u.%u", part, slot);
}

static void
forget_rule(gpointer data, const GreyEntry *entry)
{
    (void)data;
    (void)entry;
}

/* One part. */
static void
expire(Memory *memory, GreyRequest *request)
{
    gint64 now = grey_store_now(&memory->store);
    guint n_parts = grey_table_n_parts(memory->table);
    guint number = (guint)g_atomic_int_add(&memory->expired_parts, 1) % n_parts;
    GreyPart *part = grey_table_lock_number(memory->table, number);
    for (guint i = 0; i < grey_part_n_slots(part); i++) {
        GreySlot *slot = grey_part_slot(part, i);
        if (!slot->used || grey_record_lives(&slot->record, now))
            continue;
        grey_part_drop(part, slot);
        request->n++;
    }
    grey_part_unlock(part);
    request->n += grey_rules_expire(memory->rules, now, forget_rule, NULL);
    request->done_round = number == n_parts - 1;
}

static void
count(Memory *memory, GreyRequest *request)
{
    gint64 now = grey_store_now(&memory->store);
    GreyStats *stats = &request->stats;
    for (guint number = 0; number < grey_table_n_parts(memory->table); number++) {
        GreyPart *part = grey_table_lock_number(memory->table, number);
        for (guint i = 0; i < grey_part_n_slots(part); i++) {
            const GreySlot *slot = grey_part_slot(part, i);
            if (!slot->used)
                continue;
            stats->entries[slot->record.kind][slot->record.state]++;
            stats->ended += !grey_record_lives(&slot->record, now);
        }
        grey_part_unlock(part);
    }
    grey_rules_count(memory->rules, stats->entries[GREY_KIND_RULE]);
}

static void
memory_submit(GreyDesk *desk, GreyRequest *request)
{
    Memory *memory = (Memory *)desk->store;
    switch (request->kind) {
    case GREY_REQUEST_PUT:
        put(memory, request);
        break;
    case GREY_REQUEST_REMOVE:
        request->n = remove_one(memory, grey_batch_entry(request->batch, 0));
        break;
    case GREY_REQUEST_PAGE:
        page(memory, request);
        break;
    case GREY_REQUEST_GET:
        get(memory, request);
        break;
    case GREY_REQUEST_EXPIRE:
        expire(memory, request);
        break;
    case GREY_REQUEST_STATS:
        count(memory, request);
        break;
    default: /* SYNC: there is no disk */
        break;
    }
    grey_request_complete(request);
}

static void
memory_free(GreyStore *store)
{
    Memory *memory = (Memory *)store;
    grey_table_free(memory->table);
    grey_rules_free(memory->rules);
    g_free(memory);
}

static GreyDesk *
memory_desk(void)
{
    return g_new0(GreyDesk, 1);
}

static const GreyStoreOps memory_ops = {
    .free = memory_free,
    .desk_alloc = memory_desk,
    .decide = memory_decide,
    .submit = memory_submit,
};

GreyStore *
grey_memory_open(const GreyStoreOptions *options, GreyUri *uri, GError **error)
{
    (void)error;
    Memory *memory = g_new0(Memory, 1);
    memory->store =
        (GreyStore){.ops = &memory_ops, .environment = options->environment, .text = options->text};
    g_atomic_ref_count_init(&memory->store.references);
    grey_secret_new(&memory->secret);
    memory->table = grey_table_new(uri->capacity ? uri->capacity : DEFAULT_CAPACITY, g_free);
    memory->rules = grey_rules_new();
    grey_uri_free(uri);
    return &memory->store;
}
