/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     content.h - the content of a message, as the session hands it over
 *
 * DESCRIPTION
 *     Most of it is in chain.h (mm_chain_header to mm_chain_let_go).
 */
#ifndef MM_CHAIN_CONTENT_H
#define MM_CHAIN_CONTENT_H

#include "chain/private.h"

/* All of a message is forgotten but the stages' parts in it. */
void mm_content_reset(MmChain *chain);

#endif
