/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     conn.h - a socket that speaks milter frames, on one worker
 *
 * DESCRIPTION
 *     Reads where the frame reader says, as much as there is up to a cap a round; writes what was
 *     gathered with one call. Its owner takes frames with mm_conn_next and answers into
 * mm_conn_out. While the owner takes none (a question is open) nothing more is read, but a hang-up
 * is noticed.
 *
 *     What waits to be written is bounded by the owner's manners: when the connection is full it
 * takes no frame and adds no more to a long answer, until it is told that there is room again.
 */
#ifndef MM_SESSION_CONN_H
#define MM_SESSION_CONN_H

#include "loop/reactor.h"
#include "wire/frame.h"

typedef struct MmConn MmConn;

typedef enum MmConnEnd {
    MM_CONN_CLOSED,  /* the peer closed or reset */
    MM_CONN_INSIDE,  /* it closed inside a frame */
    MM_CONN_FAILED,  /* errno of a read or write, in mm_conn_error */
    MM_CONN_BLOCKED, /* the peer did not read for the write timeout */
} MmConnEnd;

typedef struct MmConnOps {
    /* There may be frames to take. */
    void (*readable)(gpointer owner);
    /* There is room: after the connection was full or mm_conn_set_writing asked for it, and
     * whenever a part of what waited was written. */
    void (*writable)(gpointer owner);
    /* The connection is over; nothing can be written. Called once. */
    void (*ended)(gpointer owner, MmConnEnd end);
} MmConnOps;

/* Takes over fd (non-blocking). NULL and errno if it cannot be watched; fd is closed then. */
MmConn *mm_conn_new(MmReactor *reactor, int fd, gsize frame_limit, const MmConnOps *ops,
                    gpointer owner);
/* Closes. What is not written yet is lost. Not from within ended or readable of another. */
void mm_conn_free(MmConn *conn);

/* The next whole frame; MORE asks for reading to go on. */
MmFrameResult mm_conn_next(MmConn *conn, MmFrame *frame);
/* FALSE: frames are not taken now, do not read (but notice a hang-up). Before mm_conn_flush. */
void mm_conn_set_reading(MmConn *conn, gboolean reading);
/* TRUE: there is more to write than was appended; ask for it with writable, when the socket takes
 * it. Before mm_conn_flush. */
void mm_conn_set_writing(MmConn *conn, gboolean writing);
/* Where to write answers; then mm_conn_flush. */
MmBuffer *mm_conn_out(MmConn *conn);
/* Writes what it can now, the rest when the socket is writable. */
void mm_conn_flush(MmConn *conn);
/* TRUE: a part of a frame is held. */
gboolean mm_conn_is_inside(const MmConn *conn);
/* TRUE: so many bytes wait to be written that no more are to be added. */
gboolean mm_conn_is_full(const MmConn *conn);
/* TRUE: bytes wait to be written. */
gboolean mm_conn_is_behind(const MmConn *conn);
int mm_conn_error(const MmConn *conn);

#endif
