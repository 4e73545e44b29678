/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/changes.h"

#include "base/i18n.h"
#include "base/log.h"
#include "config/value.h"

#include <string.h>

static MmSettings *
find(const GPtrArray *groups, const char *name)
{
    for (guint i = 0; i < groups->len; i++) {
        MmSettings *settings = g_ptr_array_index(groups, i);
        if (strcmp(mm_settings_group(settings), name) == 0)
            return settings;
    }
    return NULL;
}

static char *
text_of(const MmSettings *settings, const char *key)
{
    GVariant *value = mm_settings_get_value(settings, key);
    return value ? mm_value_print(value) : NULL;
}

static guint
log_key(const MmSettings *before, const MmSettings *after, const char *key)
{
    g_autofree char *old_text = text_of(before, key);
    g_autofree char *new_text = text_of(after, key);
    if (g_strcmp0(old_text, new_text) == 0)
        return 0;
    MM_LOG(MM_LOG_NOTICE, "config-changed", N_("A key has another value"),
           MM_STR("group", mm_settings_group(after)), MM_STR("key", key), MM_STR("from", old_text),
           MM_STR("to", new_text), MM_STR("origin", mm_settings_origin(after, key)));
    return 1;
}

/* Keys of both: another plugin under the same name has others. */
static guint
log_keys(const MmSettings *before, const MmSettings *after)
{
    guint n = 0;
    for (const char *const *key = mm_settings_keys(after); *key; key++)
        n += log_key(before, after, *key);
    for (const char *const *key = mm_settings_keys(before); *key; key++) {
        if (!mm_settings_get_value(after, *key))
            n += log_key(before, after, *key);
    }
    return n;
}

static guint
log_stages(const MmSnapshot *before, const MmSnapshot *after)
{
    guint n = 0;
    for (guint i = 0; i < before->groups->len; i++) {
        const char *name = mm_settings_group(g_ptr_array_index(before->groups, i));
        if (find(after->groups, name))
            continue;
        MM_LOG(MM_LOG_NOTICE, "stage-removed", N_("A stage is no longer configured"),
               MM_STR("group", name));
        n++;
    }
    for (guint i = 0; i < after->groups->len; i++) {
        const MmSettings *settings = g_ptr_array_index(after->groups, i);
        const MmSettings *known = find(before->groups, mm_settings_group(settings));
        if (known) {
            n += log_keys(known, settings);
            continue;
        }
        MM_LOG(MM_LOG_NOTICE, "stage-added", N_("A stage is new"),
               MM_STR("group", mm_settings_group(settings)),
               MM_STR("plugin", mm_settings_get_string(settings, "plugin")));
        n++;
    }
    return n;
}

/* The names of the chain's stages that the other snapshot has too. */
static char *
common_order(const MmSnapshot *snapshot, const MmSnapshot *other)
{
    GString *names = g_string_new(NULL);
    for (guint i = 0; i < snapshot->instances->len; i++) {
        const MmInstance *instance = mm_snapshot_instance(snapshot, i);
        if (mm_snapshot_find(other, instance->name))
            g_string_append_printf(names, "%s%s", names->len > 0 ? "," : "", instance->name);
    }
    return g_string_free(names, FALSE);
}

static guint
log_order(const MmSnapshot *before, const MmSnapshot *after)
{
    g_autofree char *old_order = common_order(before, after);
    g_autofree char *new_order = common_order(after, before);
    if (strcmp(old_order, new_order) == 0)
        return 0;
    MM_LOG(MM_LOG_NOTICE, "chain-reordered", N_("The stages stand in another order"),
           MM_STR("from", old_order), MM_STR("to", new_order));
    return 1;
}

guint
mm_changes_log(const MmSnapshot *before, const MmSnapshot *after)
{
    return log_keys(before->manager, after->manager) + log_stages(before, after) +
           log_order(before, after);
}
