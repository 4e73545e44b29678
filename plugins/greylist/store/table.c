/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/table.h"

/* One source is in one part, and may be a large one. */
#define PARTS_MAX 8
#define PART_SLOTS_MIN 64

struct GreyPart {
    GMutex lock;
    GCond changed;
    GreySlot *slots; /* n_slots + 1: number 0 is the head of the list of use */
    guint32 n_slots;
    guint32 n_taken; /* slots that were ever used */
    guint32 free;    /* list of dropped ones, through chain */
    guint32 *buckets;
    guint32 mask;
    GDestroyNotify free_extra;
};

struct GreyTable {
    guint n_parts;
    GreyPart parts[];
};

static void
part_init(GreyPart *part, guint32 n_slots, GDestroyNotify free_extra)
{
    guint32 n_buckets = PART_SLOTS_MIN;
    while (n_buckets < n_slots)
        n_buckets *= 2;
    g_mutex_init(&part->lock);
    g_cond_init(&part->changed);
    part->n_slots = n_slots;
    part->slots = g_new0(GreySlot, n_slots + 1);
    part->buckets = g_new0(guint32, n_buckets);
    part->mask = n_buckets - 1;
    part->free_extra = free_extra;
}

GreyTable *
grey_table_new(gsize capacity, GDestroyNotify free_extra)
{
    guint n_parts = 1;
    while (n_parts < PARTS_MAX && capacity / (n_parts * 2) >= PART_SLOTS_MIN)
        n_parts *= 2;
    gsize each = CLAMP(capacity / n_parts, PART_SLOTS_MIN, (gsize)1 << 30);
    GreyTable *table = g_malloc0(sizeof(GreyTable) + n_parts * sizeof(GreyPart));
    table->n_parts = n_parts;
    for (guint i = 0; i < n_parts; i++)
        part_init(&table->parts[i], (guint32)each, free_extra);
    return table;
}

void
grey_table_free(GreyTable *table)
{
    for (guint i = 0; i < table->n_parts; i++) {
        GreyPart *part = &table->parts[i];
        for (guint32 k = 1; k <= part->n_taken; k++) {
            if (part->slots[k].extra && part->free_extra)
                part->free_extra(part->slots[k].extra);
        }
        g_mutex_clear(&part->lock);
        g_cond_clear(&part->changed);
        g_free(part->slots);
        g_free(part->buckets);
    }
    g_free(table);
}

GreyPart *
grey_table_lock(GreyTable *table, guint64 place)
{
    return grey_table_lock_number(table, (guint)(place >> 32) & (table->n_parts - 1));
}

GreyPart *
grey_table_lock_number(GreyTable *table, guint number)
{
    GreyPart *part = &table->parts[number];
    g_mutex_lock(&part->lock);
    return part;
}

void
grey_part_unlock(GreyPart *part)
{
    g_mutex_unlock(&part->lock);
}

void
grey_part_relock(GreyPart *part)
{
    g_mutex_lock(&part->lock);
}

gboolean
grey_part_wait(GreyPart *part, gint64 until)
{
    return g_cond_wait_until(&part->changed, &part->lock, until);
}

void
grey_part_wake(GreyPart *part)
{
    g_cond_broadcast(&part->changed);
}

static guint32
number_of(const GreyPart *part, const GreySlot *slot)
{
    return (guint32)(slot - part->slots);
}

static void
unlink_use(GreyPart *part, GreySlot *slot)
{
    part->slots[slot->newer].older = slot->older;
    part->slots[slot->older].newer = slot->newer;
}

/* Between after and the one that is older than it; the head's older is the newest. */
static void
link_use(GreyPart *part, GreySlot *slot, guint32 after)
{
    guint32 self = number_of(part, slot);
    slot->newer = after;
    slot->older = part->slots[after].older;
    part->slots[slot->older].newer = self;
    part->slots[after].older = self;
}

void
grey_part_touch(GreyPart *part, GreySlot *slot)
{
    unlink_use(part, slot);
    link_use(part, slot, 0);
}

GreySlot *
grey_part_find(GreyPart *part, GreyId id)
{
    guint32 at = part->buckets[id.a & part->mask];
    while (at && (part->slots[at].id.a != id.a || part->slots[at].id.b != id.b))
        at = part->slots[at].chain;
    if (!at)
        return NULL;
    GreySlot *slot = &part->slots[at];
    grey_part_touch(part, slot);
    return slot;
}

static void
unchain(GreyPart *part, const GreySlot *slot)
{
    guint32 *link = &part->buckets[slot->id.a & part->mask];
    guint32 self = number_of(part, slot);
    while (*link != self)
        link = &part->slots[*link].chain;
    *link = slot->chain;
}

void
grey_part_drop(GreyPart *part, GreySlot *slot)
{
    unchain(part, slot);
    unlink_use(part, slot);
    if (slot->extra && part->free_extra)
        part->free_extra(slot->extra);
    *slot = (GreySlot){.chain = part->free};
    part->free = number_of(part, slot);
}

/* How many of the oldest are looked at for one that may go. Those that may not are put at the end
 * of the queue, so that they are not met again and again. */
#define EVICT_TRIES 256

static gboolean
evict(GreyPart *part)
{
    for (guint i = 0; i < EVICT_TRIES && part->slots[0].newer; i++) {
        GreySlot *slot = &part->slots[part->slots[0].newer];
        if (slot->pins == 0 && !slot->loading) {
            grey_part_drop(part, slot);
            return TRUE;
        }
        grey_part_touch(part, slot);
    }
    return FALSE;
}

GreySlot *
grey_part_add(GreyPart *part, GreyId id, gboolean cold)
{
    if (!part->free && part->n_taken == part->n_slots && !evict(part))
        return NULL;
    guint32 number = part->free;
    if (number)
        part->free = part->slots[number].chain;
    else
        number = ++part->n_taken;
    GreySlot *slot = &part->slots[number];
    *slot = (GreySlot){.id = id, .used = TRUE};
    guint32 *bucket = &part->buckets[id.a & part->mask];
    slot->chain = *bucket;
    *bucket = number;
    link_use(part, slot, cold ? part->slots[0].newer : 0);
    return slot;
}

guint
grey_table_n_parts(const GreyTable *table)
{
    return table->n_parts;
}

guint
grey_part_n_slots(const GreyPart *part)
{
    return part->n_taken;
}

GreySlot *
grey_part_slot(GreyPart *part, guint number)
{
    return &part->slots[number + 1];
}
