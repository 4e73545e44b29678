/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers and jobs: what crosses threads. */
#include "loop/jobs.h"
#include "loop/worker.h"

#include <unistd.h>

enum { POSTERS = 4, POSTS = 500, JOBS = 40 };

typedef struct Counts {
    MmWorker *worker;
    guint next[POSTERS]; /* what is expected next of each thread */
    guint total;
    gboolean in_order, on_worker;
} Counts;

typedef struct Message {
    Counts *counts;
    guint poster, number;
} Message;

static void
receive(gpointer data)
{
    Message *message = data;
    Counts *counts = message->counts;
    counts->in_order = counts->in_order && counts->next[message->poster] == message->number;
    counts->on_worker = counts->on_worker && mm_worker_current() == counts->worker;
    counts->next[message->poster]++;
    counts->total++;
    g_free(message);
}

typedef struct Poster {
    Counts *counts;
    guint number;
} Poster;

static gpointer
post_many(gpointer data)
{
    const Poster *poster = data;
    for (guint i = 0; i < POSTS; i++) {
        Message *message = g_new0(Message, 1);
        *message = (Message){poster->counts, poster->number, i};
        mm_worker_post(poster->counts->worker, receive, message);
    }
    return NULL;
}

/* All that was posted runs, on the worker, in the order of each thread, before the worker ends. */
static void
test_posts(void)
{
    g_autoptr(GError) error = NULL;
    Counts counts = {.in_order = TRUE, .on_worker = TRUE};
    Poster posters[POSTERS];
    GThread *threads[POSTERS];
    counts.worker = mm_worker_new("test", 7, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(mm_worker_number(counts.worker), ==, 7);
    for (guint i = 0; i < POSTERS; i++) {
        posters[i] = (Poster){&counts, i};
        threads[i] = g_thread_new("poster", post_many, &posters[i]);
    }
    for (guint i = 0; i < POSTERS; i++)
        g_thread_join(threads[i]);
    mm_worker_free(counts.worker);
    g_assert_cmpuint(counts.total, ==, POSTERS * POSTS);
    g_assert_true(counts.in_order);
    g_assert_true(counts.on_worker);
    g_assert_null(mm_worker_current());
}

static void
post_again(gpointer data)
{
    guint *left = data;
    if (--*left > 0)
        mm_worker_post(mm_worker_current(), post_again, left);
}

static void
test_posts_of_posts(void)
{
    g_autoptr(GError) error = NULL;
    guint left = 20;
    MmWorker *worker = mm_worker_new("test", 0, &error);
    g_assert_no_error(error);
    mm_worker_post(worker, post_again, &left);
    mm_worker_free(worker);
    g_assert_cmpuint(left, ==, 0);
}

typedef struct Work {
    GMutex lock;
    GCond may_run;
    gboolean released;
    gint run, done, on_worker;
    MmWorker *worker;
} Work;

static void
run(gpointer data)
{
    Work *work = data;
    g_mutex_lock(&work->lock);
    while (!work->released)
        g_cond_wait(&work->may_run, &work->lock);
    g_mutex_unlock(&work->lock);
    g_atomic_int_inc(&work->run);
}

static void
done(gpointer data)
{
    Work *work = data;
    g_atomic_int_inc(&work->done);
    if (mm_worker_current() == work->worker)
        g_atomic_int_inc(&work->on_worker);
}

static void
release(Work *work)
{
    g_mutex_lock(&work->lock);
    work->released = TRUE;
    g_cond_broadcast(&work->may_run);
    g_mutex_unlock(&work->lock);
}

/* A worker that is freed waits for its jobs. */
static void
test_jobs(void)
{
    g_autoptr(GError) error = NULL;
    Work work = {0};
    MmJobs *jobs = mm_jobs_new(2);
    g_mutex_init(&work.lock);
    g_cond_init(&work.may_run);
    work.worker = mm_worker_new("test", 0, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < JOBS; i++)
        mm_jobs_push(jobs, work.worker, "test", run, i % 2 ? done : NULL, &work);
    g_assert_cmpint(g_atomic_int_get(&work.run), ==, 0);
    g_assert_cmpuint(mm_jobs_pending(jobs), >, 0);
    release(&work);
    mm_worker_free(work.worker);
    mm_jobs_free(jobs);
    g_assert_cmpint(work.run, ==, JOBS);
    g_assert_cmpint(work.done, ==, JOBS / 2);
    g_assert_cmpint(work.on_worker, ==, JOBS / 2);
    g_mutex_clear(&work.lock);
    g_cond_clear(&work.may_run);
}

static void
test_here(void)
{
    g_autoptr(GError) error = NULL;
    Work work = {.released = TRUE};
    MmJobs *jobs = mm_jobs_new(0);
    g_mutex_init(&work.lock);
    g_cond_init(&work.may_run);
    work.worker = mm_worker_new_here(0, &error);
    g_assert_no_error(error);
    g_assert_true(mm_worker_current() == work.worker);
    mm_jobs_push(jobs, work.worker, "test", run, done, &work);
    while (work.done == 0)
        g_main_context_iteration(mm_worker_context(work.worker), TRUE);
    mm_jobs_free(jobs);
    mm_worker_free(work.worker);
    g_assert_null(mm_worker_current());
    g_mutex_clear(&work.lock);
    g_cond_clear(&work.may_run);
}

typedef struct Order {
    GString *seen;
    int fd;
} Order;

static void
note_post(gpointer data)
{
    g_string_append_c(((Order *)data)->seen, 'p');
}

static void
note_event(gpointer data, guint32 events)
{
    Order *order = data;
    char byte;
    (void)events;
    g_assert_cmpint(read(order->fd, &byte, 1), ==, 1);
    g_string_append_c(order->seen, 'e');
}

/* What is posted runs before an event that came behind it. */
static void
test_post_first(void)
{
    g_autoptr(GError) error = NULL;
    int fds[2];
    MmWorker *worker = mm_worker_new_here(0, &error);
    g_assert_no_error(error);
    g_assert_cmpint(pipe(fds), ==, 0);
    Order order = {g_string_new(NULL), fds[0]};
    MmWatch *watch =
        mm_watch_add(mm_worker_reactor(worker), fds[0], MM_WATCH_READ, note_event, &order);
    for (guint i = 0; i < 3; i++) {
        mm_worker_post(worker, note_post, &order);
        g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
        while (order.seen->len < 2 * (i + 1))
            g_main_context_iteration(mm_worker_context(worker), TRUE);
    }
    g_assert_cmpstr(order.seen->str, ==, "pepepe");
    g_string_free(order.seen, TRUE);
    mm_watch_remove(watch);
    close(fds[0]);
    close(fds[1]);
    mm_worker_free(worker);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/posts", test_posts);
    g_test_add_func("/worker/posts-of-posts", test_posts_of_posts);
    g_test_add_func("/worker/jobs", test_jobs);
    g_test_add_func("/worker/here", test_here);
    g_test_add_func("/worker/post-first", test_post_first);
    return g_test_run();
}
