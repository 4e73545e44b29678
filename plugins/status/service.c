/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service.h"

#include "history.h"
#include "server.h"

#include "base/i18n.h"

#include <string.h>

/* An address that is in use is tried again after so long. */
#define RETRY_SECONDS 5
#define MINUTE_SECONDS 60
/* A page waits no longer for its graphs. */
#define GRAPHS_SECONDS 2

struct Service {
    /* Under the lock. */
    guint references;
    GPtrArray *users; /* of Status; the newest last */
    gboolean ending;
    GThread *clerk; /* NULL: nobody has used it yet */
    char *graphs;   /* HTML, or NULL */
    gboolean graphs_fresh, graphs_wanted;
    /* For good. */
    MmAddress *address;
    char *spec;
    const MilterHost *host;
    /* The clerk's. */
    Server *server;
    History *history;
    char *directory;                  /* that history is of, or should be */
    gboolean listen_bad, history_bad; /* and that is logged */
    gint64 next_listen, next_sample;  /* monotonic microseconds */
};

static GMutex lock;
static GCond changed;        /* for clerks, and for pages that wait for graphs */
static GPtrArray *services;  /* of Service */
static GPtrArray *instances; /* of Status */

/* ---- Who uses it. With the lock. */

static const Status *
user_of(const Service *service)
{
    for (guint i = service->users->len; i-- > 0;) {
        const Status *user = g_ptr_array_index(service->users, i);
        if (user->live)
            return user;
    }
    return NULL;
}

/* Within the lock, so that the instance in the line stays. */
static void
service_log(Service *service, MilterLogLevel level, const char *id, const char *text,
            const char *reason)
{
    g_mutex_lock(&lock);
    const Status *user = user_of(service);
    const MilterField fields[] = {{"listen", service->spec}, {"reason", reason}};
    if (user)
        service->host->log(user->self, NULL, level, id, text, fields, G_N_ELEMENTS(fields));
    g_mutex_unlock(&lock);
}

/* ---- A page asks for its graphs, in the server's thread. */

static gboolean
is_served(const Service *service)
{
    return !service->ending && user_of(service) != NULL;
}

static char *
take_graphs(gpointer data)
{
    Service *service = data;
    gint64 until = g_get_monotonic_time() + GRAPHS_SECONDS * G_USEC_PER_SEC;
    g_mutex_lock(&lock);
    const Status *user = user_of(service);
    if (!user || !user->directory) {
        g_mutex_unlock(&lock);
        return NULL;
    }
    while (!service->graphs_fresh && is_served(service)) {
        service->graphs_wanted = TRUE;
        g_cond_broadcast(&changed);
        if (!g_cond_wait_until(&changed, &lock, until))
            break;
    }
    char *graphs = g_strdup(service->graphs);
    g_mutex_unlock(&lock);
    return graphs ? graphs : g_strdup_printf("<p>%s</p>\n", _("The history is not available now."));
}

/* ---- The clerk: listening. */

static void
start_listening(Service *service)
{
    g_autoptr(GError) error = NULL;
    service->server = server_new(service->address, service->host, take_graphs, service, &error);
    service->next_listen = g_get_monotonic_time() + RETRY_SECONDS * G_USEC_PER_SEC;
    if (service->server)
        service_log(service, MILTER_LOG_NOTICE, "status-listening", N_("The figures are shown"),
                    NULL);
    else if (!service->listen_bad)
        service_log(service, MILTER_LOG_ERROR, "status-listen-failed",
                    N_("The figures cannot be shown; it is tried again"), error->message);
    service->listen_bad = !service->server;
}

static void
keep_listening(Service *service, gboolean wanted)
{
    if (!wanted)
        g_clear_pointer(&service->server, server_free);
    else if (!service->server && g_get_monotonic_time() >= service->next_listen)
        start_listening(service);
    if (!wanted)
        service->next_listen = 0;
}

/* ---- The clerk: history. */

static void
note_history(Service *service, const GError *error)
{
    if (error && !service->history_bad)
        service_log(service, MILTER_LOG_ERROR, "status-history-failed",
                    N_("The history cannot be kept; it is tried again"), error->message);
    else if (!error && service->history_bad)
        service_log(service, MILTER_LOG_NOTICE, "status-history-kept",
                    N_("The history is kept again"), NULL);
    service->history_bad = error != NULL;
}

static void
drop_graphs(Service *service)
{
    g_mutex_lock(&lock);
    service->graphs_fresh = FALSE;
    g_mutex_unlock(&lock);
}

/* Samples are taken when a minute of the clock begins. */
static void
sample(Service *service)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Figures) figures = figures_take(service->host);
    if (!service->history)
        service->history = history_open(service->directory, &error);
    if (service->history && !history_sample(service->history, figures, &error))
        g_clear_pointer(&service->history, history_free);
    note_history(service, error);
    drop_graphs(service);
    gint64 into = service->host->wall_clock() % (MINUTE_SECONDS * G_USEC_PER_SEC);
    service->next_sample = g_get_monotonic_time() + MINUTE_SECONDS * G_USEC_PER_SEC - MAX(into, 0);
}

/* What grew since the last minute is taken along. */
static void
close_history(Service *service)
{
    g_autoptr(Figures) figures = service->history ? figures_take(service->host) : NULL;
    if (figures)
        history_sample(service->history, figures, NULL);
    g_clear_pointer(&service->history, history_free);
}

static void
keep_history(Service *service, char *directory)
{
    if (g_strcmp0(service->directory, directory) != 0) {
        close_history(service);
        service->history_bad = FALSE;
        service->next_sample = 0;
    }
    g_free(service->directory);
    service->directory = directory;
    if (directory && g_get_monotonic_time() >= service->next_sample)
        sample(service);
}

static void
draw_graphs(Service *service)
{
    g_autoptr(GError) error = NULL;
    char *graphs = NULL;
    if (service->history)
        graphs =
            graphs_html(service->history, service->host->wall_clock() / G_USEC_PER_SEC, &error);
    if (error) {
        g_clear_pointer(&service->history, history_free);
        note_history(service, error);
    }
    g_mutex_lock(&lock);
    g_free(service->graphs);
    service->graphs = graphs;
    service->graphs_fresh = TRUE;
    service->graphs_wanted = FALSE;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
}

/* ---- The clerk: its loop. */

/* One round, without the lock. */
static void
work(Service *service, gboolean wanted, char *directory, gboolean graphs)
{
    keep_listening(service, wanted);
    keep_history(service, directory);
    if (graphs)
        draw_graphs(service);
}

/* When there is something to do without being told; G_MAXINT64: never. */
static gint64
due(const Service *service, gboolean wanted)
{
    gint64 next = G_MAXINT64;
    if (wanted && !service->server)
        next = service->next_listen;
    if (wanted && service->directory)
        next = MIN(next, service->next_sample);
    return next;
}

/* With the lock: the users want something else than there is. */
static gboolean
has_news(const Service *service)
{
    const Status *user = user_of(service);
    return service->ending || service->graphs_wanted || (user == NULL && service->server != NULL) ||
           (user && !service->server && g_get_monotonic_time() >= service->next_listen) ||
           g_strcmp0(user ? user->directory : NULL, service->directory) != 0;
}

static void
wait_for_news(Service *service)
{
    gint64 until = due(service, user_of(service) != NULL);
    while (!has_news(service) && g_get_monotonic_time() < until) {
        if (until == G_MAXINT64)
            g_cond_wait(&changed, &lock);
        else
            g_cond_wait_until(&changed, &lock, until);
    }
}

static gpointer
clerk(gpointer data)
{
    Service *service = data;
    g_mutex_lock(&lock);
    while (!service->ending) {
        const Status *user = user_of(service);
        gboolean wanted = user != NULL;
        char *directory = user ? g_strdup(user->directory) : NULL;
        gboolean graphs = service->graphs_wanted;
        g_mutex_unlock(&lock);
        work(service, wanted, directory, graphs);
        g_mutex_lock(&lock);
        wait_for_news(service);
    }
    g_mutex_unlock(&lock);
    work(service, FALSE, NULL, FALSE);
    return NULL;
}

/* ---- Life. */

static Service *
find(const char *spec)
{
    for (guint i = 0; services && i < services->len; i++) {
        Service *service = g_ptr_array_index(services, i);
        if (strcmp(service->spec, spec) == 0)
            return service;
    }
    return NULL;
}

static Service *
service_new(const MilterHost *host, MmAddress *address, char *spec)
{
    Service *service = g_new0(Service, 1);
    service->host = host;
    service->address = address;
    service->spec = spec;
    service->users = g_ptr_array_new();
    if (!services)
        services = g_ptr_array_new();
    g_ptr_array_add(services, service);
    return service;
}

void
service_join(Status *status, MmAddress *address)
{
    char *spec = mm_address_to_string(address);
    g_mutex_lock(&lock);
    status->service = find(spec);
    if (status->service) {
        g_free(spec);
        mm_address_free(address);
    } else {
        status->service = service_new(status->host, address, spec);
    }
    status->service->references++;
    g_ptr_array_add(status->service->users, status);
    if (!instances)
        instances = g_ptr_array_new();
    g_ptr_array_add(instances, status);
    g_mutex_unlock(&lock);
}

static void
service_free(Service *service)
{
    if (service->clerk)
        g_thread_join(service->clerk);
    g_ptr_array_unref(service->users);
    mm_address_free(service->address);
    g_free(service->spec);
    g_free(service->graphs);
    g_free(service);
}

static void
forget(Status *status)
{
    g_ptr_array_remove(status->service->users, status);
    g_ptr_array_remove(instances, status);
    for (guint i = 0; i < instances->len; i++) {
        Status *other = g_ptr_array_index(instances, i);
        if (other->predecessor == status)
            other->predecessor = NULL;
    }
    if (instances->len == 0)
        g_clear_pointer(&instances, g_ptr_array_unref);
}

void
service_leave(Status *status)
{
    Service *service = status->service;
    g_mutex_lock(&lock);
    forget(status);
    gboolean last = --service->references == 0;
    if (last) {
        g_ptr_array_remove(services, service);
        if (services->len == 0)
            g_clear_pointer(&services, g_ptr_array_unref);
        service->ending = TRUE;
    }
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
    if (last)
        service_free(service);
}

void
service_use(Status *status)
{
    g_mutex_lock(&lock);
    if (!status->live && !status->over) {
        Service *service = status->service;
        status->live = TRUE;
        if (status->predecessor) {
            status->predecessor->live = FALSE;
            status->predecessor->over = TRUE;
        }
        /* Without a thread to be had there are no figures; the next reload tries again. */
        if (!service->clerk)
            service->clerk = g_thread_try_new("status", clerk, service, NULL);
        g_cond_broadcast(&changed);
    }
    g_mutex_unlock(&lock);
}

/* ---- Two of one configuration. */

/* One that is not in use yet and whose stage is in the chain that is being made is of that chain,
 * as status is. */
static gboolean
is_sibling(const Status *status, const Status *other)
{
    const MilterHost *host = status->host;
    return other != status->predecessor && !other->live && !other->over &&
           (!MILTER_HOST_HAS(host, stage_enabled) ||
            host->stage_enabled(status->self, host->instance_name(other->self)));
}

const char *
service_find_listener(const Status *status, const MmAddress *address)
{
    const char *name = NULL;
    g_autofree char *spec = mm_address_to_string(address);
    g_mutex_lock(&lock);
    for (guint i = 0; instances && i < instances->len; i++) {
        const Status *other = g_ptr_array_index(instances, i);
        if (is_sibling(status, other) && strcmp(other->service->spec, spec) == 0)
            name = other->host->instance_name(other->self);
    }
    g_mutex_unlock(&lock);
    return name;
}

const char *
service_find_recorder(const Status *status)
{
    const char *name = NULL;
    g_mutex_lock(&lock);
    for (guint i = 0; status->directory && instances && i < instances->len; i++) {
        const Status *other = g_ptr_array_index(instances, i);
        if (is_sibling(status, other) && g_strcmp0(other->directory, status->directory) == 0)
            name = other->host->instance_name(other->self);
    }
    g_mutex_unlock(&lock);
    return name;
}
