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

typedef enum MmEditsError {
    MM_EDITS_ERROR_MALFORMED, /* the stage broke the rules */
} MmEditsError;
#define MM_EDITS_ERROR (mm_edits_error_quark())
GQuark mm_edits_error_quark(void);

/* Copies edit; the copies are followed by a NUL that is not counted. CRLF in header values becomes
 * LF (a CR before LF would be stored by both MTAs); a lone CR is kept. Line breaks in a quarantine
 * reason become blanks: neither MTA takes more than a line. FALSE with error: the edit is malformed
 * (MM_EDITS_ERROR: unknown kind, size too small, header name empty or with a line break, NUL in a
 * text), or the new body cannot be written or there are more than 16384 edits or 16 MB of their
 * texts (G_FILE_ERROR).
 *
 * REPLACE_BODY appends to the new body and is not in the list of operations. Pieces may be cut
 * anywhere. A LF without CR becomes CRLF, as both MTAs make it; a lone CR stays. */
gboolean mm_edits_add(MmEdits *edits, const MilterEdit *edit, GError **error);
/* Operations other than REPLACE_BODY; borrowed until the list changes. */
guint mm_edits_count(const MmEdits *edits);
const MilterEdit *mm_edits_get(const MmEdits *edits, guint i);
/* Makes operation i, a header operation, a CHANGE_HEADER of index (Sendmail, deleted instances).
 * The empty value of one that is none yet becomes a blank: a change to nothing deletes. */
void mm_edits_set_change(MmEdits *edits, guint i, guint32 index);
/* Sets the index of operation i, a header operation that has one. */
void mm_edits_set_index(MmEdits *edits, guint i, guint32 index);
/* To take some out: those that stay are moved to the front in their order, then the list is cut.
 * What was operation from is operation to, which is not behind it. */
void mm_edits_move(MmEdits *edits, guint from, guint to);
void mm_edits_truncate(MmEdits *edits, guint count);
/* The new body, or NULL if the body was not replaced. Borrowed. An empty one is an empty body. */
MmSpool *mm_edits_body(const MmEdits *edits);
/* A later stage's new body is taken instead. */
void mm_edits_drop_body(MmEdits *edits);
/* TRUE if the new body has a CR right before a CRLF somewhere. */
gboolean mm_edits_body_has_cr_crlf(const MmEdits *edits);
/* TRUE: nothing to do at all. */
gboolean mm_edits_is_empty(const MmEdits *edits);

#endif
