/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin's table: whether the client is in lists of the DNS, as facts. */
#include "dnsbl.h"

#include <libintl.h>
#include <string.h>

/* ---- Settings. */

static gboolean
has_zone(const Dnsbl *dnsbl, const char *name)
{
    for (guint i = 0; i < dnsbl->zones->len; i++) {
        if (strcmp(g_array_index(dnsbl->zones, Zone, i).name, name) == 0)
            return TRUE;
    }
    return FALSE;
}

/* "zone-" and the name, in the characters of a counter's name. */
static MilterCounter *
zone_counter(const Dnsbl *dnsbl, const Zone *zone)
{
    g_autofree char *name = g_strconcat("zone-", zone->name, NULL);
    for (char *p = name; *p; p++) {
        if (!g_ascii_isalnum(*p))
            *p = '-';
    }
    return dnsbl->host->counter(dnsbl->self, name);
}

static gboolean
add_zone(Dnsbl *dnsbl, const char *text)
{
    Zone zone;
    const char *problem = zone_parse(&zone, text, dnsbl->fact);
    if (!problem && has_zone(dnsbl, zone.name))
        problem = N_("this zone is named twice");
    if (problem) {
        g_autofree char *whole =
            g_strdup_printf("“%s”: %s", text, dgettext("milter-manager", problem));
        dnsbl->host->problem(dnsbl->self, "zones", whole, N_("ZONE or ZONE=ADDRESS/PREFIX"));
        zone_clear(&zone);
        return FALSE;
    }
    zone.listed = zone_counter(dnsbl, &zone);
    g_array_append_val(dnsbl->zones, zone);
    return TRUE;
}

static gboolean
take_zones(Dnsbl *dnsbl)
{
    const char *const *texts = dnsbl->host->get_strings(dnsbl->self, "zones");
    for (; *texts; texts++) {
        if (!add_zone(dnsbl, *texts))
            return FALSE;
    }
    if (dnsbl->zones->len == 0)
        dnsbl->host->warn(dnsbl->self, "zones", N_("no list is named: nobody is looked up"),
                          N_("ZONE or ZONE=ADDRESS/PREFIX"));
    for (guint i = 0; i < dnsbl->zones->len; i++) {
        const MilterFact fact = {.name = g_array_index(dnsbl->zones, Zone, i).fact,
                                 .settled_after = MILTER_EVENT_CONNECT};
        g_array_append_val(dnsbl->facts, fact);
    }
    return TRUE;
}

static gboolean
take_fact(Dnsbl *dnsbl)
{
    dnsbl->fact = dnsbl->host->get_string(dnsbl->self, "fact");
    if (dnsbl->fact[0] != '\0' && dnsbl->fact[0] != '!' && !strpbrk(dnsbl->fact, " \t\n"))
        return TRUE;
    dnsbl->host->problem(dnsbl->self, "fact", N_("this is no name of a fact"),
                         N_("a word for the conditions of later stages"));
    return FALSE;
}

static void
dnsbl_discard(void *instance)
{
    Dnsbl *dnsbl = instance;
    g_array_unref(dnsbl->zones);
    g_array_unref(dnsbl->facts);
    g_free(dnsbl);
}

static void *
dnsbl_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)predecessor;
    Dnsbl *dnsbl = g_new0(Dnsbl, 1);
    dnsbl->host = host;
    dnsbl->self = self;
    dnsbl->zones = g_array_new(FALSE, FALSE, sizeof(Zone));
    g_array_set_clear_func(dnsbl->zones, zone_clear);
    dnsbl->facts = g_array_new(TRUE, FALSE, sizeof(MilterFact));
    dnsbl->clients = host->counter(self, "clients");
    dnsbl->listed = host->counter(self, "listed");
    dnsbl->failures = host->counter(self, "failures");
    dnsbl->foreign = host->counter(self, "foreign");
    if (take_fact(dnsbl) && take_zones(dnsbl))
        return dnsbl;
    dnsbl_discard(dnsbl);
    return NULL;
}

static const MilterFact *
dnsbl_facts(void *instance)
{
    const Dnsbl *dnsbl = instance;
    return (const MilterFact *)(gpointer)dnsbl->facts->data;
}

/* ---- Sessions. */

static void *
dnsbl_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    return client_new(instance, worker, session);
}

static void
dnsbl_close(void *session_data)
{
    client_free(session_data);
}

static MilterReturn
dnsbl_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
            MilterVerdict *verdict)
{
    NetAddress address;
    (void)verdict;
    if (event->kind != MILTER_EVENT_CONNECT || event->u.connect.family == 'L' ||
        event->u.connect.family == 'U' ||
        !net_address_parse(&address, event->u.connect.address.data))
        return MILTER_DONE;
    return client_start(session_data, ticket, &address) ? MILTER_LATER : MILTER_DONE;
}

static void
dnsbl_cancel(void *session_data, MilterTicket ticket)
{
    (void)ticket;
    client_cancel(session_data);
}

static const MilterFact facts[] = {
    {.name_setting = "fact", .settled_after = MILTER_EVENT_CONNECT},
    {0},
};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENT_BIT(MILTER_EVENT_CONNECT),
    .facts = facts,
    .configure = dnsbl_configure,
    .discard = dnsbl_discard,
    .open = dnsbl_open,
    .close = dnsbl_close,
    .event = dnsbl_event,
    .cancel = dnsbl_cancel,
    .instance_facts = dnsbl_facts,
};

MILTER_PLUGIN(dnsbl, .name = "dnsbl", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager",
              .summary = N_("Looks the client up in lists of the DNS"), .stage = &stage)
