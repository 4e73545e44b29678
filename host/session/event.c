/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all commands have in common: the event that is made of one, the question, and the end of the
 * message they are about. */
#include "session/event.h"

MilterSlice
mm_session_slice(MmSlice slice)
{
    return (MilterSlice){slice.data, slice.size};
}

void
mm_session_ask(MmSession *session)
{
    session->waiting = TRUE;
    mm_chain_ask(session->chain, &session->event);
}

MilterEvent *
mm_session_event(MmSession *session, MilterEventKind kind, MmSlice raw)
{
    session->event =
        (MilterEvent){.size = sizeof(MilterEvent), .kind = kind, .raw = mm_session_slice(raw)};
    mm_macros_begin(session->macros, kind);
    return &session->event;
}

void
mm_session_reply(MmSession *session, MmReplyKind kind)
{
    mm_reply_append_plain(mm_conn_out(session->conn), kind);
}

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

void
mm_session_abort_message(MmSession *session)
{
    if (session->in_mail)
        mm_summary_abort(session);
    mm_chain_abort(session->chain);
    mm_session_end_message(session);
}

gboolean
mm_session_is_inside_content(const MmSession *session)
{
    return session->in_mail && session->content;
}
