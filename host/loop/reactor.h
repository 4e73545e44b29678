/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     reactor.h - descriptors and timers of one worker, as one GSource
 *
 * DESCRIPTION
 *     A reactor belongs to one GMainContext and is used from its thread alone. Backends: epoll,
 * kqueue and plain GSources (poll), chosen when built; the behaviour is the same. Watches are
 *     level-triggered. One dispatch takes at most MM_REACTOR_ROUND events, then timers that are
 * due, then deferred calls, and hands control back to the context.
 *
 *     A function may add, change and remove any watch, timer or deferred call, its own too. An
 * event that was fetched for a watch removed in the same round is dropped, also if its descriptor's
 *     number is in use again.
 */
#ifndef MM_LOOP_REACTOR_H
#define MM_LOOP_REACTOR_H

#include <glib.h>

#define MM_REACTOR_ROUND 64

typedef struct MmReactor MmReactor;
typedef struct MmWatch MmWatch;

enum {
    MM_WATCH_READ = 1u << 0,
    MM_WATCH_WRITE = 1u << 1,
    MM_WATCH_HANGUP = 1u << 2, /* always reported; together with READ if there may be data */
};

typedef void (*MmWatchFunction)(gpointer data, guint32 events);
typedef void (*MmTimerFunction)(gpointer data);

/* A timer lies in its owner's struct (zeroed = not armed), so arming one allocates nothing but heap
 * slots. */
typedef struct MmTimer {
    gint64 due; /* monotonic microseconds */
    guint slot; /* place in the heap plus one; 0: not armed */
    MmTimerFunction function;
    gpointer data;
} MmTimer;

/* A call to make at the end of this round (or of the next if made outside one): to write what a
 * round has gathered with one system call. Lies in its owner's struct, zeroed = not queued. */
typedef struct MmDeferred {
    struct MmDeferred *next, *previous;
    MmTimerFunction function;
    gpointer data;
} MmDeferred;

/* NULL with error if the kernel object cannot be made. Attaches to context. */
MmReactor *mm_reactor_new(GMainContext *context, GError **error);
/* A poll function's work for the context of reactor, on its thread: where the context has nothing
 * to wait for but the reactor and its own wake-up, the one call that waits fetches the reactor's
 * events too. Else g_poll. */
gint mm_reactor_poll(MmReactor *reactor, GPollFD *fds, guint n, gint timeout);
/* All watches must be gone; timers are disarmed. */
void mm_reactor_free(MmReactor *reactor);
/* "epoll", "kqueue" or "poll". */
const char *mm_reactor_backend(void);

/* fd: non-blocking, watched once. NULL and errno set if the kernel refuses. */
MmWatch *mm_watch_add(MmReactor *reactor, int fd, guint32 events, MmWatchFunction function,
                      gpointer data);
void mm_watch_change(MmWatch *watch, guint32 events);
/* Frees the watch; before the descriptor is closed. */
void mm_watch_remove(MmWatch *watch);

/* (Re)arms. seconds <= 0: in the next round. Timers that are due run in the order of their time. */
void mm_timer_start(MmReactor *reactor, MmTimer *timer, double seconds, MmTimerFunction function,
                    gpointer data);
/* Safe on a timer that is not armed. */
void mm_timer_stop(MmReactor *reactor, MmTimer *timer);
gboolean mm_timer_is_armed(const MmTimer *timer);

void mm_defer(MmReactor *reactor, MmDeferred *deferred, MmTimerFunction function, gpointer data);
void mm_defer_cancel(MmReactor *reactor, MmDeferred *deferred);

/* Monotonic microseconds, read once a round (cached): cheap. */
gint64 mm_reactor_now(MmReactor *reactor);

#endif
