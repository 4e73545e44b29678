/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     fuzz.h - one fuzz target: an entry point as libFuzzer calls it, and seeds
 *
 * DESCRIPTION
 *     A target gives both names below. It checks with g_assert_* that what was read can be written
 * and read back as the same. libFuzzer drives it in a build with -Dfuzz=true; in every other build
 *     driver.c runs it over the seeds and some thousand mutations of them, the same ones each time.
 */
#ifndef MM_FUZZ_H
#define MM_FUZZ_H

#include <glib.h>

typedef struct FuzzSeed {
    const char *data;
    gsize size;
} FuzzSeed;
#define FUZZ_SEED(literal)                                                                         \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

extern const FuzzSeed fuzz_seeds[]; /* up to the first without data */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

#endif
