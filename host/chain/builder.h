/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     builder.h - what building a snapshot is divided into; private to build.c and draft.c
 *
 * DESCRIPTION
 *     First the drafts: which stages the chain has, in which order, with which keys. Detectors are
 *     expanded for that, and groups of the file that name a detected milter are laid over what was
 *     detected. Then every draft is made an instance.
 */
#ifndef MM_CHAIN_BUILDER_H
#define MM_CHAIN_BUILDER_H

#include "chain/detected.h"
#include "chain/snapshot.h"

/* A stage of the chain on its way to an instance. */
typedef struct MmDraft {
    const MmRawStage *raw;
    const MmPlugin *plugin; /* NULL: a detector, expanded already */
    MmSettings *detector;   /* its settings, to be shown; owned */
} MmDraft;

typedef struct MmBuilder {
    const MmSnapshotArguments *arguments;
    MmProblems *problems;
    MmSnapshot *snapshot;
    GArray *drafts; /* of MmDraft */
    MmDetected *detected;
} MmBuilder;

/* draft.c: fills builder->drafts, with what is valid as long as builder->detected. */
void mm_builder_draft(MmBuilder *builder, const MmConfig *config);

/* build.c */
/* An instance with its settings, checked; not in the snapshot. Free with mm_builder_drop. */
MmInstance *mm_builder_instance(MmBuilder *builder, const MmRawStage *raw, const MmPlugin *plugin);
void mm_builder_drop(MmInstance *instance);
/* A problem of the group, or of its key (NULL: none). */
void mm_builder_complain(MmBuilder *builder, gboolean warning, const MmRawStage *raw,
                         const char *key, const char *text, const char *allowed);

#endif
