/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     instance.h - one configured use of a plugin's stage in one snapshot
 *
 * DESCRIPTION
 *     Made on the control thread, immutable afterwards but for its health, which is atomic. It is
 * what a plugin knows as MilterInstance.
 */
#ifndef MM_CHAIN_INSTANCE_H
#define MM_CHAIN_INSTANCE_H

#include "chain/health.h"
#include "chain/statistics.h"
#include "config/config.h"
#include <milter-manager/plugin.h>

typedef struct MilterInstance MmInstance;

/* What a stage's failure means for the message. */
typedef enum MmFallback {
    MM_FALLBACK_ACCEPT, /* as if the stage had not been there */
    MM_FALLBACK_TEMPFAIL,
    MM_FALLBACK_REJECT,
    MM_FALLBACK_DISCARD,
    MM_FALLBACK_QUARANTINE,
} MmFallback;
/* "accept", "temporary-failure", "reject", "discard", "quarantine"; FALSE: none of these. */
gboolean mm_fallback_from_name(const char *name, MmFallback *fallback);
const char *mm_fallback_name(MmFallback fallback);

/* What is counted of a stage's answers; a reply by its first digit. */
typedef enum MmVerdictCount {
    MM_COUNT_ACCEPT,
    MM_COUNT_REJECT,
    MM_COUNT_TEMPFAIL,
    MM_COUNT_DISCARD,
} MmVerdictCount;
#define MM_N_VERDICTS 4

/* One word of "conditions". */
typedef struct MmCondition {
    guint fact; /* index in the snapshot's table of facts */
    gboolean negated;
} MmCondition;

struct MilterInstance {
    char *name;
    const MilterPlugin *plugin;
    const MilterStage *stage;
    MmSettings *settings;
    void *data;  /* from configure */
    guint index; /* place in the chain */
    MmFallback fallback;
    gboolean evaluation;
    const char *together;    /* "" if none; owned by settings */
    MmCondition *conditions; /* n_conditions of them */
    guint n_conditions;
    MmHealth health;
    MilterCounter *asked, *failed, *tripped; /* questions; failures; trips */
    MilterCounter *verdicts[MM_N_VERDICTS];  /* answers that were not neutral */
    MmGauge *tripped_now;                    /* instances of this name that are */
    MilterHistogram *answered;               /* seconds from a question to its answer */
    const char *root;                        /* --root; owned by the snapshot */
    MmProblems *problems;                    /* while configuring, else NULL */
    const struct MmSnapshot *snapshot;       /* the one being made, while configuring, else NULL */
};

#endif
