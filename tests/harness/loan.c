/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is lent and comes back: what is read after that must not look right by accident. */
#include "private.h"

#include <string.h>

#define POISON 0xDB
/* Blocks that are kept, poisoned, where no sanitizer keeps them. */
#define GRAVES 512

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#endif

typedef struct Block {
    gsize size;
    guint8 *data;
} Block;

static GPtrArray *graves;

static void
block_free(gpointer data)
{
    Block *block = data;
    g_free(block->data);
    g_free(block);
}

gpointer
loan_take(Loan *loan, gsize size)
{
    Block *block = g_new0(Block, 1);
    block->size = size;
    block->data = g_malloc0(MAX(size, 1));
    if (!loan->blocks)
        loan->blocks = g_ptr_array_new();
    g_ptr_array_add(loan->blocks, block);
    return block->data;
}

char *
loan_text(Loan *loan, const char *text, gsize size)
{
    char *copy = loan_take(loan, size + 1);
    if (size > 0)
        memcpy(copy, text, size);
    return copy;
}

MilterSlice
loan_slice(Loan *loan, const char *text, gsize size)
{
    return (MilterSlice){loan_text(loan, text, size), size};
}

static void
bury(Block *block)
{
    /* The end of a text stays: who reads on reads rubbish, not the next block. */
    memset(block->data, POISON, block->size > 1 ? block->size - 1 : block->size);
#ifdef HAS_ASAN
    block_free(block);
#else
    if (!graves)
        graves = g_ptr_array_new_with_free_func(block_free);
    if (graves->len >= GRAVES)
        g_ptr_array_remove_range(graves, 0, GRAVES / 2);
    g_ptr_array_add(graves, block);
#endif
}

void
loan_end(Loan *loan)
{
    GPtrArray *blocks = g_steal_pointer(&loan->blocks);
    if (!blocks)
        return;
    for (guint i = 0; i < blocks->len; i++)
        bury(g_ptr_array_index(blocks, i));
    g_ptr_array_unref(blocks);
}

void
loan_bury(void)
{
    g_clear_pointer(&graves, g_ptr_array_unref);
}
