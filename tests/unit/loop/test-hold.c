/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker that is let go while a job of its is in the pool. */
#include "loop/jobs.h"

typedef struct Gate {
    GMutex lock;
    GCond opened;
    gboolean open;
    gboolean done;
} Gate;

static void
wait_at_gate(gpointer data)
{
    Gate *gate = data;
    g_mutex_lock(&gate->lock);
    while (!gate->open)
        g_cond_wait(&gate->opened, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

static void
done(gpointer data)
{
    Gate *gate = data;
    gate->done = TRUE;
}

static gpointer
open_gate(gpointer data)
{
    Gate *gate = data;
    g_mutex_lock(&gate->lock);
    gate->open = TRUE;
    g_cond_signal(&gate->opened);
    g_mutex_unlock(&gate->lock);
    return NULL;
}

static void
let_go(MmWorker *worker)
{
    MmJobs *jobs = mm_jobs_new(1);
    Gate gate = {0};
    mm_jobs_push(jobs, worker, "gate", wait_at_gate, done, &gate);
    mm_jobs_push(jobs, worker, "nothing to tell", wait_at_gate, NULL, &gate);
    GThread *opener = g_thread_new("opener", open_gate, &gate);
    mm_worker_free(worker);
    g_assert_true(gate.done);
    g_thread_join(opener);
    mm_jobs_free(jobs);
}

static void
test_threaded(void)
{
    let_go(mm_worker_new("worker", 0, NULL));
}

static void
test_here(void)
{
    let_go(mm_worker_new_here(0, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hold/threaded", test_threaded);
    g_test_add_func("/hold/here", test_here);
    return g_test_run();
}
