/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list itself: rows of headers. What is asked by name is in headers-find.c. */
#include "chain/headers.h"

#include <string.h>

/* A longer list is not kept for the next message. */
#define KEEP_HEADERS 128u

static void
row_free(gpointer data)
{
    MmHeaderRow *row = data;

    g_array_unref(row->list);
    g_free(row->tallies);
    g_free(row);
}

static MmHeaderRow *
add_row(MmHeaders *headers, guint at)
{
    MmHeaderRow *row = g_new0(MmHeaderRow, 1);

    row->list = g_array_new(FALSE, FALSE, sizeof(MmHeader));
    g_ptr_array_insert(headers->rows, (gint)at, row);
    return row;
}

static MmHeaderRow *
row_at(const MmHeaders *headers, guint i)
{
    return g_ptr_array_index(headers->rows, i);
}

static MmHeader *
header_at(const MmHeaderRow *row, guint i)
{
    return &g_array_index(row->list, MmHeader, i);
}

void
mm_headers_init(MmHeaders *headers)
{
    *headers = (MmHeaders){.rows = g_ptr_array_new_with_free_func(row_free)};
    add_row(headers, 0);
}

void
mm_headers_init_copy(MmHeaders *copy, const MmHeaders *headers)
{
    *copy = (MmHeaders){.rows = g_ptr_array_new_with_free_func(row_free),
                        .count = headers->count,
                        .last_id = headers->last_id};
    for (guint i = 0; i < headers->rows->len; i++) {
        const GArray *list = row_at(headers, i)->list;
        MmHeaderRow *row = add_row(copy, i);

        g_array_append_vals(row->list, list->data, list->len);
        for (guint at = 0; headers->names != NULL && at < list->len; at++)
            header_at(row, at)->number = 0; /* those are numbers of another index */
    }
}

void
mm_headers_clear(MmHeaders *headers)
{
    mm_headers_drop_index(headers);
    g_clear_pointer(&headers->rows, g_ptr_array_unref);
    mm_arena_clear(&headers->texts);
}

void
mm_headers_reset(MmHeaders *headers)
{
    mm_headers_drop_index(headers);
    if (headers->rows->len > 1 || headers->count > KEEP_HEADERS) {
        g_ptr_array_set_size(headers->rows, 0);
        add_row(headers, 0);
    }
    g_array_set_size(row_at(headers, 0)->list, 0);
    headers->count = 0;
    headers->last_id = 0;
    mm_arena_reset(&headers->texts);
}

guint
mm_headers_count(const MmHeaders *headers)
{
    return headers->count;
}

MmHeaderCursor
mm_headers_from(const MmHeaders *headers, guint place)
{
    MmHeaderCursor cursor = {0, place};

    while (cursor.row + 1 < headers->rows->len &&
           cursor.at >= row_at(headers, cursor.row)->list->len)
        cursor.at -= row_at(headers, cursor.row++)->list->len;
    return cursor;
}

const MmHeader *
mm_headers_next(const MmHeaders *headers, MmHeaderCursor *cursor)
{
    const MmHeaderRow *row = row_at(headers, cursor->row);

    if (cursor->at >= row->list->len) {
        if (cursor->row + 1 >= headers->rows->len)
            return NULL;
        *cursor = (MmHeaderCursor){cursor->row + 1, 0};
        row = row_at(headers, cursor->row);
    }
    return header_at(row, cursor->at++);
}

const MmHeader *
mm_headers_at(const MmHeaders *headers, guint place)
{
    MmHeaderCursor cursor = mm_headers_from(headers, place);

    return header_at(row_at(headers, cursor.row), cursor.at);
}

MmHeader *
mm_headers_edit(MmHeaders *headers, guint place)
{
    MmHeaderCursor cursor = mm_headers_from(headers, place);
    MmHeaderRow *row = row_at(headers, cursor.row);

    g_clear_pointer(&row->tallies, g_free);
    return header_at(row, cursor.at);
}

static void
note(MmHeaders *headers, MmHeaderRow *row, guint i)
{
    guint32 id = header_at(row, i)->id;

    if (id >= headers->row_of->len)
        g_array_set_size(headers->row_of, id + 1);
    g_array_index(headers->row_of, MmHeaderRow *, id) = row;
}

static void
note_row(MmHeaders *headers, MmHeaderRow *row)
{
    for (guint i = 0; i < row->list->len; i++)
        note(headers, row, i);
}

/* A full row is cut in two; behind the last header a new one is begun. */
static void
make_room(MmHeaders *headers, MmHeaderCursor *cursor)
{
    MmHeaderRow *row = row_at(headers, cursor->row);
    guint half = cursor->at == MM_HEADERS_ROW ? MM_HEADERS_ROW : MM_HEADERS_ROW / 2;
    MmHeaderRow *second;

    if (row->list->len < MM_HEADERS_ROW)
        return;
    second = add_row(headers, cursor->row + 1);
    if (half < row->list->len)
        g_array_append_vals(second->list, header_at(row, half), row->list->len - half);
    g_array_set_size(row->list, half);
    g_clear_pointer(&row->tallies, g_free);
    if (headers->row_of != NULL)
        note_row(headers, second);
    if (cursor->at >= half)
        *cursor = (MmHeaderCursor){cursor->row + 1, cursor->at - half};
}

/* Most are put at the end: a message's headers are, one after the other. */
static MmHeaderCursor
where_to_insert(const MmHeaders *headers, guint place)
{
    guint last = headers->rows->len - 1;

    if (place >= headers->count)
        return (MmHeaderCursor){last, row_at(headers, last)->list->len};
    return mm_headers_from(headers, place);
}

void
mm_headers_insert(MmHeaders *headers, guint place, const MmHeader *header)
{
    MmHeaderCursor cursor = where_to_insert(headers, place);
    MmHeaderRow *row;

    make_room(headers, &cursor);
    row = row_at(headers, cursor.row);
    g_clear_pointer(&row->tallies, g_free);
    g_array_insert_vals(row->list, cursor.at, header, 1);
    headers->count++;
    if (header->id == 0)
        header_at(row, cursor.at)->id = ++headers->last_id;
    if (headers->row_of != NULL)
        note(headers, row, cursor.at);
}

void
mm_headers_remove(MmHeaders *headers, guint place)
{
    MmHeaderCursor cursor = mm_headers_from(headers, place);
    MmHeaderRow *row = row_at(headers, cursor.row);

    if (headers->row_of != NULL)
        g_array_index(headers->row_of, MmHeaderRow *, header_at(row, cursor.at)->id) = NULL;
    g_clear_pointer(&row->tallies, g_free);
    g_array_remove_index(row->list, cursor.at);
    headers->count--;
    if (row->list->len == 0 && headers->rows->len > 1)
        g_ptr_array_remove_index(headers->rows, cursor.row);
}

static void
note_all(MmHeaders *headers)
{
    headers->row_of = g_array_new(FALSE, TRUE, sizeof(MmHeaderRow *));
    for (guint i = 0; i < headers->rows->len; i++)
        note_row(headers, row_at(headers, i));
}

/* The place of the first header of row. */
static guint
start_of(const MmHeaders *headers, const MmHeaderRow *row)
{
    guint place = 0;

    for (guint i = 0; row_at(headers, i) != row; i++)
        place += row_at(headers, i)->list->len;
    return place;
}

guint
mm_headers_place_of(MmHeaders *headers, guint32 id)
{
    const MmHeaderRow *row;

    if (headers->row_of == NULL)
        note_all(headers);
    row = id < headers->row_of->len ? g_array_index(headers->row_of, MmHeaderRow *, id) : NULL;
    for (guint i = 0; row != NULL && i < row->list->len; i++) {
        if (header_at(row, i)->id == id)
            return start_of(headers, row) + i;
    }
    return MM_HEADERS_NONE;
}

gboolean
mm_headers_is_visible(const MmHeader *header)
{
    return (header->flags & MM_HEADER_USER) != 0 && (header->flags & MM_HEADER_DELETED) == 0;
}

MilterSlice
mm_headers_take_value(MmHeaders *headers, const MilterEdit *edit, gboolean leading_space)
{
    char *text;

    if (!leading_space || (edit->flags & MILTER_EDIT_VERBATIM) != 0)
        return mm_arena_copy(&headers->texts, edit->value);
    text = mm_arena_take(&headers->texts, edit->value.size + 1);
    text[0] = ' ';
    memcpy(text + 1, edit->value.data, edit->value.size);
    return (MilterSlice){text, edit->value.size + 1};
}
