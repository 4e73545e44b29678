/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One session of milter-test-server: the order of commands. Rules: PROTOCOL 1.2 to 1.12, Postfix
 * where MTAs differ. */
#include "tools/server-talk.h"

#include <libmilter/mfdef.h>
#include <string.h>

static void
add_macros(MmTalk *talk, MmServerStage stage, const char *recipient)
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

static MmStep
say_connect(MmTalk *talk)
{
    add_macros(talk, MM_SERVER_CONNECT, NULL);
    if (!mm_mta_wants(talk->mta, MM_COMMAND_CONNECT))
        return MM_STEP_ON;
    append_connect(talk->options, &talk->mta->out);
    return mm_talk_ask(talk, MM_COMMAND_CONNECT);
}

static MmStep
say_text(MmTalk *talk, MmCommandKind kind, const char *text)
{
    if (!mm_mta_wants(talk->mta, kind))
        return MM_STEP_ON;
    mm_command_append_text(&talk->mta->out, kind, text);
    return mm_talk_ask(talk, kind);
}

static MmStep
greet(MmTalk *talk)
{
    if (say_connect(talk) == MM_STEP_END)
        return MM_STEP_END;
    add_macros(talk, MM_SERVER_HELO, NULL);
    if (say_text(talk, MM_COMMAND_HELO, talk->options->helo) == MM_STEP_END)
        return MM_STEP_END;
    if (!talk->options->unknown)
        return MM_STEP_ON;
    return say_text(talk, MM_COMMAND_UNKNOWN, talk->options->unknown) == MM_STEP_END ? MM_STEP_END
                                                                                     : MM_STEP_ON;
}

/* ---- The envelope. */

static MmStep
say_envelope(MmTalk *talk, MmCommandKind kind, const MmMailAddress *address)
{
    if (!mm_mta_wants(talk->mta, kind))
        return MM_STEP_ON;
    g_auto(GStrv) parameters = g_strsplit(address->parameters ? address->parameters : "", " ", -1);
    g_autoptr(GPtrArray) args = g_ptr_array_new();
    g_ptr_array_add(args, address->address);
    for (char **parameter = parameters; *parameter; parameter++) {
        if (**parameter)
            g_ptr_array_add(args, *parameter);
    }
    mm_command_append_envelope(&talk->mta->out, kind, (const char *const *)args->pdata, args->len);
    return mm_talk_ask(talk, kind);
}

/* A recipient turned down is no verdict for the message while there are others. */
static gboolean
refuse(MmTalk *talk, MmMailAddress *recipient)
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

static MmStep
say_recipients(MmTalk *talk)
{
    GPtrArray *recipients = talk->outcome->mail->recipients;
    gboolean skip = FALSE;
    for (guint i = 0; i < recipients->len; i++) {
        MmMailAddress *recipient = g_ptr_array_index(recipients, i);
        add_macros(talk, MM_SERVER_ENVELOPE_RECIPIENT, recipient->address);
        MmStep step = skip ? MM_STEP_ON : say_envelope(talk, MM_COMMAND_RCPT, recipient);
        skip = skip || step == MM_STEP_SKIP;
        if (step == MM_STEP_END && !refuse(talk, recipient))
            return MM_STEP_END;
    }
    if (talk->outcome->refused->len == recipients->len)
        return MM_STEP_END; /* the last one's answer */
    talk->outcome->status = MM_STATUS_PASS;
    g_clear_pointer(&talk->outcome->reply, g_free);
    return MM_STEP_ON;
}

static MmStep
say_sender(MmTalk *talk)
{
    add_macros(talk, MM_SERVER_ENVELOPE_FROM, NULL);
    return say_envelope(talk, MM_COMMAND_MAIL, g_ptr_array_index(talk->outcome->mail->senders, 0));
}

/* ---- Content. */

static MmStep
say_plain(MmTalk *talk, MmServerStage stage, MmCommandKind kind)
{
    add_macros(talk, stage, NULL);
    if (!mm_mta_wants(talk->mta, kind))
        return MM_STEP_ON;
    mm_command_append_plain(&talk->mta->out, kind);
    return mm_talk_ask(talk, kind);
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
static MmStep
say_headers(MmTalk *talk)
{
    const GPtrArray *headers = talk->outcome->mail->headers;
    gboolean as_is = (talk->mta->answer.protocol & SMFIP_HDR_LEADSPC) != 0;
    if (!mm_mta_wants(talk->mta, MM_COMMAND_HEADER))
        return MM_STEP_ON;
    for (guint i = 0; i < headers->len; i++) {
        const MmMailHeader *header = g_ptr_array_index(headers, i);
        const char *value = header->value + (!as_is && header->value[0] == ' ' ? 1 : 0);
        append_header(&talk->mta->out, header->name, value);
        MmStep step = mm_talk_ask(talk, MM_COMMAND_HEADER);
        if (step != MM_STEP_ON)
            return step;
    }
    return MM_STEP_ON;
}

/* The whole body, cut where the command line cut it and where a packet is full. */
static MmStep
say_body(MmTalk *talk)
{
    const MmMail *mail = talk->outcome->mail;
    guint piece = 0;
    gsize left = 0; /* of the piece */
    if (!mm_mta_wants(talk->mta, MM_COMMAND_BODY))
        return MM_STEP_ON;
    for (gsize at = 0; at < mail->body->len;) {
        while (left == 0)
            left = piece < mail->pieces->len ? g_array_index(mail->pieces, guint, piece++)
                                             : mail->body->len - at;
        gsize size = MIN(left, MM_FRAME_DATA_MAX);
        mm_command_append_body(&talk->mta->out, mail->body->data + at, size);
        MmStep step = mm_talk_ask(talk, MM_COMMAND_BODY);
        if (step != MM_STEP_ON)
            return step;
        at += size;
        left -= size;
    }
    return MM_STEP_ON;
}

static MmStep
say_content(MmTalk *talk)
{
    if (say_headers(talk) == MM_STEP_END ||
        say_plain(talk, MM_SERVER_END_OF_HEADER, MM_COMMAND_END_OF_HEADERS) == MM_STEP_END ||
        say_body(talk) == MM_STEP_END)
        return MM_STEP_END;
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
settle(MmTalk *talk, const MmMail *original)
{
    MmOutcome *outcome = talk->outcome;
    gboolean delivered = outcome->status == MM_STATUS_PASS || outcome->status == MM_STATUS_ACCEPT;
    if (!delivered)
        forget_edits(outcome, original);
    else if (outcome->mail->quarantine)
        outcome->status = MM_STATUS_QUARANTINE;
}

static void
send_message(MmTalk *talk)
{
    gboolean complete = FALSE;
    if (say_sender(talk) != MM_STEP_END && say_recipients(talk) != MM_STEP_END &&
        say_plain(talk, MM_SERVER_DATA, MM_COMMAND_DATA) != MM_STEP_END)
        complete = say_content(talk) != MM_STEP_END;
    if (!complete && !talk->is_over)
        mm_command_append_plain(&talk->mta->out, MM_COMMAND_ABORT);
}

static MmTalk *
talk_begin(const MmServerOptions *options, GError **error)
{
    MmMta *mta = mm_mta_connect(options->address, &options->timeouts, error);
    if (!mta)
        return NULL;
    MmTalk *talk = g_new0(MmTalk, 1);
    talk->options = options;
    talk->mta = mta;
    mta->trace = options->verbose;
    return talk;
}

static void
negotiate(MmTalk *talk)
{
    g_autoptr(GError) error = NULL;
    MmOptions offer;
    mm_mta_offer_for(talk->options->version, &offer);
    if (!mm_mta_negotiate(talk->mta, &offer, &error))
        mm_talk_fail(talk, MM_COMMAND_OPTNEG, error->message);
    else if (greet(talk) == MM_STEP_END)
        talk->is_over = TRUE;
}

/* QUIT, unless the connection is broken; nobody answers it. */
static void
talk_end(MmTalk *talk, gboolean broken)
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
    MmTalk *talk = talk_begin(options, error);
    if (!talk)
        return NULL;
    GPtrArray *outcomes = g_ptr_array_new_with_free_func(mm_outcome_free);
    for (guint i = 0; i < options->mails->len && !talk->is_over; i++) {
        const MmMail *mail = g_ptr_array_index(options->mails, i);
        talk->outcome = mm_outcome_new(mail);
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
