/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fake reactor: a clock that is turned, timers, descriptors, posts and jobs. */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <unistd.h>

#define START_MONOTONIC G_GINT64_CONSTANT(1000000000)
#define START_WALL G_GINT64_CONSTANT(1735689600000000)
/* Rounds of a pump after which something is taken to go on for ever. */
#define ROUNDS_MAX 100000
#define PATIENCE (10 * G_USEC_PER_SEC)

typedef struct Post {
    MilterFunction function;
    void *data;
} Post;

typedef struct Job {
    MmHarness *harness;
    MilterFunction function, done;
    void *data;
} Job;

/* Read from any thread. */
static struct {
    GMutex lock;
    gint64 now, wall;
} clocks;

static void
turn_clocks(gint64 to)
{
    g_mutex_lock(&clocks.lock);
    clocks.wall += to - clocks.now;
    clocks.now = to;
    g_mutex_unlock(&clocks.lock);
}

gint64
loop_now(void)
{
    g_mutex_lock(&clocks.lock);
    gint64 now = clocks.now;
    g_mutex_unlock(&clocks.lock);
    return now;
}

static int64_t
wall_clock(void)
{
    g_mutex_lock(&clocks.lock);
    gint64 now = clocks.wall;
    g_mutex_unlock(&clocks.lock);
    return now;
}

void
mm_harness_set_wall_clock(MmHarness *harness, double seconds)
{
    (void)harness;
    g_mutex_lock(&clocks.lock);
    clocks.wall = (gint64)(seconds * G_USEC_PER_SEC);
    g_mutex_unlock(&clocks.lock);
}

/* ---- Watches. */

static MilterWatch *
watch_add(MilterWorker *worker, int fd, uint32_t events, MilterWatchFunction function, void *data)
{
    MmHarness *harness = worker->harness;
    harness_on_thread(harness, "watch_add");
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return NULL;
    if ((flags & O_NONBLOCK) == 0)
        harness_violation(harness, "watch_add: descriptor %d is blocking", fd);
    for (guint i = 0; i < harness->watches->len; i++) {
        const MilterWatch *other = g_ptr_array_index(harness->watches, i);
        if (other->fd == fd)
            harness_violation(harness, "watch_add: descriptor %d is watched already", fd);
    }
    MilterWatch *watch = g_new0(MilterWatch, 1);
    *watch = (MilterWatch){fd, events, function, data};
    g_ptr_array_add(harness->watches, watch);
    return watch;
}

static gboolean
knows(GPtrArray *list, const void *entry, const char *function)
{
    if (g_ptr_array_find(list, entry, NULL))
        return TRUE;
    harness_violation(harness_current, "%s: it is gone already", function);
    return FALSE;
}

static void
watch_change(MilterWatch *watch, uint32_t events)
{
    harness_on_thread(harness_current, "watch_change");
    if (knows(harness_current->watches, watch, "watch_change"))
        watch->events = events;
}

static void
watch_remove(MilterWatch *watch)
{
    MmHarness *harness = harness_current;
    harness_on_thread(harness, "watch_remove");
    if (!knows(harness->watches, watch, "watch_remove"))
        return;
    if (fcntl(watch->fd, F_GETFD) < 0)
        harness_violation(harness, "watch_remove: descriptor %d was closed before", watch->fd);
    g_ptr_array_remove(harness->watches, watch);
    g_free(watch);
}

static uint32_t
seen(const MilterWatch *watch, short revents)
{
    uint32_t events = 0;
    if (revents & POLLIN)
        events |= MILTER_WATCH_READ;
    if (revents & POLLOUT)
        events |= MILTER_WATCH_WRITE;
    events &= watch->events;
    if (revents & (POLLHUP | POLLERR))
        events |= MILTER_WATCH_HANGUP | (watch->events & MILTER_WATCH_READ);
    return events;
}

static void
drop_wake(MmHarness *harness)
{
    char bytes[64];
    while (read(harness->wake[0], bytes, sizeof(bytes)) > 0)
        continue;
}

/* Waits at most so long for a descriptor or a post; TRUE: a watch was told something. */
static gboolean
poll_watches(MmHarness *harness, int milliseconds)
{
    guint n = harness->watches->len;
    g_autofree struct pollfd *fds = g_new0(struct pollfd, n + 1);
    g_autofree MilterWatch **watches = g_new0(MilterWatch *, n + 1);
    for (guint i = 0; i < n; i++) {
        watches[i] = g_ptr_array_index(harness->watches, i);
        short wanted = (short)((watches[i]->events & MILTER_WATCH_READ ? POLLIN : 0) |
                               (watches[i]->events & MILTER_WATCH_WRITE ? POLLOUT : 0));
        fds[i] = (struct pollfd){watches[i]->fd, wanted, 0};
    }
    fds[n] = (struct pollfd){harness->wake[0], POLLIN, 0};
    if (poll(fds, n + 1, milliseconds) <= 0)
        return FALSE;
    drop_wake(harness);
    gboolean told = FALSE;
    for (guint i = 0; i < n; i++) {
        if (fds[i].revents == 0 || !g_ptr_array_find(harness->watches, watches[i], NULL) ||
            watches[i]->fd != fds[i].fd)
            continue;
        uint32_t events = seen(watches[i], fds[i].revents);
        if (events)
            watches[i]->function(watches[i]->data, events);
        told = told || events;
    }
    return told;
}

/* ---- Timers. */

static MilterTimer *
timer_add(MilterWorker *worker, double seconds, MilterFunction function, void *data)
{
    MmHarness *harness = worker->harness;
    harness_on_thread(harness, "timer_add");
    MilterTimer *timer = g_new0(MilterTimer, 1);
    *timer = (MilterTimer){loop_now() + (gint64)(MAX(seconds, 0) * G_USEC_PER_SEC),
                           ++harness->last_timer, function, data};
    g_ptr_array_add(harness->timers, timer);
    return timer;
}

static void
timer_remove(MilterTimer *timer)
{
    harness_on_thread(harness_current, "timer_remove");
    if (!timer || !knows(harness_current->timers, timer, "timer_remove"))
        return;
    g_ptr_array_remove(harness_current->timers, timer);
    g_free(timer);
}

static MilterTimer *
next_timer(const MmHarness *harness)
{
    MilterTimer *next = NULL;
    for (guint i = 0; i < harness->timers->len; i++) {
        MilterTimer *timer = g_ptr_array_index(harness->timers, i);
        if (!next || timer->due < next->due ||
            (timer->due == next->due && timer->number < next->number))
            next = timer;
    }
    return next;
}

/* Those due now that were there when it began. */
static gboolean
run_timers(MmHarness *harness)
{
    guint64 last = harness->last_timer;
    gboolean ran = FALSE;
    MilterTimer *timer;
    while ((timer = next_timer(harness)) && timer->due <= loop_now() && timer->number <= last) {
        const MilterTimer copy = *timer;
        g_ptr_array_remove(harness->timers, timer);
        g_free(timer);
        copy.function(copy.data);
        ran = TRUE;
    }
    return ran;
}

/* ---- Posts and jobs. */

static void
add_post(MmHarness *harness, MilterFunction function, void *data)
{
    const Post post = {function, data};
    g_mutex_lock(&harness->lock);
    g_array_append_val(harness->posts, post);
    g_mutex_unlock(&harness->lock);
    if (write(harness->wake[1], "", 1) < 0 && errno != EAGAIN)
        g_error("harness: the pipe: %s", g_strerror(errno));
}

static void
post(MilterWorker *worker, MilterFunction function, void *data)
{
    add_post(worker ? worker->harness : harness_current, function, data);
}

static gboolean
run_posts(MmHarness *harness)
{
    g_mutex_lock(&harness->lock);
    GArray *posts = harness->posts;
    harness->posts = g_array_new(FALSE, FALSE, sizeof(Post));
    g_mutex_unlock(&harness->lock);
    gboolean any = posts->len > 0;
    harness->in_post = TRUE;
    for (guint i = 0; i < posts->len; i++) {
        const Post entry = g_array_index(posts, Post, i);
        entry.function(entry.data);
    }
    harness->in_post = FALSE;
    g_array_unref(posts);
    return any;
}

static void
end_job(void *data)
{
    Job *done = data;
    done->harness->n_jobs--;
    if (done->done)
        done->done(done->data);
    g_free(done);
}

static void
run_job(gpointer data, gpointer unused)
{
    Job *entry = data;
    (void)unused;
    entry->function(entry->data);
    add_post(entry->harness, end_job, entry);
}

static void
job(MilterWorker *worker, const char *label, MilterFunction function, MilterFunction done,
    void *data)
{
    MmHarness *harness = worker->harness;
    if (!label)
        harness_violation(harness, "job: no label");
    Job *entry = g_new0(Job, 1);
    *entry = (Job){harness, function, done, data};
    harness->n_jobs++;
    g_ptr_array_add(harness->jobs, entry);
}

static gboolean
run_jobs(MmHarness *harness)
{
    GPtrArray *jobs = harness->jobs;
    if (jobs->len == 0)
        return FALSE;
    harness->jobs = g_ptr_array_new();
    for (guint i = 0; i < jobs->len; i++) {
        if (harness->threads)
            g_thread_pool_push(harness->pool, g_ptr_array_index(jobs, i), NULL);
        else
            run_job(g_ptr_array_index(jobs, i), NULL);
    }
    g_ptr_array_unref(jobs);
    return TRUE;
}

/* ---- The loop. */

static gboolean
pump_once(MmHarness *harness)
{
    gboolean any = run_posts(harness);
    if (!harness->hold) {
        any = run_jobs(harness) || any;
        any = run_posts(harness) || any;
        any = names_pump(harness) || any;
        any = poll_watches(harness, 0) || any;
    }
    return run_timers(harness) || any;
}

/* Within a call from here nothing is pumped: the host does not nest its loop either. */
void
mm_harness_pump(MmHarness *harness)
{
    guint rounds = 0;
    if (harness->pumping)
        return;
    harness->pumping = TRUE;
    while (pump_once(harness)) {
        if (++rounds > ROUNDS_MAX)
            g_error("harness: the stage does not come to rest");
    }
    harness->pumping = FALSE;
}

static gint64
next_due(const MmHarness *harness, MmHarnessSession **late)
{
    const MilterTimer *timer = next_timer(harness);
    gint64 due = timer ? timer->due : G_MAXINT64;
    if (!harness->hold)
        due = MIN(due, names_due(harness));
    *late = NULL;
    for (guint i = 0; i < harness->sessions->len; i++) {
        MmHarnessSession *session = g_ptr_array_index(harness->sessions, i);
        if (turn_due(session) < due) {
            due = turn_due(session);
            *late = session;
        }
    }
    return due;
}

void
mm_harness_advance(MmHarness *harness, double seconds)
{
    gint64 target = loop_now() + (gint64)(seconds * G_USEC_PER_SEC);
    MmHarnessSession *late;
    mm_harness_pump(harness);
    for (gint64 due; (due = next_due(harness, &late)) <= target; mm_harness_pump(harness)) {
        turn_clocks(MAX(due, loop_now()));
        if (late)
            turn_time_out(late);
    }
    turn_clocks(target);
    mm_harness_pump(harness);
}

gboolean
loop_has_pending(const MmHarness *harness)
{
    return harness->timers->len + harness->watches->len + harness->queries->len + harness->n_jobs +
               harness->posts->len >
           0;
}

gboolean
mm_harness_wait(MmHarness *harness, gboolean (*condition)(gpointer data), gpointer data)
{
    gint64 patience = g_get_monotonic_time() + PATIENCE;
    if (harness->pumping)
        return condition(data);
    mm_harness_pump(harness);
    while (!condition(data)) {
        gboolean may_come = !harness->hold &&
                            (harness->threads || harness->watches->len > 0 || harness->n_jobs > 0);
        if (!may_come || g_get_monotonic_time() > patience)
            return FALSE;
        harness->pumping = TRUE;
        poll_watches(harness, 100);
        harness->pumping = FALSE;
        mm_harness_pump(harness);
    }
    return TRUE;
}

void
mm_harness_hold(MmHarness *harness, gboolean hold)
{
    harness->hold = hold;
    if (!hold)
        mm_harness_pump(harness);
}

void
mm_harness_set_threads(MmHarness *harness, gboolean threads)
{
    harness->threads = threads;
}

guint
mm_harness_n_timers(const MmHarness *harness)
{
    return harness->timers->len;
}

guint
mm_harness_n_watches(const MmHarness *harness)
{
    return harness->watches->len;
}

guint
mm_harness_n_jobs(const MmHarness *harness)
{
    return harness->n_jobs;
}

guint
mm_harness_n_queries(const MmHarness *harness)
{
    return harness->queries->len;
}

/* ---- Life. */

void
loop_init(MmHarness *harness)
{
    g_autoptr(GError) error = NULL;
    harness->timers = g_ptr_array_new();
    harness->watches = g_ptr_array_new();
    harness->queries = g_ptr_array_new();
    harness->jobs = g_ptr_array_new();
    harness->posts = g_array_new(FALSE, FALSE, sizeof(Post));
    harness->pool = g_thread_pool_new(run_job, NULL, 2, FALSE, NULL);
    if (!g_unix_open_pipe(harness->wake, FD_CLOEXEC, &error) ||
        !g_unix_set_fd_nonblocking(harness->wake[0], TRUE, &error) ||
        !g_unix_set_fd_nonblocking(harness->wake[1], TRUE, &error))
        g_error("harness: the pipe: %s", error->message);
    clocks.now = START_MONOTONIC;
    clocks.wall = START_WALL;
}

static gboolean
has_no_jobs(gpointer data)
{
    const MmHarness *harness = data;
    return harness->n_jobs == 0 && harness->posts->len == 0;
}

void
loop_drain(MmHarness *harness)
{
    gboolean hold = harness->hold;
    harness->hold = FALSE;
    while (run_posts(harness) || run_jobs(harness))
        continue;
    if (!mm_harness_wait(harness, has_no_jobs, harness))
        g_error("harness: a job does not end");
    harness->hold = hold;
}

/* What is left is taken away, so that it is not called with what is freed. */
void
loop_check_owner(MmHarness *harness, const void *data, const char *owner)
{
    for (guint i = harness->timers->len; i-- > 0;) {
        MilterTimer *timer = g_ptr_array_index(harness->timers, i);
        if (timer->data != data)
            continue;
        harness_violation(harness, "%s left a timer behind", owner);
        g_free(g_ptr_array_remove_index(harness->timers, i));
    }
    for (guint i = harness->watches->len; i-- > 0;) {
        MilterWatch *watch = g_ptr_array_index(harness->watches, i);
        if (watch->data != data)
            continue;
        harness_violation(harness, "%s left a watch behind", owner);
        g_free(g_ptr_array_remove_index(harness->watches, i));
    }
    for (guint i = harness->queries->len; i-- > 0;) {
        Query *query = g_ptr_array_index(harness->queries, i);
        if (query->data != data)
            continue;
        harness_violation(harness, "%s left a query behind", owner);
        names_query_free(g_ptr_array_remove_index(harness->queries, i));
    }
}

static void
complain_left(MmHarness *harness, guint n, const char *what)
{
    if (n > 0)
        harness_violation(harness, "%u %s left when the instance is gone", n, what);
}

void
loop_clear(MmHarness *harness)
{
    loop_drain(harness);
    complain_left(harness, harness->timers->len, "timers");
    complain_left(harness, harness->watches->len, "watches");
    complain_left(harness, harness->queries->len, "queries");
    g_ptr_array_foreach(harness->timers, (GFunc)(void (*)(void))g_free, NULL);
    g_ptr_array_foreach(harness->watches, (GFunc)(void (*)(void))g_free, NULL);
    g_ptr_array_set_free_func(harness->queries, names_query_free);
    g_ptr_array_unref(harness->timers);
    g_ptr_array_unref(harness->watches);
    g_ptr_array_unref(harness->queries);
    g_ptr_array_unref(harness->jobs);
    g_array_unref(harness->posts);
    g_thread_pool_free(harness->pool, FALSE, TRUE);
    close(harness->wake[0]);
    close(harness->wake[1]);
}

void
harness_fill_loop(MilterHost *table)
{
    table->watch_add = watch_add;
    table->watch_change = watch_change;
    table->watch_remove = watch_remove;
    table->timer_add = timer_add;
    table->timer_remove = timer_remove;
    table->post = post;
    table->job = job;
    table->now = loop_now;
    table->wall_clock = wall_clock;
}
