/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Anywhere: one GSource a descriptor. Its cost grows with the number of descriptors. */
#include "loop/backend.h"

#include <glib-unix.h>
#include <poll.h>

struct MmBackend {
    MmReactor *reactor;
    GMainContext *context;
};

/* Hangs on the watch by slot and generation, like an event of the kernel. */
typedef struct FdSource {
    GSource source;
    MmReactor *reactor;
    guint32 slot, generation;
    gpointer tag;
} FdSource;

#ifdef POLLRDHUP
#define HANGUP_CONDITION ((GIOCondition)POLLRDHUP)
#else
#define HANGUP_CONDITION ((GIOCondition)0)
#endif

static GIOCondition
conditions_for(const MmWatch *watch)
{
    GIOCondition conditions = G_IO_HUP | G_IO_ERR | HANGUP_CONDITION;
    if (watch->events & MM_WATCH_READ)
        conditions |= G_IO_IN;
    if (watch->events & MM_WATCH_WRITE)
        conditions |= G_IO_OUT;
    return conditions;
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    FdSource *fd_source = (FdSource *)source;
    GIOCondition got = g_source_query_unix_fd(source, fd_source->tag);
    guint32 events = 0;
    (void)callback;
    (void)data;
    if (got & G_IO_IN)
        events |= MM_WATCH_READ;
    if (got & G_IO_OUT)
        events |= MM_WATCH_WRITE;
    if (got & (G_IO_HUP | G_IO_ERR | HANGUP_CONDITION))
        events |= MM_WATCH_HANGUP;
    MmReactor *reactor = fd_source->reactor;
    mm_reactor_event(reactor, fd_source->slot, fd_source->generation, events);
    mm_reactor_end_round(reactor);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs fd_functions = {.dispatch = dispatch};

MmBackend *
mm_backend_new(MmReactor *reactor, GMainContext *context, GError **error)
{
    (void)error;
    MmBackend *backend = g_new0(MmBackend, 1);
    backend->reactor = reactor;
    backend->context = context;
    return backend;
}

void
mm_backend_free(MmBackend *backend)
{
    g_free(backend);
}

gboolean
mm_backend_add(MmBackend *backend, MmWatch *watch)
{
    GSource *source = g_source_new(&fd_functions, sizeof(FdSource));
    FdSource *fd_source = (FdSource *)source;
    fd_source->reactor = backend->reactor;
    fd_source->slot = watch->slot;
    fd_source->generation = watch->generation;
    fd_source->tag = g_source_add_unix_fd(source, watch->fd, conditions_for(watch));
    g_source_attach(source, backend->context);
    watch->tag = source;
    return TRUE;
}

void
mm_backend_change(MmBackend *backend, MmWatch *watch)
{
    (void)backend;
    GSource *source = watch->tag;
    g_source_modify_unix_fd(source, ((FdSource *)source)->tag, conditions_for(watch));
}

void
mm_backend_remove(MmBackend *backend, MmWatch *watch)
{
    (void)backend;
    GSource *source = watch->tag;
    g_source_destroy(source);
    g_source_unref(source);
}

int
mm_backend_descriptor(MmBackend *backend)
{
    (void)backend;
    return -1;
}

gboolean
mm_backend_poll(MmBackend *backend, GPollFD *fds, guint n, gint timeout, gint *result)
{
    (void)backend, (void)fds, (void)n, (void)timeout, (void)result;
    return FALSE;
}

void
mm_backend_collect(MmBackend *backend)
{
    (void)backend;
}

const char *
mm_backend_name(void)
{
    return "poll";
}
