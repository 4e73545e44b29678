/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a configuration to a snapshot: plugins, detectors, settings, instances, facts. */
#include "base/i18n.h"
#include "base/log.h"
#include "base/text.h"
#include "chain/builder.h"
#include "chain/statistics.h"
#include "plugin/stage-table.h"

/* One that is made, and what it was made from. */
typedef struct Made {
    const MmRawStage *raw;
    gboolean sound; /* its own settings have no error */
} Made;

void
mm_builder_complain(MmBuilder *builder, gboolean warning, const MmRawStage *raw, const char *key,
                    const char *text, const char *allowed)
{
    g_autofree char *group = g_strconcat("stages/", raw->name, NULL);
    const MmRawKey *found = key ? mm_raw_stage_find(raw, key) : NULL;
    g_autofree char *with_origin =
        found && !found->file ? g_strdup_printf("%s: %s", found->origin, text) : NULL;
    mm_problems_add(builder->problems, warning, found ? found->file : raw->file,
                    found ? found->line : raw->line, group, key, with_origin ? with_origin : text,
                    allowed);
}

MmInstance *
mm_builder_instance(MmBuilder *builder, const MmRawStage *raw, const MmPlugin *plugin)
{
    MmInstance *instance = g_new0(MmInstance, 1);
    instance->name = g_strdup(raw->name);
    instance->plugin = plugin->descriptor;
    instance->stage = plugin->descriptor->stage;
    instance->settings = mm_config_bind_stage(builder->arguments->schemas, plugin->schemas,
                                              plugin->schema_id, raw, builder->problems);
    instance->root = builder->snapshot->root;
    instance->problems = builder->problems;
    instance->snapshot = builder->snapshot;
    instance->evaluation = mm_settings_get_boolean(instance->settings, "evaluation");
    instance->together = mm_settings_get_string(instance->settings, "together");
    mm_fallback_from_name(mm_settings_get_string(instance->settings, "fallback-status"),
                          &instance->fallback);
    mm_health_init(&instance->health);
    return instance;
}

void
mm_builder_drop(MmInstance *instance)
{
    mm_health_clear(&instance->health);
    mm_settings_unref(instance->settings);
    g_free(instance->name);
    g_free(instance);
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

/* The name a fact has in this instance; NULL: it sets none. */
static const char *
fact_name(MmBuilder *builder, const Made *made, const MmInstance *instance, const MilterFact *fact)
{
    if (fact->name)
        return fact->name;
    const char *key = fact->name_setting;
    if (!mm_settings_has(instance->settings, key, "s")) {
        mm_builder_complain(builder, FALSE, made->raw, "plugin",
                            _("the plugin names a fact by a key that its schema does not have"),
                            NULL);
        return NULL;
    }
    const char *name = mm_settings_get_string(instance->settings, key);
    if (!*name || mm_text_is_name(name))
        return *name ? name : NULL;
    mm_builder_complain(builder, FALSE, made->raw, key, _("this is not the name of a fact"),
                        _("1 to 64 letters, digits, “.”, “_” and “-”"));
    return NULL;
}

static void
add_setter(MmSnapshot *snapshot, const MmInstance *instance, const char *name, guint settled_after)
{
    guint index = fact_index(snapshot, name); /* may move the table */
    MmFactInfo *info = &g_array_index(snapshot->facts, MmFactInfo, index);
    info->setter = MIN(info->setter, instance->index);
    info->settled_after = MAX(info->settled_after, (MilterEventKind)settled_after);
}

static void
add_setters(MmBuilder *builder, const Made *made, const MmInstance *instance)
{
    const MilterFact *fact = instance->stage->facts;
    for (; fact && (fact->name || fact->name_setting); fact++) {
        const char *name = fact_name(builder, made, instance, fact);
        if (name)
            add_setter(builder->snapshot, instance, name, fact->settled_after);
    }
}

/* One word of "conditions": FACT or !FACT. */
static void
bind_condition(MmBuilder *builder, const Made *made, MmInstance *instance, const char *word)
{
    gboolean negated = *word == '!';
    const char *name = word + (negated ? 1 : 0);
    if (!mm_text_is_name(name)) {
        g_autofree char *text = g_strdup_printf(_("“%s” is no condition"), word);
        mm_builder_complain(builder, FALSE, made->raw, "conditions", text,
                            _("'FACT' or '!FACT', a name of letters, digits, “.”, “_” and “-”"));
        return;
    }
    guint fact = fact_index(builder->snapshot, name);
    instance->conditions[instance->n_conditions++] = (MmCondition){fact, negated};
    if (g_array_index(builder->snapshot->facts, MmFactInfo, fact).setter < instance->index)
        return;
    g_autofree char *text =
        g_strdup_printf(_("no enabled stage before this one sets “%s”: it counts as false"), name);
    mm_builder_complain(builder, TRUE, made->raw, "conditions", text, NULL);
}

/* After configure: the instance itself says which. */
static void
add_own_setters(MmSnapshot *snapshot, const MmInstance *instance)
{
    const MilterFact *fact = NULL;
    if (instance->data && MM_STAGE_HAS(instance->stage, instance_facts))
        fact = instance->stage->instance_facts(instance->data);
    for (; fact && fact->name; fact++)
        add_setter(snapshot, instance, fact->name, fact->settled_after);
}

static void
bind_conditions(MmBuilder *builder, const Made *made, MmInstance *instance)
{
    const char *const *words = mm_settings_get_strv(instance->settings, "conditions");
    guint n = 0;
    while (words[n])
        n++;
    instance->conditions = g_new0(MmCondition, MAX(n, 1u));
    for (guint i = 0; i < n; i++)
        bind_condition(builder, made, instance, words[i]);
}

/* ---- Instances. */

static void *
predecessor_of(MmBuilder *builder, const MmInstance *instance)
{
    const MmSnapshot *before = builder->arguments->predecessor;
    const MmInstance *old = before ? mm_snapshot_find(before, instance->name) : NULL;
    return old && old->plugin == instance->plugin ? old->data : NULL;
}

/* Every stage is asked, whatever is wrong with others, so that all that is wrong is told at once.
 */
static void
configure(MmBuilder *builder, MmInstance *instance)
{
    guint before = mm_problems_errors(builder->problems);
    instance->data = instance->stage->configure(builder->arguments->host, instance,
                                                predecessor_of(builder, instance));
    if (!instance->data && mm_problems_errors(builder->problems) == before)
        mm_problems_add(builder->problems, FALSE, NULL, 0, mm_settings_group(instance->settings),
                        NULL, _("the plugin refused its configuration without a reason"), NULL);
}

static void
add_counters(MmInstance *instance)
{
    static const char *const verdicts[MM_N_VERDICTS] = {[MM_COUNT_ACCEPT] = "verdict-accept",
                                                        [MM_COUNT_REJECT] = "verdict-reject",
                                                        [MM_COUNT_TEMPFAIL] =
                                                            "verdict-temporary-failure",
                                                        [MM_COUNT_DISCARD] = "verdict-discard"};
    for (guint i = 0; i < MM_N_VERDICTS; i++)
        instance->verdicts[i] = mm_counter(instance->name, verdicts[i]);
    instance->tripped_now = mm_gauge(instance->name, "tripped-now");
    instance->asked = mm_counter(instance->name, "asked");
    instance->failed = mm_counter(instance->name, "failed");
    instance->tripped = mm_counter(instance->name, "tripped");
    instance->answered = mm_histogram(instance->name, "answered");
}

static void
make_instance(MmBuilder *builder, const MmDraft *draft, GArray *all)
{
    MmSnapshot *snapshot = builder->snapshot;
    guint before = mm_problems_errors(builder->problems);
    MmInstance *instance = mm_builder_instance(builder, draft->raw, draft->plugin);
    const Made made = {draft->raw, mm_problems_errors(builder->problems) == before};
    g_ptr_array_add(snapshot->groups, mm_settings_ref(instance->settings));
    if (!mm_settings_get_boolean(instance->settings, "enabled")) {
        mm_builder_drop(instance);
        return;
    }
    add_counters(instance);
    instance->index = snapshot->instances->len;
    g_ptr_array_add(snapshot->instances, instance);
    g_array_append_val(all, made);
    add_setters(builder, &made, instance);
}

static void
leave_building(MmInstance *instance)
{
    instance->problems = NULL;
    instance->snapshot = NULL;
}

static void
make_instances(MmBuilder *builder)
{
    MmSnapshot *snapshot = builder->snapshot;
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Made));
    for (guint i = 0; i < builder->drafts->len; i++) {
        const MmDraft *draft = &g_array_index(builder->drafts, MmDraft, i);
        if (draft->detector)
            g_ptr_array_add(snapshot->groups, mm_settings_ref(draft->detector));
        else
            make_instance(builder, draft, all);
    }
    for (guint i = 0; i < snapshot->instances->len; i++) {
        if (g_array_index(all, Made, i).sound)
            configure(builder, mm_snapshot_instance(snapshot, i));
        add_own_setters(snapshot, mm_snapshot_instance(snapshot, i));
    }
    for (guint i = 0; i < snapshot->instances->len; i++)
        bind_conditions(builder, &g_array_index(all, Made, i), mm_snapshot_instance(snapshot, i));
    for (guint i = 0; i < snapshot->instances->len; i++)
        leave_building(mm_snapshot_instance(snapshot, i));
}

static void
draft_clear(gpointer data)
{
    MmDraft *draft = data;
    g_clear_pointer(&draft->detector, mm_settings_unref);
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
    MmBuilder builder = {.arguments = arguments, .problems = problems};
    builder.snapshot = snapshot_new(arguments, config);
    builder.drafts = g_array_new(FALSE, FALSE, sizeof(MmDraft));
    g_array_set_clear_func(builder.drafts, draft_clear);
    builder.detected = mm_detected_new();
    mm_builder_draft(&builder, config);
    make_instances(&builder);
    g_array_unref(builder.drafts);
    mm_detected_free(builder.detected);
    if (!mm_problems_has_errors(problems))
        return builder.snapshot;
    mm_snapshot_unref(builder.snapshot);
    return NULL;
}
