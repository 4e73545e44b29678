/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Services that belong to a configured instance: settings, expansion, log, statistics, verbs. */
#include "base/i18n.h"
#include "chain/admin.h"
#include "chain/expansion.h"
#include "chain/private.h"
#include "chain/services.h"
#include "chain/statistics.h"

#include <libintl.h>

static const char *
instance_name(MilterInstance *self)
{
    return self->name;
}

static gboolean
has_key(MilterInstance *self, const char *key, const char *type)
{
    if (mm_settings_has(self->settings, key, type))
        return TRUE;
    MM_LOG(MM_LOG_ERROR, "plugin-asks-unknown-key",
           N_("The plugin asks for a key that its schema does not have"),
           MM_STR("stage", self->name), MM_STR("key", key), MM_STR("type", type));
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
add_problem(MilterInstance *self, bool warning, const char *key, const char *problem,
            const char *allowed)
{
    if (!self->problems)
        return;
    const char *domain = self->plugin->text_domain;
    const char *file = NULL;
    guint line = 0;
    if (key)
        mm_settings_location(self->settings, key, &file, &line);
    mm_problems_add(self->problems, warning, file, line, mm_settings_group(self->settings), key,
                    dgettext(domain, problem), allowed ? dgettext(domain, allowed) : NULL);
}

static void
report_problem(MilterInstance *self, const char *key, const char *problem, const char *allowed)
{
    add_problem(self, false, key, problem, allowed);
}

static void
report_warning(MilterInstance *self, const char *key, const char *problem, const char *allowed)
{
    add_problem(self, true, key, problem, allowed);
}

static const char *
root(MilterInstance *self)
{
    return self->root;
}

/* Those that are not enabled have no instance. */
static bool
stage_enabled(MilterInstance *self, const char *name)
{
    return self->snapshot && mm_snapshot_find(self->snapshot, name) != NULL;
}

#define FIELDS_MAX 24

static void
log_line(MilterInstance *self, MilterSession *session, MilterLogLevel level, const char *id,
         const char *text, const MilterField *fields, size_t n_fields)
{
    MmLogLevel host_level = (MmLogLevel)MIN(level, MILTER_LOG_DEBUG);
    if (!mm_log_enabled(host_level))
        return;
    MmField all[FIELDS_MAX];
    gsize n = 0;
    all[n++] = MM_STR("stage", self->name);
    if (session)
        n += session->ops->describe(session->owner, all + n);
    for (size_t i = 0; i < n_fields && n < FIELDS_MAX; i++)
        all[n++] = MM_STR(fields[i].key, fields[i].value);
    mm_log_line(host_level, id, self->plugin->text_domain, text, all, n);
}

static bool
log_enabled(MilterLogLevel level)
{
    return mm_log_enabled((MmLogLevel)MIN(level, MILTER_LOG_DEBUG));
}

static MilterCounter *
counter(MilterInstance *self, const char *name)
{
    return mm_counter(self->name, name);
}

static MilterHistogram *
histogram(MilterInstance *self, const char *name)
{
    return mm_histogram(self->name, name);
}

static MilterResult
admin_verb(MilterInstance *self, const char *verb, MilterAdminFunction function, void *data)
{
    return mm_admin_register(self, verb, function, data);
}

void
mm_services_fill_instance(MilterHost *host)
{
    host->instance_name = instance_name;
    host->get_string = get_string;
    host->get_boolean = get_boolean;
    host->get_unsigned = get_unsigned;
    host->get_uint64 = get_uint64;
    host->get_double = get_double;
    host->get_strings = get_strings;
    host->problem = report_problem;
    host->warn = report_warning;
    host->root = root;
    host->expand_stage = mm_expansion_stage;
    host->expand_set = mm_expansion_set;
    host->log = log_line;
    host->log_enabled = log_enabled;
    host->counter = counter;
    host->count = mm_counter_add;
    host->histogram = histogram;
    host->observe = mm_histogram_add;
    host->admin_verb = admin_verb;
    host->admin_reply = mm_admin_answer;
    host->stage_enabled = stage_enabled;
    host->figures = mm_statistics_figures;
}
