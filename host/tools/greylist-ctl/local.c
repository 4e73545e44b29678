/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs on a store that this process opens itself: the greylist's own code, with as much of a
 * host around it as it asks for. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"
#include "loop/worker.h"

#include "greylist.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct Verb {
    MilterAdminFunction function;
    void *data;
} Verb;

typedef struct Local {
    Greylist greylist;
    Seat seat;
    GreyStore *store;
    MmWorker *worker;
    GHashTable *verbs; /* of char * to Verb */
    /* The answer of the call in work. */
    gboolean answered;
    char *json, *problem;
} Local;

/* The table's functions have no data of their own: there is one store in a process. */
static Local *here;

/* ---- What the greylist asks of its host. */

static void
post(MilterWorker *worker, MilterFunction function, void *data)
{
    (void)worker;
    mm_worker_post(here->worker, function, data);
}

static int64_t
wall_clock(void)
{
    return g_get_real_time();
}

static MilterResult
admin_verb(MilterInstance *self, const char *name, MilterAdminFunction function, void *data)
{
    (void)self;
    Verb *verb = g_new(Verb, 1);
    *verb = (Verb){function, data};
    g_hash_table_insert(here->verbs, g_strdup(name), verb);
    return MILTER_OK;
}

static void
admin_reply(MilterAdminRequest *request, const char *json, const char *error)
{
    (void)request;
    here->answered = TRUE;
    here->json = g_strdup(json);
    here->problem = g_strdup(error);
}

static const MilterHost host = {.size = sizeof(MilterHost),
                                .abi = MILTER_PLUGIN_ABI,
                                .post = post,
                                .admin_verb = admin_verb,
                                .admin_reply = admin_reply,
                                .wall_clock = wall_clock};

/* ---- What the store asks for. */

static gint64
store_clock(void *data)
{
    (void)data;
    return g_get_real_time();
}

static void
store_log(void *data, guint level, const char *id, const char *text, const char *detail)
{
    (void)data;
    if (level <= MILTER_LOG_WARNING)
        fprintf(stderr, "%s: %s%s%s\n", id, _(text), detail ? ": " : "", detail ? detail : "");
}

static void
loop_post(void *data, GreyFunction function, void *argument)
{
    const Local *local = data;
    mm_worker_post(local->worker, function, argument);
}

static void *
loop_watch_add(void *data, int fd, guint32 events, void (*function)(void *, guint32),
               void *argument)
{
    const Local *local = data;
    return mm_watch_add(mm_worker_reactor(local->worker), fd, events, function, argument);
}

static void
loop_watch_change(void *watch, guint32 events)
{
    mm_watch_change(watch, events);
}

static void
loop_watch_remove(void *watch)
{
    mm_watch_remove(watch);
}

typedef struct Timer {
    MmTimer timer;
    GreyFunction function;
    void *argument;
} Timer;

static void
timer_due(gpointer data)
{
    Timer *timer = data;
    GreyFunction function = timer->function;
    void *argument = timer->argument;
    g_free(timer);
    function(argument);
}

static void *
loop_timer_add(void *data, double seconds, GreyFunction function, void *argument)
{
    const Local *local = data;
    Timer *timer = g_new0(Timer, 1);
    timer->function = function;
    timer->argument = argument;
    mm_timer_start(mm_worker_reactor(local->worker), &timer->timer, seconds, timer_due, timer);
    return timer;
}

static void
loop_timer_remove(void *data)
{
    Timer *timer = data;
    mm_timer_stop(mm_worker_reactor(here->worker), &timer->timer);
    g_free(timer);
}

/* ---- Opening. */

static gboolean
open_store(Local *local, const CtlOptions *options, GError **error)
{
    const GreyStoreOptions store = {.uri = options->store,
                                    .password_file = options->password_file,
                                    .text = !options->store_text_off,
                                    .environment = {NULL, store_clock, store_log}};
    local->store = grey_store_open(&store, error);
    return local->store != NULL;
}

static void
take_seat(Local *local, const CtlOptions *options)
{
    Greylist *greylist = &local->greylist;
    g_atomic_ref_count_init(&greylist->references);
    g_mutex_init(&greylist->lock);
    greylist->host = &host;
    greylist->pass_lifetime = (guint)options->pass_lifetime;
    greylist->seats = g_ptr_array_new();
    local->seat = (Seat){.greylist = greylist,
                         .worker = (MilterWorker *)local,
                         .loop = {.data = local,
                                  .post = loop_post,
                                  .watch_add = loop_watch_add,
                                  .watch_change = loop_watch_change,
                                  .watch_remove = loop_watch_remove,
                                  .timer_add = loop_timer_add,
                                  .timer_remove = loop_timer_remove}};
    g_ptr_array_add(greylist->seats, &local->seat);
    local->seat.desk = grey_desk_new(local->store, &local->seat.loop);
    admin_register(greylist);
}

gpointer
ctl_local_open(const CtlOptions *options, GError **error)
{
    Local *local = g_new0(Local, 1);
    here = local;
    signal(SIGPIPE,
           SIG_IGN); /* hiredis writes with write(2): a server that went away is an error */
    local->verbs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    local->worker = mm_worker_new_here(0, error);
    if (local->worker && open_store(local, options, error)) {
        take_seat(local, options);
        return local;
    }
    g_clear_pointer(&local->worker, mm_worker_free);
    g_hash_table_unref(local->verbs);
    g_free(local);
    return NULL;
}

char *
ctl_local_call(gpointer data, const char *name, const char *arguments, GError **error)
{
    Local *local = data;
    const Verb *verb = g_hash_table_lookup(local->verbs, name);
    if (!verb || strcmp(name, "why") == 0) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED,
                    _("only a running host can say this: leave out --store"));
        return NULL;
    }
    local->answered = FALSE;
    verb->function(verb->data, (MilterAdminRequest *)local, arguments);
    while (!local->answered)
        g_main_context_iteration(mm_worker_context(local->worker), TRUE);
    if (local->problem) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, local->problem);
        g_clear_pointer(&local->problem, g_free);
    }
    return g_steal_pointer(&local->json);
}

void
ctl_local_close(gpointer data)
{
    Local *local = data;
    grey_desk_free(local->seat.desk);
    grey_store_unref(local->store);
    while (g_main_context_iteration(mm_worker_context(local->worker), FALSE))
        continue;
    g_clear_pointer(&local->worker, mm_worker_free);
    g_ptr_array_unref(local->greylist.seats);
    g_free(local->greylist.hooks);
    g_mutex_clear(&local->greylist.lock);
    g_hash_table_unref(local->verbs);
    g_free(local);
}
