/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dnsbl.h"

/* For all zones: those that have not answered by then have not listed. A ticket's deadline is
 * later, so that it is this that ends the wait, unless the MTA grants less. */
#define ANSWER_SECONDS 5.0
#define DEADLINE_SECONDS 10.0
/* Between two warnings of one zone. */
#define WARNING_SECONDS 3600

typedef struct Question {
    Client *client;
    guint zone;       /* index */
    uint64_t query;   /* 0: not open */
    GString *answers; /* that list the client; NULL: none */
} Question;

struct Client {
    const Dnsbl *dnsbl;
    MilterWorker *worker;
    MilterSession *session;
    MilterTicket ticket;
    MilterTimer *timer;
    Question *questions; /* one for each zone; NULL: not asked */
    guint open;
    char *detail;
};

static const Zone *
zone_of(const Question *question)
{
    return &g_array_index(question->client->dnsbl->zones, Zone, question->zone);
}

Client *
client_new(const Dnsbl *dnsbl, MilterWorker *worker, MilterSession *session)
{
    Client *client = g_new0(Client, 1);
    client->dnsbl = dnsbl;
    client->worker = worker;
    client->session = session;
    return client;
}

static void
drop_questions(Client *client)
{
    const Dnsbl *dnsbl = client->dnsbl;
    for (guint i = 0; client->questions && i < dnsbl->zones->len; i++) {
        Question *question = &client->questions[i];
        if (question->query)
            dnsbl->host->resolve_cancel(client->worker, question->query);
        if (question->answers)
            g_string_free(question->answers, TRUE);
    }
    g_clear_pointer(&client->questions, g_free);
    client->open = 0;
}

void
client_cancel(Client *client)
{
    drop_questions(client);
    if (client->timer)
        client->dnsbl->host->timer_remove(client->timer);
    client->timer = NULL;
    client->ticket = 0;
}

void
client_free(Client *client)
{
    client_cancel(client);
    g_free(client->detail);
    g_free(client);
}

/* ---- Answers. */

static gboolean
may_warn(const Dnsbl *dnsbl, Zone *zone)
{
    gint now = (gint)(dnsbl->host->now() / G_USEC_PER_SEC);
    gint before = g_atomic_int_get(&zone->warned);
    if (before != G_MININT && now - before < WARNING_SECONDS)
        return FALSE;
    return g_atomic_int_compare_and_exchange(&zone->warned, before, now);
}

static void
warn(const Question *question, ZoneAnswer kind, const char *answer)
{
    const Dnsbl *dnsbl = question->client->dnsbl;
    Zone *zone = &g_array_index(dnsbl->zones, Zone, question->zone);
    const MilterField fields[] = {{"zone", zone->name}, {"answer", answer}};
    dnsbl->host->count(dnsbl->foreign, 1);
    if (!may_warn(dnsbl, zone))
        return;
    if (kind == ZONE_REFUSED)
        dnsbl->host->log(dnsbl->self, question->client->session, MILTER_LOG_WARNING,
                         "dnsbl-refused",
                         N_("The list does not answer this name server: nobody is listed"), fields,
                         G_N_ELEMENTS(fields));
    else
        dnsbl->host->log(dnsbl->self, question->client->session, MILTER_LOG_WARNING,
                         "dnsbl-foreign", N_("This answer is not from a list: it is ignored"),
                         fields, G_N_ELEMENTS(fields));
}

static void
take_answer(Question *question, const char *answer)
{
    ZoneAnswer kind = zone_judge(zone_of(question), answer);
    if (kind == ZONE_FOREIGN || kind == ZONE_REFUSED) {
        warn(question, kind, answer);
    } else if (kind == ZONE_LISTED) {
        if (!question->answers)
            question->answers = g_string_new(NULL);
        g_string_append_printf(question->answers, "%s%s", question->answers->len ? "," : "",
                               answer);
    }
}

static void
set_zone(const Question *question, GString *zones)
{
    const Client *client = question->client;
    const Dnsbl *dnsbl = client->dnsbl;
    const Zone *zone = zone_of(question);
    const MilterField fields[] = {{"zone", zone->name}, {"answer", question->answers->str}};
    dnsbl->host->set_fact(client->session, MILTER_FACT_SESSION, zone->fact, question->answers->str);
    dnsbl->host->count(zone->listed, 1);
    dnsbl->host->log(dnsbl->self, client->session, MILTER_LOG_INFO, "dnsbl-listed",
                     N_("The client is listed"), fields, G_N_ELEMENTS(fields));
    g_string_append_printf(zones, "%s%s", zones->len ? "," : "", zone->name);
}

static void
set_facts(Client *client)
{
    const Dnsbl *dnsbl = client->dnsbl;
    g_autoptr(GString) zones = g_string_new(NULL);
    for (guint i = 0; i < dnsbl->zones->len; i++) {
        if (client->questions[i].answers)
            set_zone(&client->questions[i], zones);
    }
    dnsbl->host->count(dnsbl->clients, 1);
    if (zones->len == 0)
        return;
    dnsbl->host->count(dnsbl->listed, 1);
    dnsbl->host->set_fact(client->session, MILTER_FACT_SESSION, dnsbl->fact, zones->str);
    g_free(client->detail);
    client->detail = g_strdelimit(g_strconcat("fact=", zones->str, NULL), ",", '+');
}

static void
end(Client *client)
{
    const MilterHost *host = client->dnsbl->host;
    MilterTicket ticket = client->ticket;
    MilterVerdict verdict = {.size = sizeof(verdict), .kind = MILTER_VERDICT_CONTINUE};
    set_facts(client);
    verdict.detail = client->detail;
    client_cancel(client);
    host->finish(client->worker, ticket, &verdict);
}

static void
answered(void *data, const MilterResolveAnswer *answer)
{
    Question *question = data;
    Client *client = question->client;
    const Dnsbl *dnsbl = client->dnsbl;
    question->query = 0;
    for (size_t i = 0; i < answer->n_values; i++)
        take_answer(question, answer->values[i]);
    if (answer->status == MILTER_RESOLVE_TEMPORARY)
        dnsbl->host->count(dnsbl->failures, 1);
    if (--client->open == 0)
        end(client);
}

static void
time_is_up(void *data)
{
    Client *client = data;
    client->timer = NULL;
    client->dnsbl->host->count(client->dnsbl->failures, client->open);
    end(client);
}

/* ---- Questions. */

gboolean
client_start(Client *client, MilterTicket ticket, const NetAddress *address)
{
    const Dnsbl *dnsbl = client->dnsbl;
    const MilterHost *host = dnsbl->host;
    if (dnsbl->zones->len == 0 || net_address_is_private(address))
        return FALSE;
    client->ticket = ticket;
    host->deadline(client->worker, ticket, DEADLINE_SECONDS, "answers of block lists");
    client->timer = host->timer_add(client->worker, ANSWER_SECONDS, time_is_up, client);
    client->questions = g_new0(Question, dnsbl->zones->len);
    client->open = dnsbl->zones->len;
    for (guint i = 0; i < dnsbl->zones->len; i++) {
        Question *question = &client->questions[i];
        *question = (Question){.client = client, .zone = i};
        g_autofree char *name = zone_question(zone_of(question), address);
        question->query = host->resolve(client->worker, MILTER_RESOLVE_A, name, answered, question);
    }
    return TRUE;
}
