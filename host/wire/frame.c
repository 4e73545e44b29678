/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/frame.h"

#include <string.h>

#define LENGTH_BYTES 4u
#define READ_SIZE 16384u
/* A block that large is given back once it is empty: one large frame must not cost a session's
 * whole life. Ordinary body chunks (64 KiB) keep theirs. */
#define KEEP (256u * 1024u)

static guint32
get_u32(const guint8 *bytes)
{
    return ((guint32)bytes[0] << 24) | ((guint32)bytes[1] << 16) | ((guint32)bytes[2] << 8) |
           (guint32)bytes[3];
}

void
mm_frame_reader_init(MmFrameReader *reader, gsize limit)
{
    mm_buffer_init(&reader->buffer, 0);
    reader->limit = limit;
}

void
mm_frame_reader_clear(MmFrameReader *reader)
{
    mm_buffer_clear(&reader->buffer);
}

/* Bytes the frame that has begun still lacks; 0 if that is not known. */
static gsize
missing(const MmFrameReader *reader)
{
    gsize held = mm_buffer_length(&reader->buffer);
    if (held < LENGTH_BYTES)
        return 0;
    gsize whole = LENGTH_BYTES + get_u32(mm_buffer_data(&reader->buffer));
    return whole > held && whole - LENGTH_BYTES <= reader->limit + 1 ? whole - held : 0;
}

guint8 *
mm_frame_reader_reserve(MmFrameReader *reader, gsize *available)
{
    if (mm_buffer_length(&reader->buffer) == 0 && reader->buffer.size > KEEP)
        mm_buffer_clear(&reader->buffer);
    return mm_buffer_reserve(&reader->buffer, MAX(missing(reader), READ_SIZE), available);
}

void
mm_frame_reader_commit(MmFrameReader *reader, gsize n)
{
    mm_buffer_commit(&reader->buffer, n);
}

MmFrameResult
mm_frame_reader_next(MmFrameReader *reader, MmFrame *frame)
{
    gsize held = mm_buffer_length(&reader->buffer);
    if (held < LENGTH_BYTES)
        return MM_FRAME_MORE;
    const guint8 *bytes = mm_buffer_data(&reader->buffer);
    guint32 length = get_u32(bytes);
    if (length == 0)
        return MM_FRAME_EMPTY;
    if (length - 1 > reader->limit)
        return MM_FRAME_TOO_LARGE;
    if (held - LENGTH_BYTES < length)
        return MM_FRAME_MORE;
    *frame = (MmFrame){bytes[LENGTH_BYTES], bytes + MM_FRAME_OVERHEAD, length - 1};
    /* Consumed without moving or freeing: the bytes stay until the next reserve. */
    reader->buffer.start += LENGTH_BYTES + length;
    return MM_FRAME_READY;
}

gboolean
mm_frame_reader_is_inside(const MmFrameReader *reader)
{
    return mm_buffer_length(&reader->buffer) > 0;
}

guint8 *
mm_frame_append_room(MmBuffer *out, guint8 code, gsize size)
{
    if (size >= G_MAXUINT32)
        return NULL;
    guint8 *place = mm_buffer_reserve(out, MM_FRAME_OVERHEAD + size, NULL);
    if (!place)
        return NULL;
    guint32 length = (guint32)size + 1;
    const guint8 head[MM_FRAME_OVERHEAD] = {(guint8)(length >> 24), (guint8)(length >> 16),
                                            (guint8)(length >> 8), (guint8)length, code};
    memcpy(place, head, sizeof(head));
    mm_buffer_commit(out, sizeof(head) + size);
    return place + sizeof(head);
}

gboolean
mm_frame_append2(MmBuffer *out, guint8 code, gconstpointer a, gsize a_size, gconstpointer b,
                 gsize b_size)
{
    guint8 *place =
        a_size + b_size < a_size ? NULL : mm_frame_append_room(out, code, a_size + b_size);
    if (!place)
        return FALSE;
    if (a_size > 0)
        memcpy(place, a, a_size);
    if (b_size > 0)
        memcpy(place + a_size, b, b_size);
    return TRUE;
}

gboolean
mm_frame_append(MmBuffer *out, guint8 code, gconstpointer data, gsize size)
{
    return mm_frame_append2(out, code, data, size, NULL, 0);
}
