/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     headers.h - the MTA's list of headers, as the message model keeps it
 *
 * DESCRIPTION
 *     In the MTA's order, with the headers that it hides from filters: positions count them.
 * Private to message.c and the two apply files. Texts lie in the list's arena.
 */
#ifndef MM_CHAIN_HEADERS_H
#define MM_CHAIN_HEADERS_H

#include "chain/arena.h"
#include "chain/edits.h"

typedef enum MmHeaderFlags {
    /* Shown to filters and counted by their indexes; without it, the MTA's own. Sendmail's H_USER.
     */
    MM_HEADER_USER = 1u << 0,
    /* Sendmail: counted by the indexes that the host sends. Differs from USER in instances that a
     * stage deleted before the next one was shown headers. */
    MM_HEADER_COUNTED = 1u << 1,
    /* Sendmail: the header has no value; its place in the list stays. */
    MM_HEADER_DELETED = 1u << 2,
} MmHeaderFlags;

typedef struct MmHeader {
    MilterSlice name;
    MilterSlice
        value; /* as edits and events carry it: what follows the colon, or without a space */
    guint32 flags;
    guint32 id; /* of the instance, given when it comes into a list: 0 before */
} MmHeader;

typedef struct MmHeaders {
    GArray *list; /* of MmHeader */
    MmArena texts;
    guint32 last_id;
} MmHeaders;

#define MM_HEADERS_NONE G_MAXUINT

void mm_headers_init(MmHeaders *headers);
/* A list of its own with the same instances; their texts stay those of headers, which must live as
 * long. */
void mm_headers_init_copy(MmHeaders *copy, const MmHeaders *headers);
void mm_headers_clear(MmHeaders *headers);
/* Empty again; a little memory is kept. */
void mm_headers_reset(MmHeaders *headers);

guint mm_headers_count(const MmHeaders *headers);
/* Borrowed until the list changes. */
MmHeader *mm_headers_at(const MmHeaders *headers, guint place);
/* In front of the header at place, or at the end: the slices are not copied. */
void mm_headers_insert(MmHeaders *headers, guint place, const MmHeader *header);
void mm_headers_remove(MmHeaders *headers, guint place);
/* ASCII case is ignored. */
gboolean mm_headers_is_named(const MmHeader *header, MilterSlice name);
gboolean mm_headers_is_visible(const MmHeader *header);
/* The value of an edit as the list keeps it, copied: one space in front where leading_space asks
 * for it and the edit is not VERBATIM. */
MilterSlice mm_headers_take_value(MmHeaders *headers, const MilterEdit *edit,
                                  gboolean leading_space);

/* Puts the MTA's hidden headers in front; once, before the first edit. */
void mm_headers_hide_postfix(MmHeaders *headers);
void mm_headers_hide_sendmail(MmHeaders *headers);
/* The place of the header that a CHANGE_HEADER of index means to the stage, or MM_HEADERS_NONE. */
guint mm_headers_find_postfix(const MmHeaders *headers, MilterSlice name, guint32 index);
guint mm_headers_find_sendmail(const MmHeaders *headers, MilterSlice name, guint32 index);
/* rebase.c: operation i of edits was made by a stage that is shown view, and is to be applied to
 * headers, where stages beside it have made theirs. Sets its index to what means the same instance
 * or place there. FALSE: the instance is deleted there. */
gboolean mm_headers_rebase(const MmHeaders *view, const MmHeaders *headers, MmEdits *edits, guint i,
                           gboolean sendmail);
/* Applies one header operation. Sendmail: operation i of edits, which may be corrected. */
void mm_headers_apply_postfix(MmHeaders *headers, const MilterEdit *edit, gboolean leading_space);
void mm_headers_apply_sendmail(MmHeaders *headers, MmEdits *edits, guint i, gboolean leading_space);

#endif
