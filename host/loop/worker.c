/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/worker.h"

typedef struct Post {
    MmWorkFunction function;
    gpointer data;
} Post;

struct MmWorker {
    guint number;
    GMainContext *context;
    GMainLoop *loop; /* NULL: the caller runs the context */
    GThread *thread;
    MmReactor *reactor;
    GSource *inbox; /* ready while posts wait */
    GMutex lock;    /* guards posts */
    GArray *posts;
    gint holds; /* atomic */
};

static GPrivate current_worker;

typedef struct InboxSource {
    GSource source;
    MmWorker *worker;
} InboxSource;

static GArray *
take_posts(MmWorker *worker)
{
    g_mutex_lock(&worker->lock);
    GArray *posts = worker->posts;
    worker->posts = g_array_new(FALSE, FALSE, sizeof(Post));
    g_source_set_ready_time(worker->inbox, -1);
    g_mutex_unlock(&worker->lock);
    return posts;
}

static gboolean
run_posts(MmWorker *worker)
{
    GArray *posts = take_posts(worker);
    guint n = posts->len;
    for (guint i = 0; i < n; i++) {
        const Post post = g_array_index(posts, Post, i);
        post.function(post.data);
    }
    g_array_unref(posts);
    return n > 0;
}

static gboolean
inbox_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)callback;
    (void)data;
    run_posts(((InboxSource *)source)->worker);
    return G_SOURCE_CONTINUE;
}

/* The release runs on the worker, so that no wait is left without a wake-up. */
static void
run_while_held(MmWorker *worker)
{
    while (g_atomic_int_get(&worker->holds) > 0)
        g_main_context_iteration(worker->context, TRUE);
}

static GSourceFuncs inbox_functions = {.dispatch = inbox_dispatch};

static gint
poll_here(GPollFD *fds, guint n, gint timeout)
{
    MmWorker *worker = g_private_get(&current_worker);
    return worker ? mm_reactor_poll(worker->reactor, fds, n, timeout) : g_poll(fds, n, timeout);
}

/* Attached before the reactor: GLib dispatches in that order what it finds ready at one time, so
 * that what was posted before an event runs before it. */
static void
attach_inbox(MmWorker *worker)
{
    worker->inbox = g_source_new(&inbox_functions, sizeof(InboxSource));
    ((InboxSource *)worker->inbox)->worker = worker;
    g_source_set_static_name(worker->inbox, "milter-manager inbox");
    g_source_attach(worker->inbox, worker->context);
}

static void
detach_inbox(MmWorker *worker)
{
    g_source_destroy(worker->inbox);
    g_source_unref(worker->inbox);
}

static MmWorker *
worker_new(guint number, GMainContext *context, GError **error)
{
    MmWorker *worker = g_new0(MmWorker, 1);
    worker->number = number;
    worker->context = context;
    attach_inbox(worker);
    worker->reactor = mm_reactor_new(context, error);
    if (!worker->reactor) {
        detach_inbox(worker);
        g_main_context_unref(context);
        g_free(worker);
        return NULL;
    }
    g_main_context_set_poll_func(context, poll_here);
    g_mutex_init(&worker->lock);
    worker->posts = g_array_new(FALSE, FALSE, sizeof(Post));
    return worker;
}

static gpointer
run(gpointer data)
{
    MmWorker *worker = data;
    g_private_set(&current_worker, worker);
    g_main_context_push_thread_default(worker->context);
    g_main_loop_run(worker->loop);
    do {
        run_while_held(worker);
    } while (run_posts(worker));
    g_main_context_pop_thread_default(worker->context);
    return NULL;
}

MmWorker *
mm_worker_new(const char *name, guint number, GError **error)
{
    MmWorker *worker = worker_new(number, g_main_context_new(), error);
    if (!worker)
        return NULL;
    worker->loop = g_main_loop_new(worker->context, FALSE);
    worker->thread = g_thread_try_new(name, run, worker, error);
    if (worker->thread)
        return worker;
    mm_worker_free(worker);
    return NULL;
}

MmWorker *
mm_worker_new_here(guint number, GError **error)
{
    MmWorker *worker = worker_new(number, g_main_context_ref_thread_default(), error);
    if (worker && !g_private_get(&current_worker))
        g_private_set(&current_worker, worker);
    return worker;
}

static void
quit_loop(gpointer data)
{
    g_main_loop_quit(data);
}

void
mm_worker_end(MmWorker *worker)
{
    if (worker->thread) {
        mm_worker_post(worker, quit_loop, worker->loop);
        g_thread_join(g_steal_pointer(&worker->thread));
    } else {
        run_while_held(worker);
    }
}

void
mm_worker_free(MmWorker *worker)
{
    if (!worker)
        return;
    mm_worker_end(worker);
    g_clear_pointer(&worker->loop, g_main_loop_unref);
    detach_inbox(worker);
    mm_reactor_free(worker->reactor);
    g_array_unref(worker->posts);
    g_mutex_clear(&worker->lock);
    if (g_private_get(&current_worker) == worker)
        g_private_set(&current_worker, NULL);
    g_main_context_unref(worker->context);
    g_free(worker);
}

guint
mm_worker_number(const MmWorker *worker)
{
    return worker->number;
}

GMainContext *
mm_worker_context(MmWorker *worker)
{
    return worker->context;
}

MmReactor *
mm_worker_reactor(MmWorker *worker)
{
    return worker->reactor;
}

void
mm_worker_post(MmWorker *worker, MmWorkFunction function, gpointer data)
{
    const Post post = {function, data};
    g_mutex_lock(&worker->lock);
    g_array_append_val(worker->posts, post);
    /* The first of a burst makes the inbox ready, which wakes the worker. */
    if (worker->posts->len == 1)
        g_source_set_ready_time(worker->inbox, 0);
    g_mutex_unlock(&worker->lock);
}

void
mm_worker_hold(MmWorker *worker)
{
    g_atomic_int_inc(&worker->holds);
}

void
mm_worker_release(MmWorker *worker)
{
    (void)g_atomic_int_dec_and_test(&worker->holds);
}

MmWorker *
mm_worker_current(void)
{
    return g_private_get(&current_worker);
}
