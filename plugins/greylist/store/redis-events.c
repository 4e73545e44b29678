/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hiredis on the watches of the desk's loop. */
#include "store/redis-private.h"

typedef struct Events {
    redisAsyncContext *context;
    GreyLoop loop;
    void *watch;
    guint32 wanted;
    gboolean handling; /* hiredis is being called: who frees it leaves this to the handler */
    gboolean dead;
} Events;

static void
handle(void *data, guint32 happened)
{
    Events *events = data;
    events->handling = TRUE;
    /* Reading finds out about a hang-up. */
    if ((happened & GREY_WATCH_READ) || !(happened & GREY_WATCH_WRITE))
        redisAsyncHandleRead(events->context);
    if (!events->dead && (happened & GREY_WATCH_WRITE))
        redisAsyncHandleWrite(events->context);
    events->handling = FALSE;
    if (events->dead)
        g_free(events);
}

static void
want(Events *events, guint32 wanted)
{
    if (wanted == events->wanted)
        return;
    events->wanted = wanted;
    if (!wanted)
        events->loop.watch_remove(g_steal_pointer(&events->watch));
    else if (events->watch)
        events->loop.watch_change(events->watch, wanted);
    else
        events->watch = events->loop.watch_add(events->loop.data, events->context->c.fd, wanted,
                                               handle, events);
}

static void
add_read(void *data)
{
    Events *events = data;
    want(events, events->wanted | GREY_WATCH_READ);
}

static void
del_read(void *data)
{
    Events *events = data;
    want(events, events->wanted & ~GREY_WATCH_READ);
}

static void
add_write(void *data)
{
    Events *events = data;
    want(events, events->wanted | GREY_WATCH_WRITE);
}

static void
del_write(void *data)
{
    Events *events = data;
    want(events, events->wanted & ~GREY_WATCH_WRITE);
}

static void
cleanup(void *data)
{
    Events *events = data;
    want(events, 0);
    events->dead = TRUE;
    if (!events->handling)
        g_free(events);
}

gboolean
grey_redis_attach(GreyRedisDesk *desk)
{
    redisAsyncContext *context = desk->context;
    if (context->ev.data)
        return FALSE;
    Events *events = g_new0(Events, 1);
    events->context = context;
    events->loop = desk->desk.loop;
    context->ev.data = events;
    context->ev.addRead = add_read;
    context->ev.delRead = del_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = cleanup;
    return TRUE;
}
