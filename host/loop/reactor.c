/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the backends share: the source, the table of watches, the timers' heap, the deferred calls.
 *
 * The source has only dispatch: GLib does not promise a check between two prepares, so no state is
 * kept between them. The nearest timer is its ready time.
 */
#include "loop/backend.h"

#define NO_SLOT G_MAXUINT32

typedef struct WatchSlot {
    MmWatch *watch;
    guint32 generation;
    guint32 next_free;
} WatchSlot;

struct MmReactor {
    GSource *source;
    GMainContext *context;
    MmBackend *backend;
    GArray *slots;
    guint32 free_slot;
    GPtrArray *timers;   /* a binary heap by due */
    MmDeferred deferred; /* ring */
    gint64 now;          /* of this round; 0: none */
    gboolean in_round;
};

typedef struct ReactorSource {
    GSource source;
    MmReactor *reactor;
} ReactorSource;

/* ---- Timers. */

static MmTimer *
timer_at(MmReactor *reactor, guint i)
{
    return g_ptr_array_index(reactor->timers, i);
}

static void
put_timer(MmReactor *reactor, guint i, MmTimer *timer)
{
    reactor->timers->pdata[i] = timer;
    timer->slot = i + 1;
}

static void
sift_up(MmReactor *reactor, guint i, MmTimer *timer)
{
    while (i > 0 && timer_at(reactor, (i - 1) / 2)->due > timer->due) {
        put_timer(reactor, i, timer_at(reactor, (i - 1) / 2));
        i = (i - 1) / 2;
    }
    put_timer(reactor, i, timer);
}

static void
sift_down(MmReactor *reactor, guint i, MmTimer *timer)
{
    guint n = reactor->timers->len;
    for (guint child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && timer_at(reactor, child + 1)->due < timer_at(reactor, child)->due)
            child++;
        if (timer_at(reactor, child)->due >= timer->due)
            break;
        put_timer(reactor, i, timer_at(reactor, child));
        i = child;
    }
    put_timer(reactor, i, timer);
}

/* When the source must run even if no descriptor is ready. Each change wakes the context by a write
 * to itself, so a time that has become too early stays: the round it causes finds nothing due and
 * sets the next. */
static void
set_ready_time(MmReactor *reactor)
{
    gint64 ready = -1;
    gint64 set = g_source_get_ready_time(reactor->source);
    if (reactor->deferred.next != &reactor->deferred)
        ready = 0;
    else if (reactor->timers->len > 0)
        ready = timer_at(reactor, 0)->due;
    if (set == ready || (set > mm_reactor_now(reactor) && (ready < 0 || ready > set)))
        return;
    g_source_set_ready_time(reactor->source, ready);
}

static void
schedule(MmReactor *reactor)
{
    if (!reactor->in_round)
        set_ready_time(reactor);
}

void
mm_timer_start(MmReactor *reactor, MmTimer *timer, double seconds, MmTimerFunction function,
               gpointer data)
{
    const double longest = 1e9;
    double delay = CLAMP(seconds, 0.0, longest);
    mm_timer_stop(reactor, timer);
    timer->due = mm_reactor_now(reactor) + (gint64)(delay * G_USEC_PER_SEC);
    timer->function = function;
    timer->data = data;
    g_ptr_array_add(reactor->timers, timer);
    sift_up(reactor, reactor->timers->len - 1, timer);
    schedule(reactor);
}

void
mm_timer_stop(MmReactor *reactor, MmTimer *timer)
{
    if (timer->slot == 0)
        return;
    guint i = timer->slot - 1;
    MmTimer *last = timer_at(reactor, reactor->timers->len - 1);
    g_ptr_array_set_size(reactor->timers, (gint)reactor->timers->len - 1);
    timer->slot = 0;
    if (last != timer) {
        if (i > 0 && timer_at(reactor, (i - 1) / 2)->due > last->due)
            sift_up(reactor, i, last);
        else
            sift_down(reactor, i, last);
    }
    schedule(reactor);
}

gboolean
mm_timer_is_armed(const MmTimer *timer)
{
    return timer->slot != 0;
}

/* Those due when the round began; one that is armed anew for now waits for the next round. */
static void
run_timers(MmReactor *reactor)
{
    gint64 now = reactor->now;
    for (guint n = 0; n < MM_REACTOR_ROUND && reactor->timers->len > 0; n++) {
        MmTimer *timer = timer_at(reactor, 0);
        if (timer->due > now)
            return;
        mm_timer_stop(reactor, timer);
        timer->function(timer->data);
    }
}

/* ---- Deferred calls. */

void
mm_defer(MmReactor *reactor, MmDeferred *deferred, MmTimerFunction function, gpointer data)
{
    deferred->function = function;
    deferred->data = data;
    if (deferred->next)
        return;
    deferred->previous = reactor->deferred.previous;
    deferred->next = &reactor->deferred;
    deferred->previous->next = deferred;
    reactor->deferred.previous = deferred;
    schedule(reactor);
}

void
mm_defer_cancel(MmReactor *reactor, MmDeferred *deferred)
{
    if (!deferred->next)
        return;
    deferred->previous->next = deferred->next;
    deferred->next->previous = deferred->previous;
    deferred->next = deferred->previous = NULL;
    schedule(reactor);
}

/* Those queued up to now; what they queue themselves waits for the next round. */
static void
run_deferred(MmReactor *reactor)
{
    MmDeferred *last = reactor->deferred.previous;
    MmDeferred marker = {0};
    if (last == &reactor->deferred)
        return;
    mm_defer(reactor, &marker, NULL, NULL);
    while (reactor->deferred.next != &marker) {
        MmDeferred *first = reactor->deferred.next;
        mm_defer_cancel(reactor, first);
        first->function(first->data);
    }
    mm_defer_cancel(reactor, &marker);
}

/* ---- Watches. */

static WatchSlot *
slot_at(MmReactor *reactor, guint32 i)
{
    return &g_array_index(reactor->slots, WatchSlot, i);
}

static guint32
take_slot(MmReactor *reactor, MmWatch *watch)
{
    guint32 i = reactor->free_slot;
    if (i == NO_SLOT) {
        i = reactor->slots->len;
        g_array_set_size(reactor->slots, i + 1);
    } else {
        reactor->free_slot = slot_at(reactor, i)->next_free;
    }
    slot_at(reactor, i)->watch = watch;
    watch->generation = ++slot_at(reactor, i)->generation;
    return i;
}

static void
release_slot(MmReactor *reactor, guint32 i)
{
    slot_at(reactor, i)->watch = NULL;
    slot_at(reactor, i)->next_free = reactor->free_slot;
    reactor->free_slot = i;
}

MmWatch *
mm_watch_add(MmReactor *reactor, int fd, guint32 events, MmWatchFunction function, gpointer data)
{
    MmWatch *watch = g_new0(MmWatch, 1);
    watch->reactor = reactor;
    watch->fd = fd;
    watch->events = events & (MM_WATCH_READ | MM_WATCH_WRITE);
    watch->function = function;
    watch->data = data;
    watch->slot = take_slot(reactor, watch);
    if (mm_backend_add(reactor->backend, watch))
        return watch;
    release_slot(reactor, watch->slot);
    g_free(watch);
    return NULL;
}

void
mm_watch_change(MmWatch *watch, guint32 events)
{
    guint32 wanted = events & (MM_WATCH_READ | MM_WATCH_WRITE);
    if (wanted == watch->events)
        return;
    watch->events = wanted;
    mm_backend_change(watch->reactor->backend, watch);
}

void
mm_watch_remove(MmWatch *watch)
{
    mm_backend_remove(watch->reactor->backend, watch);
    release_slot(watch->reactor, watch->slot);
    g_free(watch);
}

void
mm_reactor_event(MmReactor *reactor, guint32 slot, guint32 generation, guint32 events)
{
    const WatchSlot *entry = slot_at(reactor, slot);
    MmWatch *watch = entry->watch;
    if (!watch || entry->generation != generation)
        return;
    guint32 wanted = events & (watch->events | MM_WATCH_HANGUP);
    if (wanted)
        watch->function(watch->data, wanted);
}

/* ---- The source. */

void
mm_reactor_end_round(MmReactor *reactor)
{
    reactor->in_round = TRUE;
    reactor->now = g_get_monotonic_time();
    run_timers(reactor);
    run_deferred(reactor);
    set_ready_time(reactor);
    reactor->in_round = FALSE;
    reactor->now = 0;
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    MmReactor *reactor = ((ReactorSource *)source)->reactor;
    (void)callback;
    (void)data;
    reactor->in_round = TRUE;
    reactor->now = g_get_monotonic_time();
    mm_backend_collect(reactor->backend);
    mm_reactor_end_round(reactor);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_functions = {.dispatch = dispatch};

static GSource *
make_source(MmReactor *reactor)
{
    GSource *source = g_source_new(&source_functions, sizeof(ReactorSource));
    ((ReactorSource *)source)->reactor = reactor;
    g_source_set_static_name(source, "milter-manager reactor");
    /* Nobody runs the context from within: GLib would take the descriptor off the context for each
     * dispatch and put it back, with a write to itself for both. */
    g_source_set_can_recurse(source, TRUE);
    int fd = mm_backend_descriptor(reactor->backend);
    if (fd >= 0)
        g_source_add_unix_fd(source, fd, G_IO_IN);
    return source;
}

MmReactor *
mm_reactor_new(GMainContext *context, GError **error)
{
    MmReactor *reactor = g_new0(MmReactor, 1);
    reactor->context = g_main_context_ref(context ? context : g_main_context_default());
    reactor->slots = g_array_new(FALSE, TRUE, sizeof(WatchSlot));
    reactor->free_slot = NO_SLOT;
    reactor->timers = g_ptr_array_new();
    reactor->deferred.next = reactor->deferred.previous = &reactor->deferred;
    reactor->backend = mm_backend_new(reactor, reactor->context, error);
    if (!reactor->backend) {
        mm_reactor_free(reactor);
        return NULL;
    }
    reactor->source = make_source(reactor);
    g_source_attach(reactor->source, reactor->context);
    return reactor;
}

gint
mm_reactor_poll(MmReactor *reactor, GPollFD *fds, guint n, gint timeout)
{
    gint result;
    if (mm_backend_poll(reactor->backend, fds, n, timeout, &result))
        return result;
    return g_poll(fds, n, timeout);
}

void
mm_reactor_free(MmReactor *reactor)
{
    if (!reactor)
        return;
    for (guint i = 0; i < reactor->timers->len; i++)
        timer_at(reactor, i)->slot = 0;
    if (reactor->source) {
        g_source_destroy(reactor->source);
        g_source_unref(reactor->source);
    }
    if (reactor->backend)
        mm_backend_free(reactor->backend);
    g_ptr_array_unref(reactor->timers);
    g_array_unref(reactor->slots);
    g_main_context_unref(reactor->context);
    g_free(reactor);
}

const char *
mm_reactor_backend(void)
{
    return mm_backend_name();
}

gint64
mm_reactor_now(MmReactor *reactor)
{
    return reactor->now ? reactor->now : g_get_monotonic_time();
}
