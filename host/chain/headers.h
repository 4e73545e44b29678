/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     headers.h - the MTA's list of headers, as the message model keeps it
 *
 * DESCRIPTION
 *     In the MTA's order, with the headers that it hides from filters: positions count them.
 * Private to the message model (message.c, the two apply files, rebase.c). Texts lie in the list's
 * arena.
 *
 *     A header is meant by its place, or by a name and a number; a stage may do both many thousand
 * times in a message of very many headers, while the sessions of the worker wait. So the list lies
 * in rows of at most MM_HEADERS_ROW: what is put in or taken out moves the headers of one row. When
 * there is more than one and much is asked, an index is made: each row knows how many headers of
 * each name it has, and those without the one that is meant are passed over. The usual message is
 * one row, and has no index.
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
    guint32 id;     /* of the instance, given when it comes into a list: 0 before */
    guint32 number; /* of its name in the index; 0: not looked up */
} MmHeader;

#define MM_HEADERS_ROW 512u

typedef struct MmHeaderTally MmHeaderTally;
typedef struct MmHeaderRow {
    GArray *list;           /* of MmHeader; empty only where the list is */
    MmHeaderTally *tallies; /* how many of each name; NULL: not counted since the row changed */
} MmHeaderRow;

typedef struct MmHeaders {
    GPtrArray *rows; /* of MmHeaderRow, at least one */
    guint count;
    MmArena texts;
    guint32 last_id;
    guint asked;    /* questions of names since there is no index of them */
    GTree *names;   /* the index: folded name -> its number; NULL: there is none */
    GArray *row_of; /* of MmHeaderRow*, by id, NULL: not in the list; NULL: no place_of yet */
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
const MmHeader *mm_headers_at(const MmHeaders *headers, guint place);
/* The same, to change it. */
MmHeader *mm_headers_edit(MmHeaders *headers, guint place);
/* In front of the header at place, or at the end: the slices are not copied. */
void mm_headers_insert(MmHeaders *headers, guint place, const MmHeader *header);
void mm_headers_remove(MmHeaders *headers, guint place);
gboolean mm_headers_is_visible(const MmHeader *header);
/* The value of an edit as the list keeps it, copied: one space in front where leading_space asks
 * for it and the edit is not VERBATIM. */
MilterSlice mm_headers_take_value(MmHeaders *headers, const MilterEdit *edit,
                                  gboolean leading_space);

/* One after the other, from place. A cursor is good until the list changes. */
typedef struct MmHeaderCursor {
    guint row, at;
} MmHeaderCursor;
MmHeaderCursor mm_headers_from(const MmHeaders *headers, guint place);
/* NULL: that was the last. */
const MmHeader *mm_headers_next(const MmHeaders *headers, MmHeaderCursor *cursor);

/* The place of an instance, or MM_HEADERS_NONE. */
guint mm_headers_place_of(MmHeaders *headers, guint32 id);

/* headers-find.c: which of the headers of a name are counted. */
typedef enum MmHeaderSet {
    MM_HEADERS_ALL,
    MM_HEADERS_USER,    /* with MM_HEADER_USER */
    MM_HEADERS_OWN,     /* without */
    MM_HEADERS_COUNTED, /* with MM_HEADER_COUNTED */
    MM_HEADERS_UNCOUNTED,
    MM_N_HEADER_SETS,
} MmHeaderSet;
/* ASCII case is ignored. */
gboolean mm_headers_is_named(const MmHeader *header, MilterSlice name);
/* The place of the nth of them, 1-based, or MM_HEADERS_NONE. */
guint mm_headers_find(MmHeaders *headers, MilterSlice name, MmHeaderSet set, guint32 nth);
/* How many of them there are in front of place; MM_HEADERS_NONE: in all. */
guint32 mm_headers_rank(MmHeaders *headers, MilterSlice name, MmHeaderSet set, guint place);
/* The indexes and their memory are gone, until they are needed again. */
void mm_headers_drop_index(MmHeaders *headers);

/* Puts the MTA's hidden headers in front; once, before the first edit. */
void mm_headers_hide_postfix(MmHeaders *headers);
void mm_headers_hide_sendmail(MmHeaders *headers);
/* The place of the header that a CHANGE_HEADER of index means to the stage, or MM_HEADERS_NONE. */
guint mm_headers_find_postfix(MmHeaders *headers, MilterSlice name, guint32 index);
guint mm_headers_find_sendmail(MmHeaders *headers, MilterSlice name, guint32 index);
/* rebase.c: operation i of edits was made by a stage that is shown view, and is to be applied to
 * headers, where stages beside it have made theirs. Sets its index to what means the same instance
 * or place there. FALSE: the instance is deleted there. */
gboolean mm_headers_rebase(MmHeaders *view, MmHeaders *headers, MmEdits *edits, guint i,
                           gboolean sendmail);
/* Applies one header operation. Sendmail: operation i of edits, which may be corrected. */
void mm_headers_apply_postfix(MmHeaders *headers, const MilterEdit *edit, gboolean leading_space);
void mm_headers_apply_sendmail(MmHeaders *headers, MmEdits *edits, guint i, gboolean leading_space);

#endif
