/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     worker.h - a thread with its own context and reactor
 */
#ifndef MM_LOOP_WORKER_H
#define MM_LOOP_WORKER_H

#include "loop/reactor.h"

typedef struct MmWorker MmWorker;
typedef void (*MmWorkFunction)(gpointer data);

/* Starts the thread; its context is thread-default in it. name: for the debugger, 15 bytes count.
 * NULL with error. */
MmWorker *mm_worker_new(const char *name, guint number, GError **error);
/* A worker without a thread, around the thread-default (or default) context of the caller: the
 * control thread's, and what tests and tools use. The caller runs the context. */
MmWorker *mm_worker_new_here(guint number, GError **error);
/* Waits until the worker is not held. Threaded: asks the thread to end after what was posted has
 * run, and joins. What is posted from then on never runs: workers that post to one another are all
 * ended before one is freed. */
void mm_worker_end(MmWorker *worker);
/* Ends it first, if that is still to be done. NULL is allowed. */
void mm_worker_free(MmWorker *worker);

guint mm_worker_number(const MmWorker *worker);
GMainContext *mm_worker_context(MmWorker *worker);
MmReactor *mm_worker_reactor(MmWorker *worker);
/* Any thread. function runs once on the worker, in the order of posting from one thread. Wakes the
 * worker with one system call at most for a burst. */
void mm_worker_post(MmWorker *worker, MmWorkFunction function, gpointer data);
/* While it is held a worker is not freed: something will still be posted to it (by a job). hold:
 * any thread; release: on the worker. */
void mm_worker_hold(MmWorker *worker);
void mm_worker_release(MmWorker *worker);
/* The worker of the calling thread, or NULL. */
MmWorker *mm_worker_current(void);

#endif
