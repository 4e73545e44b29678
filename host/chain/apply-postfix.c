/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Postfix does with header operations (cleanup_milter.c): a plain list with one hidden header,
 * from which deleted ones disappear at once. */
#include "chain/headers.h"

#include <string.h>

/* Postfix cuts the text of a header ("name: value") here when milters are in use; at the last line
 * end, unless that would lose more than a tenth (cleanup_message.c, cleanup_out.c). */
#define HEADER_LIMIT 60000u
#define NICE_CUT (HEADER_LIMIT / 10u * 9u)

void
mm_headers_hide_postfix(MmHeaders *headers)
{
    static const MmHeader received = {.name = {"Received", 8}, .value = {"", 0}};

    mm_headers_insert(headers, 0, &received);
}

/* The place of the header that index, 1-based, means; 0 is taken as 1. */
guint
mm_headers_find_postfix(MmHeaders *headers, MilterSlice name, guint32 index)
{
    return mm_headers_find(headers, name, MM_HEADERS_USER, MAX(index, 1u));
}

/* How much of a value Postfix stores, when overhead bytes stand before it. */
static gsize
stored_size(MilterSlice value, gsize overhead)
{
    gsize line = 0;

    if (overhead + value.size <= HEADER_LIMIT)
        return value.size;
    for (;;) {
        const char *lf = memchr(value.data + line, '\n', value.size - line);
        gsize end = lf == NULL ? value.size : (gsize)(lf - value.data);

        if (overhead + end > HEADER_LIMIT) {
            if (line > 0 && overhead + line > NICE_CUT)
                return line - 1;
            return HEADER_LIMIT > overhead ? HEADER_LIMIT - overhead : 0;
        }
        if (lf == NULL)
            return value.size;
        line = end + 1;
    }
}

static gboolean
needs_tab(MilterSlice value, gsize i)
{
    if (value.data[i] != '\n')
        return FALSE;
    return i + 1 == value.size || (value.data[i + 1] != ' ' && value.data[i + 1] != '\t');
}

/* A line that does not begin with white space gets a TAB. */
static MilterSlice
fold(MmHeaders *headers, MilterSlice value)
{
    gsize tabs = 0;
    char *text;
    gsize length = 0;

    for (gsize i = 0; i < value.size; i++)
        tabs += needs_tab(value, i) ? 1 : 0;
    if (tabs == 0)
        return value;
    text = mm_arena_take(&headers->texts, value.size + tabs);
    for (gsize i = 0; i < value.size; i++) {
        text[length++] = value.data[i];
        if (needs_tab(value, i))
            text[length++] = '\t';
    }
    return (MilterSlice){text, length};
}

static MilterSlice
stored_value(MmHeaders *headers, const MilterEdit *edit, gboolean leading_space)
{
    MilterSlice value = mm_headers_take_value(headers, edit, leading_space);
    /* The colon, and the space that Postfix puts in itself. */
    gsize overhead = edit->name.size + (leading_space ? 1 : 2);
    gsize size = stored_size(value, overhead);

    if (size < value.size)
        value = mm_arena_copy(&headers->texts, (MilterSlice){value.data, size});
    return fold(headers, value);
}

void
mm_headers_apply_postfix(MmHeaders *headers, const MilterEdit *edit, gboolean leading_space)
{
    MmHeader header = {.flags = MM_HEADER_USER};
    guint place = MM_HEADERS_NONE;

    if (edit->kind == MILTER_EDIT_CHANGE_HEADER)
        place = mm_headers_find_postfix(headers, edit->name, edit->index);
    if (edit->kind == MILTER_EDIT_CHANGE_HEADER && edit->value.size == 0) {
        if (place != MM_HEADERS_NONE)
            mm_headers_remove(headers, place);
        return;
    }
    header.name = mm_arena_copy(&headers->texts, edit->name);
    header.value = stored_value(headers, edit, leading_space);
    if (place != MM_HEADERS_NONE) {
        header.id = mm_headers_at(headers, place)->id;
        *mm_headers_edit(headers, place) = header;
    } else if (edit->kind == MILTER_EDIT_INSERT_HEADER) {
        mm_headers_insert(headers, edit->index, &header);
    } else {
        mm_headers_insert(headers, MM_HEADERS_NONE, &header);
    }
}
