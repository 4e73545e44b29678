/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     spool.h - a run of bytes, in memory up to a limit, then in an unlinked temporary file
 *
 * DESCRIPTION
 *     Written at the end, read at any offset that has not been dropped. Memory is in blocks that
 * never move: a slice of a block in memory is valid until the block is dropped or the spool freed.
 * Once the memory limit is passed, what follows goes to the file; reading it fills the reader's own
 *     buffer. Used on one worker.
 */
#ifndef MM_CHAIN_SPOOL_H
#define MM_CHAIN_SPOOL_H

#include <glib.h>

/* Largest piece read hands out: what one milter body frame carries. */
#define MM_SPOOL_PIECE 65535u

typedef struct MmSpool MmSpool;

typedef struct MmSpoolLimits {
    guint64 memory;        /* bytes kept in memory */
    const char *directory; /* for the file; NULL or "": the system's. Borrowed */
} MmSpoolLimits;

/* Takes no memory before the first write. limits is borrowed for the spool's life. */
MmSpool *mm_spool_new(const MmSpoolLimits *limits);
/* One more holder, who frees it too. */
MmSpool *mm_spool_ref(MmSpool *spool);
void mm_spool_free(MmSpool *spool);
/* Empties it for reuse, by its only holder: the file is closed, at most one small block is kept.
 * Cursors start over. */
void mm_spool_reset(MmSpool *spool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmSpool, mm_spool_free)

/* FALSE with error (G_FILE_ERROR): the file cannot be made or written (no room); the spool keeps
 * what it had before the call and may still be read. Where the process has a file size limit,
 * SIGXFSZ must be ignored for this to be an error and not the end. */
gboolean mm_spool_append(MmSpool *spool, gconstpointer data, gsize size, GError **error);
guint64 mm_spool_length(const MmSpool *spool);

/* A reader's place, which the reader moves on itself, and, for pieces from the file, its buffer;
 * zeroed = at the start. */
typedef struct MmSpoolCursor {
    guint64 offset;
    guint8 *buffer;
} MmSpoolCursor;
void mm_spool_cursor_clear(MmSpoolCursor *cursor);
/* The next piece at the cursor, at most MM_SPOOL_PIECE bytes, as much as lies together; does not
 * move the cursor. Returns its size, 0 at the end, -1 with error (the file cannot be read, or what
 * is asked for was dropped). *data is valid until the next peek with this cursor, or until the
 * spool drops it; it is not NULL even at the end. */
gssize mm_spool_peek(MmSpool *spool, MmSpoolCursor *cursor, const guint8 **data, GError **error);

/* Nobody will read before offset again: memory blocks (and, where possible, file space) are given
 * back. Beyond the end: everything so far. Without effect while there is another holder, who may
 * still read. */
void mm_spool_drop_before(MmSpool *spool, guint64 offset);
/* Bytes of memory held for the contents now (for statistics and tests); never more than
 * limits->memory. */
guint64 mm_spool_resident(const MmSpool *spool);

#endif
