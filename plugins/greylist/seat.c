/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker's part: its desk at the store, opened when it can be, and what it learns. */
#include "greylist.h"

#include "normal.h"

#define RETRY_SECONDS 5.0
/* Who sends a newsletter need not be learned from to the last recipient. */
#define LEARNING_MAX 1000

/* ---- The desk's loop on the host's services. */

static void
post(void *data, GreyFunction function, void *argument)
{
    const Seat *seat = data;
    seat->greylist->host->post(seat->worker, function, argument);
}

/* The table's functions for a watch or timer are not told whose it is. The process has one table.
 */
static const MilterHost *table; /* atomic: each worker sets it, to the same */

static const MilterHost *
host_table(void)
{
    return __atomic_load_n(&table, __ATOMIC_RELAXED);
}

static void *
watch_add(void *data, int fd, guint32 events, void (*function)(void *, guint32), void *argument)
{
    const Seat *seat = data;
    return seat->greylist->host->watch_add(seat->worker, fd, events, function, argument);
}

static void
watch_change(void *watch, guint32 events)
{
    host_table()->watch_change(watch, events);
}

static void
watch_remove(void *watch)
{
    host_table()->watch_remove(watch);
}

static void *
timer_add(void *data, double seconds, GreyFunction function, void *argument)
{
    const Seat *seat = data;
    return seat->greylist->host->timer_add(seat->worker, seconds, function, argument);
}

static void
timer_remove(void *timer)
{
    host_table()->timer_remove(timer);
}

G_STATIC_ASSERT(GREY_WATCH_READ == (guint32)MILTER_WATCH_READ);
G_STATIC_ASSERT(GREY_WATCH_WRITE == (guint32)MILTER_WATCH_WRITE);

/* ---- Opening. */

static void
try_to_open(void *data)
{
    Seat *seat = data;
    seat->retry = NULL;
    g_autoptr(GreyStore) store = holder_open(seat->greylist->holder, seat->greylist->keeps_text);
    if (store)
        seat->desk = grey_desk_new(store, &seat->loop);
    else
        seat->retry =
            seat->greylist->host->timer_add(seat->worker, RETRY_SECONDS, try_to_open, seat);
}

Seat *
seat_new(Greylist *greylist, MilterWorker *worker)
{
    Seat *seat = g_new0(Seat, 1);
    g_atomic_ref_count_inc(&greylist->references);
    seat->greylist = greylist;
    seat->worker = worker;
    seat->loop =
        (GreyLoop){seat, post, watch_add, watch_change, watch_remove, timer_add, timer_remove};
    __atomic_store_n(&table, greylist->host, __ATOMIC_RELAXED);
    if (!greylist->stands_down)
        try_to_open(seat);
    if (greylist->shadow)
        seat->shadow = grey_desk_new(greylist->shadow, &seat->loop);
    g_mutex_lock(&greylist->lock);
    g_ptr_array_add(greylist->seats, seat);
    g_mutex_unlock(&greylist->lock);
    return seat;
}

void
seat_free(Seat *seat)
{
    Greylist *greylist = seat->greylist;
    g_mutex_lock(&greylist->lock);
    g_ptr_array_remove(greylist->seats, seat);
    g_mutex_unlock(&greylist->lock);
    admin_abandon(seat);
    if (seat->retry)
        greylist->host->timer_remove(seat->retry);
    grey_desk_free(seat->desk);
    grey_desk_free(seat->shadow);
    g_free(seat);
    greylist_unref(greylist);
}

/* ---- Learning. */

static void
on_learned(void *data, guint64 n, const char *error)
{
    Seat *seat = data;
    (void)n;
    (void)error; /* what is not learned is delayed once */
    seat->learning--;
}

void
seat_learn(Seat *seat, const char *sender, const MilterSlice *recipients, gsize n)
{
    const Greylist *greylist = seat->greylist;
    gint64 now = greylist->host->wall_clock() / G_USEC_PER_SEC;
    g_autofree char *writer = normal_recipient(sender);
    for (gsize i = 0; i < n && seat->desk && seat->learning < LEARNING_MAX; i++) {
        g_autofree char *address = normal_address(recipients[i].data, recipients[i].size);
        const GreyEntry pair = {{.kind = GREY_KIND_PAIR,
                                 .state = GREY_STATE_ALLOWED,
                                 .first = now,
                                 .last = now,
                                 .until = now + greylist->pass_lifetime},
                                "",
                                normal_domain(address),
                                writer,
                                ""};
        if (grey_entry_check(&pair))
            continue;
        seat->learning++;
        greylist_count(greylist, COUNT_LEARNED);
        grey_desk_put(seat->desk, &pair, 1, GREY_PUT_SOON, on_learned, seat);
    }
}
