/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's life, and the loop that takes frames while no question is open. */
#include "session/session.h"

#include "base/i18n.h"
#include "session/answer.h"
#include "session/commands.h"
#include "session/verdict.h"

#include <errno.h>

/* MTAs may be silent for as long as their SMTP client is: libmilter waits 7210 s. */
#define IDLE_SECONDS 7210.0
/* Inside one frame there is no reason to wait. */
#define FRAME_SECONDS 60.0

static guint64 next_number; /* atomic, over all workers */

/* ---- What the chain asks. */

static size_t
macros_of(gpointer owner, MilterEventKind kind, const MilterMacro **list)
{
    return mm_macros_list(((MmSession *)owner)->macros, kind, list);
}

static const char *
macro_of(gpointer owner, const char *name)
{
    return mm_macros_find(((MmSession *)owner)->macros, name);
}

static const MilterEvent *
past_event(gpointer owner, MilterEventKind kind)
{
    MmSession *session = owner;
    const MmPast *past = kind == MILTER_EVENT_CONNECT ? &session->connect : &session->helo;
    if (kind > MILTER_EVENT_HELO || !past->raw)
        return NULL;
    return &past->event;
}

static guint64
number_of(gpointer owner)
{
    return ((MmSession *)owner)->number;
}

static void take_frames(MmSession *session);

/* An answer came: if it came from outside the loop, the loop goes on here. When the last part of it
 * is still to be said, there is only that to do. */
static void
go_on(MmSession *session)
{
    session->waiting = session->body != NULL;
    if (!session->taking)
        take_frames(session);
}

static void
chain_negotiated(gpointer owner)
{
    MmSession *session = owner;
    if (!session->again) {
        mm_upstream_answer(&session->offer, session->chain, &session->answer);
        mm_options_append(mm_conn_out(session->conn), &session->answer);
    }
    session->negotiated = TRUE;
    session->again = FALSE;
    go_on(session);
}

static void
chain_verdict(gpointer owner, const MmVerdict *verdict)
{
    MmSession *session = owner;
    mm_session_verdict(session, verdict);
    go_on(session);
}

static const MmChainOps chain_ops = {
    .negotiated = chain_negotiated,
    .verdict = chain_verdict,
    .macros = macros_of,
    .macro = macro_of,
    .past_event = past_event,
    .describe = mm_session_describe,
    .number = number_of,
};

MmChain *
mm_session_new_chain(MmSession *session)
{
    session->number = __atomic_add_fetch(&next_number, 1, __ATOMIC_RELAXED);
    return mm_chain_new(mm_crew_roster(session->crew), &chain_ops, session);
}

/* ---- The loop. */

static void
violation(MmSession *session, const char *what)
{
    MmField fields[8];
    gsize n = mm_session_describe(session, fields);
    fields[n++] = MM_STR("problem", what);
    mm_log_line(MM_LOG_WARNING, "mta-protocol-error", NULL,
                N_("The MTA broke the milter protocol: the session is closed"), fields, n);
    mm_session_end(session);
}

static void
take_frame(MmSession *session, const MmFrame *frame)
{
    MmCommand command;
    switch (mm_command_parse(frame, &command)) {
    case MM_PARSE_UNKNOWN_CODE:
        violation(session, "unknown command");
        return;
    case MM_PARSE_MALFORMED:
        violation(session, mm_command_name(command.kind));
        return;
    case MM_PARSE_OK:
        break;
    }
    if (!mm_session_command(session, &command) && !session->over)
        violation(session, mm_command_name(command.kind));
}

/* The frame that waited for a DATA we made up. */
static void
take_held(MmSession *session)
{
    const MmCommand held = session->held;
    session->has_held = FALSE;
    if (!mm_session_command(session, &held) && !session->over)
        violation(session, mm_command_name(held.kind));
}

static void
feed(MmSession *session)
{
    if (!session->fed || session->over || session->waiting)
        return;
    session->fed = FALSE;
    mm_chain_feed(session->chain);
}

/* The host stops, and the session is in no message (any more: both MTAs say nothing but ABORT of
 * one that was discarded). */
static gboolean
may_leave(const MmSession *session)
{
    return session->sessions->draining && !session->waiting && !session->in_mail;
}

/* Not while answers wait to be written: cut off, they would leave the MTA with half of a message's
 * edits. */
static void
leave(MmSession *session)
{
    if (may_leave(session) && !mm_conn_is_behind(session->conn))
        mm_session_end(session);
}

static gboolean
takes_frames(const MmSession *session)
{
    return !session->waiting && !session->over && !mm_conn_is_full(session->conn) &&
           !may_leave(session);
}

static void
take_frames(MmSession *session)
{
    MmFrame frame;
    gboolean more = FALSE;
    session->taking = TRUE;
    while (takes_frames(session) && !more) {
        if (session->has_held) {
            take_held(session);
            continue;
        }
        switch (mm_conn_next(session->conn, &frame)) {
        case MM_FRAME_READY:
            take_frame(session, &frame);
            break;
        case MM_FRAME_MORE:
            more = TRUE;
            break;
        case MM_FRAME_EMPTY:
            violation(session, "empty packet");
            break;
        case MM_FRAME_TOO_LARGE:
            violation(session, "packet too large");
            break;
        }
    }
    feed(session);
    session->taking = FALSE;
    if (session->over)
        return;
    mm_conn_set_reading(session->conn, takes_frames(session));
    /* Full, frames may be left that nothing else brings us back to: the socket may take all of it
     * below. */
    mm_conn_set_writing(session->conn, session->body || mm_conn_is_full(session->conn));
    mm_conn_flush(session->conn);
    leave(session);
}

static void
readable(gpointer owner)
{
    MmSession *session = owner;
    session->last_activity = mm_reactor_now(session->reactor);
    if (!session->waiting && !session->over)
        take_frames(session);
}

static void
writable(gpointer owner)
{
    MmSession *session = owner;
    if (session->over)
        return;
    session->last_activity = mm_reactor_now(session->reactor);
    if (session->body) {
        mm_session_continue_answer(session);
        session->waiting = session->body != NULL;
    }
    take_frames(session);
}

static void
conn_ended(gpointer owner, MmConnEnd end)
{
    MmSession *session = owner;
    if (end == MM_CONN_FAILED || end == MM_CONN_BLOCKED) {
        MmField fields[8];
        gsize n = mm_session_describe(session, fields);
        fields[n++] = MM_STR("reason", g_strerror(mm_conn_error(session->conn)));
        mm_log_line(MM_LOG_INFO, "mta-connection-lost", NULL,
                    N_("The connection to the MTA was lost"), fields, n);
    }
    mm_session_end(session);
}

static const MmConnOps conn_ops = {.readable = readable, .writable = writable, .ended = conn_ended};

/* ---- Life. */

static void
idle_passed(gpointer data)
{
    MmSession *session = data;
    gint64 now = mm_reactor_now(session->reactor);
    gboolean inside = takes_frames(session) && mm_conn_is_inside(session->conn);
    double allowed = inside ? FRAME_SECONDS : IDLE_SECONDS;
    double idle = (double)(now - session->last_activity) / G_USEC_PER_SEC;
    if (!session->waiting && idle >= allowed) {
        violation(session, inside ? "stopped inside a packet" : "silent for too long");
        return;
    }
    mm_timer_start(session->reactor, &session->idle, FRAME_SECONDS, idle_passed, session);
}

static void
free_past(MmPast *past)
{
    g_clear_pointer(&past->raw, g_free);
}

static void
unlink_session(MmSession *session)
{
    MmSessions *sessions = session->sessions;
    if (session->previous)
        session->previous->next = session->next;
    else
        sessions->first = session->next;
    if (session->next)
        session->next->previous = session->previous;
    sessions->count--;
}

/* At the end of the round: nothing of the session is on the stack any more. */
static void
say_farewell(gpointer data)
{
    MmSession *session = data;
    MmSessions *sessions = session->sessions;
    mm_session_drop_answer(session);
    mm_chain_free(session->chain);
    mm_conn_free(session->conn);
    mm_macros_free(session->macros);
    mm_summary_clear(session);
    free_past(&session->connect);
    free_past(&session->helo);
    g_free(session->early_reply);
    g_free(session->client);
    g_free(session->args);
    unlink_session(session);
    g_free(session);
    if (sessions->ended)
        sessions->ended(sessions->data);
}

void
mm_session_end(MmSession *session)
{
    if (session->over)
        return;
    session->over = TRUE;
    mm_timer_stop(session->reactor, &session->progress);
    mm_timer_stop(session->reactor, &session->idle);
    mm_summary_abort(session); /* also if MAIL is not answered yet */
    mm_conn_set_reading(session->conn, FALSE);
    mm_conn_flush(session->conn);
    mm_defer(session->reactor, &session->farewell, say_farewell, session);
}

MmSessions *
mm_sessions_new(MmCrew *crew, MmWorkFunction ended, gpointer data)
{
    MmSessions *sessions = g_new0(MmSessions, 1);
    sessions->crew = crew;
    sessions->ended = ended;
    sessions->data = data;
    for (guint i = 0; i < MM_N_OUTCOMES; i++) {
        g_autofree char *name = g_strconcat("messages.", mm_outcome_word((MmOutcome)i), NULL);
        sessions->messages[i] = mm_counter(NULL, name);
    }
    return sessions;
}

void
mm_sessions_free(MmSessions *sessions)
{
    g_free(sessions);
}

static void
link_session(MmSession *session)
{
    MmSessions *sessions = session->sessions;
    session->next = sessions->first;
    if (sessions->first)
        sessions->first->previous = session;
    sessions->first = session;
    sessions->count++;
}

void
mm_sessions_start(MmSessions *sessions, int fd)
{
    MmSession *session = g_new0(MmSession, 1);
    session->sessions = sessions;
    session->crew = sessions->crew;
    session->reactor = mm_crew_reactor(sessions->crew);
    session->macros = mm_macros_new();
    session->conn = mm_conn_new(session->reactor, fd, MM_FRAME_ACCEPT_MAX, &conn_ops, session);
    if (!session->conn) {
        MM_LOG(MM_LOG_ERROR, "session-not-started", N_("A session could not be started"),
               MM_STR("reason", g_strerror(errno)));
        mm_macros_free(session->macros);
        g_free(session);
        if (sessions->ended)
            sessions->ended(sessions->data);
        return;
    }
    session->chain = mm_session_new_chain(session);
    session->last_activity = mm_reactor_now(session->reactor);
    link_session(session);
    mm_timer_start(session->reactor, &session->idle, FRAME_SECONDS, idle_passed, session);
}

void
mm_sessions_drain(MmSessions *sessions)
{
    sessions->draining = TRUE;
    for (MmSession *session = sessions->first; session; session = session->next)
        leave(session);
}

void
mm_sessions_close(MmSessions *sessions)
{
    for (MmSession *session = sessions->first; session; session = session->next)
        mm_session_end(session);
}

void
mm_sessions_foreach_wait(const MmSessions *sessions, MmSessionWaitFunction function, gpointer data)
{
    gint64 now = g_get_monotonic_time();
    for (const MmSession *session = sessions->first; session; session = session->next) {
        const char *label;
        gint64 since;
        const char *stage =
            session->over ? NULL : mm_chain_waiting_for(session->chain, &label, &since);
        if (stage)
            function(data, stage, label, (double)(now - since) / G_USEC_PER_SEC);
    }
}
