/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     mail.h - a message as milter-test-server sends it, and as it is after the filter's edits
 */
#ifndef MM_TOOLS_MAIL_H
#define MM_TOOLS_MAIL_H

#include "wire/reply.h"

/* What became of a line: printed as "+", "-" or blank. */
typedef enum MmMark {
    MM_MARK_SAME = ' ',
    MM_MARK_ADDED = '+',
    MM_MARK_DELETED = '-',
} MmMark;

typedef struct MmMailHeader {
    char *name;
    char *value; /* with the white space after the colon, folds as LF; may have any byte but NUL */
    MmMark mark;
} MmMailHeader;

typedef struct MmMailAddress {
    char *address;    /* in angle brackets */
    char *parameters; /* ESMTP, separated by blanks; NULL: none */
    MmMark mark;
} MmMailAddress;

typedef struct MmMail {
    char *id;              /* queue id, or NULL */
    GPtrArray *senders;    /* of MmMailAddress: the first, and what it was changed to */
    GPtrArray *recipients; /* of MmMailAddress */
    GPtrArray *headers;    /* of MmMailHeader */
    GByteArray *body;      /* as on the wire */
    GArray *pieces;        /* of guint: sizes the body is sent in; empty: as large as may be */
    GByteArray *new_body;  /* NULL: not replaced */
    char *quarantine;      /* reason, or NULL */
} MmMail;

MmMail *mm_mail_new(void);
MmMail *mm_mail_copy(const MmMail *mail);
void mm_mail_free(MmMail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmMail, mm_mail_free)

/* text: an address, with or without angle brackets, and ESMTP parameters after a blank. */
void mm_mail_set_sender(MmMail *mail, const char *text);
void mm_mail_add_recipient(MmMail *mail, const char *text);
void mm_mail_add_header(MmMail *mail, const char *name, const char *value);
/* A piece of the body, sent as one packet (cut if it is too large for one). */
void mm_mail_add_body(MmMail *mail, gconstpointer data, gsize size);
/* The address without its angle brackets. Free with g_free. */
char *mm_mail_bare_address(const char *address);
/* Reads a message: headers, an empty line, the body; lines may end in LF or CRLF, a first line
 * "From " (mbox) is skipped. Bytes are kept; a NUL in a header ends it, as in Postfix. */
void mm_mail_parse(MmMail *mail, const char *text, gsize size);
/* An address of the form that mm_mail_set_sender takes, at the end of list. */
void mm_mail_add_address(GPtrArray *list, const char *text, MmMark mark);
/* For headers, which owns it. */
MmMailHeader *mm_mail_header_new(const char *name, const char *value, MmMark mark);
/* mail-edits.c. Applies an edit with Postfix's rules for positions and indexes. leading_space:
 * values carry the white space after the colon. */
void mm_mail_apply(MmMail *mail, const MmReply *reply, gboolean leading_space);
/* Envelope, headers and body, each line with its mark in front. */
void mm_mail_print(const MmMail *mail, GString *out);

#endif
