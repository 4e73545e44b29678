/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the filter's answers mean to an MTA. Rules: PROTOCOL 1.2 to 1.12, Postfix where MTAs differ.
 */
#include "tools/server-talk.h"

#include "base/i18n.h"

#include <libmilter/mfdef.h>

/* Content that needs no answer is gathered up to here before it is written. */
#define GATHER_MAX (256u * 1024u)

/* ---- Outcomes. */

MmOutcome *
mm_outcome_new(const MmMail *mail)
{
    static gint count; /* atomic */
    MmOutcome *outcome = g_new0(MmOutcome, 1);
    outcome->refused = g_ptr_array_new_with_free_func(g_free);
    outcome->mail = mm_mail_copy(mail);
    outcome->mail->id = g_strdup_printf("%08X", (guint)g_atomic_int_add(&count, 1) + 1u);
    return outcome;
}

void
mm_outcome_free(gpointer data)
{
    MmOutcome *outcome = data;
    g_free(outcome->reply);
    g_free(outcome->problem);
    g_ptr_array_unref(outcome->refused);
    mm_mail_free(outcome->mail);
    g_free(outcome);
}

static MmStep
end(MmTalk *talk, MmStatus status)
{
    talk->outcome->status = status;
    return MM_STEP_END;
}

/* The connection cannot be used any more. */
static MmStep
fail(MmTalk *talk, const char *problem)
{
    g_free(talk->outcome->problem);
    talk->outcome->problem = g_strdup(problem);
    talk->is_over = TRUE;
    return end(talk, MM_STATUS_ERROR);
}

MmStep
mm_talk_fail(MmTalk *talk, MmCommandKind kind, const char *problem)
{
    g_autofree char *text = g_strdup_printf("%s: %s", mm_command_name(kind), problem);
    return fail(talk, text);
}

static MmStep
fail_reply(MmTalk *talk, MmCommandKind kind, const MmReply *reply, const char *problem)
{
    g_autofree char *text =
        g_strdup_printf("%s: %s: %s", mm_command_name(kind), mm_reply_name(reply->kind), problem);
    return fail(talk, text);
}

/* ---- Answers. */

static MmStep
end_with_text(MmTalk *talk, MmSlice text)
{
    g_free(talk->outcome->reply);
    talk->outcome->reply = g_strndup(text.data, text.size);
    if (g_str_has_prefix(talk->outcome->reply, "421"))
        talk->is_over = TRUE; /* the MTA hangs up */
    return end(talk, text.data[0] == '4' ? MM_STATUS_TEMPORARY_FAILURE : MM_STATUS_REJECT);
}

static MmStep
take_verdict(MmTalk *talk, MmCommandKind kind, const MmReply *reply)
{
    switch (reply->kind) {
    case MM_REPLY_CONTINUE:
        return MM_STEP_ON;
    case MM_REPLY_SKIP:
        return MM_STEP_SKIP;
    case MM_REPLY_ACCEPT:
        return end(talk, MM_STATUS_ACCEPT);
    case MM_REPLY_REJECT:
        return end(talk, MM_STATUS_REJECT);
    case MM_REPLY_TEMPFAIL:
        return end(talk, MM_STATUS_TEMPORARY_FAILURE);
    case MM_REPLY_DISCARD:
        return end(talk, MM_STATUS_DISCARD);
    case MM_REPLY_REPLYCODE:
        return end_with_text(talk, reply->u.text);
    default:
        return fail_reply(talk, kind, reply, _("no filter may answer that"));
    }
}

/* Postfix fails a filter whose new body comes in parts with other replies between them. */
static gboolean
cuts_body(MmTalk *talk, const MmReply *reply)
{
    if (!talk->outcome->mail->new_body)
        return FALSE;
    if (reply->kind != MM_REPLY_REPLACE_BODY)
        talk->body_is_cut = TRUE;
    return reply->kind == MM_REPLY_REPLACE_BODY && talk->body_is_cut;
}

static MmStep
take_edit(MmTalk *talk, MmCommandKind kind, const MmReply *reply)
{
    const MmOptions *answer = &talk->mta->answer;
    if (kind != MM_COMMAND_END_OF_MESSAGE)
        return fail_reply(talk, kind, reply, _("edits are for the end of the message"));
    if (mm_options_action_for(reply->kind) & ~answer->actions)
        return fail_reply(talk, kind, reply, _("an edit the filter did not negotiate"));
    if (cuts_body(talk, reply))
        return fail_reply(talk, kind, reply,
                          _("other replies came between the parts of the new body"));
    mm_mail_apply(talk->outcome->mail, reply, (answer->protocol & SMFIP_HDR_LEADSPC) != 0);
    return MM_STEP_ON;
}

/* Waits for the final reply. PROGRESS restarts the wait, as in Postfix. */
static MmStep
receive(MmTalk *talk, MmCommandKind kind)
{
    const MmMtaTimeouts *timeouts = &talk->mta->timeouts;
    double seconds =
        kind == MM_COMMAND_END_OF_MESSAGE ? timeouts->end_of_message : timeouts->reading;
    for (;;) {
        g_autoptr(GError) error = NULL;
        MmReply reply;
        if (!mm_mta_receive(talk->mta, seconds, &reply, &error))
            return mm_talk_fail(talk, kind, error->message);
        if (mm_reply_is_final(reply.kind))
            return take_verdict(talk, kind, &reply);
        if (reply.kind == MM_REPLY_OPTNEG)
            return fail_reply(talk, kind, &reply, _("the negotiation is over"));
        if (reply.kind == MM_REPLY_PROGRESS)
            talk->body_is_cut = talk->body_is_cut || talk->outcome->mail->new_body;
        else if (take_edit(talk, kind, &reply) == MM_STEP_END)
            return MM_STEP_END;
    }
}

static MmStep
flush(MmTalk *talk, MmCommandKind kind)
{
    g_autoptr(GError) error = NULL;
    return mm_mta_flush(talk->mta, &error) ? MM_STEP_ON : mm_talk_fail(talk, kind, error->message);
}

/* Sends what was gathered and gets the answer, if the filter gives one. */
MmStep
mm_talk_ask(MmTalk *talk, MmCommandKind kind)
{
    gboolean answered = mm_mta_is_answered(talk->mta, kind);
    gboolean is_content =
        kind == MM_COMMAND_HEADER || kind == MM_COMMAND_END_OF_HEADERS || kind == MM_COMMAND_BODY;
    if (!answered && is_content && mm_buffer_length(&talk->mta->out) < GATHER_MAX)
        return MM_STEP_ON;
    MmStep step = flush(talk, kind);
    return answered && step == MM_STEP_ON ? receive(talk, kind) : step;
}
