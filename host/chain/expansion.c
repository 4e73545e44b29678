/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/expansion.h"

#include "base/text.h"

MilterResult
mm_expansion_stage(MilterExpansion *expansion, const char *name, const char *plugin,
                   const char *origin)
{
    expansion->refused =
        !name || !plugin || !origin || !mm_text_is_name(name) || !mm_text_is_name(plugin);
    if (expansion->refused)
        return MILTER_ERROR_INVALID;
    MmRawStage *stage = mm_raw_stage_new(name, NULL, 0);
    mm_raw_stage_set(stage, "plugin", plugin, origin, NULL, 0);
    g_ptr_array_add(expansion->stages, stage);
    return MILTER_OK;
}

MilterResult
mm_expansion_set(MilterExpansion *expansion, const char *key, const char *value, const char *origin)
{
    if (expansion->stages->len == 0 || expansion->refused)
        return MILTER_ERROR_STATE;
    if (!key || !value || !origin)
        return MILTER_ERROR_INVALID;
    MmRawStage *stage = g_ptr_array_index(expansion->stages, expansion->stages->len - 1);
    mm_raw_stage_set(stage, key, value, origin, NULL, 0);
    return MILTER_OK;
}
