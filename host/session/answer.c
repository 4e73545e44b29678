/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The answer to the end of a message: edits, then the verdict. */
#include "session/answer.h"
#include "base/i18n.h"
#include "session/event.h"

static gboolean
passes(const MmVerdict *verdict)
{
    return verdict->kind == MILTER_VERDICT_CONTINUE || verdict->kind == MILTER_VERDICT_ACCEPT;
}

static void
end_answer(MmSession *session, const MmVerdict *verdict)
{
    mm_session_drop_answer(session);
    mm_upstream_verdict(mm_conn_out(session->conn), MILTER_EVENT_END_OF_MESSAGE, verdict);
    mm_summary_end(session, verdict);
    mm_chain_let_go(session->chain);
    mm_session_end_message(session);
}

/* The edits that the MTA has got count for nothing then. */
static void
fail_answer(MmSession *session, const GError *error)
{
    const MmVerdict failed = {.kind = MILTER_VERDICT_TEMPFAIL};
    MmField fields[8];
    gsize n = mm_session_describe(session, fields);
    fields[n++] = MM_STR("reason", error->message);
    mm_log_line(MM_LOG_ERROR, "body-not-sent", NULL,
                N_("The new body of a message could not be read back: the message is refused for "
                   "now"),
                fields, n);
    end_answer(session, &failed);
}

void
mm_session_continue_answer(MmSession *session)
{
    g_autoptr(GError) error = NULL;
    MmBuffer *out = mm_conn_out(session->conn);
    gboolean more = TRUE;
    while (more && !mm_conn_is_full(session->conn))
        more = mm_upstream_body(out, session->body, &session->body_at, &error);
    if (more)
        return;
    if (error)
        fail_answer(session, error);
    else
        end_answer(session, &session->passed);
}

void
mm_session_answer_message(MmSession *session, const MmVerdict *verdict)
{
    mm_timer_stop(session->reactor, &session->progress);
    MmSpool *body = NULL;
    if (passes(verdict))
        body = mm_upstream_edits(mm_conn_out(session->conn), session->chain, &session->offered);
    if (!body) {
        end_answer(session, verdict);
        return;
    }
    session->body = mm_spool_ref(body);
    session->passed = *verdict;
    mm_session_continue_answer(session);
}

void
mm_session_drop_answer(MmSession *session)
{
    mm_spool_cursor_clear(&session->body_at);
    g_clear_pointer(&session->body, mm_spool_free);
}
