/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     expansion.h - the stages a detector turns into
 */
#ifndef MM_CHAIN_EXPANSION_H
#define MM_CHAIN_EXPANSION_H

#include "chain/instance.h"

struct MilterExpansion {
    GPtrArray *stages; /* of MmRawStage, owned */
    gboolean refused;  /* the last one was: its keys belong to none */
};

/* host.h expand_stage and expand_set. */
MilterResult mm_expansion_stage(MilterExpansion *expansion, const char *name, const char *plugin,
                                const char *origin);
MilterResult mm_expansion_set(MilterExpansion *expansion, const char *key, const char *value,
                              const char *origin);

#endif
