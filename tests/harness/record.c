/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the stage leaves behind: log lines, counters, verbs; and its settings. */
#include "private.h"

#include "base/i18n.h"
#include "base/log.h"

#include <string.h>

typedef struct LogLine {
    char *id, *text;
} LogLine;

struct MilterCounter {
    guint64 value;
};

struct MilterHistogram {
    guint64 n;
    double sum;
};

typedef struct Verb {
    char *name;
    MilterAdminFunction function;
    void *data;
} Verb;

struct MilterAdminRequest {
    MmHarness *harness;
    gboolean answered;
    gboolean abandoned; /* nobody waits for it: freed by its answer */
    char *json, *error;
};

/* ---- Settings. */

static const char *
instance_name(MilterInstance *self)
{
    return self->harness->name;
}

static gboolean
has_key(MilterInstance *self, const char *key, const char *type)
{
    if (mm_settings_has(self->settings, key, type))
        return TRUE;
    harness_violation(self->harness, "asked for the key “%s” of type %s: the schemas have none",
                      key, type);
    return FALSE;
}

static const char *
get_string(MilterInstance *self, const char *key)
{
    return has_key(self, key, "s") ? mm_settings_get_string(self->settings, key) : "";
}

static bool
get_boolean(MilterInstance *self, const char *key)
{
    return has_key(self, key, "b") && mm_settings_get_boolean(self->settings, key);
}

static uint32_t
get_unsigned(MilterInstance *self, const char *key)
{
    return has_key(self, key, "u") ? mm_settings_get_uint(self->settings, key) : 0;
}

static uint64_t
get_uint64(MilterInstance *self, const char *key)
{
    return has_key(self, key, "t") ? mm_settings_get_uint64(self->settings, key) : 0;
}

static double
get_double(MilterInstance *self, const char *key)
{
    return has_key(self, key, "d") ? mm_settings_get_double(self->settings, key) : 0;
}

static const char *const *
get_strings(MilterInstance *self, const char *key)
{
    static const char *const none[] = {NULL};
    return has_key(self, key, "as") ? mm_settings_get_strv(self->settings, key) : none;
}

static void
add_problem(MilterInstance *self, GPtrArray *list, const char *key, const char *text,
            const char *allowed)
{
    MmHarness *harness = self->harness;
    if (!self->configuring && !self->expanding) {
        harness_violation(harness, "a problem is reported outside configure and expand: %s", text);
        return;
    }
    if (key && !mm_settings_origin(self->settings, key))
        harness_violation(harness, "a problem is reported of the key “%s”: there is none", key);
    const char *domain = harness->plugin->descriptor->text_domain;
    g_autofree char *group = g_strconcat("stages/", harness->name, NULL);
    g_autoptr(MmProblems) one = mm_problems_new();
    mm_problems_add(one, FALSE, NULL, 0, group, key, g_dgettext(domain, text),
                    allowed ? g_dgettext(domain, allowed) : NULL);
    g_ptr_array_add(list, mm_problem_to_string(mm_problems_get(one, 0)));
}

static void
report_problem(MilterInstance *self, const char *key, const char *text, const char *allowed)
{
    self->has_problem = TRUE;
    add_problem(self, self->harness->problems, key, text, allowed);
}

static void
report_warning(MilterInstance *self, const char *key, const char *text, const char *allowed)
{
    add_problem(self, self->harness->warnings, key, text, allowed);
}

static const char *
root(MilterInstance *self)
{
    return self->harness->root;
}

/* ---- Expansion. */

static MilterResult
expand_stage(MilterExpansion *expansion, const char *name, const char *plugin, const char *origin)
{
    if (!name || !plugin || !origin)
        return MILTER_ERROR_INVALID;
    MmRawStage *stage = mm_raw_stage_new(name, NULL, 0);
    mm_raw_stage_set(stage, "plugin", plugin, origin, NULL, 0);
    g_ptr_array_add(expansion->stages, stage);
    return MILTER_OK;
}

static MilterResult
expand_set(MilterExpansion *expansion, const char *key, const char *value, const char *origin)
{
    if (expansion->stages->len == 0)
        return MILTER_ERROR_STATE;
    if (!key || !value || !origin)
        return MILTER_ERROR_INVALID;
    mm_raw_stage_set(g_ptr_array_index(expansion->stages, expansion->stages->len - 1), key, value,
                     origin, NULL, 0);
    return MILTER_OK;
}

/* ---- Log. */

static void
line_free(gpointer data)
{
    LogLine *line = data;
    g_free(line->id);
    g_free(line->text);
    g_free(line);
}

static void
log_line(MilterInstance *self, MilterSession *session, MilterLogLevel level, const char *id,
         const char *text, const MilterField *fields, size_t n_fields)
{
    MmHarness *harness = self->harness;
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(MmField));
    if (session) {
        const MmField field = MM_UINT("session", session->number);
        g_array_append_val(all, field);
    }
    for (size_t i = 0; i < n_fields; i++) {
        const MmField field = MM_STR(fields[i].key, fields[i].value);
        g_array_append_val(all, field);
    }
    GString *whole = g_string_new(NULL);
    g_string_append_printf(whole, "%s %s: %s", mm_log_level_name((MmLogLevel)level), id, text);
    mm_log_append_fields(whole, (const MmField *)(gpointer)all->data, all->len);
    LogLine *line = g_new0(LogLine, 1);
    *line = (LogLine){g_strdup(id), g_string_free(whole, FALSE)};
    g_mutex_lock(&harness->lock);
    g_ptr_array_add(harness->log, line);
    g_mutex_unlock(&harness->lock);
}

static bool
log_enabled(MilterLogLevel level)
{
    (void)level;
    return true;
}

guint
mm_harness_logged(const MmHarness *harness, const char *id)
{
    guint n = 0;
    for (guint i = 0; i < harness->log->len; i++) {
        const LogLine *line = g_ptr_array_index(harness->log, i);
        n += !id || strcmp(line->id, id) == 0;
    }
    return n;
}

const char *
mm_harness_log_line(const MmHarness *harness, const char *id)
{
    for (guint i = harness->log->len; i-- > 0;) {
        const LogLine *line = g_ptr_array_index(harness->log, i);
        if (strcmp(line->id, id) == 0)
            return line->text;
    }
    return NULL;
}

void
mm_harness_clear_log(MmHarness *harness)
{
    g_ptr_array_set_size(harness->log, 0);
}

/* ---- Statistics. */

static gboolean
is_statistic(MilterInstance *self, const char *name)
{
    if (!self->configuring)
        harness_violation(self->harness, "the statistic “%s” is made outside configure", name);
    gboolean good = *name != '\0';
    for (const char *c = name; *c; c++)
        good = good && (g_ascii_islower(*c) || g_ascii_isdigit(*c) || *c == '-');
    if (!good)
        harness_violation(self->harness, "“%s” is no name of a statistic", name);
    return good;
}

static gpointer
statistic(GHashTable *table, const char *name, gsize size)
{
    gpointer entry = g_hash_table_lookup(table, name);
    if (!entry) {
        entry = g_malloc0(size);
        g_hash_table_insert(table, g_strdup(name), entry);
    }
    return entry;
}

static MilterCounter *
counter(MilterInstance *self, const char *name)
{
    is_statistic(self, name);
    return statistic(self->harness->counters, name, sizeof(MilterCounter));
}

static void
count(MilterCounter *entry, uint64_t n)
{
    g_mutex_lock(&harness_current->lock);
    entry->value += n;
    g_mutex_unlock(&harness_current->lock);
}

static MilterHistogram *
histogram(MilterInstance *self, const char *name)
{
    is_statistic(self, name);
    return statistic(self->harness->histograms, name, sizeof(MilterHistogram));
}

static void
observe(MilterHistogram *entry, double value)
{
    g_mutex_lock(&harness_current->lock);
    entry->n++;
    entry->sum += value;
    g_mutex_unlock(&harness_current->lock);
}

/* What was made, as of the stage. */
static void
show_counters(const MmHarness *harness, MilterFigureFunction function, void *data)
{
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init(&iter, harness->counters);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const MilterFigure figure = {.size = sizeof(figure),
                                     .kind = MILTER_FIGURE_COUNTER,
                                     .stage = harness->name,
                                     .name = name,
                                     .value = ((const MilterCounter *)value)->value};
        function(data, &figure);
    }
}

/* All observations in one bucket. */
static void
show_histograms(const MmHarness *harness, MilterFigureFunction function, void *data)
{
    static const double bound = 3600;
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init(&iter, harness->histograms);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const MilterHistogram *entry = value;
        const uint64_t counts[] = {entry->n, 0};
        const MilterFigure figure = {.size = sizeof(figure),
                                     .kind = MILTER_FIGURE_HISTOGRAM,
                                     .stage = harness->name,
                                     .name = name,
                                     .value = entry->n,
                                     .sum = entry->sum,
                                     .bounds = &bound,
                                     .counts = counts,
                                     .n_bounds = 1};
        function(data, &figure);
    }
}

static void
show_own(MilterFigureKind kind, const char *name, guint64 value, MilterFigureFunction function,
         void *data)
{
    const MilterFigure figure = {
        .size = sizeof(figure), .kind = kind, .name = name, .value = value};
    function(data, &figure);
}

static void
figures(MilterFigureFunction function, void *data)
{
    MmHarness *harness = harness_current;
    g_mutex_lock(&harness->lock);
    show_own(MILTER_FIGURE_COUNTER, "messages.accept", 0, function, data);
    show_own(MILTER_FIGURE_GAUGE, "sessions.now", harness->sessions->len, function, data);
    show_counters(harness, function, data);
    show_histograms(harness, function, data);
    g_mutex_unlock(&harness->lock);
}

guint64
mm_harness_count(const MmHarness *harness, const char *name)
{
    const MilterCounter *entry = g_hash_table_lookup(harness->counters, name);
    return entry ? entry->value : 0;
}

guint64
mm_harness_observed(const MmHarness *harness, const char *name, double *sum)
{
    const MilterHistogram *entry = g_hash_table_lookup(harness->histograms, name);
    if (sum)
        *sum = entry ? entry->sum : 0;
    return entry ? entry->n : 0;
}

/* ---- Administration. */

static void
verb_free(gpointer data)
{
    Verb *verb = data;
    g_free(verb->name);
    g_free(verb);
}

static MilterResult
admin_verb(MilterInstance *self, const char *name, MilterAdminFunction function, void *data)
{
    if (!self->configuring)
        harness_violation(self->harness, "the verb “%s” is made outside configure", name);
    if (!name || !*name || !function)
        return MILTER_ERROR_INVALID;
    if (!self->verbs)
        self->verbs = g_ptr_array_new_with_free_func(verb_free);
    Verb *verb = g_new0(Verb, 1);
    *verb = (Verb){g_strdup(name), function, data};
    g_ptr_array_add(self->verbs, verb);
    return MILTER_OK;
}

void
record_verbs_clear(MilterInstance *instance)
{
    g_clear_pointer(&instance->verbs, g_ptr_array_unref);
}

static void
request_free(MilterAdminRequest *request)
{
    g_free(request->json);
    g_free(request->error);
    g_free(request);
}

static void
admin_reply(MilterAdminRequest *request, const char *json, const char *error)
{
    MmHarness *harness = request->harness;
    harness_on_thread(harness, "admin_reply");
    if (request->answered) {
        harness_violation(harness, "a second answer to an administration verb");
        return;
    }
    if ((json == NULL) == (error == NULL))
        harness_violation(harness, "admin_reply: one of json and error must be NULL");
    if (request->abandoned) {
        request_free(request);
        return;
    }
    request->answered = TRUE;
    request->json = g_strdup(json);
    request->error = g_strdup(error);
}

static gboolean
is_answered(gpointer data)
{
    return ((MilterAdminRequest *)data)->answered;
}

static const Verb *
find_verb(const MilterInstance *instance, const char *name)
{
    for (guint i = 0; instance && instance->verbs && i < instance->verbs->len; i++) {
        const Verb *verb = g_ptr_array_index(instance->verbs, i);
        if (strcmp(verb->name, name) == 0)
            return verb;
    }
    return NULL;
}

gboolean
mm_harness_admin(MmHarness *harness, const char *name, const char *arguments, char **json,
                 char **error)
{
    const Verb *verb = find_verb(harness->instance, name);
    *json = *error = NULL;
    if (!verb)
        return FALSE;
    MilterAdminRequest *request = g_new0(MilterAdminRequest, 1);
    request->harness = harness;
    g_autofree char *copy = g_strdup(arguments);
    verb->function(verb->data, request, copy);
    mm_harness_wait(harness, is_answered, request);
    if (!request->answered) {
        request->abandoned = TRUE;
        return FALSE;
    }
    *json = g_steal_pointer(&request->json);
    *error = g_steal_pointer(&request->error);
    request_free(request);
    return TRUE;
}

/* ---- Life. */

void
record_init(MmHarness *harness)
{
    g_mutex_init(&harness->lock);
    harness->log = g_ptr_array_new_with_free_func(line_free);
    harness->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    harness->histograms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void
record_clear(MmHarness *harness)
{
    g_ptr_array_unref(harness->log);
    g_hash_table_unref(harness->counters);
    g_hash_table_unref(harness->histograms);
}

void
harness_fill_instance(MilterHost *table)
{
    table->instance_name = instance_name;
    table->get_string = get_string;
    table->get_boolean = get_boolean;
    table->get_unsigned = get_unsigned;
    table->get_uint64 = get_uint64;
    table->get_double = get_double;
    table->get_strings = get_strings;
    table->problem = report_problem;
    table->warn = report_warning;
    table->root = root;
    table->expand_stage = expand_stage;
    table->expand_set = expand_set;
}

void
harness_fill_record(MilterHost *table)
{
    table->log = log_line;
    table->log_enabled = log_enabled;
    table->counter = counter;
    table->count = count;
    table->histogram = histogram;
    table->observe = observe;
    table->figures = figures;
    table->admin_verb = admin_verb;
    table->admin_reply = admin_reply;
}
