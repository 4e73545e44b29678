/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     buffer.h - a bounded byte queue: written at the end, read from the front
 *
 * DESCRIPTION
 *     Never holds more than its limit. One block of memory that grows by doubling and is given back
 *     when the queue is empty and larger than MM_BUFFER_KEEP. Pointers into it are valid until the
 *     next call that writes. Not thread-safe.
 */
#ifndef MM_BASE_BUFFER_H
#define MM_BASE_BUFFER_H

#include <glib.h>

#define MM_BUFFER_KEEP 16384

typedef struct MmBuffer {
    guint8 *block;
    gsize start; /* first byte held */
    gsize end;   /* one past the last */
    gsize size;  /* of block */
    gsize limit; /* most bytes it may hold */
} MmBuffer;

/* An empty buffer that holds no memory; limit 0: as much as gsize. */
void mm_buffer_init(MmBuffer *buffer, gsize limit);
/* Frees the memory; safe to call twice. */
void mm_buffer_clear(MmBuffer *buffer);
gsize mm_buffer_length(const MmBuffer *buffer);
const guint8 *mm_buffer_data(const MmBuffer *buffer);
/* Room for at least n more bytes at the end, or NULL if the limit forbids it. *available (may be
 * NULL) gets how many may be written. commit then says how many were. */
guint8 *mm_buffer_reserve(MmBuffer *buffer, gsize n, gsize *available);
void mm_buffer_commit(MmBuffer *buffer, gsize n);
/* FALSE, and nothing is added, if the limit forbids it. */
gboolean mm_buffer_append(MmBuffer *buffer, gconstpointer data, gsize n);
/* Keeps the first n bytes. */
void mm_buffer_truncate(MmBuffer *buffer, gsize n);
/* Drops n bytes from the front. */
void mm_buffer_consume(MmBuffer *buffer, gsize n);

#endif
