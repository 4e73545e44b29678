/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     frame.h - packets of the milter protocol: 4 bytes of length (big-endian), a code, data
 *
 * DESCRIPTION
 *     The length counts the code and the data (libmilter comm.c:mi_rd_cmd). A reader is fed from a
 *     socket by its owner and hands out whole frames; it does no I/O. The declared length is
 * checked against the limit before any memory is taken for it.
 */
#ifndef MM_WIRE_FRAME_H
#define MM_WIRE_FRAME_H

#include "base/buffer.h"

#define MM_FRAME_OVERHEAD 5u
/* Most data bytes a libmilter peer takes in one frame (MILTER_MAX_DATA_SIZE, comm.c). */
#define MM_FRAME_DATA_MAX 65535u
/* Most data bytes we accept unless told otherwise (one mebibyte and a bit, PROTOCOL 1.1). */
#define MM_FRAME_ACCEPT_MAX (1024u * 1024u + 65536u)

typedef struct MmFrame {
    guint8 code;
    const guint8 *data; /* never NULL; borrowed from the reader until its next reserve */
    gsize size;
} MmFrame;

typedef enum MmFrameResult {
    MM_FRAME_READY,
    MM_FRAME_MORE,      /* no whole frame yet */
    MM_FRAME_EMPTY,     /* violation: declared length 0 */
    MM_FRAME_TOO_LARGE, /* violation: declared length over the limit */
} MmFrameResult;

typedef struct MmFrameReader {
    MmBuffer buffer;
    gsize limit; /* data bytes */
} MmFrameReader;

void mm_frame_reader_init(MmFrameReader *reader, gsize limit);
void mm_frame_reader_clear(MmFrameReader *reader);
/* Where to read to: at least one byte, enough for the frame that has begun if it is small, 16 KiB
 * otherwise. Invalidates frames handed out. */
guint8 *mm_frame_reader_reserve(MmFrameReader *reader, gsize *available);
void mm_frame_reader_commit(MmFrameReader *reader, gsize n);
/* The next frame; a violation is final. */
MmFrameResult mm_frame_reader_next(MmFrameReader *reader, MmFrame *frame);
/* TRUE if a part of a frame is held (EOF now is a violation, not an end). */
gboolean mm_frame_reader_is_inside(const MmFrameReader *reader);

/* Appends a frame; FALSE, and nothing is added, if the buffer's limit forbids it. */
gboolean mm_frame_append(MmBuffer *out, guint8 code, gconstpointer data, gsize size);
/* A frame with size bytes of data that the caller writes where it is told; NULL, and nothing is
 * added, if the buffer's limit forbids it. */
guint8 *mm_frame_append_room(MmBuffer *out, guint8 code, gsize size);
/* mm_frame_append with the data in two parts. */
gboolean mm_frame_append2(MmBuffer *out, guint8 code, gconstpointer a, gsize a_size,
                          gconstpointer b, gsize b_size);

#endif
