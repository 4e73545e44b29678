/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a session comes from, as facts for the conditions of later stages.
 *
 *     local          the client is in one of local-networks, on a unix socket, or has no address
 *     remote         it is not
 *     trusted        its name, which the MTA verified, is within one of trusted-domains
 *     tls            the connection is encrypted: the protocol's version
 *     authenticated  the sender has logged in: under which name
 *
 * The MTA knows the first three when the client connects. STARTTLS may come any time before MAIL,
 * and its macros come with the HELO after it; those of AUTH come with MAIL.
 */
#include "common/net.h"

#include <libintl.h>
#include <milter-manager/plugin.h>

#include <string.h>

#define N_(text) (text)

typedef struct Origin {
    const MilterHost *host;
    MilterInstance *self;
    GArray *networks;           /* of NetPrefix */
    const char *const *texts;   /* of networks, owned by the settings */
    const char *const *domains; /* trusted, owned by the settings */
} Origin;

typedef struct Client {
    const Origin *origin;
    MilterSession *session;
} Client;

/* ---- Settings. */

static gboolean
take_networks(Origin *origin)
{
    origin->texts = origin->host->get_strings(origin->self, "local-networks");
    for (guint i = 0; origin->texts[i]; i++) {
        NetPrefix prefix;
        const char *problem = net_prefix_parse(&prefix, origin->texts[i]);
        if (problem) {
            g_autofree char *text =
                g_strdup_printf("“%s”: %s", origin->texts[i], dgettext("milter-manager", problem));
            origin->host->problem(origin->self, "local-networks", text,
                                  N_("ADDRESS or ADDRESS/BITS"));
            return FALSE;
        }
        g_array_append_val(origin->networks, prefix);
    }
    return TRUE;
}

static gboolean
take_domains(Origin *origin)
{
    origin->domains = origin->host->get_strings(origin->self, "trusted-domains");
    for (guint i = 0; origin->domains[i]; i++) {
        const char *domain = origin->domains[i];
        if (net_domain_is_valid(domain))
            continue;
        g_autofree char *text = g_strdup_printf("“%s”", domain);
        origin->host->problem(origin->self, "trusted-domains", text,
                              N_("a domain, which stands for itself and all names below it"));
        return FALSE;
    }
    return TRUE;
}

static void
origin_discard(void *instance)
{
    Origin *origin = instance;
    g_array_unref(origin->networks);
    g_free(origin);
}

static void *
origin_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)predecessor;
    Origin *origin = g_new0(Origin, 1);
    origin->host = host;
    origin->self = self;
    origin->networks = g_array_new(FALSE, FALSE, sizeof(NetPrefix));
    if (take_networks(origin) && take_domains(origin))
        return origin;
    origin_discard(origin);
    return NULL;
}

/* ---- Sessions. */

static void *
origin_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    (void)worker;
    Client *client = g_new0(Client, 1);
    *client = (Client){instance, session};
    return client;
}

/* Beside what MTAs send of themselves. */
static MilterReturn
origin_negotiate(void *session_data, MilterTicket ticket, const MilterOffer *offer,
                 MilterNegotiation *negotiation)
{
    (void)session_data;
    (void)ticket;
    (void)offer;
    negotiation->macros[MILTER_MACROS_CONNECT] = "{client_resolve} {client_name}";
    negotiation->macros[MILTER_MACROS_HELO] = "{tls_version}";
    negotiation->macros[MILTER_MACROS_MAIL] = "{auth_type} {auth_authen}";
    return MILTER_DONE;
}

static const char *
macro(const Client *client, const char *name)
{
    const char *value = client->origin->host->macro(client->session, name);
    return value ? value : "";
}

static void
set(const Client *client, MilterFactScope scope, const char *fact, const char *value)
{
    client->origin->host->set_fact(client->session, scope, fact, value);
}

/* The network's text, "" for a client that is no network's, NULL: not local. */
static const char *
local_network(const Origin *origin, const MilterEvent *event)
{
    NetAddress address;
    if (event->u.connect.family == 'L' || event->u.connect.family == 'U')
        return "";
    if (!net_address_parse(&address, event->u.connect.address.data))
        return NULL;
    for (guint i = 0; i < origin->networks->len; i++) {
        if (net_prefix_contains(&g_array_index(origin->networks, NetPrefix, i), &address))
            return origin->texts[i];
    }
    return NULL;
}

/* MTAs write "[ADDRESS]" or "unknown" for a name that is missing or not confirmed; what they say of
 * it in a macro counts too. */
static gboolean
is_verified(const Client *client, const char *name)
{
    const char *result = macro(client, "{client_resolve}");
    const char *confirmed = macro(client, "{client_name}");
    return name[0] != '\0' && name[0] != '[' && g_ascii_strcasecmp(name, "unknown") != 0 &&
           confirmed[0] != '[' && g_ascii_strcasecmp(confirmed, "unknown") != 0 &&
           (result[0] == '\0' || strcmp(result, "OK") == 0);
}

static const char *
trusted_domain(const Client *client, const char *name)
{
    const char *const *domains = client->origin->domains;
    if (!domains[0] || !is_verified(client, name))
        return NULL;
    while (*domains && !net_name_is_within(name, *domains))
        domains++;
    return *domains;
}

static void
connected(const Client *client, const MilterEvent *event)
{
    const char *network = local_network(client->origin, event);
    const char *domain = trusted_domain(client, event->u.connect.host.data);
    if (network)
        set(client, MILTER_FACT_SESSION, "local", *network ? network : NULL);
    else
        set(client, MILTER_FACT_SESSION, "remote", NULL);
    if (domain)
        set(client, MILTER_FACT_SESSION, "trusted", domain);
}

static void
look_for_tls(const Client *client)
{
    const char *version = macro(client, "{tls_version}");
    if (*version)
        set(client, MILTER_FACT_SESSION, "tls", version);
}

/* The message's: STARTTLS after AUTH makes a client a stranger again. */
static void
look_for_login(const Client *client)
{
    const char *name = macro(client, "{auth_authen}");
    if (*name || *macro(client, "{auth_type}"))
        set(client, MILTER_FACT_MESSAGE, "authenticated", *name ? name : NULL);
}

static MilterReturn
origin_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
             MilterVerdict *verdict)
{
    const Client *client = session_data;
    (void)ticket;
    (void)verdict;
    switch (event->kind) {
    case MILTER_EVENT_CONNECT:
        connected(client, event);
        break;
    case MILTER_EVENT_HELO:
        look_for_tls(client);
        break;
    case MILTER_EVENT_MAIL:
        look_for_tls(client);
        look_for_login(client);
        break;
    default:
        break;
    }
    return MILTER_DONE;
}

static const MilterFact facts[] = {
    {.name = "local", .settled_after = MILTER_EVENT_CONNECT},
    {.name = "remote", .settled_after = MILTER_EVENT_CONNECT},
    {.name = "trusted", .settled_after = MILTER_EVENT_CONNECT},
    {.name = "tls", .settled_after = MILTER_EVENT_MAIL},
    {.name = "authenticated", .settled_after = MILTER_EVENT_MAIL},
    {0},
};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENT_BIT(MILTER_EVENT_CONNECT) | MILTER_EVENT_BIT(MILTER_EVENT_HELO) |
              MILTER_EVENT_BIT(MILTER_EVENT_MAIL),
    .facts = facts,
    .configure = origin_configure,
    .discard = origin_discard,
    .open = origin_open,
    .close = g_free,
    .negotiate = origin_negotiate,
    .event = origin_event,
};

MILTER_PLUGIN(origin, .name = "origin", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager",
              .summary = N_("Says where a session comes from: local, remote, authenticated"),
              .stage = &stage)
