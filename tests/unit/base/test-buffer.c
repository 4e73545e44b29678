/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"

#include <string.h>

static void
test_empty(void)
{
    MmBuffer buffer;
    mm_buffer_init(&buffer, 0);
    g_assert_cmpuint(mm_buffer_length(&buffer), ==, 0);
    g_assert_nonnull(mm_buffer_data(&buffer));
    g_assert_null(buffer.block);
    mm_buffer_consume(&buffer, 0);
    mm_buffer_truncate(&buffer, 0);
    g_assert_true(mm_buffer_append(&buffer, NULL, 0));
    mm_buffer_clear(&buffer);
    mm_buffer_clear(&buffer);
}

static void
test_limit(void)
{
    MmBuffer buffer;
    gsize available;
    mm_buffer_init(&buffer, 10);
    g_assert_true(mm_buffer_append(&buffer, "123456", 6));
    g_assert_false(mm_buffer_append(&buffer, "abcde", 5));
    g_assert_cmpuint(mm_buffer_length(&buffer), ==, 6);
    g_assert_null(mm_buffer_reserve(&buffer, 5, &available));
    g_assert_nonnull(mm_buffer_reserve(&buffer, 1, &available));
    g_assert_cmpuint(available, ==, 4);
    g_assert_true(mm_buffer_append(&buffer, "abcd", 4));
    g_assert_false(mm_buffer_append(&buffer, "!", 1));
    g_assert_nonnull(mm_buffer_reserve(&buffer, 0, &available));
    g_assert_cmpuint(available, ==, 0);
    g_assert_cmpmem(mm_buffer_data(&buffer), (int)mm_buffer_length(&buffer), "123456abcd", 10);
    mm_buffer_consume(&buffer, 3);
    g_assert_true(mm_buffer_append(&buffer, "xyz", 3));
    g_assert_cmpmem(mm_buffer_data(&buffer), (int)mm_buffer_length(&buffer), "456abcdxyz", 10);
    mm_buffer_clear(&buffer);
}

/* Sizes whose sum would wrap around. */
static void
test_overflow(void)
{
    MmBuffer buffer;
    mm_buffer_init(&buffer, 0);
    g_assert_true(mm_buffer_append(&buffer, "x", 1));
    g_assert_null(mm_buffer_reserve(&buffer, G_MAXSIZE, NULL));
    g_assert_null(mm_buffer_reserve(&buffer, (gsize)G_MAXSSIZE, NULL));
    g_assert_cmpuint(mm_buffer_length(&buffer), ==, 1);
    mm_buffer_clear(&buffer);
}

static void
test_truncate(void)
{
    MmBuffer buffer;
    mm_buffer_init(&buffer, 0);
    g_assert_true(mm_buffer_append(&buffer, "abcdef", 6));
    mm_buffer_consume(&buffer, 2);
    mm_buffer_truncate(&buffer, 3);
    g_assert_cmpmem(mm_buffer_data(&buffer), (int)mm_buffer_length(&buffer), "cde", 3);
    mm_buffer_truncate(&buffer, 0);
    g_assert_cmpuint(mm_buffer_length(&buffer), ==, 0);
    mm_buffer_clear(&buffer);
}

static void
test_gives_back(void)
{
    static const guint8 much[MM_BUFFER_KEEP * 4];
    MmBuffer buffer;
    mm_buffer_init(&buffer, 0);
    g_assert_true(mm_buffer_append(&buffer, much, sizeof(much)));
    mm_buffer_consume(&buffer, sizeof(much) - 1);
    g_assert_nonnull(buffer.block);
    mm_buffer_consume(&buffer, 1);
    g_assert_null(buffer.block);
    g_assert_true(mm_buffer_append(&buffer, much, 10));
    mm_buffer_consume(&buffer, 10);
    g_assert_nonnull(buffer.block);
    mm_buffer_clear(&buffer);
}

/* Against a plain byte array, with every kind of call. */
static void
test_random(void)
{
    const gsize limit = 50000;
    g_autoptr(GByteArray) model = g_byte_array_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    guint8 chunk[9000];
    MmBuffer buffer;
    mm_buffer_init(&buffer, limit);
    for (guint i = 0; i < sizeof(chunk); i++)
        chunk[i] = (guint8)g_rand_int(rand);
    for (guint round = 0; round < 20000; round++) {
        gsize n = (gsize)g_rand_int_range(rand, 0, sizeof(chunk));
        switch (g_rand_int_range(rand, 0, 4)) {
        case 0:
            n = MIN(n, model->len);
            mm_buffer_consume(&buffer, n);
            g_byte_array_remove_range(model, 0, (guint)n);
            break;
        case 1:
            n = MIN(n % 64, model->len);
            mm_buffer_truncate(&buffer, model->len - n);
            g_byte_array_set_size(model, model->len - (guint)n);
            break;
        case 2: {
            gsize available = 0;
            guint8 *place = mm_buffer_reserve(&buffer, n, &available);
            g_assert_true((place != NULL) == (model->len + n <= limit));
            if (!place)
                break;
            g_assert_cmpuint(available, >=, n);
            g_assert_cmpuint(model->len + available, <=, limit);
            memcpy(place, chunk, n);
            mm_buffer_commit(&buffer, n);
            g_byte_array_append(model, chunk, (guint)n);
            break;
        }
        default:
            if (mm_buffer_append(&buffer, chunk, n))
                g_byte_array_append(model, chunk, (guint)n);
            else
                g_assert_cmpuint(model->len + n, >, limit);
        }
        g_assert_cmpmem(mm_buffer_data(&buffer), (int)mm_buffer_length(&buffer), model->data,
                        (int)model->len);
    }
    mm_buffer_clear(&buffer);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/buffer/empty", test_empty);
    g_test_add_func("/base/buffer/limit", test_limit);
    g_test_add_func("/base/buffer/overflow", test_overflow);
    g_test_add_func("/base/buffer/truncate", test_truncate);
    g_test_add_func("/base/buffer/gives-back", test_gives_back);
    g_test_add_func("/base/buffer/random", test_random);
    return g_test_run();
}
