/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin's table: settings, and a client's way through them. */
#include "s25r.h"

#include <string.h>

/* For the PTR and the names it gives, together. A ticket's deadline is later, so that it is this
 * that ends the wait, unless the MTA grants less. */
#define LOOKUP_SECONDS 5.0
#define DEADLINE_SECONDS 10.0

typedef struct Client {
    const S25r *s25r;
    MilterWorker *worker;
    MilterSession *session;
    NetAddress address;
    S25rLookup *lookup;
    MilterTicket ticket; /* that waits for lookup */
    char *reasons;       /* NULL: no hit */
    gboolean nameless;   /* the reason is that there is no name */
    char *detail;        /* of the last answer */
} Client;

/* ---- Settings. */

static void
make_counters(S25r *s25r)
{
    static const char *const names[S25R_COUNT_RULES] = {[S25R_COUNT_CLIENTS] = "clients",
                                                        [S25R_COUNT_HITS] = "hits",
                                                        [S25R_COUNT_NO_PTR] = "no-ptr",
                                                        [S25R_COUNT_FORGED] = "forged",
                                                        [S25R_COUNT_TEMPORARY] = "temporary",
                                                        [S25R_COUNT_ALLOW] = "allow",
                                                        [S25R_COUNT_BLOCK] = "block",
                                                        [S25R_COUNT_WORD] = "word",
                                                        [S25R_COUNT_IP] = "ip",
                                                        [S25R_COUNT_SHAPE] = "shape"};
    for (guint i = 0; i < S25R_COUNT_RULES; i++)
        s25r->counts[i] = s25r->host->counter(s25r->self, names[i]);
    for (guint i = S25R_COUNT_RULES; i < S25R_N_COUNTS; i++) {
        char name[16];
        g_snprintf(name, sizeof(name), "rule%u", i - S25R_COUNT_RULES + 1);
        s25r->counts[i] = s25r->host->counter(s25r->self, name);
    }
}

/* The schema lets no other word pass. */
static S25rAction
action_from_name(const char *name)
{
    if (strcmp(name, "reject") == 0)
        return S25R_REJECT;
    return strcmp(name, "temporary-failure") == 0 ? S25R_TEMPORARY_FAILURE : S25R_FACT;
}

static gboolean
take_fact(S25r *s25r)
{
    s25r->fact = s25r->host->get_string(s25r->self, "fact");
    if (s25r->fact[0] != '\0' && s25r->fact[0] != '!' && !strpbrk(s25r->fact, " \t\n"))
        return TRUE;
    s25r->host->problem(s25r->self, "fact", N_("this is no name of a fact"),
                        N_("a word for the conditions of later stages"));
    return FALSE;
}

static void
s25r_discard(void *instance)
{
    S25r *s25r = instance;
    s25r_patterns_free(s25r->allow);
    s25r_patterns_free(s25r->block);
    g_free(s25r);
}

static void *
s25r_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)predecessor;
    S25r *s25r = g_new0(S25r, 1);
    s25r->host = host;
    s25r->self = self;
    s25r->classic = strcmp(host->get_string(self, "mode"), "classic") == 0;
    s25r->ipv6 = host->get_boolean(self, "ipv6");
    s25r->action = action_from_name(host->get_string(self, "action"));
    s25r->allow = s25r_patterns_new(host, self, "allow");
    s25r->block = s25r_patterns_new(host, self, "block");
    if (!take_fact(s25r) || !s25r->allow || !s25r->block) {
        s25r_discard(s25r);
        return NULL;
    }
    make_counters(s25r);
    host->admin_verb(self, "explain", s25r_explain, s25r);
    return s25r;
}

/* ---- Sessions. */

static void *
s25r_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    Client *client = g_new0(Client, 1);
    client->s25r = instance;
    client->worker = worker;
    client->session = session;
    return client;
}

static void
s25r_close(void *session_data)
{
    Client *client = session_data;
    s25r_lookup_free(client->lookup);
    g_free(client->reasons);
    g_free(client->detail);
    g_free(client);
}

static MilterReturn
s25r_negotiate(void *session_data, MilterTicket ticket, const MilterOffer *offer,
               MilterNegotiation *negotiation)
{
    const Client *client = session_data;
    (void)ticket;
    (void)offer;
    if (client->s25r->action == S25R_FACT)
        negotiation->events &= ~MILTER_EVENT_BIT(MILTER_EVENT_RCPT);
    negotiation->macros[MILTER_MACROS_CONNECT] = "{client_resolve} {client_name}";
    return MILTER_DONE;
}

static const char *
macro(const Client *client, const char *name)
{
    const char *value = client->s25r->host->macro(client->session, name);
    return value ? value : "";
}

static void
log_hit(const Client *client, const char *name)
{
    const MilterField fields[] = {{"name", name}, {"reasons", client->reasons}};
    client->s25r->host->log(client->s25r->self, client->session, MILTER_LOG_INFO, "s25r-hit",
                            N_("The client looks like the line of an end user"), fields,
                            G_N_ELEMENTS(fields));
}

static void
take_hit(Client *client, const S25rJudgement *judgement, S25rStanding standing, const char *name)
{
    const S25r *s25r = client->s25r;
    client->reasons = g_strdup(judgement->reasons->str);
    client->nameless = standing != S25R_VERIFIED;
    s25r->host->set_fact(client->session, MILTER_FACT_SESSION, s25r->fact, client->reasons);
    client->detail = g_strdelimit(
        g_strconcat(s25r->action == S25R_FACT ? "fact=" : "", client->reasons, NULL), ",", '+');
    log_hit(client, name);
}

static void
judge(Client *client, S25rStanding standing, const char *name, MilterVerdict *verdict)
{
    S25rJudgement judgement;
    s25r_judge(client->s25r, standing, name, &client->address, &judgement);
    s25r_count(client->s25r, standing, &judgement);
    if (judgement.hit)
        take_hit(client, &judgement, standing, name);
    s25r_judgement_clear(&judgement);
    verdict->detail = client->detail;
}

static void
looked_up(void *data, S25rStanding standing, const char *name)
{
    Client *client = data;
    const MilterHost *host = client->s25r->host;
    MilterVerdict verdict = {.size = sizeof(verdict)};
    MilterTicket ticket = client->ticket;
    client->ticket = 0;
    judge(client, standing, name, &verdict);
    g_clear_pointer(&client->lookup, s25r_lookup_free);
    host->finish(client->worker, ticket, &verdict);
}

static gboolean
is_missing(const char *name)
{
    return name[0] == '\0' || name[0] == '[' || g_ascii_strcasecmp(name, "unknown") == 0;
}

/* FALSE: the MTA does not say. */
static gboolean
is_told(const Client *client, const char *name, S25rStanding *standing)
{
    const char *result = macro(client, "{client_resolve}");
    const char *confirmed = macro(client, "{client_name}");
    gboolean missing = is_missing(name) || (*confirmed && is_missing(confirmed));
    if (strcmp(result, "TEMP") == 0)
        *standing = S25R_UNKNOWN;
    else if (strcmp(result, "FORGED") == 0)
        *standing = S25R_FORGED;
    else if (strcmp(result, "FAIL") == 0)
        *standing = S25R_NONE;
    else if (!missing)
        *standing = S25R_VERIFIED;
    else
        return FALSE;
    return TRUE;
}

static MilterReturn
connected(Client *client, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    const S25r *s25r = client->s25r;
    const char *name = event->u.connect.host.data;
    const char *address = event->u.connect.address.data;
    S25rStanding standing;
    gboolean has_address = event->u.connect.family != 'L' && event->u.connect.family != 'U' &&
                           net_address_parse(&client->address, address);
    if (!has_address || (client->address.size == 16 && !s25r->ipv6))
        return MILTER_DONE;
    if (is_told(client, name, &standing)) {
        judge(client, standing, name, verdict);
        return MILTER_DONE;
    }
    client->ticket = ticket;
    s25r->host->deadline(client->worker, ticket, DEADLINE_SECONDS,
                         "the look-up of the client's name");
    client->lookup = s25r_lookup_new(s25r->host, client->worker, &client->address, LOOKUP_SECONDS,
                                     looked_up, client);
    return MILTER_LATER;
}

/* RFC 3463 X.7.1, RFC 7372 X.7.25: the reverse name is not valid. */
static void
refuse(const Client *client, MilterVerdict *verdict)
{
    static const char *const replies[2][2] = {
        {"450 4.7.1 The client's name looks like that of an end user's line, try again later",
         "450 4.7.25 The client has no valid reverse name, try again later"},
        {"550 5.7.1 The client's name looks like that of an end user's line",
         "550 5.7.25 The client has no valid reverse name"}};
    const char *reply = replies[client->s25r->action == S25R_REJECT][client->nameless];
    verdict->kind = MILTER_VERDICT_REPLY;
    verdict->reply = (MilterSlice){reply, strlen(reply)};
    verdict->detail = client->detail;
}

static MilterReturn
s25r_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
           MilterVerdict *verdict)
{
    Client *client = session_data;
    if (event->kind == MILTER_EVENT_CONNECT)
        return connected(client, ticket, event, verdict);
    if (event->kind == MILTER_EVENT_RCPT && client->reasons && client->s25r->action != S25R_FACT)
        refuse(client, verdict);
    return MILTER_DONE;
}

static void
s25r_cancel(void *session_data, MilterTicket ticket)
{
    Client *client = session_data;
    (void)ticket;
    client->ticket = 0;
    g_clear_pointer(&client->lookup, s25r_lookup_free);
}

static const MilterFact facts[] = {
    {.name_setting = "fact", .settled_after = MILTER_EVENT_CONNECT},
    {0},
};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENT_BIT(MILTER_EVENT_CONNECT) | MILTER_EVENT_BIT(MILTER_EVENT_RCPT),
    .facts = facts,
    .configure = s25r_configure,
    .discard = s25r_discard,
    .open = s25r_open,
    .close = s25r_close,
    .negotiate = s25r_negotiate,
    .event = s25r_event,
    .cancel = s25r_cancel,
};

MILTER_PLUGIN(s25r, .name = "s25r", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager",
              .summary = N_("Tells end users' lines from mail servers by the client's name"),
              .stage = &stage)
