/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     command.h - what an MTA sends to a filter
 *
 * DESCRIPTION
 *     Parsing turns a frame into a tagged struct of slices that point into the frame; nothing is
 *     copied. Slices of text are followed by the NUL of the wire. Encoding appends a frame.
 *     Forms and tolerances: PROTOCOL 1.2 to 1.5; libmilter engine.c.
 */
#ifndef MM_WIRE_COMMAND_H
#define MM_WIRE_COMMAND_H

#include "wire/frame.h"

typedef struct MmSlice {
    const char *data; /* never NULL */
    gsize size;
} MmSlice;
#define MM_SLICE_LITERAL(s) ((MmSlice){(s), sizeof(s) - 1})

typedef enum MmCommandKind {
    MM_COMMAND_OPTNEG,
    MM_COMMAND_MACRO,
    MM_COMMAND_CONNECT,
    MM_COMMAND_HELO,
    MM_COMMAND_MAIL,
    MM_COMMAND_RCPT,
    MM_COMMAND_DATA,
    MM_COMMAND_UNKNOWN,
    MM_COMMAND_HEADER,
    MM_COMMAND_END_OF_HEADERS,
    MM_COMMAND_BODY,
    MM_COMMAND_END_OF_MESSAGE,
    MM_COMMAND_ABORT,
    MM_COMMAND_QUIT,
    MM_COMMAND_QUIT_NC,
} MmCommandKind;
#define MM_N_COMMANDS (MM_COMMAND_QUIT_NC + 1)

/* Iterates the NUL-terminated strings of a frame: ESMTP arguments, macro pairs. */
typedef struct MmStrings {
    const char *next;
    const char *end;
} MmStrings;
/* FALSE at the end. A last string without its NUL is not handed out. */
gboolean mm_strings_next(MmStrings *strings, MmSlice *string);

typedef struct MmCommand {
    MmCommandKind kind;
    MmSlice raw; /* all data bytes of the frame */
    union {
        struct {
            guint32 version, actions, protocol;
        } optneg;
        struct {
            guint8 stage;    /* the command byte the macros belong to; any */
            MmStrings pairs; /* name, value, name, value, ... */
        } macro;
        struct {
            MmSlice host;
            MmSlice address; /* without "IPv6:" */
            guint16 port;
            char family; /* SMFIA_* */
        } connect;
        struct {
            MmSlice name;
        } helo;
        struct {
            MmSlice address;
            MmStrings arguments;
        } envelope;
        struct {
            MmSlice text;
        } unknown;
        struct {
            MmSlice name, value;
        } header;
        struct {
            MmSlice data; /* END_OF_MESSAGE: mostly empty */
        } body;           /* BODY and END_OF_MESSAGE */
    } u;
} MmCommand;

typedef enum MmParseResult {
    MM_PARSE_OK,
    MM_PARSE_UNKNOWN_CODE, /* violation: a byte that is no command (or no reply) */
    MM_PARSE_MALFORMED,    /* violation: NULs missing, lengths that do not add up */
} MmParseResult;

MmParseResult mm_command_parse(const MmFrame *frame, MmCommand *command);
/* The command byte, and a name for logs ("MAIL", "end-of-message"). */
guint8 mm_command_code(MmCommandKind kind);
const char *mm_command_name(MmCommandKind kind);
/* FALSE: no such byte. */
gboolean mm_command_kind_from_code(guint8 code, MmCommandKind *kind);

/* Encoders; FALSE if the buffer's limit forbids it. Texts must have no NUL. */
gboolean mm_command_append_optneg(MmBuffer *out, guint32 version, guint32 actions,
                                  guint32 protocol);
/* pairs: n names and n values in turn (2n strings). */
gboolean mm_command_append_macros(MmBuffer *out, guint8 stage, const char *const *pairs, gsize n);
gboolean mm_command_append_connect(MmBuffer *out, const char *host, char family, guint16 port,
                                   const char *address);
/* MAIL or RCPT: args is the address and its parameters. */
gboolean mm_command_append_envelope(MmBuffer *out, MmCommandKind kind, const char *const *args,
                                    gsize n);
/* HELO or UNKNOWN. */
gboolean mm_command_append_text(MmBuffer *out, MmCommandKind kind, const char *text);
gboolean mm_command_append_header(MmBuffer *out, const char *name, gsize name_size,
                                  const char *value, gsize value_size);
/* Cut into frames of MM_FRAME_DATA_MAX; nothing for an empty body. */
gboolean mm_command_append_body(MmBuffer *out, gconstpointer data, gsize size);
/* DATA, END_OF_HEADERS, END_OF_MESSAGE, ABORT, QUIT, QUIT_NC. */
gboolean mm_command_append_plain(MmBuffer *out, MmCommandKind kind);

#endif
