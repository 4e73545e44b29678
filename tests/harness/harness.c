/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness itself: plugin, settings, instances, expansion. */
#include "private.h"

#include <string.h>

MmHarness *harness_current;

static GHashTable *loaded; /* plugins by file: they stay */

static const MmPlugin *
load(const char *file)
{
    g_autoptr(GError) error = NULL;
    if (!loaded)
        loaded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    MmPlugin *plugin = g_hash_table_lookup(loaded, file);
    if (plugin)
        return plugin;
    plugin = mm_plugin_load(file, &error);
    if (!plugin)
        g_error("harness: %s", error->message);
    g_hash_table_insert(loaded, g_strdup(file), plugin);
    return plugin;
}

static MmSchemas *
open_schemas(void)
{
    g_autoptr(GError) error = NULL;
    const char *folder = g_getenv("MILTER_MANAGER_SCHEMA_DIR");
    MmSchemas *schemas = mm_schemas_open(folder ? folder : MM_SCHEMA_DIR, &error);
    if (!schemas)
        g_error("harness: the host's schemas: %s", error->message);
    return schemas;
}

void
harness_violation(MmHarness *harness, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_mutex_lock(&harness->lock);
    g_ptr_array_add(harness->violations, text);
    g_mutex_unlock(&harness->lock);
    g_test_message("violation: %s", text);
}

gboolean
harness_on_thread(MmHarness *harness, const char *function)
{
    if (harness->worker.thread == g_thread_self())
        return TRUE;
    harness_violation(harness, "%s was called from another thread than the worker's", function);
    return FALSE;
}

const char *
mm_harness_violation(const MmHarness *harness, guint i)
{
    return i < harness->violations->len ? g_ptr_array_index(harness->violations, i) : NULL;
}

void
mm_harness_forgive(MmHarness *harness)
{
    g_ptr_array_set_size(harness->violations, 0);
}

const char *
harness_event_name(MilterEventKind kind)
{
    static const char *const names[] = {"CONNECT", "HELO",          "MAIL",   "RCPT",
                                        "DATA",    "UNKNOWN",       "HEADER", "END_OF_HEADERS",
                                        "BODY",    "END_OF_MESSAGE"};
    return (guint)kind < G_N_ELEMENTS(names) ? names[kind] : "an event of a later version";
}

static void
preset_offer(MilterOffer *offer)
{
    *offer = (MilterOffer){.size = sizeof(MilterOffer),
                           .version = 6,
                           .actions = 0x1FF,
                           .protocol = 0x1FFFFF,
                           .leading_space = true,
                           .rejected_recipients = true,
                           .symbol_lists = true};
}

MmHarness *
mm_harness_new(const char *file)
{
    if (harness_current)
        g_error("harness: there is one already");
    MmHarness *harness = g_new0(MmHarness, 1);
    harness_current = harness;
    harness->plugin = load(file);
    harness->stage = harness->plugin->descriptor->stage;
    harness->schemas = open_schemas();
    harness->name = g_strdup("stage");
    harness->root = g_strdup("/");
    harness->wanted = mm_raw_stage_new("stage", NULL, 0);
    harness->table_size = sizeof(MilterHost);
    harness->worker = (MilterWorker){harness, g_thread_self()};
    harness->instances = g_ptr_array_new();
    harness->sessions = g_ptr_array_new();
    harness->tickets = g_array_new(FALSE, TRUE, sizeof(TicketInfo));
    harness->stages = g_ptr_array_new_with_free_func(mm_raw_stage_free);
    harness->problems = g_ptr_array_new_with_free_func(g_free);
    harness->warnings = g_ptr_array_new_with_free_func(g_free);
    harness->violations = g_ptr_array_new_with_free_func(g_free);
    preset_offer(&harness->offer);
    record_init(harness);
    loop_init(harness);
    harness->names = names_new();
    return harness;
}

const MilterPlugin *
mm_harness_plugin(const MmHarness *harness)
{
    return harness->plugin->descriptor;
}

void
mm_harness_set(MmHarness *harness, const char *key, const char *value)
{
    if (value) {
        mm_raw_stage_set(harness->wanted, key, value, "test", NULL, 0);
        return;
    }
    for (guint i = 0; i < harness->wanted->keys->len; i++) {
        const MmRawKey *known = g_ptr_array_index(harness->wanted->keys, i);
        if (strcmp(known->key, key) == 0)
            g_ptr_array_remove_index(harness->wanted->keys, i--);
    }
}

void
mm_harness_set_name(MmHarness *harness, const char *name)
{
    g_free(harness->name);
    harness->name = g_strdup(name);
    g_free(harness->wanted->name);
    harness->wanted->name = g_strdup(name);
}

void
mm_harness_set_root(MmHarness *harness, const char *directory)
{
    g_free(harness->root);
    harness->root = g_strdup(directory);
}

MilterOffer *
mm_harness_offer(MmHarness *harness)
{
    return &harness->offer;
}

/* ---- The table. */

void
mm_harness_cut_table(MmHarness *harness, gsize size)
{
    if (harness->table)
        g_error("harness: the table is cut before configure");
    harness->table_size = size;
}

void
mm_harness_grow_structs(MmHarness *harness, gboolean grow)
{
    harness->grow = grow;
}

/* On the heap, with exactly the bytes that size tells of. */
static const MilterHost *
table(MmHarness *harness)
{
    if (harness->table)
        return harness->table;
    MilterHost full = {.size = (guint32)harness->table_size, .abi = MILTER_PLUGIN_ABI};
    harness_fill_instance(&full);
    harness_fill_record(&full);
    harness_fill_turn(&full);
    harness_fill_session(&full);
    harness_fill_loop(&full);
    harness_fill_names(&full);
    harness->table = g_malloc0(harness->table_size);
    memcpy(harness->table, &full, MIN(harness->table_size, sizeof(full)));
    return harness->table;
}

/* ---- Instances. */

static void
take_problems(MmHarness *harness, MmProblems *problems)
{
    g_ptr_array_set_size(harness->problems, 0);
    g_ptr_array_set_size(harness->warnings, 0);
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        const MmProblem *problem = mm_problems_get(problems, i);
        g_ptr_array_add(problem->warning ? harness->warnings : harness->problems,
                        mm_problem_to_string(problem));
    }
}

/* NULL: the settings are wrong. */
static MilterInstance *
instance_new(MmHarness *harness)
{
    g_autoptr(MmProblems) problems = mm_problems_new();
    MilterInstance *instance = g_new0(MilterInstance, 1);
    instance->harness = harness;
    instance->settings =
        mm_config_bind_stage(harness->schemas, harness->plugin->schemas, harness->plugin->schema_id,
                             harness->wanted, problems);
    take_problems(harness, problems);
    if (!mm_problems_has_errors(problems))
        return instance;
    mm_settings_unref(instance->settings);
    g_free(instance);
    return NULL;
}

static void
instance_free(MilterInstance *instance)
{
    record_verbs_clear(instance);
    mm_settings_unref(instance->settings);
    g_free(instance);
}

static void
instance_retire(MilterInstance *instance)
{
    MmHarness *harness = instance->harness;
    loop_drain(harness);
    if (instance->entered && MM_STAGE_HAS(harness->stage, leave_worker))
        harness->stage->leave_worker(instance->data, instance->in_worker);
    if (instance->in_worker)
        loop_check_owner(harness, instance->in_worker, "leave_worker");
    g_ptr_array_remove(harness->instances, instance);
    record_verbs_clear(instance);
    harness->stage->discard(instance->data);
    loop_check_owner(harness, instance->data, "discard");
    instance_free(instance);
}

MilterInstance *
harness_instance_ref(MmHarness *harness)
{
    if (!harness->instance)
        g_error("harness: configure first");
    harness->instance->n_sessions++;
    return harness->instance;
}

void
harness_instance_unref(MilterInstance *instance)
{
    instance->n_sessions--;
    if (instance->n_sessions == 0 && instance != instance->harness->instance)
        instance_retire(instance);
}

static gboolean
accept_data(MilterInstance *instance)
{
    MmHarness *harness = instance->harness;
    if (!instance->data && !instance->has_problem)
        harness_violation(harness, "configure returned NULL and reported no problem");
    if (instance->data && instance->has_problem) {
        harness->stage->discard(instance->data);
        instance->data = NULL;
    }
    return instance->data != NULL;
}

gboolean
mm_harness_configure(MmHarness *harness)
{
    MilterInstance *before = harness->instance;
    MilterInstance *instance = instance_new(harness);
    if (!instance)
        return FALSE;
    if (!MM_STAGE_HAS(harness->stage, configure))
        g_error("harness: this plugin has no configure");
    instance->configuring = TRUE;
    instance->data =
        harness->stage->configure(table(harness), instance, before ? before->data : NULL);
    instance->configuring = FALSE;
    if (!accept_data(instance)) {
        instance_free(instance);
        return FALSE;
    }
    g_ptr_array_add(harness->instances, instance);
    harness->instance = instance;
    if (MM_STAGE_HAS(harness->stage, enter_worker))
        instance->in_worker = harness->stage->enter_worker(instance->data, &harness->worker);
    instance->entered = TRUE;
    if (before && before->n_sessions == 0)
        instance_retire(before);
    return TRUE;
}

const char *
mm_harness_problem(const MmHarness *harness, guint i)
{
    return i < harness->problems->len ? g_ptr_array_index(harness->problems, i) : NULL;
}

const char *
mm_harness_warning(const MmHarness *harness, guint i)
{
    return i < harness->warnings->len ? g_ptr_array_index(harness->warnings, i) : NULL;
}

/* ---- Expansion. */

gboolean
mm_harness_expand(MmHarness *harness)
{
    g_ptr_array_set_size(harness->stages, 0);
    if (!MM_STAGE_HAS(harness->stage, expand))
        g_error("harness: this plugin has no expand");
    MilterInstance *instance = instance_new(harness);
    if (!instance)
        return FALSE;
    MilterExpansion expansion = {harness, harness->stages};
    instance->expanding = TRUE;
    gboolean good = harness->stage->expand(table(harness), instance, &expansion);
    if (!good && !instance->has_problem)
        harness_violation(harness, "expand returned false and reported no problem");
    instance_free(instance);
    return good;
}

guint
mm_harness_n_stages(const MmHarness *harness)
{
    return harness->stages->len;
}

static const MmRawStage *
emitted(const MmHarness *harness, guint stage)
{
    if (stage >= harness->stages->len)
        g_error("harness: expand emitted %u stages", harness->stages->len);
    return g_ptr_array_index(harness->stages, stage);
}

const char *
mm_harness_stage_name(const MmHarness *harness, guint stage)
{
    return emitted(harness, stage)->name;
}

const char *
mm_harness_stage_value(const MmHarness *harness, guint stage, const char *key)
{
    const MmRawKey *raw = mm_raw_stage_find(emitted(harness, stage), key);
    return raw ? raw->value : NULL;
}

const char *
mm_harness_stage_origin(const MmHarness *harness, guint stage, const char *key)
{
    const MmRawKey *raw = mm_raw_stage_find(emitted(harness, stage), key);
    return raw ? raw->origin : NULL;
}

/* ---- The end. */

static void
report_violations(MmHarness *harness)
{
    if (harness->violations->len == 0)
        return;
    for (guint i = 0; i < harness->violations->len; i++)
        g_printerr("# %s: violation: %s\n", harness->plugin->descriptor->name,
                   mm_harness_violation(harness, i));
    g_test_fail();
}

void
mm_harness_free(MmHarness *harness)
{
    if (!harness)
        return;
    harness->hold = FALSE;
    while (harness->sessions->len > 0)
        mm_harness_close(g_ptr_array_index(harness->sessions, harness->sessions->len - 1));
    if (harness->instance)
        instance_retire(g_steal_pointer(&harness->instance));
    loop_clear(harness);
    report_violations(harness);
    record_clear(harness);
    names_free(harness->names);
    mm_raw_stage_free(harness->wanted);
    mm_schemas_free(harness->schemas);
    g_ptr_array_unref(harness->instances);
    g_ptr_array_unref(harness->sessions);
    g_ptr_array_unref(harness->stages);
    g_array_unref(harness->tickets);
    g_ptr_array_unref(harness->problems);
    g_ptr_array_unref(harness->warnings);
    g_ptr_array_unref(harness->violations);
    g_mutex_clear(&harness->lock);
    g_free(harness->table);
    g_free(harness->name);
    g_free(harness->root);
    g_free(harness);
    loan_bury();
    harness_current = NULL;
}
