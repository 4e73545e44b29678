/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/spool.h"

#include "base/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Most messages fit in the first block. Later ones are as large as a piece, so that a full block is
 * handed out in one. */
#define FIRST_BLOCK 4096u
#define NEXT_BLOCK MM_SPOOL_PIECE
/* A longer list of blocks is not kept for the next message. */
#define KEEP_BLOCKS 64u
/* File space is given back in steps of this size: one system call each. */
#define PUNCH_STEP (1024u * 1024u)

typedef struct Block {
    guint64 offset; /* in the spool, of data[0] */
    guint32 size;
    guint32 used;
    guint8 data[];
} Block;

struct MmSpool {
    const MmSpoolLimits *limits;
    guint holders;
    guint64 length;
    guint64 dropped; /* nothing before this may be read */
    guint64 resident;
    GPtrArray *blocks; /* of Block, by offset; those before first are NULL */
    guint first;
    int fd;             /* -1: all in memory */
    guint64 file_start; /* offset in the spool of the file's first byte */
    guint64 punched;    /* file space before this offset in the spool was given back */
};

MmSpool *
mm_spool_new(const MmSpoolLimits *limits)
{
    MmSpool *spool = g_new0(MmSpool, 1);

    *spool = (MmSpool){.limits = limits, .holders = 1, .fd = -1};
    return spool;
}

MmSpool *
mm_spool_ref(MmSpool *spool)
{
    spool->holders++;
    return spool;
}

static void
remove_block(MmSpool *spool, guint i)
{
    Block *block = g_steal_pointer(&g_ptr_array_index(spool->blocks, i));

    spool->resident -= block->size;
    g_free(block);
}

static void
close_file(MmSpool *spool)
{
    if (spool->fd >= 0)
        g_close(spool->fd, NULL);
    spool->fd = -1;
}

void
mm_spool_free(MmSpool *spool)
{
    if (spool == NULL || --spool->holders > 0)
        return;
    for (guint i = spool->first; spool->blocks != NULL && i < spool->blocks->len; i++)
        remove_block(spool, i);
    g_clear_pointer(&spool->blocks, g_ptr_array_unref);
    close_file(spool);
    g_free(spool);
}

/* The small block that reset keeps, taken out of the list, or NULL. It need not be the first of the
 * message. */
static Block *
take_first_block(MmSpool *spool)
{
    Block *block;

    if (spool->blocks == NULL || spool->first != 0 || spool->blocks->len == 0)
        return NULL;
    block = g_ptr_array_index(spool->blocks, 0);
    if (block->size > FIRST_BLOCK || block->size > spool->limits->memory)
        return NULL;
    g_ptr_array_index(spool->blocks, 0) = NULL;
    spool->first = 1;
    return block;
}

/* An empty list, the old one if it is short. */
static GPtrArray *
emptied(GPtrArray *blocks)
{
    if (blocks->len > KEEP_BLOCKS) {
        g_ptr_array_unref(blocks);
        return g_ptr_array_new();
    }
    g_ptr_array_set_size(blocks, 0);
    return blocks;
}

void
mm_spool_reset(MmSpool *spool)
{
    Block *kept = take_first_block(spool);
    GPtrArray *blocks;

    for (guint i = spool->first; spool->blocks != NULL && i < spool->blocks->len; i++)
        remove_block(spool, i);
    close_file(spool);
    blocks = spool->blocks;
    *spool = (MmSpool){.limits = spool->limits, .holders = 1, .fd = -1};
    if (blocks == NULL)
        return;
    spool->blocks = emptied(blocks);
    if (kept == NULL)
        return;
    *kept = (Block){.size = kept->size};
    spool->resident = kept->size;
    g_ptr_array_add(spool->blocks, kept);
}

guint64
mm_spool_length(const MmSpool *spool)
{
    return spool->length;
}

guint64
mm_spool_resident(const MmSpool *spool)
{
    return spool->resident;
}

static const char *
spool_directory(const MmSpool *spool)
{
    const char *directory = spool->limits->directory;

    return directory != NULL && *directory != '\0' ? directory : g_get_tmp_dir();
}

static gboolean
fail(const MmSpool *spool, const char *what, int error_number, GError **error)
{
    g_autofree char *name = g_filename_display_name(spool_directory(spool));

    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(error_number), "%s: %s (%s)",
                what, g_strerror(error_number), name);
    return FALSE;
}

/* Unlinked at once: nothing is left behind, however the process ends. */
static gboolean
make_file(MmSpool *spool, GError **error)
{
    g_autofree char *path = g_build_filename(spool_directory(spool), "milter-manager-XXXXXX", NULL);

    spool->fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0)
        return fail(spool, _("cannot make a spool file"), errno, error);
    g_unlink(path);
    return TRUE;
}

static gboolean
write_file(MmSpool *spool, guint64 at, const guint8 *data, gsize size, GError **error)
{
    while (size > 0) {
        ssize_t written = pwrite(spool->fd, data, size, (off_t)at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(spool, _("cannot write the spool file"), written < 0 ? errno : ENOSPC,
                        error);
        data += written;
        size -= (gsize)written;
        at += (guint64)written;
    }
    return TRUE;
}

static Block *
last_block(const MmSpool *spool)
{
    if (spool->blocks == NULL || spool->blocks->len <= spool->first)
        return NULL;
    return g_ptr_array_index(spool->blocks, spool->blocks->len - 1);
}

/* How many more bytes memory may take: what is free in the last block and what the limit leaves. */
static guint64
memory_room(const MmSpool *spool)
{
    const Block *last = last_block(spool);
    guint64 unused = last == NULL ? 0 : last->size - last->used;

    if (spool->limits->memory < spool->resident)
        return unused;
    return unused + (spool->limits->memory - spool->resident);
}

static Block *
add_block(MmSpool *spool)
{
    guint64 size = spool->length == 0 ? FIRST_BLOCK : NEXT_BLOCK;
    Block *block;

    size = MIN(size, spool->limits->memory - spool->resident);
    block = g_malloc(sizeof(Block) + size);
    *block = (Block){.offset = spool->length, .size = (guint32)size};
    if (spool->blocks == NULL)
        spool->blocks = g_ptr_array_new();
    g_ptr_array_add(spool->blocks, block);
    spool->resident += size;
    return block;
}

static void
write_memory(MmSpool *spool, const guint8 *data, gsize size)
{
    while (size > 0) {
        Block *block = last_block(spool);
        gsize piece;

        if (block == NULL || block->used == block->size)
            block = add_block(spool);
        piece = MIN(size, block->size - block->used);
        memcpy(block->data + block->used, data, piece);
        block->used += (guint32)piece;
        spool->length += piece;
        data += piece;
        size -= piece;
    }
}

/* What memory does not take goes to a new file first: when that fails, nothing has changed. */
static gboolean
overflow(MmSpool *spool, const guint8 *data, gsize size, gsize in_memory, GError **error)
{
    if (!make_file(spool, error))
        return FALSE;
    if (!write_file(spool, 0, data + in_memory, size - in_memory, error)) {
        close_file(spool);
        return FALSE;
    }
    write_memory(spool, data, in_memory);
    spool->file_start = spool->length;
    spool->punched = spool->length;
    spool->length += size - in_memory;
    return TRUE;
}

gboolean
mm_spool_append(MmSpool *spool, gconstpointer data, gsize size, GError **error)
{
    guint64 room = spool->fd < 0 ? memory_room(spool) : 0;

    if (size == 0)
        return TRUE;
    if (spool->fd < 0 && size > room)
        return overflow(spool, data, size, (gsize)room, error);
    if (spool->fd < 0) {
        write_memory(spool, data, size);
        return TRUE;
    }
    if (!write_file(spool, spool->length - spool->file_start, data, size, error))
        return FALSE;
    spool->length += size;
    return TRUE;
}

void
mm_spool_cursor_clear(MmSpoolCursor *cursor)
{
    g_clear_pointer(&cursor->buffer, g_free);
    cursor->offset = 0;
}

/* The block that holds offset; the caller knows that there is one. */
static const Block *
find_block(const MmSpool *spool, guint64 offset)
{
    guint low = spool->first;
    guint high = spool->blocks->len;

    while (high - low > 1) {
        guint middle = low + (high - low) / 2;
        const Block *block = g_ptr_array_index(spool->blocks, middle);

        if (block->offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return g_ptr_array_index(spool->blocks, low);
}

static gssize
peek_memory(const MmSpool *spool, guint64 offset, const guint8 **data)
{
    const Block *block = find_block(spool, offset);
    guint64 skip = offset - block->offset;

    *data = block->data + skip;
    return (gssize)MIN(block->used - skip, MM_SPOOL_PIECE);
}

static gssize
peek_file(const MmSpool *spool, MmSpoolCursor *cursor, const guint8 **data, GError **error)
{
    gsize wanted = (gsize)MIN(spool->length - cursor->offset, MM_SPOOL_PIECE);
    guint64 at = cursor->offset - spool->file_start;
    gsize have = 0;

    if (cursor->buffer == NULL)
        cursor->buffer = g_malloc(MM_SPOOL_PIECE);
    while (have < wanted) {
        ssize_t got = pread(spool->fd, cursor->buffer + have, wanted - have, (off_t)(at + have));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fail(spool, _("cannot read the spool file"), got < 0 ? errno : EIO, error);
            return -1;
        }
        have += (gsize)got;
    }
    *data = cursor->buffer;
    return (gssize)have;
}

gssize
mm_spool_peek(MmSpool *spool, MmSpoolCursor *cursor, const guint8 **data, GError **error)
{
    *data = (const guint8 *)"";
    if (cursor->offset >= spool->length)
        return 0;
    if (cursor->offset < spool->dropped) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "spool: offset %" G_GUINT64_FORMAT " was dropped", cursor->offset);
        return -1;
    }
    if (spool->fd >= 0 && cursor->offset >= spool->file_start)
        return peek_file(spool, cursor, data, error);
    return peek_memory(spool, cursor->offset, data);
}

/* A block that will still be written to stays, even if all it holds was dropped. */
static gboolean
block_is_over(const MmSpool *spool, const Block *block)
{
    gboolean full = block->used == block->size || spool->fd >= 0;

    return full && block->offset + block->used <= spool->dropped;
}

static void
drop_blocks(MmSpool *spool)
{
    while (spool->blocks != NULL && spool->first < spool->blocks->len &&
           block_is_over(spool, g_ptr_array_index(spool->blocks, spool->first)))
        remove_block(spool, spool->first++);
    /* Close the gap only when it is half of the list: each pointer moves a bounded number of times.
     */
    if (spool->first > 0 && spool->first * 2 >= spool->blocks->len) {
        g_ptr_array_remove_range(spool->blocks, 0, spool->first);
        spool->first = 0;
    }
}

/* All was read: the file becomes empty (and later writes leave a hole). Part of it was: a hole is
 * made, where the system can. No failure matters: the space is then held a little longer. */
static void
drop_file_space(MmSpool *spool)
{
    if (spool->dropped == spool->length) {
        if (ftruncate(spool->fd, 0) == 0)
            spool->punched = spool->dropped;
        return;
    }
#ifdef FALLOC_FL_PUNCH_HOLE
    if (spool->dropped < spool->punched + PUNCH_STEP)
        return;
    if (fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)(spool->punched - spool->file_start),
                  (off_t)(spool->dropped - spool->punched)) != 0)
        return;
    spool->punched = spool->dropped;
#endif
}

void
mm_spool_drop_before(MmSpool *spool, guint64 offset)
{
    offset = MIN(offset, spool->length);
    if (offset <= spool->dropped || spool->holders > 1)
        return;
    spool->dropped = offset;
    drop_blocks(spool);
    if (spool->fd >= 0 && offset > spool->file_start)
        drop_file_space(spool);
}
