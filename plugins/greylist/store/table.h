/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     table.h - a bounded table of records in memory, least recently used out first
 *
 * DESCRIPTION
 *     What the memory store is, and what SQLite keeps of recent keys. The workers share it, so it
 * is cut into parts, each with a mutex that is held for one decision in memory and never across
 * input or output. A source and its triplets are in one part: one lock serves a whole decision.
 *
 *     Slots never move. One that is pinned, or loading, is not pushed out.
 */
#ifndef GREYLIST_STORE_TABLE_H
#define GREYLIST_STORE_TABLE_H

#include "store/key.h"

typedef struct GreySlot {
    GreyId id;
    GreyRecord record;           /* first 0: known not to be there */
    guint32 chain, newer, older; /* of the part; 0: none */
    guint32 pins;                /* changes that are not on disk yet */
    gboolean used, loading;
    gpointer extra; /* the store's, freed with the table's free function */
} GreySlot;

typedef struct GreyPart GreyPart;
typedef struct GreyTable GreyTable;

/* capacity: slots in all, raised to what is sensible. free_extra may be NULL. */
GreyTable *grey_table_new(gsize capacity, GDestroyNotify free_extra);
void grey_table_free(GreyTable *table);

GreyPart *grey_table_lock(GreyTable *table, guint64 place);
void grey_part_unlock(GreyPart *part);
void grey_part_relock(GreyPart *part);
/* These with the part locked. find makes it the most recently used; NULL: not in the table. */
GreySlot *grey_part_find(GreyPart *part, GreyId id);
/* A slot for an id that is not there, its record all zeros; NULL: the part is full of pinned ones.
 * cold: the first to go. */
GreySlot *grey_part_add(GreyPart *part, GreyId id, gboolean cold);
void grey_part_drop(GreyPart *part, GreySlot *slot);
/* Makes it the most recently used. */
void grey_part_touch(GreyPart *part, GreySlot *slot);

/* Waits, on a thread that may, until another has changed something in the part, or until (monotonic
 * microseconds); it is unlocked meanwhile. FALSE: it is late. wake: that has happened. */
gboolean grey_part_wait(GreyPart *part, gint64 until);
void grey_part_wake(GreyPart *part);

/* To walk over all: parts by number, with slots by number (from 0). */
guint grey_table_n_parts(const GreyTable *table);
GreyPart *grey_table_lock_number(GreyTable *table, guint number);
guint grey_part_n_slots(const GreyPart *part);
/* May be one that is not used. */
GreySlot *grey_part_slot(GreyPart *part, guint number);

#endif
