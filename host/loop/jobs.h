/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     jobs.h - a small pool of threads for what blocks
 */
#ifndef MM_LOOP_JOBS_H
#define MM_LOOP_JOBS_H

#include "loop/worker.h"

typedef struct MmJobs MmJobs;

/* threads: at least 1; started when first needed. */
MmJobs *mm_jobs_new(guint threads);
/* Waits for what runs and is queued; their done functions are posted. */
void mm_jobs_free(MmJobs *jobs);
/* Any thread. run in the pool, then done (may be NULL) on worker, which is not freed before. label:
 * constant, for diagnostics. */
void mm_jobs_push(MmJobs *jobs, MmWorker *worker, const char *label, MmWorkFunction run,
                  MmWorkFunction done, gpointer data);
guint mm_jobs_pending(MmJobs *jobs);

#endif
