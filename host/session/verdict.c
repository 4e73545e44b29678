/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The chain's verdict on what commands.c and message.c asked: what it means for the message, and
 * the answer to the MTA. */
#include "session/verdict.h"
#include "session/answer.h"
#include "session/event.h"

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
