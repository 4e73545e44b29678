/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream of packets gives the same frames however it is cut, and they write back to the stream.
 * The first byte chooses how it is cut and how large a frame may be. */
#include "fuzz.h"

#include "wire/frame.h"

#include <string.h>

const FuzzSeed fuzz_seeds[] = {
    FUZZ_SEED("\x01\0\0\0\1Q"),
    FUZZ_SEED("\x03\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\x1f\xff\xff\0\0\0\1Q"),
    FUZZ_SEED("\xf7\0\0\0\x05Hone\0\0\0\0\x06Mfour\0\0\0\0\1T\0\0\0\2Bx\0\0\0\1E"),
    FUZZ_SEED("\x10\0\0\0\0"),
    FUZZ_SEED("\xff\xff\xff\xff\xffX"),
    FUZZ_SEED("\x07\0\0\4\0Bnot all of it"),
    {NULL, 0},
};

/* Every frame of the stream, written again, and the last result. */
static MmFrameResult
collect(const guint8 *data, gsize size, gsize piece, gsize limit, MmBuffer *out)
{
    MmFrameReader reader;
    MmFrame frame;
    MmFrameResult result = MM_FRAME_MORE;
    mm_frame_reader_init(&reader, limit);
    for (gsize at = 0; at < size && result == MM_FRAME_MORE;) {
        gsize available;
        guint8 *place = mm_frame_reader_reserve(&reader, &available);
        gsize n = MIN(MIN(piece, available), size - at);
        memcpy(place, data + at, n);
        mm_frame_reader_commit(&reader, n);
        at += n;
        while ((result = mm_frame_reader_next(&reader, &frame)) == MM_FRAME_READY) {
            g_assert_cmpuint(frame.size, <=, limit);
            g_assert_true(mm_frame_append(out, frame.code, frame.data, frame.size));
        }
    }
    g_assert_cmpuint(reader.buffer.size, <=, limit + 65536);
    mm_frame_reader_clear(&reader);
    return result;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    MmBuffer whole, cut;
    if (size < 1)
        return 0;
    gsize piece = 1u + data[0] % 16u;
    gsize limit = (gsize)(data[0] >> 4) * 64u;
    mm_buffer_init(&whole, 0);
    mm_buffer_init(&cut, 0);
    MmFrameResult a = collect(data + 1, size - 1, G_MAXSIZE, limit, &whole);
    MmFrameResult b = collect(data + 1, size - 1, piece, limit, &cut);
    gsize length = mm_buffer_length(&whole);
    g_assert_cmpint(a, ==, b);
    g_assert_cmpuint(length, <=, size - 1);
    g_assert_cmpuint(length, ==, mm_buffer_length(&cut));
    g_assert_cmpint(memcmp(mm_buffer_data(&whole), mm_buffer_data(&cut), length), ==, 0);
    g_assert_cmpint(memcmp(mm_buffer_data(&whole), data + 1, length), ==, 0);
    mm_buffer_clear(&whole);
    mm_buffer_clear(&cut);
    return 0;
}
