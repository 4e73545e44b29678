/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which headers of a name there are: asked of the rows one after the other, or of the index, which
 * passes over the rows that do not have the one that is meant. */
#include "chain/headers.h"

#include <string.h>

/* So many questions are walked through before the index is made: it takes as long as some. */
#define WALKS 16u
/* Twice as many as a row has headers, a power of 2. */
#define TALLIES (2u * MM_HEADERS_ROW)

/* How many headers of a name a row has. Of fixed size, looked up by the number of the name. */
struct MmHeaderTally {
    guint32 number; /* 0: free */
    guint16 n[MM_N_HEADER_SETS];
};

/* A name that is asked for; number 0: there is no index. */
typedef struct Wanted {
    MilterSlice name;
    guint32 number;
    MmHeaderSet set;
} Wanted;

gboolean
mm_headers_is_named(const MmHeader *header, MilterSlice name)
{
    return header->name.size == name.size &&
           g_ascii_strncasecmp(header->name.data, name.data, name.size) == 0;
}

static gboolean
is_in(const MmHeader *header, MmHeaderSet set)
{
    switch (set) {
    case MM_HEADERS_USER:
        return (header->flags & MM_HEADER_USER) != 0;
    case MM_HEADERS_OWN:
        return (header->flags & MM_HEADER_USER) == 0;
    case MM_HEADERS_COUNTED:
        return (header->flags & MM_HEADER_COUNTED) != 0;
    case MM_HEADERS_UNCOUNTED:
        return (header->flags & MM_HEADER_COUNTED) == 0;
    default:
        return TRUE;
    }
}

static gboolean
is_wanted(const MmHeader *header, const Wanted *wanted)
{
    return is_in(header, wanted->set) &&
           (wanted->number > 0 ? header->number == wanted->number
                               : mm_headers_is_named(header, wanted->name));
}

/* ---- The index. */

/* A tree, as senders choose the names: nobody can choose such that it becomes slow. */
static gint
compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

static guint32
number_of(MmHeaders *headers, MilterSlice name)
{
    g_autofree char *folded = g_ascii_strdown(name.data, (gssize)name.size);
    guint32 number = GPOINTER_TO_UINT(g_tree_lookup(headers->names, folded));

    if (number > 0)
        return number;
    number = (guint32)g_tree_nnodes(headers->names) + 1;
    g_tree_insert(headers->names, g_steal_pointer(&folded), GUINT_TO_POINTER(number));
    return number;
}

/* That of the number, or a free one. */
static MmHeaderTally *
tally_of(const MmHeaderRow *row, guint32 number)
{
    guint i = (number * 2654435769u) % TALLIES;

    while (row->tallies[i].number != 0 && row->tallies[i].number != number)
        i = (i + 1) % TALLIES;
    return &row->tallies[i];
}

static void
count_row(MmHeaders *headers, MmHeaderRow *row)
{
    row->tallies = g_new0(MmHeaderTally, TALLIES);
    for (guint i = 0; i < row->list->len; i++) {
        MmHeader *header = &g_array_index(row->list, MmHeader, i);
        MmHeaderTally *tally;

        if (header->number == 0)
            header->number = number_of(headers, header->name);
        tally = tally_of(row, header->number);
        tally->number = header->number;
        for (guint set = 0; set < MM_N_HEADER_SETS; set++) {
            if (is_in(header, (MmHeaderSet)set))
                tally->n[set]++;
        }
    }
}

static void
make_index(MmHeaders *headers)
{
    headers->names = g_tree_new_full(compare_names, NULL, g_free, NULL);
    for (guint i = 0; i < headers->rows->len; i++)
        count_row(headers, g_ptr_array_index(headers->rows, i));
}

void
mm_headers_drop_index(MmHeaders *headers)
{
    headers->asked = 0;
    g_clear_pointer(&headers->row_of, g_array_unref);
    if (headers->names == NULL)
        return;
    g_clear_pointer(&headers->names, g_tree_unref);
    for (guint i = 0; i < headers->rows->len; i++) {
        MmHeaderRow *row = g_ptr_array_index(headers->rows, i);

        g_clear_pointer(&row->tallies, g_free);
        for (guint at = 0; at < row->list->len; at++)
            g_array_index(row->list, MmHeader, at).number = 0;
    }
}

/* ---- Questions. */

static void
begin(MmHeaders *headers, Wanted *wanted)
{
    if (headers->names == NULL && headers->rows->len > 1 && headers->asked++ >= WALKS)
        make_index(headers);
    if (headers->names != NULL)
        wanted->number = number_of(headers, wanted->name);
}

/* Row i of the list, counted if there is an index. */
static MmHeaderRow *
row_at(MmHeaders *headers, guint i)
{
    MmHeaderRow *row = g_ptr_array_index(headers->rows, i);

    if (headers->names != NULL && row->tallies == NULL)
        count_row(headers, row);
    return row;
}

/* TRUE, and how many of those wanted row has, if that is known without a walk. */
static gboolean
knows(const MmHeaderRow *row, const Wanted *wanted, guint32 *count)
{
    if (wanted->number == 0)
        return FALSE;
    *count = tally_of(row, wanted->number)->n[wanted->set];
    return TRUE;
}

/* Where in row the nth of them is; *nth is less by those that were found. */
static guint
find_in(const MmHeaderRow *row, const Wanted *wanted, guint32 *nth)
{
    for (guint i = 0; i < row->list->len; i++) {
        if (is_wanted(&g_array_index(row->list, MmHeader, i), wanted) && --*nth == 0)
            return i;
    }
    return MM_HEADERS_NONE;
}

guint
mm_headers_find(MmHeaders *headers, MilterSlice name, MmHeaderSet set, guint32 nth)
{
    Wanted wanted = {.name = name, .set = set};
    guint start = 0;

    if (nth == 0)
        return MM_HEADERS_NONE;
    begin(headers, &wanted);
    for (guint i = 0; i < headers->rows->len; i++) {
        const MmHeaderRow *row = row_at(headers, i);
        guint at = MM_HEADERS_NONE;
        guint32 has;

        if (knows(row, &wanted, &has) && has < nth)
            nth -= has;
        else
            at = find_in(row, &wanted, &nth);
        if (at != MM_HEADERS_NONE)
            return start + at;
        start += row->list->len;
    }
    return MM_HEADERS_NONE;
}

/* How many of them are in front of the header at end of the row. */
static guint32
rank_in(const MmHeaderRow *row, const Wanted *wanted, guint end)
{
    guint32 count = 0;

    for (guint i = 0; i < MIN(end, row->list->len); i++)
        count += is_wanted(&g_array_index(row->list, MmHeader, i), wanted) ? 1 : 0;
    return count;
}

guint32
mm_headers_rank(MmHeaders *headers, MilterSlice name, MmHeaderSet set, guint place)
{
    Wanted wanted = {.name = name, .set = set};
    guint32 count = 0;
    guint start = 0;

    begin(headers, &wanted);
    for (guint i = 0; i < headers->rows->len && start < place; i++) {
        const MmHeaderRow *row = row_at(headers, i);
        guint32 has;

        if (row->list->len > place - start || !knows(row, &wanted, &has))
            has = rank_in(row, &wanted, place - start);
        count += has;
        start += row->list->len;
    }
    return count;
}
