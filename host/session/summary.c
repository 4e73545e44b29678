/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line a message, and who the session is in a log line. */
#include "session/private.h"

#include <libmilter/mfdef.h>
#include <string.h>

char *
mm_session_client_text(const MmCommand *connect)
{
    const char *host = connect->u.connect.host.data;
    const char *address = connect->u.connect.address.data;
    if (connect->u.connect.family == SMFIA_UNKNOWN || !*address)
        return g_strdup(host);
    return g_strdup_printf("%s[%s]", *host == '[' ? "unknown" : host, address);
}

gsize
mm_session_describe(gpointer data, MmField *fields)
{
    MmSession *session = data;
    const char *queue_id = session->summary.queue_id;
    if (!queue_id && session->in_mail)
        queue_id = mm_macros_find(session->macros, "i");
    fields[0] = MM_UINT("session", session->number);
    fields[1] = MM_STR("queue", queue_id);
    fields[2] = MM_STR("client", session->client);
    return 3;
}

void
mm_summary_clear(MmSession *session)
{
    MmSummary *summary = &session->summary;
    g_free(summary->sender);
    g_free(summary->queue_id);
    g_clear_pointer(&summary->accepted, g_ptr_array_unref);
    *summary = (MmSummary){0};
}

void
mm_summary_begin(MmSession *session, MilterSlice sender)
{
    mm_summary_clear(session);
    session->summary.open = TRUE;
    session->summary.sender = g_strndup(sender.data, sender.size);
    if (mm_chain_wants_report(session->chain))
        session->summary.accepted = g_ptr_array_new_with_free_func(g_free);
}

/* What the client was told, without its words. */
static MilterVerdictKind
kind_of_refusal(const MmVerdict *verdict)
{
    if (verdict->kind != MILTER_VERDICT_REPLY)
        return verdict->kind;
    return verdict->reply[0] == '4' ? MILTER_VERDICT_TEMPFAIL : MILTER_VERDICT_REJECT;
}

void
mm_summary_recipient(MmSession *session, MilterSlice recipient, const MmVerdict *verdict)
{
    MmSummary *summary = &session->summary;
    if (verdict->kind != MILTER_VERDICT_CONTINUE) {
        summary->refused = kind_of_refusal(verdict);
        return;
    }
    summary->recipients++;
    if (summary->accepted)
        g_ptr_array_add(summary->accepted, g_strndup(recipient.data, recipient.size));
}

void
mm_summary_data(MmSession *session, const MmVerdict *verdict)
{
    session->summary.data_refused =
        verdict->kind != MILTER_VERDICT_CONTINUE && verdict->kind != MILTER_VERDICT_ACCEPT;
    if (session->summary.data_refused)
        session->summary.refused = kind_of_refusal(verdict);
}

static void
report(MmSession *session, const MmVerdict *verdict)
{
    MmSummary *summary = &session->summary;
    if (!summary->accepted)
        return;
    guint n = summary->accepted->len;
    g_autofree MilterSlice *recipients = g_new0(MilterSlice, MAX(n, 1u));
    for (guint i = 0; i < n; i++) {
        const char *text = g_ptr_array_index(summary->accepted, i);
        recipients[i] = (MilterSlice){text, strlen(text)};
    }
    const char *reply = verdict->reply ? verdict->reply : "";
    const MilterReport told = {.size = sizeof(told),
                               .verdict = verdict->kind,
                               .sender = {summary->sender, strlen(summary->sender)},
                               .recipients = recipients,
                               .n_recipients = n,
                               .reply = {reply, strlen(reply)}};
    mm_chain_report(session->chain, &told);
}

/* The words milter-test-server says too. */
const char *
mm_outcome_word(MmOutcome outcome)
{
    static const char *const words[MM_N_OUTCOMES] = {[MM_OUTCOME_ACCEPT] = "accept",
                                                     [MM_OUTCOME_REJECT] = "reject",
                                                     [MM_OUTCOME_TEMPFAIL] = "temporary-failure",
                                                     [MM_OUTCOME_DISCARD] = "discard",
                                                     [MM_OUTCOME_ABORT] = "abort"};
    return words[outcome];
}

static MmOutcome
outcome_of(const MmVerdict *verdict)
{
    switch (verdict->kind) {
    case MILTER_VERDICT_REJECT:
        return MM_OUTCOME_REJECT;
    case MILTER_VERDICT_TEMPFAIL:
        return MM_OUTCOME_TEMPFAIL;
    case MILTER_VERDICT_REPLY:
        return verdict->reply[0] == '4' ? MM_OUTCOME_TEMPFAIL : MM_OUTCOME_REJECT;
    case MILTER_VERDICT_DISCARD:
        return MM_OUTCOME_DISCARD;
    default:
        return MM_OUTCOME_ACCEPT;
    }
}

static void
write_line(MmSession *session, MmLogLevel level, MmOutcome outcome, const MmVerdict *verdict)
{
    MmSummary *summary = &session->summary;
    mm_counter_add(session->sessions->messages[outcome], 1);
    if (!mm_log_enabled(level))
        return;
    g_autoptr(GString) stages = g_string_new(NULL);
    mm_chain_describe_stages(session->chain, stages);
    gint64 now = mm_reactor_now(session->reactor);
    double elapsed = summary->asked_at ? (double)(now - summary->asked_at) / G_USEC_PER_SEC : 0.0;
    MmField fields[12];
    gsize n = mm_session_describe(session, fields);
    fields[n++] = MM_STR("from", summary->sender);
    fields[n++] = MM_UINT("rcpts", summary->recipients);
    fields[n++] = MM_UINT("size", mm_chain_message_size(session->chain));
    fields[n++] = MM_STR("reply", verdict ? verdict->reply : NULL);
    fields[n++] = MM_STR("by", verdict ? verdict->stage : NULL);
    fields[n++] = MM_STR("stages", stages->len > 0 ? stages->str : NULL);
    fields[n++] = MM_SECONDS("elapsed", elapsed);
    mm_log_line(level, "message", NULL, mm_outcome_word(outcome), fields, n);
}

void
mm_summary_end(MmSession *session, const MmVerdict *verdict)
{
    if (!session->summary.open)
        return;
    if (!session->summary.queue_id)
        session->summary.queue_id = g_strdup(mm_macros_find(session->macros, "i"));
    write_line(session, MM_LOG_NOTICE, outcome_of(verdict), verdict);
    report(session, verdict);
    mm_summary_clear(session);
}

void
mm_summary_abort(MmSession *session)
{
    MmSummary *summary = &session->summary;
    if (!summary->open)
        return;
    const MmVerdict refused = {.kind = summary->refused};
    MmOutcome outcome = MM_OUTCOME_ABORT;
    MmLogLevel level = MM_LOG_INFO;
    if ((summary->recipients == 0 || summary->data_refused) &&
        summary->refused != MILTER_VERDICT_CONTINUE) {
        outcome =
            summary->refused == MILTER_VERDICT_TEMPFAIL ? MM_OUTCOME_TEMPFAIL : MM_OUTCOME_REJECT;
        level = MM_LOG_NOTICE;
    }
    summary->queue_id = g_strdup(mm_macros_find(session->macros, "i"));
    write_line(session, level, outcome, NULL);
    if (outcome != MM_OUTCOME_ABORT) /* nobody was told a verdict, and stages have ABORT */
        report(session, &refused);
    mm_summary_clear(session);
}
