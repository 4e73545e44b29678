/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A session. Each recipient is judged when it is named, so that one is delayed and another let in;
 * of the null sender, and of postmaster@ (call-backs that probe a recipient), at DATA, for all at
 * once: who only probes shall not wait.
 */
#include "ask.h"
#include "normal.h"

#include <string.h>

/* Forged headers are taken out from behind: the first ones keep their numbers, whatever an MTA
 * counts. Few, since Sendmail logs each that is not there. */
#define FORGED_MAX 3

typedef struct Talk {
    Ask ask; /* about one recipient */
    Seat *seat;
    MilterSession *session;
    MilterTicket ticket; /* of the open question; 0: none */
    MilterVerdict verdict;
    char *reply;
    /* This message. */
    gboolean in_message;
    gboolean local;      /* its client needs no greylist */
    gboolean at_data;    /* its recipients are judged then */
    GPtrArray *deferred; /* of char: those recipients */
    guint n_judged;      /* of them */
    gboolean any_in;     /* one of them was let in */
    gboolean data_asked;
    gint64 waited;      /* the longest wait of a recipient; 0: none */
    gboolean skipped;   /* the store did not answer for one */
    const char *reason; /* why the last one that was not delayed was let in, or NULL */
} Talk;

static const MilterHost *
host_of(const Talk *talk)
{
    return talk->seat->greylist->host;
}

void *
talk_new(Seat *seat, MilterSession *session)
{
    Talk *talk = g_new0(Talk, 1);
    talk->seat = seat;
    talk->session = session;
    talk->deferred = g_ptr_array_new_with_free_func(g_free);
    ask_init(&talk->ask, seat);
    return talk;
}

void
talk_free(void *session_data)
{
    Talk *talk = session_data;
    ask_clear(&talk->ask);
    g_ptr_array_unref(talk->deferred);
    g_free(talk->reply);
    g_free(talk);
}

MilterReturn
talk_negotiate(void *session_data, MilterTicket ticket, const MilterOffer *offer,
               MilterNegotiation *negotiation)
{
    const Talk *talk = session_data;
    (void)ticket;
    (void)offer;
    if (talk->seat->greylist->stands_down) {
        negotiation->events = 0;
        negotiation->rights = 0;
    }
    negotiation->macros[MILTER_MACROS_CONNECT] =
        "j v {client_resolve} {client_name} {if_name} {if_addr} {daemon_addr}";
    negotiation->macros[MILTER_MACROS_MAIL] = "{auth_type} {auth_authen}";
    return MILTER_DONE;
}

static void
forget_message(Talk *talk)
{
    ask_forget_message(&talk->ask);
    g_ptr_array_set_size(talk->deferred, 0);
    talk->n_judged = 0;
    talk->in_message = talk->at_data = talk->any_in = talk->skipped = FALSE;
    talk->data_asked = FALSE;
    talk->waited = 0;
    talk->reason = NULL;
}

void
talk_abort(void *session_data)
{
    forget_message(session_data);
}

void
talk_cancel(void *session_data, MilterTicket ticket)
{
    Talk *talk = session_data;
    (void)ticket;
    talk->ticket = 0;
    ask_cancel(&talk->ask);
}

/* ---- What a recipient is told. */

static gboolean
is_authenticated(const Talk *talk)
{
    const char *name = host_of(talk)->macro(talk->session, "{auth_authen}");
    return (name && *name) ||
           host_of(talk)->fact(talk->session, "authenticated", NULL) == MILTER_FACT_TRUE;
}

static gboolean
is_local(const Talk *talk)
{
    return talk->ask.loopback || is_authenticated(talk) ||
           host_of(talk)->fact(talk->session, "local", NULL) == MILTER_FACT_TRUE;
}

static void
set_reply(Talk *talk, guint32 seconds)
{
    const char *template = talk->seat->greylist->reply;
    g_autofree char *number = g_strdup_printf("%u", seconds);
    g_auto(GStrv) parts = g_strsplit(template, "{seconds}", -1);
    g_free(talk->reply);
    talk->reply = g_strjoinv(number, parts);
    talk->verdict.kind = MILTER_VERDICT_REPLY;
    talk->verdict.reply = (MilterSlice){talk->reply, strlen(talk->reply)};
}

static void
say(Talk *talk, const char *word)
{
    talk->verdict.detail = word;
    host_of(talk)->set_fact(talk->session, MILTER_FACT_MESSAGE, "greylist", word);
}

static void
let_in(Talk *talk, const AskResult *result)
{
    talk->verdict.kind = MILTER_VERDICT_CONTINUE;
    talk->any_in = TRUE;
    if (result->delayed)
        talk->waited = MAX(talk->waited, MAX(result->answer.waited, 1));
    else
        talk->reason = result->reason;
    if (result->skipped)
        talk->skipped = TRUE;
    say(talk, result->word);
}

static void
keep_out(Talk *talk, const AskResult *result)
{
    set_reply(talk, result->answer.remain);
    say(talk, result->word);
}

static void
judge(Talk *talk, const AskResult *result)
{
    if (result->lets_in)
        let_in(talk, result);
    else
        keep_out(talk, result);
}

/* ---- The header: when all recipients are judged. */

static void
edit_header(Talk *talk, MilterTicket ticket, guint32 kind, guint32 index, const char *value)
{
    const MilterEdit edit = {.size = sizeof(edit),
                             .kind = kind,
                             .index = index,
                             .name = {HEADER_NAME, strlen(HEADER_NAME)},
                             .value = {value, strlen(value)}};
    host_of(talk)->edit(talk->seat->worker, ticket, &edit);
}

/* The message's headers are not seen yet: what is not there is not deleted, which no MTA minds. */
static void
drop_forged(Talk *talk, MilterTicket ticket)
{
    for (guint32 i = FORGED_MAX; i >= 1; i--)
        edit_header(talk, ticket, MILTER_EDIT_CHANGE_HEADER, i, "");
}

static void
add_header(Talk *talk, MilterTicket ticket)
{
    const Greylist *greylist = talk->seat->greylist;
    g_autofree char *value = NULL;
    if (greylist->header == HEADER_NONE)
        return;
    drop_forged(talk, ticket);
    if (talk->skipped)
        value = g_strdup(HEADER_SKIPPED);
    else if (talk->waited > 0)
        value = header_delayed(greylist, talk->session, talk->waited);
    else if (greylist->header == HEADER_ALL && talk->reason)
        value = header_not_delayed(greylist, talk->session, talk->reason);
    if (value)
        edit_header(talk, ticket, MILTER_EDIT_ADD_HEADER, 0, value);
}

/* ---- Answering. */

static void on_result(void *data, const AskResult *result);

/* TRUE: the verdict is there. */
static gboolean
ask(Talk *talk, const char *recipient)
{
    AskResult result;
    if (!ask_about(&talk->ask, talk->session, talk->ticket, recipient, &result, on_result, talk))
        return FALSE;
    judge(talk, &result);
    return TRUE;
}

/* One after the other; one that is let in lets the message in. TRUE: the verdict is there. */
static gboolean
judge_deferred(Talk *talk)
{
    while (talk->n_judged < talk->deferred->len && !talk->any_in) {
        if (!ask(talk, g_ptr_array_index(talk->deferred, talk->n_judged++)))
            return FALSE;
    }
    if (talk->verdict.kind == MILTER_VERDICT_CONTINUE)
        add_header(talk, talk->ticket);
    return TRUE;
}

static void
on_result(void *data, const AskResult *result)
{
    Talk *talk = data;
    judge(talk, result);
    if (talk->data_asked && !judge_deferred(talk))
        return;
    MilterTicket ticket = talk->ticket;
    talk->ticket = 0;
    host_of(talk)->finish(talk->seat->worker, ticket, &talk->verdict);
}

/* ---- Events. */

static void
take_connect(Talk *talk, const MilterEvent *event)
{
    ask_set_client(&talk->ask, event, host_of(talk)->macro(talk->session, "{client_resolve}"),
                   host_of(talk)->macro(talk->session, "v"));
}

/* For a stage that came into the session late. */
static void
catch_up(Talk *talk)
{
    const MilterEvent *connect = host_of(talk)->past_event(talk->session, MILTER_EVENT_CONNECT);
    const MilterEvent *helo = host_of(talk)->past_event(talk->session, MILTER_EVENT_HELO);
    if (!talk->ask.has_client && connect)
        take_connect(talk, connect);
    if (helo)
        ask_set_helo(&talk->ask, helo->u.helo.name.data);
}

static void
take_mail(Talk *talk, const MilterEvent *event)
{
    const MilterSlice *sender = &event->u.envelope.args[0];
    forget_message(talk);
    catch_up(talk);
    talk->in_message = TRUE;
    talk->local = is_local(talk);
    ask_set_sender(&talk->ask, sender->data, sender->size);
    talk->at_data = !*talk->ask.sender || g_str_has_prefix(talk->ask.sender, "postmaster@");
}

static MilterReturn
later_or_done(Talk *talk, gboolean done, MilterVerdict *verdict)
{
    if (!done)
        return MILTER_LATER;
    talk->ticket = 0;
    verdict->kind = talk->verdict.kind;
    verdict->reply = talk->verdict.reply;
    verdict->detail = talk->verdict.detail;
    return MILTER_DONE;
}

static MilterReturn
take_rcpt(Talk *talk, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    const MilterSlice *typed = &event->u.envelope.args[0];
    if (event->flags & MILTER_EVENT_REJECTED)
        return MILTER_DONE;
    if (talk->local) {
        verdict->detail = "local";
        talk->reason = "Local or authenticated client";
        return MILTER_DONE;
    }
    g_autofree char *recipient = normal_address(typed->data, typed->size);
    if (talk->at_data) {
        g_ptr_array_add(talk->deferred, g_steal_pointer(&recipient));
        return MILTER_DONE;
    }
    talk->ticket = ticket;
    return later_or_done(talk, ask(talk, recipient), verdict);
}

static MilterReturn
take_data(Talk *talk, MilterTicket ticket, MilterVerdict *verdict)
{
    talk->ticket = ticket;
    talk->data_asked = TRUE;
    return later_or_done(talk, judge_deferred(talk), verdict);
}

MilterReturn
talk_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
           MilterVerdict *verdict)
{
    Talk *talk = session_data;
    talk->verdict = (MilterVerdict){.size = sizeof(MilterVerdict)};
    switch (event->kind) {
    case MILTER_EVENT_CONNECT:
        take_connect(talk, event);
        return MILTER_DONE;
    case MILTER_EVENT_HELO:
        ask_set_helo(&talk->ask, event->u.helo.name.data);
        return MILTER_DONE;
    case MILTER_EVENT_MAIL:
        take_mail(talk, event);
        return MILTER_DONE;
    case MILTER_EVENT_RCPT:
        return take_rcpt(talk, ticket, event, verdict);
    case MILTER_EVENT_DATA:
        return take_data(talk, ticket, verdict);
    default:
        return MILTER_DONE;
    }
}

/* Mail that left from here: who was written to may answer. */
void
talk_report(void *session_data, const MilterReport *report)
{
    Talk *talk = session_data;
    const Greylist *greylist = talk->seat->greylist;
    gboolean sent =
        report->verdict == MILTER_VERDICT_CONTINUE || report->verdict == MILTER_VERDICT_ACCEPT;
    if (!greylist->learn || greylist->stands_down || !sent || report->n_recipients == 0)
        return;
    catch_up(talk);
    if (!is_local(talk))
        return;
    g_autofree char *sender = normal_address(report->sender.data, report->sender.size);
    if (*sender)
        seat_learn(talk->seat, sender, report->recipients, report->n_recipients);
}
