/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of a message: its envelope, its content, its end. */
#include "session/message.h"
#include "session/event.h"
#include "session/verdict.h"

#include <libmilter/mfdef.h>
#include <string.h>

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
        session->args[n++] = mm_session_slice(string);
    } while (mm_strings_next(&strings, &string));
    session->event.u.envelope.args = session->args;
    session->event.u.envelope.n_args = n;
}

gboolean
mm_session_on_mail(MmSession *session, const MmCommand *command)
{
    if (!session->connected)
        return FALSE;
    if (session->in_mail) /* Sendmail sends no ABORT in front */
        mm_session_abort_message(session);
    mm_session_end_message(session);
    mm_session_event(session, MILTER_EVENT_MAIL, command->raw);
    set_arguments(session, command);
    mm_summary_begin(session, session->args[0]);
    mm_session_ask(session);
    return TRUE;
}

/* An MTA that goes on with a message that was discarded is told so again. */
static gboolean
repeats_discard(MmSession *session)
{
    if (session->discarded)
        mm_session_reply(session, MM_REPLY_DISCARD);
    return session->discarded;
}

/* A recipient that the MTA itself refuses, shown because somebody asked (SMFIP_RCPT_REJ). */
static gboolean
is_rejected(MmSession *session)
{
    const char *mailer = mm_macros_find(session->macros, "{rcpt_mailer}");
    return (session->answer.protocol & SMFIP_RCPT_REJ) && mailer && strcmp(mailer, "error") == 0;
}

gboolean
mm_session_on_rcpt(MmSession *session, const MmCommand *command)
{
    if (repeats_discard(session))
        return TRUE;
    if (!session->in_mail || mm_session_is_inside_content(session))
        return FALSE;
    MilterEvent *event = mm_session_event(session, MILTER_EVENT_RCPT, command->raw);
    set_arguments(session, command);
    if (is_rejected(session))
        event->flags |= MILTER_EVENT_REJECTED;
    mm_session_ask(session);
    return TRUE;
}

gboolean
mm_session_on_data(MmSession *session, const MmCommand *command)
{
    if (repeats_discard(session))
        return TRUE;
    if (!session->in_mail || mm_session_is_inside_content(session))
        return FALSE;
    session->data_seen = TRUE;
    mm_session_event(session, MILTER_EVENT_DATA, command->raw);
    mm_session_ask(session);
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
                                mm_session_event(session, MILTER_EVENT_DATA, MM_SLICE_LITERAL("")));
}

static void
answer_content(MmSession *session, guint32 no_reply)
{
    if (!(session->answer.protocol & no_reply))
        mm_session_reply(session, MM_REPLY_CONTINUE);
}

static void
hand_over(MmSession *session, const MmCommand *command)
{
    session->fed = TRUE;
    switch (command->kind) {
    case MM_COMMAND_HEADER:
        mm_chain_header(session->chain, mm_session_slice(command->u.header.name),
                        mm_session_slice(command->u.header.value));
        break;
    case MM_COMMAND_END_OF_HEADERS:
        mm_chain_end_of_headers(session->chain);
        break;
    default:
        mm_chain_body(session->chain, mm_session_slice(command->u.body.data));
        break;
    }
}

gboolean
mm_session_on_content(MmSession *session, const MmCommand *command)
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
    mm_session_reply(session, MM_REPLY_PROGRESS);
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

gboolean
mm_session_on_end_of_message(MmSession *session, const MmCommand *command)
{
    if (repeats_discard(session))
        return TRUE;
    if (!session->in_mail)
        return FALSE;
    begin_to_wait(session);
    if (needs_data(session)) {
        make_up_data(session, command);
        return TRUE;
    }
    mm_session_event(session, MILTER_EVENT_END_OF_MESSAGE, MM_SLICE_LITERAL(""));
    session->waiting = TRUE;
    if (session->rejected_early) {
        const MmVerdict early = session->early;
        mm_session_verdict(session, &early);
        session->waiting = FALSE;
        return TRUE;
    }
    if (command->u.body.data.size > 0)
        mm_chain_body(session->chain, mm_session_slice(command->u.body.data));
    mm_chain_end_of_message(session->chain, session->summary.asked_at);
    return TRUE;
}
