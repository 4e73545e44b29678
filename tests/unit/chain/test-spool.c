/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/spool.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static MmSpoolLimits limits = {.memory = 1024 * 1024};

static GByteArray *
random_bytes(GRand *rand, guint size)
{
    GByteArray *bytes = g_byte_array_sized_new(size);

    g_byte_array_set_size(bytes, size);
    for (guint i = 0; i < size; i++)
        bytes->data[i] = (guint8)g_rand_int(rand);
    return bytes;
}

static void
append(MmSpool *spool, gconstpointer data, gsize size)
{
    g_autoptr(GError) error = NULL;
    gboolean done = mm_spool_append(spool, data, size, &error);

    g_assert_no_error(error);
    g_assert_true(done);
}

static gssize
peek(MmSpool *spool, MmSpoolCursor *cursor, const guint8 **data)
{
    g_autoptr(GError) error = NULL;
    gssize size = mm_spool_peek(spool, cursor, data, &error);

    g_assert_no_error(error);
    g_assert_nonnull(*data);
    g_assert_cmpint(size, >=, 0);
    g_assert_cmpint(size, <=, MM_SPOOL_PIECE);
    return size;
}

/* Everything from the cursor on equals what stands in expected there; returns the pieces' number.
 */
static guint
assert_rest(MmSpool *spool, MmSpoolCursor *cursor, const GByteArray *expected)
{
    const guint8 *data;
    guint pieces = 0;
    gssize size;

    while ((size = peek(spool, cursor, &data)) > 0) {
        g_assert_cmpuint(cursor->offset + size, <=, expected->len);
        g_assert_true(memcmp(data, expected->data + cursor->offset, (gsize)size) == 0);
        cursor->offset += (guint64)size;
        pieces++;
    }
    g_assert_cmpuint(cursor->offset, ==, expected->len);
    return pieces;
}

static void
test_empty(void)
{
    g_autoptr(MmSpool) spool = mm_spool_new(&limits);
    MmSpoolCursor cursor = {0};
    const guint8 *data = NULL;

    g_assert_cmpuint(mm_spool_resident(spool), ==, 0);
    g_assert_cmpint(peek(spool, &cursor, &data), ==, 0);
    append(spool, "", 0);
    g_assert_cmpuint(mm_spool_length(spool), ==, 0);
    g_assert_cmpuint(mm_spool_resident(spool), ==, 0);
    mm_spool_drop_before(spool, 10);
    mm_spool_cursor_clear(&cursor);
    mm_spool_free(NULL);
}

static void
test_slices_stay(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GByteArray) bytes = random_bytes(rand, 300000);
    g_autoptr(MmSpool) spool = mm_spool_new(&limits);
    MmSpoolCursor cursor = {0};
    const guint8 *first;
    gssize size;

    append(spool, bytes->data, 100);
    size = peek(spool, &cursor, &first);
    g_assert_cmpint(size, ==, 100);
    append(spool, bytes->data + 100, bytes->len - 100);
    g_assert_true(memcmp(first, bytes->data, (gsize)size) == 0);
    /* 4096 bytes, four full pieces of 65535 bytes and the rest. */
    g_assert_cmpuint(assert_rest(spool, &cursor, bytes), ==, 6);
    g_assert_null(cursor.buffer);
    mm_spool_cursor_clear(&cursor);
}

static void
test_limit(void)
{
    static const guint64 memories[] = {0, 1, 100, 4095, 4096, 4097, 70000, 200000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(2);
    g_autoptr(GByteArray) bytes = random_bytes(rand, 150000);

    for (guint i = 0; i < G_N_ELEMENTS(memories); i++) {
        MmSpoolLimits own = {.memory = memories[i]};
        g_autoptr(MmSpool) spool = mm_spool_new(&own);
        MmSpoolCursor cursor = {0};

        for (guint at = 0; at < bytes->len; at += 1500)
            append(spool, bytes->data + at, 1500);
        g_assert_cmpuint(mm_spool_length(spool), ==, bytes->len);
        g_assert_cmpuint(mm_spool_resident(spool), <=, memories[i]);
        assert_rest(spool, &cursor, bytes);
        g_assert_true((cursor.buffer != NULL) == (memories[i] < bytes->len));
        mm_spool_cursor_clear(&cursor);
    }
}

static void
test_drop(void)
{
    MmSpoolLimits own = {.memory = 200000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autoptr(GByteArray) bytes = random_bytes(rand, 150000);
    g_autoptr(MmSpool) spool = mm_spool_new(&own);
    g_autoptr(GError) error = NULL;
    MmSpoolCursor cursor = {0};
    const guint8 *data;

    append(spool, bytes->data, bytes->len);
    mm_spool_drop_before(spool, 100000);
    g_assert_cmpuint(mm_spool_resident(spool), <=, 2 * MM_SPOOL_PIECE);
    g_assert_cmpint(mm_spool_peek(spool, &cursor, &data, &error), ==, -1);
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
    cursor.offset = 100000;
    assert_rest(spool, &cursor, bytes);
    /* What was freed may be used again: this needs no file. */
    append(spool, bytes->data, 60000);
    g_byte_array_append(bytes, bytes->data, 60000);
    assert_rest(spool, &cursor, bytes);
    g_assert_null(cursor.buffer);
    mm_spool_drop_before(spool, G_MAXUINT64);
    g_assert_cmpuint(mm_spool_resident(spool), <=, MM_SPOOL_PIECE);
    mm_spool_cursor_clear(&cursor);
}

static void
test_reset(void)
{
    MmSpoolLimits own = {.memory = 10000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(4);
    g_autoptr(GByteArray) bytes = random_bytes(rand, 50000);
    g_autoptr(MmSpool) spool = mm_spool_new(&own);

    for (guint round = 0; round < 3; round++) {
        MmSpoolCursor cursor = {0};

        append(spool, bytes->data, bytes->len);
        if (round == 1)
            mm_spool_drop_before(spool, 20000);
        cursor.offset = 20000;
        assert_rest(spool, &cursor, bytes);
        mm_spool_cursor_clear(&cursor);
        mm_spool_reset(spool);
        g_assert_cmpuint(mm_spool_length(spool), ==, 0);
        g_assert_cmpuint(mm_spool_resident(spool), <=, 4096);
    }
}

/* The limit leaves room for one more small block behind the first, and that is the one that is
 * kept: the next message begins in it. */
static void
test_reset_keeps_later_block(void)
{
    MmSpoolLimits own = {.memory = 5000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autoptr(GByteArray) bytes = random_bytes(rand, 4900);
    g_autoptr(MmSpool) spool = mm_spool_new(&own);

    for (guint round = 0; round < 3; round++) {
        MmSpoolCursor cursor = {0};

        append(spool, bytes->data, bytes->len);
        assert_rest(spool, &cursor, bytes);
        mm_spool_cursor_clear(&cursor);
        mm_spool_drop_before(spool, 4500);
        mm_spool_reset(spool);
    }
}

/* Many small steps of every kind against a plain byte array. */
static void
random_walk(guint32 seed, guint64 memory)
{
    MmSpoolLimits own = {.memory = memory};
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autoptr(GByteArray) all = g_byte_array_new();
    g_autoptr(MmSpool) spool = mm_spool_new(&own);
    MmSpoolCursor cursors[3] = {{0}};
    guint64 dropped = 0;

    for (guint step = 0; step < 400; step++) {
        MmSpoolCursor *cursor = &cursors[g_rand_int_range(rand, 0, 3)];
        guint kind = (guint)g_rand_int_range(rand, 0, 4);
        const guint8 *data;

        if (kind <= 1) {
            guint most = g_rand_boolean(rand) ? 100 : 9000;
            g_autoptr(GByteArray) piece =
                random_bytes(rand, (guint)g_rand_int_range(rand, 0, (gint32)most));

            append(spool, piece->data != NULL ? piece->data : (const guint8 *)"", piece->len);
            g_byte_array_append(all, piece->data, piece->len);
        } else if (kind == 2) {
            gssize size;

            cursor->offset = MAX(cursor->offset, dropped);
            size = peek(spool, cursor, &data);
            g_assert_true((size == 0) == (cursor->offset == all->len));
            g_assert_true(size == 0 || memcmp(data, all->data + cursor->offset, (gsize)size) == 0);
            cursor->offset += size > 0 ? (guint64)g_rand_int_range(rand, 0, (gint32)size + 1) : 0;
        } else if (g_rand_int_range(rand, 0, 8) == 0) {
            dropped = MAX(dropped, cursor->offset);
            mm_spool_drop_before(spool, cursor->offset);
        }
        g_assert_cmpuint(mm_spool_length(spool), ==, all->len);
        g_assert_cmpuint(mm_spool_resident(spool), <=, memory);
    }
    for (guint i = 0; i < G_N_ELEMENTS(cursors); i++) {
        cursors[i].offset = MAX(cursors[i].offset, dropped);
        assert_rest(spool, &cursors[i], all);
        mm_spool_cursor_clear(&cursors[i]);
    }
}

static void
test_random(void)
{
    static const guint64 memories[] = {0, 10, 5000, 70000, 100000, 10000000};

    for (guint32 seed = 0; seed < 120; seed++)
        random_walk(seed, memories[seed % G_N_ELEMENTS(memories)]);
}

/* More than one step of file space given back, while the rest stays readable. */
static void
test_file_drop(void)
{
    MmSpoolLimits own = {.memory = 1000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autoptr(GByteArray) bytes = random_bytes(rand, 4 * 1024 * 1024);
    g_autoptr(MmSpool) spool = mm_spool_new(&own);
    MmSpoolCursor cursor = {0};
    const guint8 *data;

    append(spool, bytes->data, bytes->len);
    for (gssize size; (size = peek(spool, &cursor, &data)) > 0;) {
        g_assert_true(memcmp(data, bytes->data + cursor.offset, (gsize)size) == 0);
        cursor.offset += (guint64)size;
        mm_spool_drop_before(spool, cursor.offset);
    }
    g_assert_cmpuint(mm_spool_resident(spool), ==, 0);
    append(spool, "tail", 4);
    g_byte_array_append(bytes, (const guint8 *)"tail", 4);
    assert_rest(spool, &cursor, bytes);
    mm_spool_cursor_clear(&cursor);
}

static void
test_bad_directory(void)
{
    MmSpoolLimits own = {.memory = 10, .directory = "/nonexistent/spool"};
    g_autoptr(MmSpool) spool = mm_spool_new(&own);
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    MmSpoolCursor cursor = {0};

    append(spool, "12345", 5);
    g_byte_array_append(bytes, (const guint8 *)"12345", 5);
    g_assert_false(mm_spool_append(spool, "67890a", 6, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_nonnull(strstr(error->message, "/nonexistent/spool"));
    g_assert_cmpuint(mm_spool_length(spool), ==, 5);
    assert_rest(spool, &cursor, bytes);
    append(spool, "67890", 5);
    g_assert_cmpuint(mm_spool_length(spool), ==, 10);
}

static void
set_file_limit(rlim_t size)
{
    struct rlimit limit;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    limit.rlim_cur = size;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* A file that may not grow: the writes come short, then fail. What was there is still read, and
 * after the trouble is over the spool goes on. */
static void
test_no_room(void)
{
    MmSpoolLimits own = {.memory = 1000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(6);
    g_autoptr(GByteArray) bytes = random_bytes(rand, 30000);
    g_autoptr(MmSpool) spool = mm_spool_new(&own);
    MmSpoolCursor cursor = {0};
    guint64 length;

    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(10000);
    for (gboolean done = TRUE; done;) {
        g_autoptr(GError) error = NULL;

        length = mm_spool_length(spool);
        done = mm_spool_append(spool, bytes->data + length, 1700, &error);
        g_assert_true(done == (error == NULL));
        g_assert_true(done || error->domain == G_FILE_ERROR);
    }
    set_file_limit(RLIM_INFINITY);
    g_assert_cmpuint(length, ==, 10200);
    g_assert_cmpuint(mm_spool_length(spool), ==, length);
    append(spool, bytes->data + length, bytes->len - length);
    assert_rest(spool, &cursor, bytes);
    mm_spool_cursor_clear(&cursor);
}

/* The first write to the file fails: nothing of the piece is kept, in memory either. */
static void
test_no_room_at_first(void)
{
    MmSpoolLimits own = {.memory = 1000};
    g_autoptr(MmSpool) spool = mm_spool_new(&own);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    MmSpoolCursor cursor = {0};

    g_byte_array_set_size(bytes, 900);
    memset(bytes->data, 'x', 900);
    append(spool, bytes->data, 900);
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(0);
    g_assert_false(mm_spool_append(spool, bytes->data, 900, &error));
    set_file_limit(RLIM_INFINITY);
    g_assert_nonnull(error);
    assert_rest(spool, &cursor, bytes);
    append(spool, bytes->data, 900);
    g_assert_cmpuint(mm_spool_length(spool), ==, 1800);
}

/* The file is never seen in the directory, and its space is given back with the spool. */
static void
test_no_name(void)
{
    g_autofree char *directory = g_dir_make_tmp("mm-spool-XXXXXX", NULL);
    MmSpoolLimits own = {.memory = 0, .directory = directory};
    g_autoptr(MmSpool) spool = mm_spool_new(&own);
    g_autoptr(GDir) dir = NULL;

    append(spool, "text", 4);
    dir = g_dir_open(directory, 0, NULL);
    g_assert_nonnull(dir);
    g_assert_null(g_dir_read_name(dir));
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/spool/empty", test_empty);
    g_test_add_func("/spool/slices-stay", test_slices_stay);
    g_test_add_func("/spool/limit", test_limit);
    g_test_add_func("/spool/drop", test_drop);
    g_test_add_func("/spool/reset", test_reset);
    g_test_add_func("/spool/reset/later-block", test_reset_keeps_later_block);
    g_test_add_func("/spool/random", test_random);
    g_test_add_func("/spool/file-drop", test_file_drop);
    g_test_add_func("/spool/bad-directory", test_bad_directory);
    g_test_add_func("/spool/no-room", test_no_room);
    g_test_add_func("/spool/no-room-at-first", test_no_room_at_first);
    g_test_add_func("/spool/no-name", test_no_name);
    return g_test_run();
}
