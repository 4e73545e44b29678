/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ask.h"

#include "normal.h"

#include <string.h>

/* For the deadline of a ticket, over what the steps take themselves. */
#define MARGIN_SECONDS 2.0

void
ask_init(Ask *ask, Seat *seat)
{
    *ask = (Ask){.seat = seat, .sender = g_strdup("")};
    source_init(&ask->source, seat->greylist, seat->worker);
}

static void
forget_recipient(Ask *ask)
{
    g_clear_pointer(&ask->recipient, g_free);
    g_clear_pointer(&ask->key_sender, g_free);
    g_clear_pointer(&ask->key_recipient, g_free);
    g_clear_pointer(&ask->address, g_free);
    g_clear_pointer(&ask->network, g_free);
}

static void
stop_limit(Ask *ask)
{
    if (ask->limit)
        ask->seat->greylist->host->timer_remove(ask->limit);
    ask->limit = NULL;
}

void
ask_cancel(Ask *ask)
{
    stop_limit(ask);
    source_cancel(&ask->source);
    guard_cancel(&ask->guard);
}

void
ask_clear(Ask *ask)
{
    ask_cancel(ask);
    forget_recipient(ask);
    source_clear(&ask->source);
    g_free(ask->sender);
}

void
ask_forget_message(Ask *ask)
{
    ask_cancel(ask);
    source_forget_sender(&ask->source);
    ask->companion = FALSE;
}

/* ---- Who it is. */

static gboolean
is_loopback(const MilterEvent *connect)
{
    NetAddress address;
    if (connect->u.connect.family == 'L' || connect->u.connect.family == 'U')
        return TRUE;
    if (!net_address_parse(&address, connect->u.connect.address.data))
        return TRUE;
    if (address.size == 4)
        return address.bytes[0] == 127;
    static const guint8 loopback[16] = {[15] = 1};
    return memcmp(address.bytes, loopback, sizeof(loopback)) == 0;
}

/* Sendmail tells in a macro what it found out about the name; Postfix gives only names that lead
 * back. */
static Confirmed
confirmed_by(const char *resolved, const char *version)
{
    if (resolved && *resolved)
        return strcmp(resolved, "OK") == 0 ? CONFIRMED_YES : CONFIRMED_NO;
    return version && g_str_has_prefix(version, "Postfix") ? CONFIRMED_YES : CONFIRMED_UNKNOWN;
}

void
ask_set_client(Ask *ask, const MilterEvent *connect, const char *resolved, const char *version)
{
    ask->has_client = TRUE;
    ask->loopback = is_loopback(connect);
    source_set_client(&ask->source, connect->u.connect.host.data, connect->u.connect.address.data,
                      confirmed_by(resolved, version));
}

void
ask_set_helo(Ask *ask, const char *helo)
{
    g_free(ask->source.helo);
    ask->source.helo = g_strdup(helo);
}

void
ask_set_sender(Ask *ask, const char *typed, gsize length)
{
    g_free(ask->sender);
    ask->sender = normal_address(typed, length);
}

/* ---- The result. */

static const struct {
    Count count;
    const char *word, *reason;
} outcomes[] = {
    [GREY_SAYS_FAILED] = {COUNT_SKIPPED, "skipped", NULL},
    [GREY_SAYS_NEW] = {COUNT_NEW, "delayed", NULL},
    [GREY_SAYS_EARLY] = {COUNT_EARLY, "delayed", NULL},
    [GREY_SAYS_TRAPPED] = {COUNT_TRAPPED, "trapped", NULL},
    [GREY_SAYS_BLOCKED] = {COUNT_BLOCKED, "blocked", NULL},
    [GREY_SAYS_MATURE] = {COUNT_MATURE, "pass", NULL},
    [GREY_SAYS_KNOWN] = {COUNT_KNOWN, "pass", "Sender and recipient are known"},
    [GREY_SAYS_COMPANION] = {COUNT_COMPANION, "pass", "Another recipient was let in"},
    [GREY_SAYS_BY_SOURCE] = {COUNT_BY_SOURCE, "allowed", "The sender's hosts are known"},
    [GREY_SAYS_BY_PAIR] = {COUNT_BY_PAIR, "allowed", "The recipient wrote to the sender's domain"},
    [GREY_SAYS_BY_RULE] = {COUNT_BY_RULE, "allowed", "Allowed by the administrator"},
};

static void
log_result(const Ask *ask, const AskResult *result)
{
    const Greylist *greylist = ask->seat->greylist;
    const GreyAnswer *answer = &result->answer;
    if (!greylist->host->log_enabled(MILTER_LOG_INFO))
        return;
    g_autofree char *tries = g_strdup_printf("%u", answer->tries);
    g_autofree char *waited = g_strdup_printf("%" G_GINT64_FORMAT, answer->waited);
    const MilterField fields[] = {
        {"says", grey_says_name(answer->says)},
        {"source", ask->source.text},
        {"from", ask->sender},
        {"rcpt", ask->recipient},
        {"tries", tries},
        {"waited", waited},
    };
    greylist_log(greylist, ask->session, MILTER_LOG_INFO,
                 result->lets_in ? "greylist-passed" : "greylist-delayed",
                 result->lets_in ? N_("Let in") : N_("Asked to come again"), fields,
                 G_N_ELEMENTS(fields));
}

static void
read_answer(Ask *ask, const GreyAnswer *answer, AskResult *result)
{
    const Greylist *greylist = ask->seat->greylist;
    GreySays says = answer->says;
    *result = (AskResult){.lets_in = grey_says_lets_in(says),
                          .delayed = says == GREY_SAYS_MATURE,
                          .skipped = says == GREY_SAYS_FAILED,
                          .word = outcomes[says].word,
                          .reason = outcomes[says].reason,
                          .answer = *answer};
    if (says == GREY_SAYS_FAILED)
        result->lets_in = greylist->accept_on_failure;
    if (says == GREY_SAYS_FAILED || says == GREY_SAYS_TRAPPED || says == GREY_SAYS_BLOCKED)
        result->answer.remain = greylist->delay; /* nothing of the reasons is told to a spammer */
    if (ask->dry)
        return;
    if (says == GREY_SAYS_KNOWN || says == GREY_SAYS_MATURE)
        ask->companion = TRUE;
    if (says == GREY_SAYS_MATURE)
        greylist->host->observe(greylist->waits, (double)answer->waited);
    greylist_count(greylist, outcomes[says].count);
    log_result(ask, result);
}

static void
list_result(const Ask *ask, AskResult *result, const char *reason)
{
    *result = (AskResult){.lets_in = TRUE, .word = "allowed", .reason = reason};
    if (!ask->dry)
        greylist_count(ask->seat->greylist, COUNT_LISTED);
}

/* ---- The steps. */

static gboolean
is_role(const char *recipient)
{
    return strcmp(recipient, "postmaster") == 0 || g_str_has_prefix(recipient, "postmaster@") ||
           g_str_has_prefix(recipient, "abuse@");
}

/* Lists that need no look-up. */
static gboolean
is_listed(const Ask *ask, AskResult *result)
{
    const Greylist *greylist = ask->seat->greylist;
    if (is_role(ask->recipient))
        list_result(ask, result, "Recipient always reachable");
    else if (mail_list_has(&greylist->allow_recipients, ask->recipient))
        list_result(ask, result, "Recipient allowed");
    else if (mail_list_has(&greylist->allow_senders, ask->sender))
        list_result(ask, result, "Sender allowed");
    else
        return FALSE;
    return TRUE;
}

static gboolean
is_client_listed(const Ask *ask, AskResult *result)
{
    const Source *source = &ask->source;
    const char *name = source->confirmed == CONFIRMED_YES ? source->name : NULL;
    if (!client_list_has(&ask->seat->greylist->allow_clients, &source->client, name))
        return FALSE;
    list_result(ask, result, "Client allowed");
    return TRUE;
}

static void
add_rule(Ask *ask, const char *source, const char *sender, const char *recipient)
{
    if (!*source && !*sender && !*recipient)
        return;
    const GreyEntry rule = {{.kind = GREY_KIND_RULE}, source, sender, recipient, ""};
    ask->rules[ask->question.n_rules++] = rule;
}

static const char *
from_at(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? at : "";
}

static void
make_question(Ask *ask)
{
    const Greylist *greylist = ask->seat->greylist;
    GreyQuestion *question = &ask->question;
    const char *source = ask->source.text;
    ask->key_sender = normal_sender(ask->sender, ask->recipient);
    ask->key_recipient = normal_recipient(ask->recipient);
    ask->address = source_address(&ask->source);
    ask->network = source_network(&ask->source);
    *question = (GreyQuestion){.source = source,
                               .sender = ask->key_sender,
                               .recipient = ask->key_recipient,
                               .rules = ask->rules,
                               .pair_sender = normal_domain(ask->sender),
                               .pair_recipient = ask->key_recipient,
                               .delay = greylist->delay,
                               .retry_window = greylist->retry_window,
                               .pass_lifetime = greylist->pass_lifetime,
                               .auto_allow = greylist->auto_allow};
    if (!*question->pair_sender)
        question->pair_recipient = "";
    question->flags = (ask->companion ? GREY_ASK_COMPANION : 0) | (ask->dry ? GREY_ASK_DRY : 0) |
                      (source_is_pool(source) ? 0 : GREY_ASK_HOLD_TRAPPED) |
                      (mail_list_has(&greylist->traps, ask->recipient) ? GREY_ASK_TRAP : 0);
    add_rule(ask, ask->address, "", "");
    if (strcmp(source, ask->address) != 0)
        add_rule(ask, source, "", "");
    if (strcmp(source, ask->network) != 0)
        add_rule(ask, ask->network, "", "");
    add_rule(ask, "", ask->sender, "");
    add_rule(ask, "", from_at(ask->sender), "");
    add_rule(ask, "", "", ask->recipient);
    add_rule(ask, "", "", from_at(ask->recipient));
}

static void
set_deadline(const Ask *ask, double seconds, const char *label)
{
    if (ask->ticket)
        ask->seat->greylist->host->deadline(ask->seat->worker, ask->ticket,
                                            seconds + MARGIN_SECONDS, label);
}

static void go_on(void *data);

static void
on_answer(void *data, const GreyAnswer *answer)
{
    Ask *ask = data;
    AskResult result;
    read_answer(ask, answer, &result);
    ask->function(ask->data, &result);
}

static void
on_limit(void *data)
{
    Ask *ask = data;
    ask->limit = NULL;
    source_cut_short(&ask->source);
    go_on(ask);
}

static void
wait_for_names(Ask *ask)
{
    if (!ask->limit)
        ask->limit =
            ask->seat->greylist->host->timer_add(ask->seat->worker, SOURCE_SECONDS, on_limit, ask);
    set_deadline(ask, SOURCE_SECONDS, "the name servers");
}

/* From the client's name on. TRUE: decided. */
static gboolean
take_steps(Ask *ask, AskResult *result)
{
    const Greylist *greylist = ask->seat->greylist;
    gboolean needs_name =
        greylist->source == SOURCE_EVIDENCE || greylist->allow_clients.domains->len > 0;
    if (needs_name && !source_confirm(&ask->source, go_on, ask)) {
        wait_for_names(ask);
        return FALSE;
    }
    if (is_client_listed(ask, result)) {
        stop_limit(ask);
        return TRUE;
    }
    if (!source_find(&ask->source, ask->sender, go_on, ask)) {
        wait_for_names(ask);
        return FALSE;
    }
    stop_limit(ask);
    GreyAnswer answer;
    make_question(ask);
    if (!guard_decide(&ask->guard, ask->seat, &ask->question, &answer, on_answer, ask)) {
        set_deadline(ask, greylist->store_timeout, "the greylist's store");
        return FALSE;
    }
    read_answer(ask, &answer, result);
    return TRUE;
}

static void
go_on(void *data)
{
    Ask *ask = data;
    AskResult result;
    if (take_steps(ask, &result))
        ask->function(ask->data, &result);
}

gboolean
ask_about(Ask *ask, MilterSession *session, MilterTicket ticket, const char *recipient,
          AskResult *result, AskFunction function, void *data)
{
    forget_recipient(ask);
    ask->recipient = g_strdup(recipient);
    ask->session = session;
    ask->ticket = ticket;
    ask->function = function;
    ask->data = data;
    return is_listed(ask, result) || take_steps(ask, result);
}
