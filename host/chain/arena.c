/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/arena.h"

#include <string.h>

#define FIRST_BLOCK 1024u
#define LARGEST_BLOCK 65536u

struct MmArenaBlock {
    MmArenaBlock *next;
    gsize size;
    gsize used;
    char data[];
};

static MmArenaBlock *
add_block(MmArena *arena, gsize needed)
{
    MmArenaBlock *full = arena->blocks;
    gsize size = full == NULL ? FIRST_BLOCK : MIN(full->size * 2, LARGEST_BLOCK);
    MmArenaBlock *block;

    size = MAX(size, needed);
    block = g_malloc(sizeof(MmArenaBlock) + size);
    *block = (MmArenaBlock){.next = full, .size = size};
    arena->blocks = block;
    return block;
}

char *
mm_arena_take(MmArena *arena, gsize size)
{
    MmArenaBlock *block = arena->blocks;
    char *text;

    if (block == NULL || block->size - block->used <= size)
        block = add_block(arena, size + 1);
    text = block->data + block->used;
    block->used += size + 1;
    text[size] = '\0';
    return text;
}

MilterSlice
mm_arena_copy(MmArena *arena, MilterSlice text)
{
    char *copy = mm_arena_take(arena, text.size);

    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    return (MilterSlice){copy, text.size};
}

/* The largest block of those that may be kept, unlinked from the others. */
static MmArenaBlock *
take_kept(MmArena *arena)
{
    MmArenaBlock **best = NULL;
    MmArenaBlock *kept;

    for (MmArenaBlock **link = &arena->blocks; *link != NULL; link = &(*link)->next) {
        if ((*link)->size <= MM_ARENA_KEEP && (best == NULL || (*link)->size > (*best)->size))
            best = link;
    }
    if (best == NULL)
        return NULL;
    kept = *best;
    *best = kept->next;
    kept->next = NULL;
    kept->used = 0;
    return kept;
}

void
mm_arena_reset(MmArena *arena)
{
    MmArenaBlock *kept = take_kept(arena);

    mm_arena_clear(arena);
    arena->blocks = kept;
}

void
mm_arena_clear(MmArena *arena)
{
    while (arena->blocks != NULL) {
        MmArenaBlock *next = arena->blocks->next;

        g_free(arena->blocks);
        arena->blocks = next;
    }
}
