/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/headers.h"

#include <string.h>

/* A longer list is not kept for the next message. */
#define KEEP_HEADERS 128u

static GArray *
new_list(void)
{
    return g_array_new(FALSE, FALSE, sizeof(MmHeader));
}

void
mm_headers_init(MmHeaders *headers)
{
    *headers = (MmHeaders){.list = new_list()};
}

void
mm_headers_init_copy(MmHeaders *copy, const MmHeaders *headers)
{
    mm_headers_init(copy);
    g_array_append_vals(copy->list, headers->list->data, headers->list->len);
    copy->last_id = headers->last_id;
}

void
mm_headers_clear(MmHeaders *headers)
{
    g_clear_pointer(&headers->list, g_array_unref);
    mm_arena_clear(&headers->texts);
}

void
mm_headers_reset(MmHeaders *headers)
{
    if (headers->list->len > KEEP_HEADERS) {
        g_array_unref(headers->list);
        headers->list = new_list();
    }
    g_array_set_size(headers->list, 0);
    headers->last_id = 0;
    mm_arena_reset(&headers->texts);
}

guint
mm_headers_count(const MmHeaders *headers)
{
    return headers->list->len;
}

MmHeader *
mm_headers_at(const MmHeaders *headers, guint place)
{
    return &g_array_index(headers->list, MmHeader, place);
}

void
mm_headers_insert(MmHeaders *headers, guint place, const MmHeader *header)
{
    place = MIN(place, headers->list->len);
    g_array_insert_vals(headers->list, place, header, 1);
    if (header->id == 0)
        mm_headers_at(headers, place)->id = ++headers->last_id;
}

void
mm_headers_remove(MmHeaders *headers, guint place)
{
    g_array_remove_index(headers->list, place);
}

gboolean
mm_headers_is_named(const MmHeader *header, MilterSlice name)
{
    return header->name.size == name.size &&
           g_ascii_strncasecmp(header->name.data, name.data, name.size) == 0;
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
