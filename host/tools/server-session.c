/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One session of milter-test-server: the order of commands, and what the filter's answers mean to
 * an MTA. Rules: PROTOCOL 1.2 to 1.12, Postfix where MTAs differ. */
#include "base/i18n.h"
#include "tools/server.h"

#include <libmilter/mfdef.h>
#include <string.h>

/* Content that needs no answer is gathered up to here before it is written. */
#define GATHER_MAX (256u * 1024u)

/* What an answer means for what comes next. */
typedef enum Step {
    STEP_ON,
    STEP_SKIP, /* no more of this kind */
    STEP_END,  /* the outcome is known */
} Step;

typedef struct Talk {
    const MmServerOptions *options;
    MmMta *mta;
    MmOutcome *outcome;   /* of the message at hand */
    gboolean is_over;     /* the filter is not asked any more on this connection */
    gboolean body_is_cut; /* another edit came after a part of a new body */
} Talk;

/* ---- Outcomes. */

static MmOutcome *
outcome_new(const MmMail *mail)
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

static Step
end(Talk *talk, MmStatus status)
{
    talk->outcome->status = status;
    return STEP_END;
}

/* The connection cannot be used any more. */
static Step
fail(Talk *talk, const char *problem)
{
    g_free(talk->outcome->problem);
    talk->outcome->problem = g_strdup(problem);
    talk->is_over = TRUE;
    return end(talk, MM_STATUS_ERROR);
}

static Step
fail_in(Talk *talk, MmCommandKind kind, const char *problem)
{
    g_autofree char *text = g_strdup_printf("%s: %s", mm_command_name(kind), problem);
    return fail(talk, text);
}

static Step
fail_reply(Talk *talk, MmCommandKind kind, const MmReply *reply, const char *problem)
{
    g_autofree char *text =
        g_strdup_printf("%s: %s: %s", mm_command_name(kind), mm_reply_name(reply->kind), problem);
    return fail(talk, text);
}

/* ---- Answers. */

static Step
end_with_text(Talk *talk, MmSlice text)
{
    g_free(talk->outcome->reply);
    talk->outcome->reply = g_strndup(text.data, text.size);
    if (g_str_has_prefix(talk->outcome->reply, "421"))
        talk->is_over = TRUE; /* the MTA hangs up */
    return end(talk, text.data[0] == '4' ? MM_STATUS_TEMPORARY_FAILURE : MM_STATUS_REJECT);
}

static Step
take_verdict(Talk *talk, MmCommandKind kind, const MmReply *reply)
{
    switch (reply->kind) {
    case MM_REPLY_CONTINUE:
        return STEP_ON;
    case MM_REPLY_SKIP:
        return STEP_SKIP;
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
cuts_body(Talk *talk, const MmReply *reply)
{
    if (!talk->outcome->mail->new_body)
        return FALSE;
    if (reply->kind != MM_REPLY_REPLACE_BODY)
        talk->body_is_cut = TRUE;
    return reply->kind == MM_REPLY_REPLACE_BODY && talk->body_is_cut;
}

static Step
take_edit(Talk *talk, MmCommandKind kind, const MmReply *reply)
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
    return STEP_ON;
}

/* Waits for the final reply. PROGRESS restarts the wait, as in Postfix. */
static Step
receive(Talk *talk, MmCommandKind kind)
{
    const MmMtaTimeouts *timeouts = &talk->mta->timeouts;
    double seconds =
        kind == MM_COMMAND_END_OF_MESSAGE ? timeouts->end_of_message : timeouts->reading;
    for (;;) {
        g_autoptr(GError) error = NULL;
        MmReply reply;
        if (!mm_mta_receive(talk->mta, seconds, &reply, &error))
            return fail_in(talk, kind, error->message);
        if (mm_reply_is_final(reply.kind))
            return take_verdict(talk, kind, &reply);
        if (reply.kind == MM_REPLY_OPTNEG)
            return fail_reply(talk, kind, &reply, _("the negotiation is over"));
        if (reply.kind == MM_REPLY_PROGRESS)
            talk->body_is_cut = talk->body_is_cut || talk->outcome->mail->new_body;
        else if (take_edit(talk, kind, &reply) == STEP_END)
            return STEP_END;
    }
}

static Step
flush(Talk *talk, MmCommandKind kind)
{
    g_autoptr(GError) error = NULL;
    return mm_mta_flush(talk->mta, &error) ? STEP_ON : fail_in(talk, kind, error->message);
}

/* Sends what was gathered and gets the answer, if the filter gives one. */
static Step
ask(Talk *talk, MmCommandKind kind)
{
    gboolean answered = mm_mta_is_answered(talk->mta, kind);
    gboolean is_content =
        kind == MM_COMMAND_HEADER || kind == MM_COMMAND_END_OF_HEADERS || kind == MM_COMMAND_BODY;
    if (!answered && is_content && mm_buffer_length(&talk->mta->out) < GATHER_MAX)
        return STEP_ON;
    Step step = flush(talk, kind);
    return answered && step == STEP_ON ? receive(talk, kind) : step;
}

static void
add_macros(Talk *talk, MmServerStage stage, const char *recipient)
{
    mm_server_append_macros(talk->options, talk->mta, stage,
                            stage >= MM_SERVER_ENVELOPE_FROM ? talk->outcome->mail : NULL,
                            recipient);
}

/* ---- Commands before a message. */

static void
append_connect(const MmServerOptions *options, MmBuffer *out)
{
    const MmAddress *client = options->connect_address;
    switch (client->family) {
    case MM_ADDRESS_UNIX:
        mm_command_append_connect(out, options->connect_host, SMFIA_UNIX, 0, client->path);
        break;
    case MM_ADDRESS_INET:
        mm_command_append_connect(out, options->connect_host, SMFIA_INET, client->port,
                                  client->host);
        break;
    case MM_ADDRESS_INET6:
        mm_command_append_connect(out, options->connect_host, SMFIA_INET6, client->port,
                                  client->host);
        break;
    }
}

static Step
say_connect(Talk *talk)
{
    add_macros(talk, MM_SERVER_CONNECT, NULL);
    if (!mm_mta_wants(talk->mta, MM_COMMAND_CONNECT))
        return STEP_ON;
    append_connect(talk->options, &talk->mta->out);
    return ask(talk, MM_COMMAND_CONNECT);
}

static Step
say_text(Talk *talk, MmCommandKind kind, const char *text)
{
    if (!mm_mta_wants(talk->mta, kind))
        return STEP_ON;
    mm_command_append_text(&talk->mta->out, kind, text);
    return ask(talk, kind);
}

static Step
greet(Talk *talk)
{
    if (say_connect(talk) == STEP_END)
        return STEP_END;
    add_macros(talk, MM_SERVER_HELO, NULL);
    if (say_text(talk, MM_COMMAND_HELO, talk->options->helo) == STEP_END)
        return STEP_END;
    if (!talk->options->unknown)
        return STEP_ON;
    return say_text(talk, MM_COMMAND_UNKNOWN, talk->options->unknown) == STEP_END ? STEP_END
                                                                                  : STEP_ON;
}

/* ---- The envelope. */

static Step
say_envelope(Talk *talk, MmCommandKind kind, const MmMailAddress *address)
{
    if (!mm_mta_wants(talk->mta, kind))
        return STEP_ON;
    g_auto(GStrv) parameters = g_strsplit(address->parameters ? address->parameters : "", " ", -1);
    g_autoptr(GPtrArray) args = g_ptr_array_new();
    g_ptr_array_add(args, address->address);
    for (char **parameter = parameters; *parameter; parameter++) {
        if (**parameter)
            g_ptr_array_add(args, *parameter);
    }
    mm_command_append_envelope(&talk->mta->out, kind, (const char *const *)args->pdata, args->len);
    return ask(talk, kind);
}

/* A recipient turned down is no verdict for the message while there are others. */
static gboolean
refuse(Talk *talk, MmMailAddress *recipient)
{
    MmOutcome *outcome = talk->outcome;
    if (talk->is_over ||
        (outcome->status != MM_STATUS_REJECT && outcome->status != MM_STATUS_TEMPORARY_FAILURE))
        return FALSE;
    g_autofree char *text = mm_status_text(outcome->status, outcome->reply);
    g_ptr_array_add(outcome->refused, g_strdup_printf("%s %s", recipient->address, text));
    recipient->mark = MM_MARK_DELETED;
    return TRUE;
}

static Step
say_recipients(Talk *talk)
{
    GPtrArray *recipients = talk->outcome->mail->recipients;
    gboolean skip = FALSE;
    for (guint i = 0; i < recipients->len; i++) {
        MmMailAddress *recipient = g_ptr_array_index(recipients, i);
        add_macros(talk, MM_SERVER_ENVELOPE_RECIPIENT, recipient->address);
        Step step = skip ? STEP_ON : say_envelope(talk, MM_COMMAND_RCPT, recipient);
        skip = skip || step == STEP_SKIP;
        if (step == STEP_END && !refuse(talk, recipient))
            return STEP_END;
    }
    if (talk->outcome->refused->len == recipients->len)
        return STEP_END; /* the last one's answer */
    talk->outcome->status = MM_STATUS_PASS;
    g_clear_pointer(&talk->outcome->reply, g_free);
    return STEP_ON;
}

static Step
say_sender(Talk *talk)
{
    add_macros(talk, MM_SERVER_ENVELOPE_FROM, NULL);
    return say_envelope(talk, MM_COMMAND_MAIL, g_ptr_array_index(talk->outcome->mail->senders, 0));
}

/* ---- Content. */

static Step
say_plain(Talk *talk, MmServerStage stage, MmCommandKind kind)
{
    add_macros(talk, stage, NULL);
    if (!mm_mta_wants(talk->mta, kind))
        return STEP_ON;
    mm_command_append_plain(&talk->mta->out, kind);
    return ask(talk, kind);
}

/* MTAs cut what no packet can take: libmilter would hang up. */
static void
append_header(MmBuffer *out, const char *name, const char *value)
{
    const gsize room = MM_FRAME_DATA_MAX - 2; /* two NULs */
    gsize name_size = MIN(strlen(name), room);
    gsize value_size = MIN(strlen(value), room - name_size);
    mm_command_append_header(out, name, name_size, value, value_size);
}

/* Without HDR_LEADSPC the MTA takes one space from each value. */
static Step
say_headers(Talk *talk)
{
    const GPtrArray *headers = talk->outcome->mail->headers;
    gboolean as_is = (talk->mta->answer.protocol & SMFIP_HDR_LEADSPC) != 0;
    if (!mm_mta_wants(talk->mta, MM_COMMAND_HEADER))
        return STEP_ON;
    for (guint i = 0; i < headers->len; i++) {
        const MmMailHeader *header = g_ptr_array_index(headers, i);
        const char *value = header->value + (!as_is && header->value[0] == ' ' ? 1 : 0);
        append_header(&talk->mta->out, header->name, value);
        Step step = ask(talk, MM_COMMAND_HEADER);
        if (step != STEP_ON)
            return step;
    }
    return STEP_ON;
}

/* The whole body, cut where the command line cut it and where a packet is full. */
static Step
say_body(Talk *talk)
{
    const MmMail *mail = talk->outcome->mail;
    guint piece = 0;
    gsize left = 0; /* of the piece */
    if (!mm_mta_wants(talk->mta, MM_COMMAND_BODY))
        return STEP_ON;
    for (gsize at = 0; at < mail->body->len;) {
        while (left == 0)
            left = piece < mail->pieces->len ? g_array_index(mail->pieces, guint, piece++)
                                             : mail->body->len - at;
        gsize size = MIN(left, MM_FRAME_DATA_MAX);
        mm_command_append_body(&talk->mta->out, mail->body->data + at, size);
        Step step = ask(talk, MM_COMMAND_BODY);
        if (step != STEP_ON)
            return step;
        at += size;
        left -= size;
    }
    return STEP_ON;
}

static Step
say_content(Talk *talk)
{
    if (say_headers(talk) == STEP_END ||
        say_plain(talk, MM_SERVER_END_OF_HEADER, MM_COMMAND_END_OF_HEADERS) == STEP_END ||
        say_body(talk) == STEP_END)
        return STEP_END;
    return say_plain(talk, MM_SERVER_END_OF_MESSAGE, MM_COMMAND_END_OF_MESSAGE);
}

/* ---- Messages. */

/* Edits of a message that is not delivered are moot. */
static void
forget_edits(MmOutcome *outcome, const MmMail *original)
{
    MmMail *mail = mm_mail_copy(original);
    mm_mail_free(outcome->mail);
    outcome->mail = mail;
}

static void
settle(Talk *talk, const MmMail *original)
{
    MmOutcome *outcome = talk->outcome;
    gboolean delivered = outcome->status == MM_STATUS_PASS || outcome->status == MM_STATUS_ACCEPT;
    if (!delivered)
        forget_edits(outcome, original);
    else if (outcome->mail->quarantine)
        outcome->status = MM_STATUS_QUARANTINE;
}

static void
send_message(Talk *talk)
{
    gboolean complete = FALSE;
    if (say_sender(talk) != STEP_END && say_recipients(talk) != STEP_END &&
        say_plain(talk, MM_SERVER_DATA, MM_COMMAND_DATA) != STEP_END)
        complete = say_content(talk) != STEP_END;
    if (!complete && !talk->is_over)
        mm_command_append_plain(&talk->mta->out, MM_COMMAND_ABORT);
}

static Talk *
talk_begin(const MmServerOptions *options, GError **error)
{
    MmMta *mta = mm_mta_connect(options->address, &options->timeouts, error);
    if (!mta)
        return NULL;
    Talk *talk = g_new0(Talk, 1);
    talk->options = options;
    talk->mta = mta;
    mta->trace = options->verbose;
    return talk;
}

static void
negotiate(Talk *talk)
{
    g_autoptr(GError) error = NULL;
    MmOptions offer;
    mm_mta_offer_for(talk->options->version, &offer);
    if (!mm_mta_negotiate(talk->mta, &offer, &error))
        fail_in(talk, MM_COMMAND_OPTNEG, error->message);
    else if (greet(talk) == STEP_END)
        talk->is_over = TRUE;
}

/* QUIT, unless the connection is broken; nobody answers it. */
static void
talk_end(Talk *talk, gboolean broken)
{
    if (!broken) {
        mm_command_append_plain(&talk->mta->out, MM_COMMAND_QUIT);
        mm_mta_flush(talk->mta, NULL);
    }
    mm_mta_free(talk->mta);
    g_free(talk);
}

GPtrArray *
mm_server_session(const MmServerOptions *options, GError **error)
{
    gint64 begin = g_get_monotonic_time();
    Talk *talk = talk_begin(options, error);
    if (!talk)
        return NULL;
    GPtrArray *outcomes = g_ptr_array_new_with_free_func(mm_outcome_free);
    for (guint i = 0; i < options->mails->len && !talk->is_over; i++) {
        const MmMail *mail = g_ptr_array_index(options->mails, i);
        talk->outcome = outcome_new(mail);
        talk->body_is_cut = FALSE;
        g_ptr_array_add(outcomes, talk->outcome);
        if (i == 0)
            negotiate(talk);
        else
            begin = g_get_monotonic_time();
        if (!talk->is_over)
            send_message(talk);
        talk->outcome->elapsed = (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
        settle(talk, mail);
    }
    talk_end(talk, talk->outcome->status == MM_STATUS_ERROR);
    return outcomes;
}
