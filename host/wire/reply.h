/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     reply.h - what a filter sends to an MTA
 *
 * DESCRIPTION
 *     Parsing is as strict as Postfix (milter8.c: no byte too many, every NUL there), except that a
 *     REPLYCODE without its NUL is taken and CHGFROM and ADDRCPT_PAR with more than two strings are
 *     joined by the caller from parameters. The text of REPLYCODE is checked (base/text.h): INVALID
 * is MALFORMED.
 */
#ifndef MM_WIRE_REPLY_H
#define MM_WIRE_REPLY_H

#include "wire/command.h"

typedef enum MmReplyKind {
    MM_REPLY_CONTINUE,
    MM_REPLY_ACCEPT,
    MM_REPLY_REJECT,
    MM_REPLY_TEMPFAIL,
    MM_REPLY_DISCARD,
    MM_REPLY_REPLYCODE,
    MM_REPLY_SKIP,
    MM_REPLY_SHUTDOWN,
    MM_REPLY_CONN_FAIL,
    MM_REPLY_OPTNEG,
    MM_REPLY_PROGRESS,
    MM_REPLY_ADD_HEADER,
    MM_REPLY_INSERT_HEADER,
    MM_REPLY_CHANGE_HEADER,
    MM_REPLY_REPLACE_BODY,
    MM_REPLY_ADD_RECIPIENT,
    MM_REPLY_ADD_RECIPIENT_PAR,
    MM_REPLY_DELETE_RECIPIENT,
    MM_REPLY_CHANGE_SENDER,
    MM_REPLY_QUARANTINE,
} MmReplyKind;
#define MM_N_REPLIES (MM_REPLY_QUARANTINE + 1)

typedef struct MmReply {
    MmReplyKind kind;
    union {
        MmSlice text; /* REPLYCODE, QUARANTINE; raw data of OPTNEG and REPLACE_BODY */
        struct {
            guint32 index; /* INSERT, CHANGE */
            MmSlice name, value;
        } header;
        struct {
            MmSlice address;
            gboolean has_parameters;
            MmStrings parameters; /* one string by the book; join what there is with blanks */
        } envelope;
    } u;
} MmReply;

MmParseResult mm_reply_parse(const MmFrame *frame, MmReply *reply);
guint8 mm_reply_code(MmReplyKind kind);
const char *mm_reply_name(MmReplyKind kind);
/* TRUE for what ends the exchange of a command: CONTINUE to CONN_FAIL. */
gboolean mm_reply_is_final(MmReplyKind kind);

/* Encoders; FALSE if the buffer's limit forbids it. */
/* CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, SKIP, PROGRESS. */
gboolean mm_reply_append_plain(MmBuffer *out, MmReplyKind kind);
/* REPLYCODE, QUARANTINE: the text and one NUL. */
gboolean mm_reply_append_text(MmBuffer *out, MmReplyKind kind, const char *text, gsize size);
/* index is not sent with ADD_HEADER. */
gboolean mm_reply_append_header(MmBuffer *out, MmReplyKind kind, guint32 index, MmSlice name,
                                MmSlice value);
/* parameters NULL: none; not sent with ADD_RECIPIENT and DELETE_RECIPIENT. */
gboolean mm_reply_append_envelope(MmBuffer *out, MmReplyKind kind, MmSlice address,
                                  const MmSlice *parameters);
/* Cut into frames of MM_FRAME_DATA_MAX; one empty frame for an empty body. */
gboolean mm_reply_append_body(MmBuffer *out, gconstpointer data, gsize size);

#endif
