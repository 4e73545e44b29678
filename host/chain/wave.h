/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     wave.h - the stages fed side by side; the next when they have answered
 *
 * DESCRIPTION
 *     All stages of a wave are fed at once, as the content arrives; a wave ends after a stage that
 * may edit what a later stage reads. At the end of the message a wave that has answered neutrally
 * has its edits taken and the next one is fed; after the last, or the first answer that is not
 * neutral, the verdict is decided and handed up.
 */
#ifndef MM_CHAIN_WAVE_H
#define MM_CHAIN_WAVE_H

#include "chain/private.h"

/* Says in which wave each stage is, when the content begins. */
void mm_wave_cut(MmChain *chain);
/* Feeds the wave whose turn it is. */
void mm_wave_feed(MmChain *chain);
/* As far as it goes now: feeds the wave, and when it has answered, the next. */
void mm_wave_advance(MmChain *chain);
/* A member has answered. While others are fed, the answer waits: a refusal cancels them, and one
 * may be on the stack. */
void mm_wave_resume(MmChain *chain, MmMember *member);
/* Whether somebody needs the body; *least gets the least place still needed. */
gboolean mm_wave_needs_body(MmChain *chain, guint64 *least);
/* Later waves cannot be shown the message: their stages fail, for this reason. */
void mm_wave_fail_later(MmChain *chain, const GError *error);

#endif
