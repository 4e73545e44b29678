/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Services of a worker: watches, timers, threads, names, clocks. */
#include "chain/crew.h"
#include "chain/services.h"

static MmWorker *control_worker;

void
mm_services_set_control(MmWorker *control)
{
    control_worker = control;
}

/* MilterWatch is MmWatch under the name plugins know. */
static MilterWatch *
watch_add(MilterWorker *worker, int fd, uint32_t events, MilterWatchFunction function, void *data)
{
    return (MilterWatch *)mm_watch_add(mm_crew_reactor(worker->crew), fd, events, function, data);
}

static void
watch_change(MilterWatch *watch, uint32_t events)
{
    mm_watch_change((MmWatch *)watch, events);
}

static void
watch_remove(MilterWatch *watch)
{
    mm_watch_remove((MmWatch *)watch);
}

struct MilterTimer {
    MmTimer timer;
    MmReactor *reactor;
    MilterFunction function;
    void *data;
};

static void
timer_fired(gpointer data)
{
    MilterTimer *timer = data;
    MilterFunction function = timer->function;
    void *function_data = timer->data;
    g_free(timer);
    function(function_data);
}

static MilterTimer *
timer_add(MilterWorker *worker, double seconds, MilterFunction function, void *data)
{
    MilterTimer *timer = g_new0(MilterTimer, 1);
    timer->reactor = mm_crew_reactor(worker->crew);
    timer->function = function;
    timer->data = data;
    mm_timer_start(timer->reactor, &timer->timer, seconds, timer_fired, timer);
    return timer;
}

static void
timer_remove(MilterTimer *timer)
{
    if (!timer)
        return;
    mm_timer_stop(timer->reactor, &timer->timer);
    g_free(timer);
}

static void
post(MilterWorker *worker, MilterFunction function, void *data)
{
    mm_worker_post(worker ? mm_crew_worker(worker->crew) : control_worker, function, data);
}

static void
job(MilterWorker *worker, const char *label, MilterFunction function, MilterFunction done,
    void *data)
{
    mm_crew_job(worker, label, function, done, data);
}

static uint64_t
resolve(MilterWorker *worker, MilterResolveKind kind, const char *name,
        MilterResolveFunction function, void *data)
{
    return mm_resolve(worker->crew->resolver, kind, name, function, data);
}

static void
resolve_cancel(MilterWorker *worker, uint64_t query)
{
    mm_resolve_cancel(worker->crew->resolver, query);
}

static int64_t
now(void)
{
    return g_get_monotonic_time();
}

static int64_t
wall_clock(void)
{
    return g_get_real_time();
}

void
mm_services_fill_worker(MilterHost *host)
{
    host->watch_add = watch_add;
    host->watch_change = watch_change;
    host->watch_remove = watch_remove;
    host->timer_add = timer_add;
    host->timer_remove = timer_remove;
    host->post = post;
    host->job = job;
    host->resolve = resolve;
    host->resolve_cancel = resolve_cancel;
    host->now = now;
    host->wall_clock = wall_clock;
}
