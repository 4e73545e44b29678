/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reactor: watches, timers, deferred calls, and what may be done from within them. */
#include "loop/reactor.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Rounds after which what should have happened has not. */
#define PATIENCE 200

typedef struct Fixture {
    GMainContext *context;
    MmReactor *reactor;
    GString *seen;
} Fixture;

typedef struct Pipe {
    Fixture *fixture;
    int fd[2];
    MmWatch *watch;
    char name;
    guint calls;
    struct Pipe *other;
} Pipe;

static MmReactor *polled;

static gint
poll_reactor(GPollFD *fds, guint n, gint timeout)
{
    return mm_reactor_poll(polled, fds, n, timeout);
}

/* Every test runs with GLib's poll and with the reactor's (POLLED). */
static const char POLLED[] = "polled";

static void
set_up(Fixture *fixture, gconstpointer how)
{
    g_autoptr(GError) error = NULL;
    fixture->context = g_main_context_new();
    fixture->reactor = mm_reactor_new(fixture->context, &error);
    g_assert_no_error(error);
    polled = fixture->reactor;
    if (how == POLLED)
        g_main_context_set_poll_func(fixture->context, poll_reactor);
    fixture->seen = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_reactor_free(fixture->reactor);
    g_main_context_unref(fixture->context);
    g_string_free(fixture->seen, TRUE);
}

/* Lets everything happen that can without waiting. */
static void
spin(Fixture *fixture)
{
    for (guint i = 0; i < PATIENCE && g_main_context_iteration(fixture->context, FALSE); i++)
        continue;
}

static void
pipe_init(Pipe *pipe_, Fixture *fixture, char name)
{
    *pipe_ = (Pipe){.fixture = fixture, .name = name};
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_->fd), ==, 0);
    g_unix_set_fd_nonblocking(pipe_->fd[0], TRUE, NULL);
    g_unix_set_fd_nonblocking(pipe_->fd[1], TRUE, NULL);
}

static void
pipe_clear(Pipe *pipe_)
{
    if (pipe_->watch)
        mm_watch_remove(pipe_->watch);
    close(pipe_->fd[0]);
    if (pipe_->fd[1] >= 0)
        close(pipe_->fd[1]);
}

static void
pipe_write(const Pipe *pipe_)
{
    g_assert_cmpint(write(pipe_->fd[1], "x", 1), ==, 1);
}

static void
note(Pipe *pipe_, guint32 events)
{
    char byte;
    pipe_->calls++;
    g_string_append_c(pipe_->fixture->seen, pipe_->name);
    if (events & MM_WATCH_READ)
        g_string_append_c(pipe_->fixture->seen, read(pipe_->fd[0], &byte, 1) == 1 ? 'r' : 'e');
    if (events & MM_WATCH_WRITE)
        g_string_append_c(pipe_->fixture->seen, 'w');
    if (events & MM_WATCH_HANGUP)
        g_string_append_c(pipe_->fixture->seen, 'h');
}

static void
watched(gpointer data, guint32 events)
{
    note(data, events);
}

static void
add_watch(Pipe *pipe_, guint32 events, MmWatchFunction function)
{
    pipe_->watch = mm_watch_add(pipe_->fixture->reactor, pipe_->fd[0], events, function, pipe_);
    g_assert_nonnull(pipe_->watch);
}

/* ---- Watches. */

static void
test_watch(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one;
    pipe_init(&one, fixture, 'a');
    add_watch(&one, MM_WATCH_READ, watched);
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "");
    pipe_write(&one);
    pipe_write(&one);
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "arar"); /* level-triggered */
    mm_watch_change(one.watch, 0);
    pipe_write(&one);
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "arar");
    mm_watch_change(one.watch, MM_WATCH_READ);
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "ararar");
    pipe_clear(&one);
}

static void
once_hung_up(gpointer data, guint32 events)
{
    Pipe *one = data;
    note(one, events);
    if (events & MM_WATCH_HANGUP) {
        mm_watch_remove(one->watch);
        one->watch = NULL;
    }
}

static void
test_hangup(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one;
    pipe_init(&one, fixture, 'a');
    add_watch(&one, 0, once_hung_up);
    close(one.fd[1]);
    one.fd[1] = -1;
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "ah"); /* though nothing was asked for */
    pipe_clear(&one);
}

static void
write_once(gpointer data, guint32 events)
{
    Pipe *one = data;
    note(one, events);
    mm_watch_change(one->watch, MM_WATCH_READ);
}

static void
test_change_within(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one;
    pipe_init(&one, fixture, 'a');
    add_watch(&one, MM_WATCH_WRITE, write_once);
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "aw");
    pipe_clear(&one);
}

static void
remove_both(gpointer data, guint32 events)
{
    Pipe *one = data;
    note(one, events);
    g_clear_pointer(&one->other->watch, mm_watch_remove);
    g_clear_pointer(&one->watch, mm_watch_remove);
}

/* Two are ready; the first removes both: the second hears nothing. */
static void
test_remove_within(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one, two;
    pipe_init(&one, fixture, 'a');
    pipe_init(&two, fixture, 'b');
    one.other = &two;
    two.other = &one;
    add_watch(&one, MM_WATCH_READ, remove_both);
    add_watch(&two, MM_WATCH_READ, remove_both);
    pipe_write(&one);
    pipe_write(&two);
    spin(fixture);
    g_assert_cmpuint(one.calls + two.calls, ==, 1);
    pipe_clear(&one);
    pipe_clear(&two);
}

/* The other's descriptor is closed and its number used again, with a new watch that has nothing to
 * read: the event that was fetched for the old one is not for the new one. */
static void
replace_other(gpointer data, guint32 events)
{
    Pipe *one = data;
    Pipe *other = one->other;
    note(one, events);
    if (!other || other->calls > 0)
        return;
    int number = other->fd[0];
    mm_watch_remove(other->watch);
    close(other->fd[0]);
    close(other->fd[1]);
    pipe_init(other, one->fixture, 'n');
    if (other->fd[0] != number) {
        g_assert_cmpint(dup2(other->fd[0], number), ==, number);
        close(other->fd[0]);
        other->fd[0] = number;
    }
    one->other = NULL;
    add_watch(other, MM_WATCH_READ, watched);
}

static void
test_reused_descriptor(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one, two;
    pipe_init(&one, fixture, 'a');
    pipe_init(&two, fixture, 'b');
    one.other = &two;
    two.other = &one;
    add_watch(&one, MM_WATCH_READ, replace_other);
    add_watch(&two, MM_WATCH_READ, replace_other);
    pipe_write(&one);
    pipe_write(&two);
    spin(fixture);
    g_assert_null(strchr(fixture->seen->str, 'n'));
    g_assert_cmpuint(fixture->seen->len, ==, 2); /* one of the two, once */
    Pipe *replaced = one.name == 'n' ? &one : &two;
    pipe_write(replaced);
    spin(fixture);
    g_assert_nonnull(strstr(fixture->seen->str, "nr"));
    pipe_clear(&one);
    pipe_clear(&two);
}

static void
add_another(gpointer data, guint32 events)
{
    Pipe *one = data;
    note(one, events);
    if (!one->other->watch)
        add_watch(one->other, MM_WATCH_READ, watched);
}

static void
test_add_within(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one, two;
    pipe_init(&one, fixture, 'a');
    pipe_init(&two, fixture, 'b');
    one.other = &two;
    add_watch(&one, MM_WATCH_READ, add_another);
    pipe_write(&two);
    pipe_write(&one);
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "arbr");
    pipe_clear(&one);
    pipe_clear(&two);
}

static void
test_many_watches(Fixture *fixture, gconstpointer unused)
{
    enum { MANY = 3 * MM_REACTOR_ROUND };
    (void)unused;
    static Pipe pipes[MANY];
    for (guint i = 0; i < MANY; i++) {
        pipe_init(&pipes[i], fixture, 'a');
        add_watch(&pipes[i], MM_WATCH_READ, watched);
        pipe_write(&pipes[i]);
    }
    for (guint i = 0; i < PATIENCE && fixture->seen->len < (gsize)2 * MANY; i++)
        spin(fixture);
    for (guint i = 0; i < MANY; i++) {
        g_assert_cmpuint(pipes[i].calls, ==, 1);
        pipe_clear(&pipes[i]);
    }
}

#ifdef HAS_EPOLL
static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one;
    pipe_init(&one, fixture, 'a');
    add_watch(&one, MM_WATCH_READ, watched);
    g_assert_null(mm_watch_add(fixture->reactor, one.fd[0], MM_WATCH_READ, watched, &one));
    g_assert_null(mm_watch_add(fixture->reactor, -1, MM_WATCH_READ, watched, &one));
    pipe_write(&one);
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "ar");
    pipe_clear(&one);
}
#endif

/* ---- Timers. */

typedef struct Alarm {
    MmTimer timer;
    MmDeferred deferred;
    Fixture *fixture;
    char name;
    struct Alarm *other;
} Alarm;

static void
rang(gpointer data)
{
    Alarm *alarm = data;
    g_assert_false(mm_timer_is_armed(&alarm->timer));
    g_string_append_c(alarm->fixture->seen, alarm->name);
}

static void
wait_for(Fixture *fixture, gsize length)
{
    while (fixture->seen->len < length)
        g_main_context_iteration(fixture->context, TRUE);
}

static const double delays[] = {0.012, 0.004, 0.008, 0, 0.016, 0.002};

static void
arm_all(gpointer data)
{
    Alarm *alarms = data;
    for (guint i = 0; i < G_N_ELEMENTS(delays); i++) {
        mm_timer_start(alarms->fixture->reactor, &alarms[i].timer, delays[i], rang, &alarms[i]);
        g_assert_true(mm_timer_is_armed(&alarms[i].timer));
    }
}

/* Armed within one round, which has one time for all of them. */
static void
test_timer_order(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Alarm alarms[G_N_ELEMENTS(delays)];
    MmDeferred deferred = {0};
    for (guint i = 0; i < G_N_ELEMENTS(delays); i++)
        alarms[i] = (Alarm){.fixture = fixture, .name = (char)('a' + i)};
    mm_defer(fixture->reactor, &deferred, arm_all, alarms);
    wait_for(fixture, G_N_ELEMENTS(delays));
    g_assert_cmpstr(fixture->seen->str, ==, "dfbcae");
}

/* Armed, armed anew and stopped in a random order: those left ring in the order of their time. */
static void
test_timer_heap(Fixture *fixture, gconstpointer unused)
{
    enum { MANY = 400 };
    (void)unused;
    static Alarm alarms[MANY];
    gint64 before = 0;
    guint left = 0;
    for (guint i = 0; i < MANY; i++)
        alarms[i] = (Alarm){.fixture = fixture, .name = 'x'};
    for (guint i = 0; i < 5 * MANY; i++) {
        Alarm *alarm = &alarms[g_test_rand_int_range(0, MANY)];
        if (g_test_rand_int_range(0, 3) == 0)
            mm_timer_stop(fixture->reactor, &alarm->timer);
        else
            mm_timer_start(fixture->reactor, &alarm->timer, g_test_rand_double_range(0.001, 0.02),
                           rang, alarm);
    }
    for (guint i = 0; i < MANY; i++)
        left += mm_timer_is_armed(&alarms[i].timer);
    for (gsize rung = 0; rung < left; rung = fixture->seen->len) {
        gint64 earliest = G_MAXINT64;
        for (guint i = 0; i < MANY; i++) {
            if (mm_timer_is_armed(&alarms[i].timer))
                earliest = MIN(earliest, alarms[i].timer.due);
        }
        g_assert_cmpint(earliest, >=, before); /* none was passed over */
        before = earliest;
        g_main_context_iteration(fixture->context, TRUE);
    }
    g_assert_cmpuint(fixture->seen->len, ==, left);
}

static void
stop_other(gpointer data)
{
    Alarm *alarm = data;
    rang(alarm);
    mm_timer_stop(alarm->fixture->reactor, &alarm->other->timer);
}

static void
test_timer_stops_other(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Alarm one = {.fixture = fixture, .name = 'a'};
    Alarm two = {.fixture = fixture, .name = 'b'};
    one.other = &two;
    two.other = &one;
    mm_timer_start(fixture->reactor, &one.timer, 0, stop_other, &one);
    mm_timer_start(fixture->reactor, &two.timer, 0, stop_other, &two);
    spin(fixture);
    g_assert_cmpuint(fixture->seen->len, ==, 1);
    mm_timer_stop(fixture->reactor, &two.timer); /* safe when not armed */
}

static void
ring_again(gpointer data)
{
    Alarm *alarm = data;
    g_string_append_c(alarm->fixture->seen, alarm->name);
    mm_timer_start(alarm->fixture->reactor, &alarm->timer, 0, ring_again, alarm);
}

static gboolean
gets_a_turn(gpointer data)
{
    g_string_append_c(data, 'G');
    return G_SOURCE_REMOVE;
}

static void
defer_again(gpointer data)
{
    Alarm *alarm = data;
    mm_defer(alarm->fixture->reactor, &alarm->deferred, defer_again, alarm);
}

static void
keep_ready(gpointer data, guint32 events)
{
    (void)data;
    (void)events;
}

/* A timer that is always due again, a descriptor that is always ready, a deferred call that defers
 * itself: another source of the context gets its turn all the same. */
static void
test_fairness(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Pipe one;
    Alarm alarm = {.fixture = fixture, .name = 't'};
    pipe_init(&one, fixture, 'a');
    add_watch(&one, MM_WATCH_WRITE, keep_ready);
    mm_timer_start(fixture->reactor, &alarm.timer, 0, ring_again, &alarm);
    defer_again(&alarm);
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, gets_a_turn, fixture->seen, NULL);
    g_source_attach(source, fixture->context);
    g_source_unref(source);
    for (guint i = 0; i < 3; i++)
        g_main_context_iteration(fixture->context, FALSE);
    g_assert_nonnull(strchr(fixture->seen->str, 'G'));
    mm_timer_stop(fixture->reactor, &alarm.timer);
    mm_defer_cancel(fixture->reactor, &alarm.deferred);
    pipe_clear(&one);
}

/* ---- Deferred calls. */

typedef struct Later {
    MmDeferred deferred;
    Fixture *fixture;
    char name;
    struct Later *then, *cancelled;
} Later;

static void
run_later(gpointer data)
{
    Later *later = data;
    g_string_append_c(later->fixture->seen, later->name);
    if (later->then)
        mm_defer(later->fixture->reactor, &later->then->deferred, run_later, later->then);
    if (later->cancelled)
        mm_defer_cancel(later->fixture->reactor, &later->cancelled->deferred);
}

static void
test_deferred(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    Later a = {.fixture = fixture, .name = 'a'}, b = {.fixture = fixture, .name = 'b'};
    Later c = {.fixture = fixture, .name = 'c'}, d = {.fixture = fixture, .name = 'd'};
    a.then = &d;
    a.cancelled = &b;
    mm_defer(fixture->reactor, &a.deferred, run_later, &a);
    mm_defer(fixture->reactor, &b.deferred, run_later, &b);
    mm_defer(fixture->reactor, &c.deferred, run_later, &c);
    mm_defer(fixture->reactor, &c.deferred, run_later, &c); /* once is enough */
    mm_defer_cancel(fixture->reactor, &d.deferred);         /* safe when not queued */
    g_main_context_iteration(fixture->context, FALSE);
    g_assert_cmpstr(fixture->seen->str, ==, "ac");
    spin(fixture);
    g_assert_cmpstr(fixture->seen->str, ==, "acd");
}

static void
test_backend(Fixture *fixture, gconstpointer unused)
{
    (void)fixture;
    (void)unused;
    g_test_message("backend: %s", mm_reactor_backend());
    g_assert_cmpstr(mm_reactor_backend(), ==, BACKEND);
}

#define ADD(name, function)                                                                        \
    g_test_add("/reactor/" name, Fixture, NULL, set_up, function, tear_down);                      \
    g_test_add("/reactor/polled/" name, Fixture, POLLED, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("backend", test_backend);
    ADD("watch", test_watch);
    ADD("hangup", test_hangup);
    ADD("change-within", test_change_within);
    ADD("remove-within", test_remove_within);
    ADD("reused-descriptor", test_reused_descriptor);
    ADD("add-within", test_add_within);
    ADD("many-watches", test_many_watches);
#ifdef HAS_EPOLL
    ADD("refused", test_refused);
#endif
    ADD("timer-order", test_timer_order);
    ADD("timer-heap", test_timer_heap);
    ADD("timer-stops-other", test_timer_stops_other);
    ADD("fairness", test_fairness);
    ADD("deferred", test_deferred);
    return g_test_run();
}
