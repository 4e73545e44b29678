/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/jobs.h"

#include "base/i18n.h"
#include "base/log.h"

/* A job that takes longer is worth a line. */
#define SLOW_SECONDS 5.0

typedef struct Job {
    MmWorker *worker;
    const char *label;
    MmWorkFunction run, done;
    gpointer data;
} Job;

struct MmJobs {
    GThreadPool *pool;
};

/* On the worker, which is held until here. */
static void
finish_job(gpointer data)
{
    Job *job = data;
    job->done(job->data);
    mm_worker_release(job->worker);
    g_free(job);
}

static void
run_job(gpointer data, gpointer unused)
{
    Job *job = data;
    (void)unused;
    gint64 begun = g_get_monotonic_time();
    job->run(job->data);
    double seconds = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
    if (seconds > SLOW_SECONDS)
        MM_LOG(MM_LOG_INFO, "slow-job", N_("A job in the pool took long"),
               MM_STR("job", job->label), MM_SECONDS("elapsed", seconds));
    if (job->done)
        mm_worker_post(job->worker, finish_job, job);
    else
        g_free(job);
}

MmJobs *
mm_jobs_new(guint threads)
{
    MmJobs *jobs = g_new0(MmJobs, 1);
    jobs->pool = g_thread_pool_new(run_job, NULL, (gint)MAX(threads, 1u), FALSE, NULL);
    return jobs;
}

void
mm_jobs_free(MmJobs *jobs)
{
    if (!jobs)
        return;
    g_thread_pool_free(jobs->pool, FALSE, TRUE);
    g_free(jobs);
}

void
mm_jobs_push(MmJobs *jobs, MmWorker *worker, const char *label, MmWorkFunction run,
             MmWorkFunction done, gpointer data)
{
    Job *job = g_new0(Job, 1);
    *job = (Job){worker, label, run, done, data};
    if (done)
        mm_worker_hold(worker);
    g_thread_pool_push(jobs->pool, job, NULL);
}

guint
mm_jobs_pending(MmJobs *jobs)
{
    return g_thread_pool_unprocessed(jobs->pool);
}
