/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     message.h - the message as later stages shall see it: headers and body
 *
 * DESCRIPTION
 *     Headers keep order, duplicates, spelling and bytes. Edits are applied with the rules of the
 * MTA in use, so that the next stage is shown what that MTA would show it. Neither MTA shows its
 * own Received header to filters: it counts as one hidden header in front of the first for
 *     INSERT_HEADER positions, and Sendmail has more hidden slots (sources: Postfix milter8.c and
 *     cleanup_milter.c; Sendmail milter.c and headers.c; both measured).
 */
#ifndef MM_CHAIN_MESSAGE_H
#define MM_CHAIN_MESSAGE_H

#include "chain/edits.h"
#include "chain/spool.h"
#include <milter-manager/event.h>

typedef enum MmMtaKind {
    MM_MTA_POSTFIX, /* also any MTA that does not say it is Sendmail */
    MM_MTA_SENDMAIL,
} MmMtaKind;
/* By the macro "v": Sendmail's begins with a digit ("8.17.1"). NULL: POSTFIX. */
MmMtaKind mm_mta_kind_from_version(const char *v);

typedef struct MmMessage MmMessage;

/* limits is borrowed for the message's life. */
MmMessage *mm_message_new(const MmSpoolLimits *limits);
void mm_message_free(MmMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmMessage, mm_message_free)
/* Empties it for the next message of the session; keeps small memory. */
void mm_message_reset(MmMessage *message);

/* Copies. Not after the first edits. */
void mm_message_add_header(MmMessage *message, MilterSlice name, MilterSlice value);
/* As the MTA sent it; FALSE with error if the spool is full. */
gboolean mm_message_append_body(MmMessage *message, gconstpointer data, gsize size, GError **error);

guint mm_message_n_headers(const MmMessage *message);
/* The i-th visible header, slices followed by NUL, valid until apply or reset. */
void mm_message_get_header(const MmMessage *message, guint i, MilterSlice *name,
                           MilterSlice *value);
MmSpool *mm_message_body(const MmMessage *message);
/* Bytes of all header names and values and of the body. */
guint64 mm_message_size(const MmMessage *message);

/* Applies a stage's edits. leading_space: header values carry the white space after the colon (an
 * edit that is not VERBATIM gets one space put in front then; a value that is empty in
 * CHANGE_HEADER deletes, VERBATIM or not). FALSE with error: the spool failed; the message is then
 * unusable.
 *
 * The new body, if there is one, becomes the message's without a copy: edits and message both hold
 * it. Postfix adds a missing last line end, Sendmail does not, but shows one CR less where there is
 * more than one before a LF (the message gets its own body then, the MTA is still sent the edits').
 *
 * The MTA is sent the operations as they stand in edits after this. Postfix: unchanged. On Sendmail
 * instances deleted by one filter stop counting for the next one, but behind one host the MTA still
 * counts them: the index of a CHANGE_HEADER is corrected, and an ADD_HEADER that would fill the
 * place of a deleted instance becomes a CHANGE_HEADER of it. */
gboolean mm_message_apply(MmMessage *message, MmEdits *edits, MmMtaKind mta, gboolean leading_space,
                          GError **error);
/* Stages side by side (DESIGN 4.7) are shown the same headers and do not see each other's edits. A
 * view is the headers as they are now, before the first of them is applied. It lives no longer than
 * the message's next reset. */
typedef struct MmView MmView;
MmView *mm_message_view(MmMessage *message, MmMtaKind mta);
void mm_view_free(MmView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmView, mm_view_free)
/* Applies the edits of a stage that is shown view when others beside it have made theirs: indexes
 * are set to what means the same header now; those of a header that another deleted are dropped,
 * their names added to dropped with "," between. Of two new bodies this one's counts. */
gboolean mm_message_apply_beside(MmMessage *message, const MmView *view, MmEdits *edits,
                                 MmMtaKind mta, gboolean leading_space, GString *dropped,
                                 GError **error);
/* The stage fed next is shown headers: instances deleted so far stop counting (Sendmail's
 * milter_headers). A no-op for Postfix. */
void mm_message_headers_shown(MmMessage *message);

#endif
