/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     arena.h - many small texts in few blocks of memory, freed together
 *
 * DESCRIPTION
 *     Blocks never move: a text is valid until the arena is reset or cleared. Private to the chain.
 */
#ifndef MM_CHAIN_ARENA_H
#define MM_CHAIN_ARENA_H

#include <glib.h>
#include <milter-manager/event.h>

/* Most memory that reset keeps. */
#define MM_ARENA_KEEP 8192u

typedef struct MmArenaBlock MmArenaBlock;

/* Zeroed = empty, holds no memory. */
typedef struct MmArena {
    MmArenaBlock *blocks; /* the first one is being filled */
} MmArena;

/* Room for size bytes and a NUL, which is set. */
char *mm_arena_take(MmArena *arena, gsize size);
/* A copy, followed by a NUL that is not counted. */
MilterSlice mm_arena_copy(MmArena *arena, MilterSlice text);
/* All texts are gone; one block of at most MM_ARENA_KEEP bytes is kept. */
void mm_arena_reset(MmArena *arena);
/* All texts and all memory are gone. */
void mm_arena_clear(MmArena *arena);

#endif
