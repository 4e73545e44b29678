/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stages that were shown the same headers and each edited them: what the later one's indexes mean
 * among the headers that the earlier one changed. */
#include "chain/headers.h"

static guint
place_of(const MmHeaders *headers, guint32 id)
{
    for (guint place = 0; place < mm_headers_count(headers); place++) {
        if (mm_headers_at(headers, place)->id == id)
            return place;
    }
    return MM_HEADERS_NONE;
}

/* How many headers of that name an index counts in front of end. */
static guint32
count_before(const MmHeaders *headers, MilterSlice name, guint end)
{
    guint32 count = 0;

    for (guint place = 0; place < end; place++) {
        const MmHeader *header = mm_headers_at(headers, place);

        count += (header->flags & MM_HEADER_USER) != 0 && mm_headers_is_named(header, name);
    }
    return count;
}

/* A header that is not counted (Sendmail's own, which may be filled) is found behind the last. */
static guint32
index_of(const MmHeaders *headers, MilterSlice name, guint place)
{
    gboolean counted = (mm_headers_at(headers, place)->flags & MM_HEADER_USER) != 0;
    guint end = counted ? place : mm_headers_count(headers);

    return count_before(headers, name, end) + 1;
}

static gboolean
is_deleted(const MmHeaders *headers, guint place)
{
    return (mm_headers_at(headers, place)->flags & MM_HEADER_DELETED) != 0;
}

static gboolean
rebase_change(const MmHeaders *view, const MmHeaders *headers, MmEdits *edits, guint i,
              gboolean sendmail)
{
    const MilterEdit *edit = mm_edits_get(edits, i);
    guint seen = sendmail ? mm_headers_find_sendmail(view, edit->name, edit->index)
                          : mm_headers_find_postfix(view, edit->name, edit->index);
    guint place;

    if (seen == MM_HEADERS_NONE) { /* behind the last: it stays so */
        mm_edits_set_index(edits, i,
                           count_before(headers, edit->name, mm_headers_count(headers)) + 1);
        return TRUE;
    }
    place = place_of(headers, mm_headers_at(view, seen)->id);
    if (place == MM_HEADERS_NONE || (is_deleted(headers, place) && !is_deleted(view, seen)))
        return FALSE;
    mm_edits_set_index(edits, i, index_of(headers, edit->name, place));
    return TRUE;
}

/* In front of the header that it was put in front of, or the next that is still there. */
static void
rebase_insert(const MmHeaders *view, const MmHeaders *headers, MmEdits *edits, guint i,
              gboolean sendmail)
{
    guint32 index = mm_edits_get(edits, i)->index;
    guint behind = sendmail ? 1 : 0; /* Sendmail's index is that of the header in front */
    guint place = MM_HEADERS_NONE;
    guint from = sendmail && index > G_MAXINT32 ? 0 : index;

    from = MIN(from, mm_headers_count(view)) + behind;
    for (; place == MM_HEADERS_NONE && from < mm_headers_count(view); from++)
        place = place_of(headers, mm_headers_at(view, from)->id);
    place = MIN(place, mm_headers_count(headers));
    mm_edits_set_index(edits, i, place > behind ? place - behind : 0);
}

gboolean
mm_headers_rebase(const MmHeaders *view, const MmHeaders *headers, MmEdits *edits, guint i,
                  gboolean sendmail)
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
