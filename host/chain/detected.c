/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/detected.h"

#include <string.h>

typedef struct Entry {
    const MmRawStage *detector;
    MmRawStage *stage;
} Entry;

struct MmDetected {
    GArray *entries;   /* of Entry */
    GPtrArray *merged; /* of MmRawStage: groups with what was detected */
};

MmDetected *
mm_detected_new(void)
{
    MmDetected *detected = g_new0(MmDetected, 1);
    detected->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    detected->merged = g_ptr_array_new_with_free_func(mm_raw_stage_free);
    return detected;
}

void
mm_detected_free(MmDetected *detected)
{
    for (guint i = 0; i < detected->entries->len; i++)
        mm_raw_stage_free(g_array_index(detected->entries, Entry, i).stage);
    g_array_unref(detected->entries);
    g_ptr_array_unref(detected->merged);
    g_free(detected);
}

/* Detectors write GVariant text. */
static gboolean
is_enabled(const MmRawStage *stage)
{
    const MmRawKey *key = mm_raw_stage_find(stage, "enabled");
    return !key || strcmp(key->value, "false") != 0;
}

static Entry *
find(const MmDetected *detected, const char *name)
{
    for (guint i = 0; i < detected->entries->len; i++) {
        Entry *entry = &g_array_index(detected->entries, Entry, i);
        if (strcmp(entry->stage->name, name) == 0)
            return entry;
    }
    return NULL;
}

void
mm_detected_add(MmDetected *detected, const MmRawStage *detector, MmRawStage *stage)
{
    const Entry entry = {detector, stage};
    Entry *before = find(detected, stage->name);
    if (!before) {
        g_array_append_val(detected->entries, entry);
    } else if (!is_enabled(before->stage) && is_enabled(stage)) {
        mm_raw_stage_free(before->stage);
        *before = entry;
    } else {
        mm_raw_stage_free(stage);
    }
}

/* Whether the group is about the detected stage and not about one of its own. */
static gboolean
overrides(const MmRawStage *group, const MmRawStage *stage)
{
    g_autofree char *asked = mm_raw_stage_get_string(group, "plugin");
    g_autofree char *found = mm_raw_stage_get_string(stage, "plugin");
    if (!asked) /* not given; one that cannot be read is a problem of its own */
        return !mm_raw_stage_find(group, "plugin");
    return !*asked || strcmp(asked, found) == 0;
}

static void
copy_keys(MmRawStage *to, const MmRawStage *from)
{
    for (guint i = 0; i < from->keys->len; i++) {
        const MmRawKey *key = g_ptr_array_index(from->keys, i);
        mm_raw_stage_set(to, key->key, key->value, key->origin, key->file, key->line);
    }
}

/* plugin='' in the group says nothing. */
static void
keep_plugin(MmRawStage *merged, const MmRawStage *stage)
{
    g_autofree char *given = mm_raw_stage_get_string(merged, "plugin");
    const MmRawKey *found = mm_raw_stage_find(stage, "plugin");
    if (given && !*given)
        mm_raw_stage_set(merged, "plugin", found->value, found->origin, NULL, 0);
}

const MmRawStage *
mm_detected_apply(MmDetected *detected, const MmRawStage *group)
{
    const Entry *entry = find(detected, group->name);
    if (!entry || !overrides(group, entry->stage))
        return group;
    MmRawStage *merged = mm_raw_stage_new(group->name, group->file, group->line);
    copy_keys(merged, entry->stage);
    copy_keys(merged, group);
    keep_plugin(merged, entry->stage);
    g_ptr_array_add(detected->merged, merged);
    return merged;
}

static gboolean
is_named(const MmConfig *config, const char *name)
{
    for (guint i = 0; i < config->stages->len; i++)
        if (strcmp(((const MmRawStage *)g_ptr_array_index(config->stages, i))->name, name) == 0)
            return TRUE;
    return FALSE;
}

GPtrArray *
mm_detected_of(const MmDetected *detected, const MmRawStage *detector, const MmConfig *config)
{
    GPtrArray *stages = g_ptr_array_new();
    for (guint i = 0; i < detected->entries->len; i++) {
        const Entry *entry = &g_array_index(detected->entries, Entry, i);
        if (entry->detector == detector && is_enabled(entry->stage) &&
            !is_named(config, entry->stage->name))
            g_ptr_array_add(stages, entry->stage);
    }
    return stages;
}
