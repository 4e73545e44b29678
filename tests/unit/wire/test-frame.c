/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/frame.h"

#include <string.h>

static void
feed(MmFrameReader *reader, gconstpointer data, gsize size)
{
    const guint8 *bytes = data;
    while (size > 0) {
        gsize available;
        guint8 *place = mm_frame_reader_reserve(reader, &available);
        gsize n = MIN(size, available);
        g_assert_cmpuint(available, >=, 1);
        memcpy(place, bytes, n);
        mm_frame_reader_commit(reader, n);
        bytes += n;
        size -= n;
    }
}

static MmFrameResult
result_of(const char *bytes, gsize size, gsize limit)
{
    MmFrameReader reader;
    MmFrame frame;
    mm_frame_reader_init(&reader, limit);
    feed(&reader, bytes, size);
    MmFrameResult result = mm_frame_reader_next(&reader, &frame);
    mm_frame_reader_clear(&reader);
    return result;
}

static void
test_results(void)
{
#define RESULT(literal, limit) result_of((literal), sizeof(literal) - 1, (limit))
    g_assert_cmpint(RESULT("", 10), ==, MM_FRAME_MORE);
    g_assert_cmpint(RESULT("\0\0\0", 10), ==, MM_FRAME_MORE);
    g_assert_cmpint(RESULT("\0\0\0\0", 10), ==, MM_FRAME_EMPTY);
    g_assert_cmpint(RESULT("\0\0\0\0Q", 10), ==, MM_FRAME_EMPTY);
    g_assert_cmpint(RESULT("\0\0\0\1", 10), ==, MM_FRAME_MORE);
    g_assert_cmpint(RESULT("\0\0\0\1Q", 10), ==, MM_FRAME_READY);
    g_assert_cmpint(RESULT("\0\0\0\1Q", 0), ==, MM_FRAME_READY);
    g_assert_cmpint(RESULT("\0\0\0\2Bx", 0), ==, MM_FRAME_TOO_LARGE);
    g_assert_cmpint(RESULT("\0\0\0\x0b", 10), ==, MM_FRAME_MORE);
    g_assert_cmpint(RESULT("\0\0\0\x0c", 10), ==, MM_FRAME_TOO_LARGE);
    g_assert_cmpint(RESULT("\xff\xff\xff\xff", MM_FRAME_ACCEPT_MAX), ==, MM_FRAME_TOO_LARGE);
    g_assert_cmpint(RESULT("\xff\xff\xff\xff", G_MAXUINT32), ==, MM_FRAME_MORE);
#undef RESULT
}

/* A violation stays one, and costs no memory. */
static void
test_violation(void)
{
    MmFrameReader reader;
    MmFrame frame;
    mm_frame_reader_init(&reader, 1000);
    feed(&reader, "\x7f\xff\xff\xff", 4);
    g_assert_cmpint(mm_frame_reader_next(&reader, &frame), ==, MM_FRAME_TOO_LARGE);
    g_assert_cmpint(mm_frame_reader_next(&reader, &frame), ==, MM_FRAME_TOO_LARGE);
    g_assert_cmpuint(reader.buffer.size, <=, 65536);
    g_assert_nonnull(mm_frame_reader_reserve(&reader, NULL));
    g_assert_cmpuint(reader.buffer.size, <=, 65536);
    mm_frame_reader_clear(&reader);
}

/* Room for a large frame is made at once, so that it is read in few calls. */
static void
test_reserve(void)
{
    MmFrameReader reader;
    gsize available;
    mm_frame_reader_init(&reader, MM_FRAME_ACCEPT_MAX);
    feed(&reader, "\0\x10\0\0B", 5);
    mm_frame_reader_reserve(&reader, &available);
    g_assert_cmpuint(available, >=, 0x100000 - 1);
    mm_frame_reader_clear(&reader);
}

static void
test_gives_back(void)
{
    const gsize size = 1024u * 1024u;
    g_autofree guint8 *data = g_malloc0(size);
    MmBuffer out;
    MmFrameReader reader;
    MmFrame frame;
    mm_buffer_init(&out, 0);
    mm_frame_reader_init(&reader, MM_FRAME_ACCEPT_MAX);
    g_assert_true(mm_frame_append(&out, 'b', data, size));
    feed(&reader, mm_buffer_data(&out), mm_buffer_length(&out));
    g_assert_cmpint(mm_frame_reader_next(&reader, &frame), ==, MM_FRAME_READY);
    g_assert_cmpuint(frame.size, ==, size);
    g_assert_cmpmem(frame.data, (int)frame.size, data, (int)size);
    g_assert_false(mm_frame_reader_is_inside(&reader));
    mm_frame_reader_reserve(&reader, NULL);
    g_assert_cmpuint(reader.buffer.size, <=, 65536);
    mm_frame_reader_clear(&reader);
    mm_buffer_clear(&out);
}

static void
test_inside(void)
{
    MmFrameReader reader;
    MmFrame frame;
    mm_frame_reader_init(&reader, 100);
    g_assert_false(mm_frame_reader_is_inside(&reader));
    feed(&reader, "\0\0\0\1Q\0", 6);
    g_assert_cmpint(mm_frame_reader_next(&reader, &frame), ==, MM_FRAME_READY);
    g_assert_cmpint(frame.code, ==, 'Q');
    g_assert_cmpuint(frame.size, ==, 0);
    g_assert_nonnull(frame.data);
    g_assert_true(mm_frame_reader_is_inside(&reader));
    g_assert_cmpint(mm_frame_reader_next(&reader, &frame), ==, MM_FRAME_MORE);
    mm_frame_reader_clear(&reader);
}

/* Nothing is added if the limit forbids it. */
static void
test_append_limit(void)
{
    MmBuffer out;
    mm_buffer_init(&out, 12);
    g_assert_true(mm_frame_append(&out, 'B', "12", 2));
    g_assert_false(mm_frame_append(&out, 'B', "1", 1));
    g_assert_cmpuint(mm_buffer_length(&out), ==, 7);
    g_assert_true(mm_frame_append(&out, 'Q', NULL, 0));
    g_assert_false(mm_frame_append2(&out, 'B', "1", 1, "2", G_MAXSIZE));
    g_assert_cmpmem(mm_buffer_data(&out), (int)mm_buffer_length(&out), "\0\0\0\3B12\0\0\0\1Q", 12);
    mm_buffer_clear(&out);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/frame/results", test_results);
    g_test_add_func("/wire/frame/violation", test_violation);
    g_test_add_func("/wire/frame/reserve", test_reserve);
    g_test_add_func("/wire/frame/gives-back", test_gives_back);
    g_test_add_func("/wire/frame/inside", test_inside);
    g_test_add_func("/wire/frame/append-limit", test_append_limit);
    return g_test_run();
}
