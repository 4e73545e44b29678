/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     negotiate.h - option negotiation: versions, flags, symbol lists
 *
 * DESCRIPTION
 *     The same frame 'O' goes both ways: the MTA offers, the filter answers, with symbol lists
 * behind the three numbers. Rules: PROTOCOL 1.5, 3.1, 3.2.
 */
#ifndef MM_WIRE_NEGOTIATE_H
#define MM_WIRE_NEGOTIATE_H

#include "wire/command.h"
#include "wire/reply.h"

#define MM_PROTOCOL_VERSION 6u
#define MM_PROTOCOL_VERSION_MIN 2u
#define MM_N_SYMBOL_LISTS 7     /* SMFIM_CONNECT to SMFIM_EOH */
#define MM_SYMBOLS_MAX 50       /* names a stage (Sendmail MAXFILTERMACROS) */
#define MM_SYMBOL_SIZE_MAX 128u /* bytes of one: the seven lists fit into what an MTA takes */

typedef struct MmOptions {
    guint32 version, actions, protocol;
    /* Borrowed from the frame; data NULL: no list for the stage. Not NUL-terminated. */
    MmSlice symbols[MM_N_SYMBOL_LISTS];
} MmOptions;

typedef enum MmOptionsResult {
    MM_OPTIONS_OK,
    MM_OPTIONS_SHORT,   /* fewer than 12 bytes */
    MM_OPTIONS_VERSION, /* below 2; in an answer also above the offer's */
    MM_OPTIONS_ACTIONS, /* an answer with actions that were not offered */
    MM_OPTIONS_SYMBOLS, /* malformed symbol lists */
} MmOptionsResult;

/* An MTA's offer: more than 12 bytes are tolerated, version is cut to 6, masks of 0 become the V1
 * sets (actions 0x0F, protocol 0x3F), internal bits (MDS and unknown) are cleared. */
MmOptionsResult mm_options_parse_offer(MmSlice data, MmOptions *offer);
/* A filter's answer to offer. Protocol bits that were not offered, and features above the answer's
 * version, are cleared (except no-reply bits: a filter may not know better, PROTOCOL 5.3 rspamd;
 * they are kept); a list for an unknown stage is skipped. */
MmOptionsResult mm_options_parse_answer(MmSlice data, const MmOptions *offer, MmOptions *answer);
const char *mm_options_result_text(MmOptionsResult result);

/* Appends 'O' with the symbol lists that are not NULL. */
gboolean mm_options_append(MmBuffer *out, const MmOptions *options);

/* Whether a filter with these options is sent the command at all (no-send bits and version). */
gboolean mm_options_wants(const MmOptions *options, MmCommandKind kind);
/* Whether it answers the command (no-reply bits; ABORT, QUIT, MACRO: never). */
gboolean mm_options_answers(const MmOptions *options, MmCommandKind kind);
/* The action bit an edit needs; 0 for replies that are none. */
guint32 mm_options_action_for(MmReplyKind kind);

/* Symbol lists: sets of names in order of first appearance. "i" and "{i}" are one name. */
typedef struct MmSymbols MmSymbols;
MmSymbols *mm_symbols_new(void);
void mm_symbols_free(MmSymbols *symbols);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmSymbols, mm_symbols_free)
/* Adds the names of list, separated by blanks or commas; those over MM_SYMBOLS_MAX, and
 * those that are too long, are left out: FALSE then. */
gboolean mm_symbols_add(MmSymbols *symbols, const char *list, gsize size);
gboolean mm_symbols_contains(const MmSymbols *symbols, const char *name);
guint mm_symbols_count(const MmSymbols *symbols);
/* Names separated by blanks, as wanted on the wire; owned by symbols until it changes. */
const char *mm_symbols_text(const MmSymbols *symbols);
/* Whether two spellings mean the same macro. */
gboolean mm_symbol_equal(const char *a, const char *b);

#endif
