/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stages that were shown the same headers and each edited them: what the later one's indexes mean
 * among the headers that the earlier one changed. */
#include "chain/headers.h"

/* A header that is not counted (Sendmail's own, which may be filled) is found behind the last. */
static guint32
index_of(MmHeaders *headers, MilterSlice name, guint place)
{
    gboolean counted = (mm_headers_at(headers, place)->flags & MM_HEADER_USER) != 0;

    return mm_headers_rank(headers, name, MM_HEADERS_USER, counted ? place : MM_HEADERS_NONE) + 1;
}

static gboolean
is_deleted(const MmHeaders *headers, guint place)
{
    return (mm_headers_at(headers, place)->flags & MM_HEADER_DELETED) != 0;
}

static gboolean
rebase_change(MmHeaders *view, MmHeaders *headers, MmEdits *edits, guint i, gboolean sendmail)
{
    const MilterEdit *edit = mm_edits_get(edits, i);
    guint seen = sendmail ? mm_headers_find_sendmail(view, edit->name, edit->index)
                          : mm_headers_find_postfix(view, edit->name, edit->index);
    guint place;

    if (seen == MM_HEADERS_NONE) { /* behind the last: it stays so */
        guint32 last = mm_headers_rank(headers, edit->name, MM_HEADERS_USER, MM_HEADERS_NONE);

        mm_edits_set_index(edits, i, last + 1);
        return TRUE;
    }
    place = mm_headers_place_of(headers, mm_headers_at(view, seen)->id);
    if (place == MM_HEADERS_NONE || (is_deleted(headers, place) && !is_deleted(view, seen)))
        return FALSE;
    mm_edits_set_index(edits, i, index_of(headers, edit->name, place));
    return TRUE;
}

/* The place in headers of the first header from place on of view that is still there. */
static guint
first_there(const MmHeaders *view, MmHeaders *headers, guint place)
{
    MmHeaderCursor cursor = mm_headers_from(view, place);
    const MmHeader *header;
    guint there = MM_HEADERS_NONE;

    while (there == MM_HEADERS_NONE && (header = mm_headers_next(view, &cursor)) != NULL)
        there = mm_headers_place_of(headers, header->id);
    return there;
}

/* In front of the header that it was put in front of, or the next that is still there. */
static void
rebase_insert(const MmHeaders *view, MmHeaders *headers, MmEdits *edits, guint i, gboolean sendmail)
{
    guint32 index = mm_edits_get(edits, i)->index;
    guint behind = sendmail ? 1 : 0; /* Sendmail's index is that of the header in front */
    guint from = sendmail && index > G_MAXINT32 ? 0 : index;
    guint place = first_there(view, headers, MIN(from, mm_headers_count(view)) + behind);

    place = MIN(place, mm_headers_count(headers));
    mm_edits_set_index(edits, i, place > behind ? place - behind : 0);
}

gboolean
mm_headers_rebase(MmHeaders *view, MmHeaders *headers, MmEdits *edits, guint i, gboolean sendmail)
{
    switch (mm_edits_get(edits, i)->kind) {
    case MILTER_EDIT_CHANGE_HEADER:
        return rebase_change(view, headers, edits, i, sendmail);
    case MILTER_EDIT_INSERT_HEADER:
        rebase_insert(view, headers, edits, i, sendmail);
        return TRUE;
    default:
        return TRUE;
    }
}
