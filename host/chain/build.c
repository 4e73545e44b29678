/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a configuration to a snapshot: plugins, detectors, settings, instances, facts. */
#include "base/address.h"
#include "base/i18n.h"
#include "base/log.h"
#include "chain/detected.h"
#include "chain/expansion.h"
#include "chain/snapshot.h"
#include "plugin/stage-table.h"

#include <string.h>

/* A stage of the chain on its way to an instance. */
typedef struct Draft {
    const MmRawStage *raw;
    const MmPlugin *plugin;
} Draft;

typedef struct Builder {
    const MmSnapshotArguments *arguments;
    MmProblems *problems;
    MmSnapshot *snapshot;
    GArray *drafts; /* of Draft */
    MmDetected *detected;
} Builder;

static void
complain(Builder *builder, gboolean warning, const MmRawStage *raw, const char *key,
         const char *text, const char *allowed)
{
    g_autofree char *group = g_strconcat("stages/", raw->name, NULL);
    const MmRawKey *found = key ? mm_raw_stage_find(raw, key) : NULL;
    mm_problems_add(builder->problems, warning, found ? found->file : raw->file,
                    found ? found->line : raw->line, group, key, text, allowed);
}

static const MmPlugin *
plugin_of(Builder *builder, const MmRawStage *raw)
{
    g_autofree char *name = mm_raw_stage_get_string(raw, "plugin");
    g_autoptr(GError) error = NULL;
    if (!name || !*name) {
        complain(builder, TRUE, raw, NULL,
                 _("this group names no plugin, and no detector found a milter of that name: it is "
                   "ignored"),
                 _("plugin='NAME'"));
        return NULL;
    }
    const MmPlugin *plugin = mm_registry_get(builder->arguments->registry, name, &error);
    if (!plugin)
        complain(builder, FALSE, raw, "plugin", error->message, NULL);
    return plugin;
}

static MmSettings *
bind_settings(Builder *builder, const Draft *draft)
{
    return mm_config_bind_stage(builder->arguments->schemas, draft->plugin->schemas,
                                draft->plugin->schema_id, draft->raw, builder->problems);
}

static MmInstance *
instance_new(Builder *builder, const Draft *draft)
{
    MmInstance *instance = g_new0(MmInstance, 1);
    instance->name = g_strdup(draft->raw->name);
    instance->plugin = draft->plugin->descriptor;
    instance->stage = draft->plugin->descriptor->stage;
    instance->settings = bind_settings(builder, draft);
    instance->root = builder->snapshot->root;
    instance->problems = builder->problems;
    instance->evaluation = mm_settings_get_boolean(instance->settings, "evaluation");
    instance->together = mm_settings_get_string(instance->settings, "together");
    mm_fallback_from_name(mm_settings_get_string(instance->settings, "fallback-status"),
                          &instance->fallback);
    mm_health_init(&instance->health);
    instance->asked = mm_counter(instance->name, "asked");
    instance->failed = mm_counter(instance->name, "failed");
    instance->tripped = mm_counter(instance->name, "tripped");
    instance->answered = mm_histogram(instance->name, "answered");
    return instance;
}

static void
instance_drop(MmInstance *instance)
{
    mm_health_clear(&instance->health);
    mm_settings_unref(instance->settings);
    g_free(instance->name);
    g_free(instance);
}

static void
add_draft(Builder *builder, const MmRawStage *raw)
{
    const Draft draft = {raw, plugin_of(builder, raw)};
    if (draft.plugin)
        g_array_append_val(builder->drafts, draft);
}

/* ---- Detectors. */

/* The plugin of a group that is a detector; NULL: it is a stage, or nothing. */
static const MmPlugin *
detector_of(const Builder *builder, const MmRawStage *raw)
{
    g_autofree char *name = mm_raw_stage_get_string(raw, "plugin");
    const MmPlugin *plugin =
        name && *name ? mm_registry_get(builder->arguments->registry, name, NULL) : NULL;
    return plugin && MM_STAGE_HAS(plugin->descriptor->stage, expand) ? plugin : NULL;
}

/* What cannot be a stage of ours: a detector again, or the socket that we listen on. */
static gboolean
is_usable(Builder *builder, const MmRawStage *stage)
{
    g_autofree char *spec = mm_raw_stage_get_string(stage, "connection-spec");
    g_autoptr(MmAddress) address = spec ? mm_address_parse(spec, NULL) : NULL;
    g_autoptr(MmAddress) own = mm_address_parse(
        mm_settings_get_string(builder->snapshot->manager, "connection-spec"), NULL);
    const char *why = NULL;
    if (detector_of(builder, stage))
        why = _("a detector turned into a detector: it is not used");
    else if (address && own && mm_address_equal(address, own))
        why = _("a detector found the socket the host itself listens on: it is not used");
    if (why)
        complain(builder, TRUE, stage, NULL, why, NULL);
    return why == NULL;
}

static void
add_detected(Builder *builder, const MmRawStage *detector, MmRawStage *stage)
{
    if (is_usable(builder, stage))
        mm_detected_add(builder->detected, detector, stage);
    else
        mm_raw_stage_free(stage);
}

static void
expand(Builder *builder, const Draft *detector)
{
    MmInstance *instance = instance_new(builder, detector);
    MilterExpansion expansion = {g_ptr_array_new()};
    if (mm_settings_get_boolean(instance->settings, "enabled"))
        instance->stage->expand(builder->arguments->host, instance, &expansion);
    for (guint i = 0; i < expansion.stages->len; i++)
        add_detected(builder, detector->raw, g_ptr_array_index(expansion.stages, i));
    g_ptr_array_add(builder->snapshot->groups, mm_settings_ref(instance->settings));
    g_ptr_array_unref(expansion.stages);
    instance_drop(instance);
}

static void
run_detectors(Builder *builder, const MmConfig *config)
{
    for (guint i = 0; i < config->stages->len; i++) {
        const MmRawStage *raw = g_ptr_array_index(config->stages, i);
        const Draft draft = {raw, detector_of(builder, raw)};
        if (draft.plugin)
            expand(builder, &draft);
    }
}

/* A detector's stages take its place. */
static void
draft_detected(Builder *builder, const MmRawStage *detector, const MmConfig *config)
{
    g_autoptr(GPtrArray) stages = mm_detected_of(builder->detected, detector, config);
    for (guint i = 0; i < stages->len; i++)
        add_draft(builder, g_ptr_array_index(stages, i));
}

static void
draft_stages(Builder *builder, const MmConfig *config)
{
    run_detectors(builder, config);
    for (guint i = 0; i < config->stages->len; i++) {
        const MmRawStage *raw = g_ptr_array_index(config->stages, i);
        if (detector_of(builder, raw))
            draft_detected(builder, raw, config);
        else
            add_draft(builder, mm_detected_apply(builder->detected, raw));
    }
}

/* ---- Facts. */

static guint
fact_index(MmSnapshot *snapshot, const char *name)
{
    guint index = mm_snapshot_fact(snapshot, name);
    if (index != G_MAXUINT)
        return index;
    const MmFactInfo info = {name, G_MAXUINT, MILTER_EVENT_CONNECT};
    g_array_append_val(snapshot->facts, info);
    return snapshot->facts->len - 1;
}

static void
add_setter(MmSnapshot *snapshot, const MmInstance *instance, const MilterFact *fact)
{
    const char *name =
        fact->name ? fact->name : mm_settings_get_string(instance->settings, fact->name_setting);
    guint index = fact_index(snapshot, name); /* may move the table */
    MmFactInfo *info = &g_array_index(snapshot->facts, MmFactInfo, index);
    info->setter = MIN(info->setter, instance->index);
    info->settled_after = MAX(info->settled_after, (MilterEventKind)fact->settled_after);
}

static void
add_setters(MmSnapshot *snapshot, const MmInstance *instance)
{
    const MilterFact *fact = instance->stage->facts;
    for (; fact && (fact->name || fact->name_setting); fact++)
        add_setter(snapshot, instance, fact);
}

/* After configure: the instance itself says which. */
static void
add_own_setters(MmSnapshot *snapshot, const MmInstance *instance)
{
    const MilterFact *fact = NULL;
    if (instance->data && MM_STAGE_HAS(instance->stage, instance_facts))
        fact = instance->stage->instance_facts(instance->data);
    for (; fact && fact->name; fact++)
        add_setter(snapshot, instance, fact);
}

static void
bind_conditions(Builder *builder, MmInstance *instance, const MmRawStage *raw)
{
    const char *const *words = mm_settings_get_strv(instance->settings, "conditions");
    while (words[instance->n_conditions])
        instance->n_conditions++;
    instance->conditions = g_new0(MmCondition, MAX(instance->n_conditions, 1u));
    for (guint i = 0; words[i]; i++) {
        gboolean negated = words[i][0] == '!';
        guint fact = fact_index(builder->snapshot, words[i] + (negated ? 1 : 0));
        instance->conditions[i] = (MmCondition){fact, negated};
        if (g_array_index(builder->snapshot->facts, MmFactInfo, fact).setter < instance->index)
            continue;
        g_autofree char *text =
            g_strdup_printf(_("no enabled stage before this one sets “%s”: it counts as false"),
                            words[i] + (negated ? 1 : 0));
        complain(builder, TRUE, raw, "conditions", text, NULL);
    }
}

/* ---- Instances. */

static void *
predecessor_of(Builder *builder, const MmInstance *instance)
{
    const MmSnapshot *before = builder->arguments->predecessor;
    const MmInstance *old = before ? mm_snapshot_find(before, instance->name) : NULL;
    return old && old->plugin == instance->plugin ? old->data : NULL;
}

static void
configure(Builder *builder, MmInstance *instance)
{
    if (mm_problems_has_errors(builder->problems))
        return; /* it would be asked to start from values that are not meant */
    instance->data = instance->stage->configure(builder->arguments->host, instance,
                                                predecessor_of(builder, instance));
    if (!instance->data && !mm_problems_has_errors(builder->problems))
        mm_problems_add(builder->problems, FALSE, NULL, 0, mm_settings_group(instance->settings),
                        NULL, _("the plugin refused its configuration without a reason"), NULL);
}

static void
make_instances(Builder *builder)
{
    MmSnapshot *snapshot = builder->snapshot;
    g_autoptr(GArray) raws = g_array_new(FALSE, FALSE, sizeof(const MmRawStage *));
    for (guint i = 0; i < builder->drafts->len; i++) {
        const Draft *draft = &g_array_index(builder->drafts, Draft, i);
        MmInstance *instance = instance_new(builder, draft);
        g_ptr_array_add(snapshot->groups, mm_settings_ref(instance->settings));
        if (!mm_settings_get_boolean(instance->settings, "enabled")) {
            instance_drop(instance);
            continue;
        }
        instance->index = snapshot->instances->len;
        g_ptr_array_add(snapshot->instances, instance);
        g_array_append_val(raws, draft->raw);
        add_setters(snapshot, instance);
    }
    for (guint i = 0; i < snapshot->instances->len; i++) {
        configure(builder, mm_snapshot_instance(snapshot, i));
        add_own_setters(snapshot, mm_snapshot_instance(snapshot, i));
    }
    for (guint i = 0; i < snapshot->instances->len; i++)
        bind_conditions(builder, mm_snapshot_instance(snapshot, i),
                        g_array_index(raws, const MmRawStage *, i));
    for (guint i = 0; i < snapshot->instances->len; i++)
        mm_snapshot_instance(snapshot, i)->problems = NULL;
}

static MmSnapshot *
snapshot_new(const MmSnapshotArguments *arguments, const MmConfig *config)
{
    MmSnapshot *snapshot = g_new0(MmSnapshot, 1);
    MmSettings *manager = mm_settings_ref(config->manager);
    g_atomic_ref_count_init(&snapshot->references);
    snapshot->control = arguments->control;
    snapshot->manager = manager;
    snapshot->root = g_strdup(arguments->root ? arguments->root : "/");
    snapshot->instances = g_ptr_array_new();
    snapshot->groups = g_ptr_array_new_with_free_func((GDestroyNotify)mm_settings_unref);
    snapshot->facts = g_array_new(FALSE, TRUE, sizeof(MmFactInfo));
    mm_fallback_from_name(mm_settings_get_string(manager, "fallback-status"), &snapshot->fallback);
    snapshot->command_timeout = mm_settings_get_double(manager, "mta-command-timeout");
    snapshot->content_timeout = mm_settings_get_double(manager, "mta-content-timeout");
    snapshot->progress_interval = mm_settings_get_double(manager, "progress-interval");
    snapshot->spool.memory = mm_settings_get_uint64(manager, "spool-memory-limit");
    snapshot->spool.directory = mm_settings_get_string(manager, "spool-directory");
    snapshot->extra_macros = mm_settings_get_strv(manager, "extra-macros");
    return snapshot;
}

MmSnapshot *
mm_snapshot_build(const MmSnapshotArguments *arguments, const MmConfig *config,
                  MmProblems *problems)
{
    Builder builder = {.arguments = arguments, .problems = problems};
    builder.snapshot = snapshot_new(arguments, config);
    builder.drafts = g_array_new(FALSE, FALSE, sizeof(Draft));
    builder.detected = mm_detected_new();
    draft_stages(&builder, config);
    make_instances(&builder);
    g_array_unref(builder.drafts);
    mm_detected_free(builder.detected);
    if (!mm_problems_has_errors(problems))
        return builder.snapshot;
    mm_snapshot_unref(builder.snapshot);
    return NULL;
}
