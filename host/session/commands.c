/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each command of the MTA means, and how the chain's verdict answers it. */
#include "session/private.h"
#include "wire/reply.h"

#include <libmilter/mfdef.h>
#include <string.h>

/* How long the first sessions wait for stages to say which macros they need. */
#define NEGOTIATION_SECONDS 2.0
/* What MTAs grant (Postfix milter_command_timeout, milter_content_timeout; Sendmail T=R, T=E). */
#define POSTFIX_COMMAND_SECONDS 30.0
#define OTHER_COMMAND_SECONDS 10.0
#define CONTENT_SECONDS 300.0

static MilterSlice
abi_slice(MmSlice slice)
{
    return (MilterSlice){slice.data, slice.size};
}

static void
ask(MmSession *session)
{
    session->waiting = TRUE;
    mm_chain_ask(session->chain, &session->event);
}

static MilterEvent *
new_event(MmSession *session, MilterEventKind kind, MmSlice raw)
{
    session->event =
        (MilterEvent){.size = sizeof(MilterEvent), .kind = kind, .raw = abi_slice(raw)};
    mm_macros_begin(session->macros, kind);
    return &session->event;
}

static void
reply_plain(MmSession *session, MmReplyKind kind)
{
    mm_reply_append_plain(mm_conn_out(session->conn), kind);
}

/* ---- Negotiation and connection. */

static gboolean
on_negotiate(MmSession *session, const MmCommand *command)
{
    if (session->negotiated || session->connected)
        return FALSE;
    if (mm_options_parse_offer(command->raw, &session->offer) != MM_OPTIONS_OK)
        return FALSE;
    mm_upstream_offer(&session->offer, &session->offered);
    session->waiting = TRUE;
    mm_chain_negotiate(session->chain, &session->offered, NEGOTIATION_SECONDS);
    return TRUE;
}

static void
set_limits(MmSession *session)
{
    const MmSnapshot *snapshot = mm_chain_roster(session->chain)->snapshot;
    const char *v = mm_macros_find(session->macros, "v");
    gboolean postfix = v && g_str_has_prefix(v, "Postfix");
    double command = snapshot->command_timeout;
    double content = snapshot->content_timeout;
    if (command <= 0)
        command = postfix ? POSTFIX_COMMAND_SECONDS : OTHER_COMMAND_SECONDS;
    if (content <= 0)
        content = CONTENT_SECONDS;
    mm_chain_set_limits(session->chain, mm_mta_kind_from_version(v), command, content);
}

/* Postfix alone sends macros with headers, whatever it says in v (milter_macro_v). */
static void
on_macro(MmSession *session, const MmCommand *command)
{
    mm_macros_define(session->macros, command);
    if (command->u.macro.stage == SMFIC_HEADER)
        mm_chain_set_mta(session->chain, MM_MTA_POSTFIX);
}

/* Keeps a copy of the command and parses that, so that its slices live on. */
static gboolean
remember(MmPast *past, const MmCommand *command, MmCommand *copy)
{
    char *raw = g_malloc(command->raw.size + 1);
    memcpy(raw, command->raw.data, command->raw.size);
    raw[command->raw.size] = '\0';
    g_free(past->raw);
    past->raw = raw;
    const MmFrame frame = {mm_command_code(command->kind), (const guint8 *)raw, command->raw.size};
    return mm_command_parse(&frame, copy) == MM_PARSE_OK;
}

static gboolean
on_connect(MmSession *session, const MmCommand *command)
{
    MmCommand copy;
    if (!session->negotiated || session->connected)
        return FALSE;
    if (!remember(&session->connect, command, &copy))
        return FALSE;
    session->connected = TRUE;
    g_free(session->client);
    session->client = mm_session_client_text(&copy);
    set_limits(session);
    MilterEvent *event = new_event(session, MILTER_EVENT_CONNECT, copy.raw);
    event->u.connect.host = abi_slice(copy.u.connect.host);
    event->u.connect.address = abi_slice(copy.u.connect.address);
    event->u.connect.port = copy.u.connect.port;
    event->u.connect.family = copy.u.connect.family;
    session->connect.event = *event;
    ask(session);
    return TRUE;
}

/* The message is over without the MTA having been told a verdict for it. */
static void
abort_message(MmSession *session)
{
    if (session->in_mail)
        mm_summary_abort(session);
    mm_chain_abort(session->chain);
    mm_session_end_message(session);
}

static gboolean
on_helo(MmSession *session, const MmCommand *command)
{
    MmCommand copy;
    if (!session->connected || !remember(&session->helo, command, &copy))
        return FALSE;
    if (session->in_mail)
        abort_message(session);
    MilterEvent *event = new_event(session, MILTER_EVENT_HELO, copy.raw);
    event->u.helo.name = abi_slice(copy.u.helo.name);
    session->helo.event = *event;
    ask(session);
    return TRUE;
}

/* ---- The envelope. */

static void
set_arguments(MmSession *session, const MmCommand *command)
{
    MmStrings strings = command->u.envelope.arguments;
    MmSlice string = command->u.envelope.address;
    gsize n = 0;
    do {
        if (n >= session->n_args_room) {
            session->n_args_room = MAX(session->n_args_room * 2, 8u);
            session->args = g_renew(MilterSlice, session->args, session->n_args_room);
        }
        session->args[n++] = abi_slice(string);
    } while (mm_strings_next(&strings, &string));
    session->event.u.envelope.args = session->args;
    session->event.u.envelope.n_args = n;
}

static gboolean
on_mail(MmSession *session, const MmCommand *command)
{
    if (!session->connected)
        return FALSE;
    if (session->in_mail) /* Sendmail sends no ABORT in front */
        abort_message(session);
    mm_session_end_message(session);
    new_event(session, MILTER_EVENT_MAIL, command->raw);
    set_arguments(session, command);
    mm_summary_begin(session, session->args[0]);
    ask(session);
    return TRUE;
}

/* Between the content of a message and its end nothing else may come: a stage that still works on
 * the content has no room for another question. */
static gboolean
is_inside_content(const MmSession *session)
{
    return session->in_mail && session->content;
}

/* A recipient that the MTA itself refuses, shown because somebody asked (SMFIP_RCPT_REJ). */
static gboolean
is_rejected(MmSession *session)
{
    const char *mailer = mm_macros_find(session->macros, "{rcpt_mailer}");
    return (session->answer.protocol & SMFIP_RCPT_REJ) && mailer && strcmp(mailer, "error") == 0;
}

static gboolean
on_rcpt(MmSession *session, const MmCommand *command)
{
    if (session->discarded) {
        reply_plain(session, MM_REPLY_DISCARD);
        return TRUE;
    }
    if (!session->in_mail || is_inside_content(session))
        return FALSE;
    MilterEvent *event = new_event(session, MILTER_EVENT_RCPT, command->raw);
    set_arguments(session, command);
    if (is_rejected(session))
        event->flags |= MILTER_EVENT_REJECTED;
    ask(session);
    return TRUE;
}

static gboolean
on_data(MmSession *session, const MmCommand *command)
{
    if (session->discarded) {
        reply_plain(session, MM_REPLY_DISCARD);
        return TRUE;
    }
    if (!session->in_mail || is_inside_content(session))
        return FALSE;
    session->data_seen = TRUE;
    new_event(session, MILTER_EVENT_DATA, command->raw);
    ask(session);
    return TRUE;
}

static gboolean
on_unknown(MmSession *session, const MmCommand *command)
{
    if (!session->connected || is_inside_content(session))
        return FALSE;
    MilterEvent *event = new_event(session, MILTER_EVENT_UNKNOWN, command->raw);
    event->u.unknown.text = abi_slice(command->u.unknown.text);
    ask(session);
    return TRUE;
}

/* ---- The content. */

/* An MTA below version 4 sends no DATA: it is made up in front of the content, for the stages that
 * decide there. Its verdict waits for the end of the message. */
static gboolean
needs_data(MmSession *session)
{
    return !session->data_seen && session->offer.version < 4;
}

static void
make_up_data(MmSession *session, const MmCommand *command)
{
    session->data_seen = TRUE;
    session->has_held = TRUE;
    session->held = *command;
    session->waiting = TRUE;
    mm_chain_ask_before_content(session->chain,
                                new_event(session, MILTER_EVENT_DATA, MM_SLICE_LITERAL("")));
}

static void
answer_content(MmSession *session, guint32 no_reply)
{
    if (!(session->answer.protocol & no_reply))
        reply_plain(session, MM_REPLY_CONTINUE);
}

static void
hand_over(MmSession *session, const MmCommand *command)
{
    session->fed = TRUE;
    switch (command->kind) {
    case MM_COMMAND_HEADER:
        mm_chain_header(session->chain, abi_slice(command->u.header.name),
                        abi_slice(command->u.header.value));
        break;
    case MM_COMMAND_END_OF_HEADERS:
        mm_chain_end_of_headers(session->chain);
        break;
    default:
        mm_chain_body(session->chain, abi_slice(command->u.body.data));
        break;
    }
}

static gboolean
on_content(MmSession *session, const MmCommand *command)
{
    static const guint32 no_reply[MM_N_COMMANDS] = {
        [MM_COMMAND_HEADER] = SMFIP_NR_HDR,
        [MM_COMMAND_END_OF_HEADERS] = SMFIP_NR_EOH,
        [MM_COMMAND_BODY] = SMFIP_NR_BODY,
    };
    if (!session->in_mail && !session->discarded)
        return FALSE;
    if (session->in_mail && needs_data(session)) {
        make_up_data(session, command);
        return TRUE;
    }
    session->content = TRUE;
    if (session->in_mail && !session->rejected_early)
        hand_over(session, command);
    answer_content(session, no_reply[command->kind]);
    return TRUE;
}

static void show_life(gpointer data);

static void
show_life_later(MmSession *session)
{
    mm_timer_start(session->reactor, &session->progress,
                   mm_chain_roster(session->chain)->snapshot->progress_interval, show_life,
                   session);
}

static void
show_life(gpointer data)
{
    MmSession *session = data;
    reply_plain(session, MM_REPLY_PROGRESS);
    mm_conn_flush(session->conn);
    show_life_later(session);
}

/* Once for a message: not again when a DATA that was made up first has been answered. */
static void
begin_to_wait(MmSession *session)
{
    if (session->summary.asked_at > 0)
        return;
    session->summary.asked_at = mm_reactor_now(session->reactor);
    show_life_later(session);
}

static gboolean
on_end_of_message(MmSession *session, const MmCommand *command)
{
    if (session->discarded) {
        reply_plain(session, MM_REPLY_DISCARD);
        return TRUE;
    }
    if (!session->in_mail)
        return FALSE;
    begin_to_wait(session);
    if (needs_data(session)) {
        make_up_data(session, command);
        return TRUE;
    }
    new_event(session, MILTER_EVENT_END_OF_MESSAGE, MM_SLICE_LITERAL(""));
    session->waiting = TRUE;
    if (session->rejected_early) {
        const MmVerdict early = session->early;
        mm_session_verdict(session, &early);
        session->waiting = FALSE;
        return TRUE;
    }
    if (command->u.body.data.size > 0)
        mm_chain_body(session->chain, abi_slice(command->u.body.data));
    mm_chain_end_of_message(session->chain, session->summary.asked_at);
    return TRUE;
}

/* ---- Ends. */

static gboolean
on_abort(MmSession *session)
{
    abort_message(session);
    session->discarded = FALSE;
    return TRUE;
}

/* Stages of a configuration that was loaded since may want what the MTA was told to leave out: then
 * it must connect anew. */
static gboolean
may_go_on(const MmSession *session)
{
    MmRoster *roster = mm_crew_roster(session->crew);
    gboolean suffices = mm_upstream_suffices(&session->answer, roster->snapshot);
    mm_roster_unref(roster);
    return suffices && !session->sessions->draining;
}

/* The MTA keeps the connection for another client: the stages get a new session. */
static gboolean
on_new_connection(MmSession *session)
{
    if (!session->negotiated)
        return FALSE;
    abort_message(session);
    if (!may_go_on(session)) {
        mm_session_end(session);
        return TRUE;
    }
    mm_chain_free(session->chain);
    mm_macros_free(session->macros);
    session->macros = mm_macros_new();
    g_clear_pointer(&session->connect.raw, g_free);
    g_clear_pointer(&session->helo.raw, g_free);
    g_clear_pointer(&session->client, g_free);
    session->connected = FALSE;
    session->discarded = FALSE;
    session->again = TRUE;
    session->waiting = TRUE;
    session->chain = mm_session_new_chain(session);
    /* The MTA has its answer: CONNECT, whose time may run already, waits for whom it must. */
    mm_chain_negotiate(session->chain, &session->offered, 0);
    return TRUE;
}

gboolean
mm_session_command(MmSession *session, const MmCommand *command)
{
    switch (command->kind) {
    case MM_COMMAND_OPTNEG:
        return on_negotiate(session, command);
    case MM_COMMAND_MACRO:
        on_macro(session, command);
        return TRUE;
    case MM_COMMAND_CONNECT:
        return on_connect(session, command);
    case MM_COMMAND_HELO:
        return on_helo(session, command);
    case MM_COMMAND_MAIL:
        return on_mail(session, command);
    case MM_COMMAND_RCPT:
        return on_rcpt(session, command);
    case MM_COMMAND_DATA:
        return on_data(session, command);
    case MM_COMMAND_UNKNOWN:
        return on_unknown(session, command);
    case MM_COMMAND_HEADER:
    case MM_COMMAND_END_OF_HEADERS:
    case MM_COMMAND_BODY:
        return on_content(session, command);
    case MM_COMMAND_END_OF_MESSAGE:
        return on_end_of_message(session, command);
    case MM_COMMAND_ABORT:
        return on_abort(session);
    case MM_COMMAND_QUIT:
        mm_session_end(session);
        return TRUE;
    case MM_COMMAND_QUIT_NC:
        return on_new_connection(session);
    }
    return FALSE;
}

/* ---- Verdicts. */

void
mm_session_end_message(MmSession *session)
{
    mm_timer_stop(session->reactor, &session->progress);
    session->in_mail = FALSE;
    session->discarded = FALSE;
    session->data_seen = FALSE;
    session->content = FALSE;
    session->rejected_early = FALSE;
    session->has_held = FALSE;
    session->fed = FALSE;
    g_clear_pointer(&session->early_reply, g_free);
}

static void
discard_message(MmSession *session, const MmVerdict *verdict)
{
    mm_summary_end(session, verdict);
    mm_session_end_message(session);
    session->discarded = TRUE;
}

static void
verdict_on_mail(MmSession *session, const MmVerdict *verdict)
{
    if (verdict->kind == MILTER_VERDICT_CONTINUE)
        session->in_mail = TRUE;
    else if (verdict->kind == MILTER_VERDICT_DISCARD)
        discard_message(session, verdict);
    else
        mm_summary_end(session, verdict);
}

static void
verdict_on_rcpt(MmSession *session, const MmVerdict *verdict)
{
    if (verdict->kind == MILTER_VERDICT_DISCARD)
        discard_message(session, verdict);
    else if (!(session->event.flags & MILTER_EVENT_REJECTED))
        mm_summary_recipient(session, session->args[0], verdict);
}

/* TRUE: the DATA was ours, the MTA is told later. */
static gboolean
verdict_on_data(MmSession *session, const MmVerdict *verdict)
{
    if (!session->has_held) {
        if (verdict->kind == MILTER_VERDICT_DISCARD)
            discard_message(session, verdict);
        else
            mm_summary_data(session, verdict);
        return FALSE;
    }
    if (verdict->kind != MILTER_VERDICT_CONTINUE) {
        session->rejected_early = TRUE;
        session->early_reply = g_strdup(verdict->reply);
        session->early = *verdict;
        session->early.reply = session->early_reply;
        mm_chain_abort(session->chain);
    }
    return TRUE;
}

void
mm_session_verdict(MmSession *session, const MmVerdict *verdict)
{
    switch ((MilterEventKind)session->event.kind) {
    case MILTER_EVENT_MAIL:
        verdict_on_mail(session, verdict);
        break;
    case MILTER_EVENT_RCPT:
        verdict_on_rcpt(session, verdict);
        break;
    case MILTER_EVENT_DATA:
        if (verdict_on_data(session, verdict))
            return;
        break;
    case MILTER_EVENT_END_OF_MESSAGE:
        mm_session_answer_message(session, verdict);
        return;
    default:
        break;
    }
    mm_upstream_verdict(mm_conn_out(session->conn), session->event.kind, verdict);
}
