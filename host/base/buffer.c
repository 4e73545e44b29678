/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"

#include <string.h>

#define FIRST_SIZE 1024u

void
mm_buffer_init(MmBuffer *buffer, gsize limit)
{
    *buffer = (MmBuffer){.limit = limit ? limit : G_MAXSSIZE};
}

void
mm_buffer_clear(MmBuffer *buffer)
{
    g_clear_pointer(&buffer->block, g_free);
    buffer->start = buffer->end = buffer->size = 0;
}

gsize
mm_buffer_length(const MmBuffer *buffer)
{
    return buffer->end - buffer->start;
}

const guint8 *
mm_buffer_data(const MmBuffer *buffer)
{
    static const guint8 nothing[1];
    return buffer->block ? buffer->block + buffer->start : nothing;
}

/* To the front, so that the room lies together; or into a larger block. */
static void
make_room(MmBuffer *buffer, gsize n)
{
    gsize length = mm_buffer_length(buffer);
    if (length + n <= buffer->size) {
        memmove(buffer->block, buffer->block + buffer->start, length);
    } else {
        gsize size = MAX(buffer->size, FIRST_SIZE);
        while (size < length + n)
            size *= 2;
        guint8 *block = g_malloc(size);
        if (length > 0)
            memcpy(block, buffer->block + buffer->start, length);
        g_free(buffer->block);
        buffer->block = block;
        buffer->size = size;
    }
    buffer->start = 0;
    buffer->end = length;
}

guint8 *
mm_buffer_reserve(MmBuffer *buffer, gsize n, gsize *available)
{
    gsize length = mm_buffer_length(buffer);
    if (n > buffer->limit || length > buffer->limit - n)
        return NULL;
    if (buffer->size - buffer->end < n || !buffer->block)
        make_room(buffer, MAX(n, 1u));
    if (available)
        *available = MIN(buffer->size - buffer->end, buffer->limit - length);
    return buffer->block + buffer->end;
}

void
mm_buffer_commit(MmBuffer *buffer, gsize n)
{
    g_return_if_fail(n <= buffer->size - buffer->end);
    buffer->end += n;
}

gboolean
mm_buffer_append(MmBuffer *buffer, gconstpointer data, gsize n)
{
    guint8 *place = mm_buffer_reserve(buffer, n, NULL);
    if (!place)
        return FALSE;
    if (n > 0)
        memcpy(place, data, n);
    buffer->end += n;
    return TRUE;
}

static void
emptied(MmBuffer *buffer)
{
    buffer->start = buffer->end = 0;
    if (buffer->size > MM_BUFFER_KEEP)
        mm_buffer_clear(buffer);
}

void
mm_buffer_truncate(MmBuffer *buffer, gsize n)
{
    g_return_if_fail(n <= mm_buffer_length(buffer));
    buffer->end = buffer->start + n;
    if (n == 0)
        emptied(buffer);
}

void
mm_buffer_consume(MmBuffer *buffer, gsize n)
{
    g_return_if_fail(n <= mm_buffer_length(buffer));
    buffer->start += n;
    if (buffer->start == buffer->end)
        emptied(buffer);
}
