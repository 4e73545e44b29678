/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reactor whose context is polled by it, and other sources on the same context. */
#include "loop/reactor.h"

#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

/* Rounds after which what should have happened has not. */
#define PATIENCE 200

typedef struct Fixture {
    GMainContext *context;
    MmReactor *reactor;
} Fixture;

typedef struct Pipe {
    int fd[2];
    MmWatch *watch;
    guint calls;
} Pipe;

static MmReactor *polled;

static gint
poll_reactor(GPollFD *fds, guint n, gint timeout)
{
    return mm_reactor_poll(polled, fds, n, timeout);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    (void)unused;
    fixture->context = g_main_context_new();
    fixture->reactor = mm_reactor_new(fixture->context, &error);
    g_assert_no_error(error);
    polled = fixture->reactor;
    g_main_context_set_poll_func(fixture->context, poll_reactor);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_reactor_free(fixture->reactor);
    g_main_context_unref(fixture->context);
}

static void
spin(Fixture *fixture)
{
    for (guint i = 0; i < PATIENCE && g_main_context_iteration(fixture->context, FALSE); i++)
        continue;
}

static void
take_byte(Pipe *pipe_)
{
    char byte;
    g_assert_cmpint(read(pipe_->fd[0], &byte, 1), ==, 1);
    pipe_->calls++;
}

static void
watched(gpointer data, guint32 events)
{
    g_assert_cmpuint(events, ==, MM_WATCH_READ);
    take_byte(data);
}

static void
pipe_init(Pipe *pipe_, Fixture *fixture)
{
    *pipe_ = (Pipe){0};
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_->fd), ==, 0);
    g_unix_set_fd_nonblocking(pipe_->fd[0], TRUE, NULL);
    if (fixture)
        pipe_->watch = mm_watch_add(fixture->reactor, pipe_->fd[0], MM_WATCH_READ, watched, pipe_);
}

static void
pipe_clear(Pipe *pipe_)
{
    g_clear_pointer(&pipe_->watch, mm_watch_remove);
    close(pipe_->fd[0]);
    close(pipe_->fd[1]);
}

static void
pipe_write(const Pipe *pipe_)
{
    g_assert_cmpint(write(pipe_->fd[1], "x", 1), ==, 1);
}

static gboolean
beside(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd;
    (void)condition;
    take_byte(data);
    return G_SOURCE_CONTINUE;
}

static GSource *
watch_beside(Fixture *fixture, Pipe *pipe_)
{
    GSource *source = g_unix_fd_source_new(pipe_->fd[0], G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(beside), pipe_, NULL);
    g_source_attach(source, fixture->context);
    return source;
}

/* A descriptor of a plugin's own comes onto the context and goes again: both are served all the
 * time. */
static void
test_source(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe ours, theirs;
    pipe_init(&ours, fixture);
    pipe_init(&theirs, NULL);
    for (guint i = 1; i <= 3; i++) {
        pipe_write(&ours);
        spin(fixture);
        g_assert_cmpuint(ours.calls, ==, 2 * i - 1);
        GSource *source = watch_beside(fixture, &theirs);
        pipe_write(&ours);
        pipe_write(&theirs);
        spin(fixture);
        g_assert_cmpuint(ours.calls, ==, 2 * i);
        g_assert_cmpuint(theirs.calls, ==, i);
        g_source_destroy(source);
        g_source_unref(source);
    }
    pipe_clear(&ours);
    pipe_clear(&theirs);
}

static gboolean
remove_watch(gpointer data)
{
    g_clear_pointer(&((Pipe *)data)->watch, mm_watch_remove);
    return G_SOURCE_REMOVE;
}

/* What runs between the poll and the reactor's turn removes a watch whose event was found. */
static void
test_removed(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe gone, stays;
    pipe_init(&gone, fixture);
    pipe_init(&stays, fixture);
    pipe_write(&gone);
    pipe_write(&stays);
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_HIGH);
    g_source_set_callback(source, remove_watch, &gone, NULL);
    g_source_attach(source, fixture->context);
    g_source_unref(source);
    spin(fixture);
    g_assert_null(gone.watch);
    g_assert_cmpuint(gone.calls, ==, 0);
    g_assert_cmpuint(stays.calls, ==, 1);
    pipe_clear(&gone);
    pipe_clear(&stays);
}

static void
write_in(gpointer data)
{
    pipe_write(data);
}

/* A timer ends the wait, and what it writes is found. */
static void
test_timer(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe ours;
    MmTimer timer = {0};
    pipe_init(&ours, fixture);
    mm_timer_start(fixture->reactor, &timer, 0.01, write_in, &ours);
    while (ours.calls == 0)
        g_main_context_iteration(fixture->context, TRUE);
    pipe_clear(&ours);
}

static gpointer
wake_up(gpointer data)
{
    g_main_context_wakeup(data);
    return NULL;
}

/* Another thread ends the wait. */
static void
test_wake_up(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    for (guint i = 0; i < 3; i++) {
        GThread *thread = g_thread_new("waker", wake_up, fixture->context);
        g_main_context_iteration(fixture->context, TRUE);
        g_thread_join(thread);
    }
}

#define ADD(name, function) g_test_add("/beside/" name, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("source", test_source);
    ADD("removed", test_removed);
    ADD("timer", test_timer);
    ADD("wake-up", test_wake_up);
    return g_test_run();
}
