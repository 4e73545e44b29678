/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     commit.h - the edits of a wave that has answered
 *
 * DESCRIPTION
 *     They go into the message that later waves are shown, and on the list for the MTA
 *     (chain->committed). Those of stages side by side are rebased, and what one does to a header
 * that another deleted is dropped.
 */
#ifndef MM_CHAIN_COMMIT_H
#define MM_CHAIN_COMMIT_H

#include "chain/private.h"

/* FALSE with error: the message is not what it should be, and cannot be shown to later waves;
 * stages of the wave whose edits come behind have failed. */
gboolean mm_commit_wave(MmChain *chain, GError **error);

#endif
