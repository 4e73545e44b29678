/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     edits.h - the operations one stage made on one message, in its order
 *
 * DESCRIPTION
 *     A list of operations, not a diff: flushed upstream as they are, so that the MTA's header list
 *     evolves as it would with the stage attached directly. Texts are copied into the list. The new
 *     body, if any, lies in a spool of its own.
 */
#ifndef MM_CHAIN_EDITS_H
#define MM_CHAIN_EDITS_H

#include "chain/spool.h"
#include <milter-manager/verdict.h>

typedef struct MmEdits MmEdits;

/* limits is borrowed for the list's life. */
MmEdits *mm_edits_new(const MmSpoolLimits *limits);
void mm_edits_free(MmEdits *edits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmEdits, mm_edits_free)

/* Copies edit. CRLF in header values becomes LF; a lone CR is kept. REPLACE_BODY appends to the new
 * body and is not in the list of operations. FALSE with error: the spool is full, the edit
 * malformed (empty header name, NUL in a text, quarantine reason gets its line breaks replaced by
 * blanks). */
gboolean mm_edits_add(MmEdits *edits, const MilterEdit *edit, GError **error);
/* Operations other than REPLACE_BODY; borrowed until the list changes. */
guint mm_edits_count(const MmEdits *edits);
const MilterEdit *mm_edits_get(const MmEdits *edits, guint i);
/* Lets the flush correct an index (Sendmail, deleted instances). */
void mm_edits_set_index(MmEdits *edits, guint i, guint32 index);
/* The new body, or NULL if the body was not replaced. Borrowed. An empty one is an empty body. */
MmSpool *mm_edits_body(const MmEdits *edits);
/* TRUE: nothing to do at all. */
gboolean mm_edits_is_empty(const MmEdits *edits);

#endif
