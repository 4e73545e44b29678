/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each command of the MTA means: those of the connection here, those of a message in
 * message.c. */
#include "session/commands.h"
#include "session/event.h"
#include "session/message.h"

#include <libmilter/mfdef.h>
#include <string.h>

/* How long the first sessions wait for stages to say which macros they need. */
#define NEGOTIATION_SECONDS 2.0
/* What MTAs grant (Postfix milter_command_timeout, milter_content_timeout; Sendmail T=R, T=E). */
#define POSTFIX_COMMAND_SECONDS 30.0
#define OTHER_COMMAND_SECONDS 10.0
#define CONTENT_SECONDS 300.0

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
    MilterEvent *event = mm_session_event(session, MILTER_EVENT_CONNECT, copy.raw);
    event->u.connect.host = mm_session_slice(copy.u.connect.host);
    event->u.connect.address = mm_session_slice(copy.u.connect.address);
    event->u.connect.port = copy.u.connect.port;
    event->u.connect.family = copy.u.connect.family;
    session->connect.event = *event;
    mm_session_ask(session);
    return TRUE;
}

static gboolean
on_helo(MmSession *session, const MmCommand *command)
{
    MmCommand copy;
    if (!session->connected || !remember(&session->helo, command, &copy))
        return FALSE;
    if (session->in_mail)
        mm_session_abort_message(session);
    MilterEvent *event = mm_session_event(session, MILTER_EVENT_HELO, copy.raw);
    event->u.helo.name = mm_session_slice(copy.u.helo.name);
    session->helo.event = *event;
    mm_session_ask(session);
    return TRUE;
}

static gboolean
on_unknown(MmSession *session, const MmCommand *command)
{
    if (!session->connected || mm_session_is_inside_content(session))
        return FALSE;
    MilterEvent *event = mm_session_event(session, MILTER_EVENT_UNKNOWN, command->raw);
    event->u.unknown.text = mm_session_slice(command->u.unknown.text);
    mm_session_ask(session);
    return TRUE;
}

/* ---- Ends. */

static gboolean
on_abort(MmSession *session)
{
    mm_session_abort_message(session);
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
    mm_session_abort_message(session);
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
        return mm_session_on_mail(session, command);
    case MM_COMMAND_RCPT:
        return mm_session_on_rcpt(session, command);
    case MM_COMMAND_DATA:
        return mm_session_on_data(session, command);
    case MM_COMMAND_UNKNOWN:
        return on_unknown(session, command);
    case MM_COMMAND_HEADER:
    case MM_COMMAND_END_OF_HEADERS:
    case MM_COMMAND_BODY:
        return mm_session_on_content(session, command);
    case MM_COMMAND_END_OF_MESSAGE:
        return mm_session_on_end_of_message(session, command);
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
