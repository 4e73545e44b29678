/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     feed.h - one stage and the content: what it is shown next, and what its answer means
 *
 * DESCRIPTION
 *     Each stage has a place of its own in the content (member->feed) and is shown as much as there
 * is, one event after the other, as it answers. Its part ends with an answer to the end of the
 * message, with any answer before it that is not neutral, or with its failure; what is not neutral
 * ends the parts of those behind it too.
 */
#ifndef MM_CHAIN_FEED_H
#define MM_CHAIN_FEED_H

#include "chain/private.h"

/* It is still to be shown something, or to answer. */
gboolean mm_feed_is_on(const MmMember *member);
gboolean mm_feed_wants(const MmMember *member, MilterEventKind kind);
/* Takes the answer that waits, and shows it what there is until it says LATER. */
void mm_feed_member(MmMember *member);
/* The message cannot be shown to it any more: it has failed, for this reason. */
void mm_feed_fail(MmMember *member, const GError *error);

#endif
