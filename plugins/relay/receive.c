/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies to verdicts and edits. */
#include "relay.h"

#include <libmilter/mfdef.h>
#include <string.h>

/* The text the MTA itself would say: SHUTDOWN is not passed on, Postfix would accept the mail. */
#define SHUTDOWN_REPLY "421 4.3.0 Service is shutting down"

gboolean
receive_verdict(MmCommandKind kind, const MmReply *reply, MilterVerdict *verdict)
{
    static const MilterVerdictKind kinds[] = {
        [MM_REPLY_CONTINUE] = MILTER_VERDICT_CONTINUE,
        [MM_REPLY_ACCEPT] = MILTER_VERDICT_ACCEPT,
        [MM_REPLY_REJECT] = MILTER_VERDICT_REJECT,
        [MM_REPLY_TEMPFAIL] = MILTER_VERDICT_TEMPFAIL,
        [MM_REPLY_DISCARD] = MILTER_VERDICT_DISCARD,
        [MM_REPLY_REPLYCODE] = MILTER_VERDICT_REPLY,
        [MM_REPLY_SKIP] = MILTER_VERDICT_SKIP,
    };
    *verdict = (MilterVerdict){.size = sizeof(*verdict), .reply = {"", 0}};
    if (reply->kind == MM_REPLY_SHUTDOWN && kind == MM_COMMAND_CONNECT) {
        verdict->kind = MILTER_VERDICT_REPLY;
        verdict->reply = (MilterSlice){SHUTDOWN_REPLY, strlen(SHUTDOWN_REPLY)};
        return TRUE;
    }
    if (reply->kind >= G_N_ELEMENTS(kinds))
        return FALSE;
    verdict->kind = kinds[reply->kind];
    if (reply->kind == MM_REPLY_REPLYCODE)
        verdict->reply = (MilterSlice){reply->u.text.data, reply->u.text.size};
    return TRUE;
}

void
receive_note(Talk *talk, MmCommandKind kind, MilterVerdictKind answer)
{
    gboolean goes_on = answer == MILTER_VERDICT_CONTINUE || answer == MILTER_VERDICT_SKIP;
    talk->idled = FALSE;
    switch (kind) {
    case MM_COMMAND_MAIL:
        talk->in_message = goes_on;
        talk->idled = !goes_on;
        break;
    case MM_COMMAND_RCPT:
        if (answer == MILTER_VERDICT_ACCEPT || answer == MILTER_VERDICT_DISCARD)
            talk->in_message = FALSE;
        break;
    case MM_COMMAND_UNKNOWN:
        if (answer == MILTER_VERDICT_ACCEPT)
            talk->in_message = FALSE;
        break;
    case MM_COMMAND_END_OF_MESSAGE:
        talk->in_message = FALSE;
        talk->idled = TRUE;
        break;
    case MM_COMMAND_DATA:
    case MM_COMMAND_HEADER:
    case MM_COMMAND_END_OF_HEADERS:
    case MM_COMMAND_BODY:
        if (!goes_on)
            talk->in_message = FALSE;
        break;
    default:
        break;
    }
}

static MilterSlice
abi_slice(MmSlice slice)
{
    return (MilterSlice){slice.data, slice.size};
}

static void
fill_header(const Talk *talk, const MmReply *reply, MilterEdit *edit)
{
    static const MilterEditKind kinds[MM_N_REPLIES] = {
        [MM_REPLY_ADD_HEADER] = MILTER_EDIT_ADD_HEADER,
        [MM_REPLY_INSERT_HEADER] = MILTER_EDIT_INSERT_HEADER,
        [MM_REPLY_CHANGE_HEADER] = MILTER_EDIT_CHANGE_HEADER,
    };
    edit->kind = kinds[reply->kind];
    edit->index = reply->u.header.index;
    edit->name = abi_slice(reply->u.header.name);
    edit->value = abi_slice(reply->u.header.value);
    if (talk->child->options.protocol & SMFIP_HDR_LEADSPC)
        edit->flags |= MILTER_EDIT_VERBATIM;
}

/* One string by the book; some stacks send several. */
static char *
join_parameters(MmStrings strings)
{
    GString *text = g_string_new(NULL);
    MmSlice string;
    while (mm_strings_next(&strings, &string)) {
        if (text->len > 0)
            g_string_append_c(text, ' ');
        g_string_append_len(text, string.data, (gssize)string.size);
    }
    return g_string_free(text, FALSE);
}

static void
fill_envelope(const MmReply *reply, const char *parameters, MilterEdit *edit)
{
    gboolean with = reply->kind == MM_REPLY_ADD_RECIPIENT_PAR || reply->u.envelope.has_parameters;
    edit->kind = reply->kind == MM_REPLY_CHANGE_SENDER      ? MILTER_EDIT_CHANGE_SENDER
                 : reply->kind == MM_REPLY_DELETE_RECIPIENT ? MILTER_EDIT_DELETE_RECIPIENT
                                                            : MILTER_EDIT_ADD_RECIPIENT;
    edit->name = abi_slice(reply->u.envelope.address);
    if (with) {
        edit->flags |= MILTER_EDIT_WITH_PARAMETERS;
        edit->value = (MilterSlice){parameters, strlen(parameters)};
    }
}

static void
fill(const Talk *talk, const MmReply *reply, const char *parameters, MilterEdit *edit)
{
    switch (reply->kind) {
    case MM_REPLY_ADD_HEADER:
    case MM_REPLY_INSERT_HEADER:
    case MM_REPLY_CHANGE_HEADER:
        fill_header(talk, reply, edit);
        break;
    case MM_REPLY_REPLACE_BODY:
        edit->kind = MILTER_EDIT_REPLACE_BODY;
        edit->value = abi_slice(reply->u.text);
        break;
    case MM_REPLY_QUARANTINE:
        edit->kind = MILTER_EDIT_QUARANTINE;
        edit->value = abi_slice(reply->u.text);
        break;
    default:
        fill_envelope(reply, parameters, edit);
        break;
    }
}

const char *
receive_edit(Talk *talk, const MmReply *reply)
{
    guint32 action = mm_options_action_for(reply->kind);
    if (action == 0)
        return "protocol error: a reply that may not come here";
    if (!(talk->child->options.actions & action))
        return "protocol error: an edit that was not negotiated";
    gboolean has_parameters =
        reply->kind == MM_REPLY_ADD_RECIPIENT_PAR || reply->kind == MM_REPLY_CHANGE_SENDER;
    g_autofree char *parameters =
        has_parameters ? join_parameters(reply->u.envelope.parameters) : NULL;
    MilterEdit edit = {.size = sizeof(edit), .name = {"", 0}, .value = {"", 0}};
    fill(talk, reply, parameters, &edit);
    switch (talk->relay->host->edit(talk->bench->worker, talk->ticket, &edit)) {
    case MILTER_OK:
        return NULL;
    case MILTER_ERROR_FULL:
        return "no room for the edits";
    case MILTER_ERROR_RIGHTS:
        return "an edit that the MTA does not allow";
    default:
        return "protocol error: a malformed edit";
    }
}
