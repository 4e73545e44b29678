/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target without libFuzzer: its seeds, and mutations of them that are the same each
 * time. With file names as arguments it runs those files instead, to look at what libFuzzer found.
 */
#include "fuzz.h"

#include <string.h>

#define MUTATIONS 4000u
#define SIZE_MAX_INPUT 8192u

static void
run(const guint8 *data, gsize size)
{
    /* A block of the exact size, so that sanitizers see a byte too many. */
    g_autofree guint8 *copy = g_malloc(MAX(size, 1u));
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
}

static const FuzzSeed *
random_seed(GRand *rand)
{
    gint32 n = 0;
    while (fuzz_seeds[n].data)
        n++;
    return &fuzz_seeds[g_rand_int_range(rand, 0, n)];
}

static guint
random_place(GRand *rand, const GByteArray *input)
{
    return input->len == 0 ? 0 : (guint)g_rand_int_range(rand, 0, (gint32)input->len);
}

static guint8
random_byte(GRand *rand)
{
    static const guint8 likely[] = {0,   1,   0x7f, 0x80, 0xff, '\n', '\r',
                                    ' ', '%', '\\', '\'', '[',  '='};
    if (g_rand_boolean(rand))
        return likely[g_rand_int_range(rand, 0, sizeof(likely))];
    return (guint8)g_rand_int(rand);
}

/* A run of the input, or of another seed, put in at another place. */
static void
splice(GRand *rand, GByteArray *input)
{
    const FuzzSeed *seed = random_seed(rand);
    gboolean own = g_rand_boolean(rand) && input->len > 0;
    const guint8 *from = own ? input->data : (const guint8 *)seed->data;
    gsize size = own ? input->len : seed->size;
    if (size == 0 || input->len > SIZE_MAX_INPUT)
        return;
    gsize start = (gsize)g_rand_int_range(rand, 0, (gint32)size);
    gsize length = (gsize)g_rand_int_range(rand, 0, (gint32)(size - start)) + 1;
    g_autofree guint8 *piece = g_memdup2(from + start, length);
    guint place = random_place(rand, input);
    guint old = input->len;
    g_byte_array_set_size(input, old + (guint)length);
    memmove(input->data + place + length, input->data + place, old - place);
    memcpy(input->data + place, piece, length);
}

static void
mutate(GRand *rand, GByteArray *input)
{
    guint place = random_place(rand, input);
    guint8 byte = random_byte(rand);
    switch (g_rand_int_range(rand, 0, 5)) {
    case 0:
        if (input->len > 0)
            input->data[place] ^= (guint8)(1u << g_rand_int_range(rand, 0, 8));
        break;
    case 1:
        if (input->len > 0)
            input->data[place] = byte;
        break;
    case 2:
        if (input->len > 0)
            g_byte_array_remove_range(input, place, MIN(input->len - place, 1u + byte % 8u));
        break;
    case 3:
        g_byte_array_append(input, &byte, 1);
        break;
    default:
        splice(rand, input);
        break;
    }
}

static void
test_seeds(void)
{
    run(NULL, 0);
    for (const FuzzSeed *seed = fuzz_seeds; seed->data; seed++)
        run((const guint8 *)seed->data, seed->size);
}

static void
test_mutations(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240229);
    for (guint i = 0; i < MUTATIONS; i++) {
        const FuzzSeed *seed = random_seed(rand);
        g_autoptr(GByteArray) input = g_byte_array_new();
        g_byte_array_append(input, (const guint8 *)seed->data, (guint)seed->size);
        for (gint32 n = g_rand_int_range(rand, 1, 8); n > 0; n--)
            mutate(rand, input);
        run(input->data, input->len);
    }
}

static void
write_seeds(const char *folder)
{
    for (guint i = 0; fuzz_seeds[i].data; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = g_strdup_printf("seed-%02u", i);
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (!g_file_set_contents(path, fuzz_seeds[i].data, (gssize)fuzz_seeds[i].size, &error))
            g_error("%s", error->message);
    }
}

static void
run_file(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    gsize size;
    if (!g_file_get_contents(path, &data, &size, &error))
        g_error("%s", error->message);
    run((const guint8 *)data, size);
}

static int
take_arguments(char **arguments)
{
    for (; *arguments; arguments++) {
        if (g_file_test(*arguments, G_FILE_TEST_IS_DIR))
            write_seeds(*arguments);
        else
            run_file(*arguments);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc > 1)
        return take_arguments(argv + 1);
    g_test_add_func("/fuzz/seeds", test_seeds);
    g_test_add_func("/fuzz/mutations", test_mutations);
    return g_test_run();
}
