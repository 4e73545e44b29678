/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     detected.h - what detectors found, against what the configuration says of it
 *
 * DESCRIPTION
 *     A group of the configuration that names a detected stage overrides it: the stage stands where
 *     the group stands, and keys the group does not give have their detected value. A group with
 *     another plugin than the detected one stands alone. A detected stage that no group names
 *     stands in its detector's place if it is enabled, else nowhere.
 */
#ifndef MM_CHAIN_DETECTED_H
#define MM_CHAIN_DETECTED_H

#include "config/config.h"

typedef struct MmDetected MmDetected;

MmDetected *mm_detected_new(void);
void mm_detected_free(MmDetected *detected);
/* Takes the stage. Of two with one name the first that is enabled counts, else the first. */
void mm_detected_add(MmDetected *detected, const MmRawStage *detector, MmRawStage *stage);
/* The group with what was detected of its name; group itself if nothing was. Valid as long as both
 * are. */
const MmRawStage *mm_detected_apply(MmDetected *detected, const MmRawStage *group);
/* The stages that stand in a detector's place, given that config is all there is; free the array.
 */
GPtrArray *mm_detected_of(const MmDetected *detected, const MmRawStage *detector,
                          const MmConfig *config);

#endif
