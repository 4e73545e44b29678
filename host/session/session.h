/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     session.h - one connection of an MTA, from its first byte to its last
 *
 * DESCRIPTION
 *     A session lives and dies on one worker. It keeps the protocol's order, the envelope and the
 *     macros, makes one event of each command, and answers with the chain's verdict. It frees
 * itself when the connection is over.
 */
#ifndef MM_SESSION_SESSION_H
#define MM_SESSION_SESSION_H

#include "chain/chain.h"

typedef struct MmSession MmSession;

/* Sessions of one worker; made on it or before it runs. */
typedef struct MmSessions MmSessions;
/* ended (may be NULL) is called on the worker after each session's end. */
MmSessions *mm_sessions_new(MmCrew *crew, MmWorkFunction ended, gpointer data);
/* On the worker, when none is left. */
void mm_sessions_free(MmSessions *sessions);
/* Takes over fd, a non-blocking accepted socket. On the worker. */
void mm_sessions_start(MmSessions *sessions, int fd);
/* The host stops: who is in no message ends when its last answer is written, at once if it is; the
 * others when their message has ended. */
void mm_sessions_drain(MmSessions *sessions);
/* Ends all now, as if the MTA had hung up. */
void mm_sessions_close(MmSessions *sessions);
/* Calls function for each session that waits for a stage; seconds: since when. On the worker. */
typedef void (*MmSessionWaitFunction)(gpointer data, const char *stage, const char *label,
                                      double seconds);
void mm_sessions_foreach_wait(const MmSessions *sessions, MmSessionWaitFunction function,
                              gpointer data);

#endif
