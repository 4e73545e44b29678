/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which stages the chain has: the file's groups, with detectors expanded and overridden. */
#include "base/address.h"
#include "base/i18n.h"
#include "base/text.h"
#include "chain/builder.h"
#include "chain/detected.h"
#include "chain/expansion.h"
#include "plugin/stage-table.h"

#include <string.h>

/* A group of the file. */
typedef struct Group {
    const MmRawStage *raw;
    const MmPlugin *plugin; /* NULL: it names none, or one that is not to be had */
    MmSettings *detector;   /* NULL: it is no detector */
} Group;

typedef struct Drafting {
    MmBuilder *builder;
    const MmConfig *config;
    GArray *groups; /* of Group, in the order of the file */
} Drafting;

/* ---- Plugins. */

/* TRUE: the group names a plugin, good or bad. */
static gboolean
names_plugin(const MmRawStage *raw)
{
    g_autofree char *name = mm_raw_stage_get_string(raw, "plugin");
    return mm_raw_stage_find(raw, "plugin") && (!name || *name);
}

/* NULL: the group names none, or a problem was added. */
static const MmPlugin *
plugin_of(MmBuilder *builder, const MmRawStage *raw)
{
    g_autofree char *name = mm_raw_stage_get_string(raw, "plugin");
    g_autoptr(GError) error = NULL;
    if (!names_plugin(raw))
        return NULL;
    if (!name || !mm_text_is_name(name)) {
        mm_builder_complain(builder, FALSE, raw, "plugin", _("this is not the name of a plugin"),
                            _("1 to 64 letters, digits, “.”, “_” and “-”"));
        return NULL;
    }
    const MmPlugin *plugin = mm_registry_get(builder->arguments->registry, name, &error);
    if (!plugin)
        mm_builder_complain(builder, FALSE, raw, "plugin", error->message, NULL);
    return plugin;
}

static gboolean
is_detector(const MmPlugin *plugin)
{
    return plugin && MM_STAGE_HAS(plugin->descriptor->stage, expand);
}

/* ---- Detection. */

static gboolean
is_own_socket(const MmBuilder *builder, const MmRawStage *stage)
{
    g_autofree char *spec = mm_raw_stage_get_string(stage, "connection-spec");
    g_autoptr(MmAddress) address = spec ? mm_address_parse(spec, NULL) : NULL;
    g_autoptr(MmAddress) own = mm_address_parse(
        mm_settings_get_string(builder->snapshot->manager, "connection-spec"), NULL);
    return address && own && mm_address_equal(address, own);
}

static gboolean
finds_detector(const MmBuilder *builder, const MmRawStage *stage)
{
    g_autofree char *name = mm_raw_stage_get_string(stage, "plugin");
    return name && is_detector(mm_registry_get(builder->arguments->registry, name, NULL));
}

static const Group *
find_group(const Drafting *drafting, const char *name)
{
    for (guint i = 0; i < drafting->groups->len; i++) {
        const Group *group = &g_array_index(drafting->groups, Group, i);
        if (strcmp(group->raw->name, name) == 0)
            return group;
    }
    return NULL;
}

/* A group of the same name with another plugin stands alone: what was found is left out, which is
 * worth a word. */
static void
warn_if_replaced(const Drafting *drafting, const MmRawStage *detector, const MmRawStage *stage)
{
    const Group *group = find_group(drafting, stage->name);
    g_autofree char *found = mm_raw_stage_get_string(stage, "plugin");
    if (!group || !group->plugin || g_strcmp0(group->plugin->descriptor->name, found) == 0)
        return;
    g_autofree char *text =
        g_strdup_printf(_("this stands in place of the milter that “%s” found"), detector->name);
    mm_builder_complain(drafting->builder, TRUE, group->raw, "plugin", text, NULL);
}

/* What cannot be a stage of ours costs that one stage. */
static gboolean
is_usable(const Drafting *drafting, const MmRawStage *stage)
{
    MmBuilder *builder = drafting->builder;
    const char *why = NULL;
    if (finds_detector(builder, stage))
        why = _("a detector turned into a detector: it is not used");
    else if (is_own_socket(builder, stage))
        why = _("a detector found the socket the host itself listens on: it is not used");
    if (why)
        mm_builder_complain(builder, TRUE, stage, NULL, why, NULL);
    return why == NULL;
}

static void
expand(Drafting *drafting, Group *group)
{
    MmBuilder *builder = drafting->builder;
    MmInstance *instance = mm_builder_instance(builder, group->raw, group->plugin);
    MilterExpansion expansion = {.stages = g_ptr_array_new()};
    if (mm_settings_get_boolean(instance->settings, "enabled"))
        instance->stage->expand(builder->arguments->host, instance, &expansion);
    for (guint i = 0; i < expansion.stages->len; i++) {
        MmRawStage *stage = g_ptr_array_index(expansion.stages, i);
        if (is_usable(drafting, stage)) {
            warn_if_replaced(drafting, group->raw, stage);
            mm_detected_add(builder->detected, group->raw, stage);
        } else {
            mm_raw_stage_free(stage);
        }
    }
    group->detector = mm_settings_ref(instance->settings);
    g_ptr_array_unref(expansion.stages);
    mm_builder_drop(instance);
}

/* ---- Drafts. */

static void
add_draft(MmBuilder *builder, const MmRawStage *raw, const MmPlugin *plugin)
{
    const MmDraft draft = {.raw = raw, .plugin = plugin};
    if (plugin)
        g_array_append_val(builder->drafts, draft);
}

/* A detector's stages take its place. */
static void
draft_detector(Drafting *drafting, Group *group)
{
    MmBuilder *builder = drafting->builder;
    const MmDraft draft = {.raw = group->raw, .detector = g_steal_pointer(&group->detector)};
    g_autoptr(GPtrArray) stages = mm_detected_of(builder->detected, group->raw, drafting->config);
    g_array_append_val(builder->drafts, draft);
    for (guint i = 0; i < stages->len; i++) {
        const MmRawStage *stage = g_ptr_array_index(stages, i);
        add_draft(builder, stage, plugin_of(builder, stage));
    }
}

/* A stage of its own, or one that was detected. */
static void
draft_group(MmBuilder *builder, const Group *group)
{
    const MmRawStage *raw = mm_detected_apply(builder->detected, group->raw);
    if (names_plugin(group->raw))
        add_draft(builder, raw, group->plugin);
    else if (names_plugin(raw))
        add_draft(builder, raw, plugin_of(builder, raw));
    else
        mm_builder_complain(builder, TRUE, raw, NULL,
                            _("this group names no plugin, and no detector found a milter of that "
                              "name: it is ignored"),
                            _("plugin='NAME'"));
}

void
mm_builder_draft(MmBuilder *builder, const MmConfig *config)
{
    g_autoptr(GArray) groups = g_array_new(FALSE, TRUE, sizeof(Group));
    Drafting drafting = {builder, config, groups};
    for (guint i = 0; i < config->stages->len; i++) {
        const MmRawStage *raw = g_ptr_array_index(config->stages, i);
        const Group group = {raw, plugin_of(builder, raw), NULL};
        g_array_append_val(groups, group);
    }
    for (guint i = 0; i < groups->len; i++) {
        Group *group = &g_array_index(groups, Group, i);
        if (is_detector(group->plugin))
            expand(&drafting, group);
    }
    for (guint i = 0; i < groups->len; i++) {
        Group *group = &g_array_index(groups, Group, i);
        if (group->detector)
            draft_detector(&drafting, group);
        else
            draft_group(builder, group);
    }
}
