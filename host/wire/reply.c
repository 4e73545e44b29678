/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/reply.h"

#include "base/text.h"

#include <libmilter/mfdef.h>
#include <string.h>

static const struct {
    guint8 code;
    const char *name;
} replies[MM_N_REPLIES] = {
    [MM_REPLY_CONTINUE] = {SMFIR_CONTINUE, "continue"},
    [MM_REPLY_ACCEPT] = {SMFIR_ACCEPT, "accept"},
    [MM_REPLY_REJECT] = {SMFIR_REJECT, "reject"},
    [MM_REPLY_TEMPFAIL] = {SMFIR_TEMPFAIL, "temporary-failure"},
    [MM_REPLY_DISCARD] = {SMFIR_DISCARD, "discard"},
    [MM_REPLY_REPLYCODE] = {SMFIR_REPLYCODE, "reply-code"},
    [MM_REPLY_SKIP] = {SMFIR_SKIP, "skip"},
    [MM_REPLY_SHUTDOWN] = {SMFIR_SHUTDOWN, "shutdown"},
    [MM_REPLY_CONN_FAIL] = {SMFIR_CONN_FAIL, "connection-failure"},
    [MM_REPLY_OPTNEG] = {SMFIC_OPTNEG, "negotiate"},
    [MM_REPLY_PROGRESS] = {SMFIR_PROGRESS, "progress"},
    [MM_REPLY_ADD_HEADER] = {SMFIR_ADDHEADER, "add-header"},
    [MM_REPLY_INSERT_HEADER] = {SMFIR_INSHEADER, "insert-header"},
    [MM_REPLY_CHANGE_HEADER] = {SMFIR_CHGHEADER, "change-header"},
    [MM_REPLY_REPLACE_BODY] = {SMFIR_REPLBODY, "replace-body"},
    [MM_REPLY_ADD_RECIPIENT] = {SMFIR_ADDRCPT, "add-recipient"},
    [MM_REPLY_ADD_RECIPIENT_PAR] = {SMFIR_ADDRCPT_PAR, "add-recipient-with-parameters"},
    [MM_REPLY_DELETE_RECIPIENT] = {SMFIR_DELRCPT, "delete-recipient"},
    [MM_REPLY_CHANGE_SENDER] = {SMFIR_CHGFROM, "change-from"},
    [MM_REPLY_QUARANTINE] = {SMFIR_QUARANTINE, "quarantine"},
};

guint8
mm_reply_code(MmReplyKind kind)
{
    return replies[kind].code;
}

const char *
mm_reply_name(MmReplyKind kind)
{
    return replies[kind].name;
}

gboolean
mm_reply_is_final(MmReplyKind kind)
{
    return kind <= MM_REPLY_CONN_FAIL;
}

static gboolean
kind_from_code(guint8 code, MmReplyKind *kind)
{
    for (guint i = 0; i < MM_N_REPLIES; i++) {
        if (replies[i].code == code) {
            *kind = (MmReplyKind)i;
            return TRUE;
        }
    }
    return FALSE;
}

static MmParseResult
parse_header(MmSlice data, MmReply *reply)
{
    if (reply->kind != MM_REPLY_ADD_HEADER) {
        if (data.size < 4)
            return MM_PARSE_MALFORMED;
        const guint8 *index = (const guint8 *)data.data;
        reply->u.header.index = ((guint32)index[0] << 24) | ((guint32)index[1] << 16) |
                                ((guint32)index[2] << 8) | (guint32)index[3];
        data.data += 4;
        data.size -= 4;
    }
    MmStrings strings = {data.data, data.data + data.size};
    if (!mm_strings_next(&strings, &reply->u.header.name) ||
        !mm_strings_next(&strings, &reply->u.header.value) || strings.next != strings.end)
        return MM_PARSE_MALFORMED;
    /* An empty name: Postfix stores a broken line, Sendmail ignores it. */
    return reply->u.header.name.size > 0 ? MM_PARSE_OK : MM_PARSE_MALFORMED;
}

static MmParseResult
parse_envelope(MmSlice data, MmReply *reply)
{
    MmStrings strings = {data.data, data.data + data.size};
    if (data.size == 0 || data.data[data.size - 1] != '\0' ||
        !mm_strings_next(&strings, &reply->u.envelope.address))
        return MM_PARSE_MALFORMED;
    gboolean more = strings.next != strings.end;
    reply->u.envelope.has_parameters = more;
    reply->u.envelope.parameters = strings;
    gboolean takes_more =
        reply->kind == MM_REPLY_ADD_RECIPIENT_PAR || reply->kind == MM_REPLY_CHANGE_SENDER;
    return more && !takes_more ? MM_PARSE_MALFORMED : MM_PARSE_OK;
}

/* One NUL at the end and no other; a REPLYCODE may lack it. */
static MmParseResult
parse_text(MmSlice data, MmReply *reply)
{
    gboolean terminated = data.size > 0 && data.data[data.size - 1] == '\0';
    MmSlice text = {data.data, data.size - (terminated ? 1 : 0)};
    reply->u.text = text;
    if (text.size == 0 || memchr(text.data, '\0', text.size))
        return MM_PARSE_MALFORMED;
    if (reply->kind == MM_REPLY_QUARANTINE)
        return terminated ? MM_PARSE_OK : MM_PARSE_MALFORMED;
    return mm_text_reply_check(text.data, text.size) == MM_REPLY_INVALID ? MM_PARSE_MALFORMED
                                                                         : MM_PARSE_OK;
}

MmParseResult
mm_reply_parse(const MmFrame *frame, MmReply *reply)
{
    MmSlice data = {(const char *)frame->data, frame->size};
    *reply = (MmReply){0};
    if (!kind_from_code(frame->code, &reply->kind))
        return MM_PARSE_UNKNOWN_CODE;
    switch (reply->kind) {
    case MM_REPLY_REPLYCODE:
    case MM_REPLY_QUARANTINE:
        return parse_text(data, reply);
    case MM_REPLY_ADD_HEADER:
    case MM_REPLY_INSERT_HEADER:
    case MM_REPLY_CHANGE_HEADER:
        return parse_header(data, reply);
    case MM_REPLY_ADD_RECIPIENT:
    case MM_REPLY_ADD_RECIPIENT_PAR:
    case MM_REPLY_DELETE_RECIPIENT:
    case MM_REPLY_CHANGE_SENDER:
        return parse_envelope(data, reply);
    case MM_REPLY_OPTNEG:
    case MM_REPLY_REPLACE_BODY:
        reply->u.text = data;
        return MM_PARSE_OK;
    default:
        return data.size == 0 ? MM_PARSE_OK : MM_PARSE_MALFORMED;
    }
}

/* ---- Encoders. */

gboolean
mm_reply_append_plain(MmBuffer *out, MmReplyKind kind)
{
    return mm_frame_append(out, replies[kind].code, NULL, 0);
}

gboolean
mm_reply_append_text(MmBuffer *out, MmReplyKind kind, const char *text, gsize size)
{
    return mm_frame_append2(out, replies[kind].code, text, size, "", 1);
}

gboolean
mm_reply_append_header(MmBuffer *out, MmReplyKind kind, guint32 index, MmSlice name, MmSlice value)
{
    gsize head = kind == MM_REPLY_ADD_HEADER ? 0 : 4;
    gsize size = head + name.size + 1 + value.size + 1;
    g_autofree guint8 *data = g_malloc(size);
    if (head > 0) {
        data[0] = (guint8)(index >> 24);
        data[1] = (guint8)(index >> 16);
        data[2] = (guint8)(index >> 8);
        data[3] = (guint8)index;
    }
    memcpy(data + head, name.data, name.size);
    data[head + name.size] = '\0';
    memcpy(data + head + name.size + 1, value.data, value.size);
    data[size - 1] = '\0';
    return mm_frame_append(out, replies[kind].code, data, size);
}

gboolean
mm_reply_append_envelope(MmBuffer *out, MmReplyKind kind, MmSlice address,
                         const MmSlice *parameters)
{
    gboolean takes = kind == MM_REPLY_ADD_RECIPIENT_PAR || kind == MM_REPLY_CHANGE_SENDER;
    gsize more = parameters && takes ? parameters->size + 1 : 0;
    gsize size = address.size + 1 + more;
    g_autofree char *data = g_malloc0(size);
    memcpy(data, address.data, address.size);
    if (more > 1)
        memcpy(data + address.size + 1, parameters->data, parameters->size);
    return mm_frame_append(out, replies[kind].code, data, size);
}

gboolean
mm_reply_append_body(MmBuffer *out, gconstpointer data, gsize size)
{
    const guint8 *bytes = data;
    gsize before = mm_buffer_length(out);
    do {
        gsize n = MIN(size, MM_FRAME_DATA_MAX);
        if (!mm_frame_append(out, SMFIR_REPLBODY, bytes, n)) {
            mm_buffer_truncate(out, before);
            return FALSE;
        }
        bytes += n;
        size -= n;
    } while (size > 0);
    return TRUE;
}
