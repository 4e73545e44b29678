/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     stage-table.h - whether a stage's table has a member: it may be older than this host
 */
#ifndef MM_PLUGIN_STAGE_TABLE_H
#define MM_PLUGIN_STAGE_TABLE_H

#include <milter-manager/plugin.h>

#define MM_STAGE_HAS(stage, member)                                                                \
    ((stage)->size >= offsetof(MilterStage, member) + sizeof((stage)->member) &&                   \
     (stage)->member != NULL)

#endif
