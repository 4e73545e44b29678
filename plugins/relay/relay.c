/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin's table: a child milter reached over a socket, as a stage. */
#include "relay.h"

static gboolean
take_spec(Relay *relay)
{
    const MilterHost *host = relay->host;
    const char *spec = host->get_string(relay->self, "connection-spec");
    g_autoptr(GError) error = NULL;
    if (!*spec) {
        host->problem(relay->self, "connection-spec", N_("the child's socket is not named"),
                      N_("unix:PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]"));
        return FALSE;
    }
    relay->address = mm_address_parse(spec, &error);
    if (!relay->address) {
        host->problem(relay->self, "connection-spec", error->message, NULL);
        return FALSE;
    }
    /* The spec is good in its own tree: what looks at that tree is not to be refused. */
    relay->unreachable = !mm_address_move_below(relay->address, host->root(relay->self), &error);
    if (relay->unreachable)
        host->warn(relay->self, "connection-spec", error->message, NULL);
    return TRUE;
}

static void
warn_if_absent(const Relay *relay)
{
    if (relay->address->family == MM_ADDRESS_UNIX && !relay->unreachable &&
        !g_file_test(relay->address->path, G_FILE_TEST_EXISTS))
        relay->host->warn(relay->self, "connection-spec", N_("this socket does not exist now"),
                          relay->address->path);
}

static void
relay_discard(void *instance)
{
    Relay *relay = instance;
    mm_address_free(relay->address);
    g_free(relay);
}

static void *
relay_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)predecessor;
    Relay *relay = g_new0(Relay, 1);
    relay->host = host;
    relay->self = self;
    if (!take_spec(relay)) {
        relay_discard(relay);
        return NULL;
    }
    warn_if_absent(relay);
    relay->connection_timeout = host->get_double(self, "connection-timeout");
    relay->writing_timeout = host->get_double(self, "writing-timeout");
    relay->reading_timeout = host->get_double(self, "reading-timeout");
    relay->end_timeout = host->get_double(self, "end-of-message-timeout");
    relay->standby = host->get_unsigned(self, "standby");
    return relay;
}

static void *
relay_enter_worker(void *instance, MilterWorker *worker)
{
    return bench_new(instance, worker);
}

static void
relay_leave_worker(void *instance, void *in_worker)
{
    (void)instance;
    bench_free(in_worker);
}

static void *
relay_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)instance;
    (void)worker;
    return talk_new(in_worker, session);
}

static void
relay_close(void *session_data)
{
    talk_free(session_data);
}

static MilterReturn
relay_negotiate(void *session_data, MilterTicket ticket, const MilterOffer *offer,
                MilterNegotiation *negotiation)
{
    Talk *talk = session_data;
    bench_offer(offer, &talk->offer);
    return talk_negotiate(talk, ticket, negotiation);
}

static MilterReturn
relay_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
            MilterVerdict *verdict)
{
    return talk_event(session_data, ticket, event, verdict);
}

static void
relay_abort(void *session_data)
{
    talk_abort(session_data);
}

static void
relay_cancel(void *session_data, MilterTicket ticket)
{
    (void)ticket;
    talk_drop(session_data);
}

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .rights = 0xFF,
    .configure = relay_configure,
    .discard = relay_discard,
    .enter_worker = relay_enter_worker,
    .leave_worker = relay_leave_worker,
    .open = relay_open,
    .close = relay_close,
    .negotiate = relay_negotiate,
    .event = relay_event,
    .abort = relay_abort,
    .cancel = relay_cancel,
};

MILTER_PLUGIN(relay, .name = "relay", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager",
              .summary = N_("Passes the session on to a child milter over its socket"),
              .stage = &stage)
