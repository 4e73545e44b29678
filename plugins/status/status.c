/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin's table: a stage that asks for no event. What it does is done beside the sessions. */
#include "listen.h"
#include "service.h"

#include "base/i18n.h"

static const char allowed_listen[] = N_("unix:PATH, inet:PORT@127.0.0.1 or inet6:PORT@[::1]");

/* Ends with NULL after a problem was reported. */
static MmAddress *
take_address(const Status *status)
{
    const MilterHost *host = status->host;
    const char *spec = host->get_string(status->self, "listen");
    g_autoptr(GError) error = NULL;
    if (!*spec) {
        host->problem(status->self, "listen", N_("no address to show the figures on is named"),
                      allowed_listen);
        return NULL;
    }
    g_autoptr(MmAddress) address = mm_address_parse(spec, &error);
    if (!address || !mm_address_move_below(address, host->root(status->self), &error)) {
        host->problem(status->self, "listen", error->message, allowed_listen);
        return NULL;
    }
    if (!listen_is_local(address)) {
        g_autofree char *text =
            g_strdup_printf(_("“%s” can be reached from elsewhere, or is a name"), spec);
        host->problem(status->self, "listen", text, allowed_listen);
        return NULL;
    }
    return g_steal_pointer(&address);
}

static gboolean
take_directory(Status *status)
{
    const char *directory = status->host->get_string(status->self, "history-directory");
    if (*directory && !g_path_is_absolute(directory)) {
        status->host->problem(status->self, "history-directory", N_("this is no absolute path"),
                              N_("/PATH, or '' for none"));
        return FALSE;
    }
    status->directory = *directory ? g_strdup(directory) : NULL;
    return TRUE;
}

static gboolean
is_alone(const Status *status, const MmAddress *address)
{
    const char *other = service_find_listener(status, address);
    const char *key = "listen";
    if (!other) {
        other = service_find_recorder(status);
        key = "history-directory";
    }
    if (!other)
        return TRUE;
    g_autofree char *text = g_strdup_printf(_("the stage “%s” has the same"), other);
    status->host->problem(status->self, key, text, NULL);
    return FALSE;
}

static void
status_free(Status *status)
{
    g_free(status->directory);
    g_free(status);
}

static void *
status_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    Status *status = g_new0(Status, 1);
    status->host = host;
    status->self = self;
    status->predecessor = predecessor;
    MmAddress *address = take_directory(status) ? take_address(status) : NULL;
    if (!address || !is_alone(status, address)) {
        mm_address_free(address);
        status_free(status);
        return NULL;
    }
    if (!MILTER_HOST_HAS(host, figures))
        host->warn(self, NULL, N_("this host is too old to tell its figures"), NULL);
    service_join(status, address);
    return status;
}

static void
status_discard(void *instance)
{
    service_leave(instance);
    status_free(instance);
}

static void *
status_enter_worker(void *instance, MilterWorker *worker)
{
    (void)worker;
    service_use(instance);
    return NULL;
}

static void
status_leave_worker(void *instance, void *in_worker)
{
    (void)instance;
    (void)in_worker;
}

/* ---- Sessions: nothing is asked. */

static void *
status_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    (void)worker;
    (void)session;
    return instance;
}

static void
status_close(void *session_data)
{
    (void)session_data;
}

static MilterReturn
status_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
             MilterVerdict *verdict)
{
    (void)session_data;
    (void)ticket;
    (void)event;
    (void)verdict;
    return MILTER_DONE;
}

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .configure = status_configure,
    .discard = status_discard,
    .enter_worker = status_enter_worker,
    .leave_worker = status_leave_worker,
    .open = status_open,
    .close = status_close,
    .event = status_event,
};

MILTER_PLUGIN(status, .name = "status", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager",
              .summary = N_("Shows the figures over HTTP, and keeps a history of them"),
              .stage = &stage)
