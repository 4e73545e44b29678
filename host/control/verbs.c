/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of the control socket: the host's own here, a plugin's handed on. */
#include "base/i18n.h"
#include "chain/admin.h"
#include "chain/statistics.h"
#include "control/server.h"
#include "control/waits.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

static void
answer(MmRequest *request, JsonBuilder *builder)
{
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *json = json_to_string(root, FALSE);
    mm_request_answer(request, json);
}

static void
add_string(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_set_member_name(builder, name);
    if (value)
        json_builder_add_string_value(builder, value);
    else
        json_builder_add_null_value(builder);
}

static void
add_number(JsonBuilder *builder, const char *name, guint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, (gint64)value);
}

static void
add_seconds(JsonBuilder *builder, const char *name, double value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_double_value(builder, value);
}

static void
add_boolean(JsonBuilder *builder, const char *name, gboolean value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, value);
}

static void
begin_object(JsonBuilder *builder, const char *name)
{
    if (name)
        json_builder_set_member_name(builder, name);
    json_builder_begin_object(builder);
}

static void
begin_array(JsonBuilder *builder, const char *name)
{
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
}

/* ---- statistics */

static void
add_counter(const char *name, MilterCounter *counter, MilterHistogram *histogram, gpointer data)
{
    (void)histogram;
    if (counter)
        add_number(data, name, mm_counter_get(counter));
}

static void
add_histogram(const char *name, MilterCounter *counter, MilterHistogram *histogram, gpointer data)
{
    (void)counter;
    if (!histogram)
        return;
    begin_object(data, name);
    add_number(data, "count", mm_histogram_count(histogram));
    add_seconds(data, "p50", mm_histogram_quantile(histogram, 0.5));
    add_seconds(data, "p90", mm_histogram_quantile(histogram, 0.9));
    add_seconds(data, "p99", mm_histogram_quantile(histogram, 0.99));
    json_builder_end_object(data);
}

static void
statistics(MmServer *server, MmRequest *request, const char *arguments)
{
    (void)arguments;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin_object(builder, NULL);
    begin_object(builder, "counters");
    add_number(builder, "sessions.now", mm_team_sessions(server->team));
    add_number(builder, "sessions.total", mm_team_sessions_total(server->team));
    mm_statistics_foreach(add_counter, builder);
    json_builder_end_object(builder);
    begin_object(builder, "histograms");
    mm_statistics_foreach(add_histogram, builder);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    answer(request, builder);
}

/* ---- status */

static void
add_stage(JsonBuilder *builder, MmInstance *instance)
{
    begin_object(builder, NULL);
    add_string(builder, "name", instance->name);
    add_string(builder, "plugin", instance->plugin->name);
    add_number(builder, "asked", mm_counter_get(instance->asked));
    add_number(builder, "failed", mm_counter_get(instance->failed));
    add_number(builder, "trips", mm_counter_get(instance->tripped));
    add_boolean(builder, "tripped", g_atomic_int_get(&instance->health.tripped) != 0);
    add_seconds(builder, "p50", mm_histogram_quantile(instance->answered, 0.5));
    add_seconds(builder, "p99", mm_histogram_quantile(instance->answered, 0.99));
    json_builder_end_object(builder);
}

static void
add_host(JsonBuilder *builder, const MmServer *server)
{
    const MmSettings *manager = server->snapshot->manager;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    add_string(builder, "version", MM_VERSION);
    add_number(builder, "pid", (guint64)getpid());
    add_number(builder, "uptime", (guint64)MAX(now - server->started, 0));
    add_string(builder, "connection-spec", mm_settings_get_string(manager, "connection-spec"));
    add_string(builder, "file", mm_setup_file(&server->setup));
    add_number(builder, "loaded", (guint64)server->loaded);
    add_number(builder, "reloads", server->reloads);
    add_number(builder, "workers", mm_team_size(server->team));
}

static void
add_message(const char *name, MilterCounter *counter, MilterHistogram *histogram, gpointer data)
{
    static const char prefix[] = "messages.";
    (void)histogram;
    if (counter && g_str_has_prefix(name, prefix))
        add_number(data, name + strlen(prefix), mm_counter_get(counter));
}

static void
add_traffic(JsonBuilder *builder, const MmServer *server)
{
    begin_object(builder, "sessions");
    add_number(builder, "now", mm_team_sessions(server->team));
    add_number(builder, "total", mm_team_sessions_total(server->team));
    add_number(builder, "limit", mm_settings_get_uint(server->snapshot->manager, "max-sessions"));
    json_builder_end_object(builder);
    begin_object(builder, "messages");
    mm_statistics_foreach(add_message, builder);
    json_builder_end_object(builder);
    begin_array(builder, "stages");
    for (guint i = 0; i < server->snapshot->instances->len; i++)
        add_stage(builder, mm_snapshot_instance(server->snapshot, i));
    json_builder_end_array(builder);
}

static void
add_wait(JsonBuilder *builder, const MmWait *wait)
{
    begin_object(builder, NULL);
    add_string(builder, "stage", wait->stage);
    add_string(builder, "for", wait->label);
    add_number(builder, "sessions", wait->sessions);
    add_seconds(builder, "longest", wait->longest);
    json_builder_end_object(builder);
}

typedef struct StatusRequest {
    MmServer *server;
    MmRequest *request;
} StatusRequest;

static void
answer_status(gpointer data, const GPtrArray *waits, guint silent)
{
    StatusRequest *status = data;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin_object(builder, NULL);
    add_host(builder, status->server);
    add_number(builder, "silent-workers", silent);
    add_traffic(builder, status->server);
    begin_array(builder, "waiting");
    for (guint i = 0; i < waits->len; i++)
        add_wait(builder, g_ptr_array_index(waits, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    answer(status->request, builder);
    g_free(status);
}

static void
status(MmServer *server, MmRequest *request, const char *arguments)
{
    (void)arguments;
    StatusRequest *open = g_new0(StatusRequest, 1);
    *open = (StatusRequest){server, request};
    mm_waits_gather(server->team, server->control, answer_status, open);
}

/* ---- reload, check */

static void
add_problems(JsonBuilder *builder, const MmProblems *problems)
{
    begin_array(builder, "problems");
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        const MmProblem *problem = mm_problems_get(problems, i);
        g_autofree char *text = mm_problem_to_string(problem);
        begin_object(builder, NULL);
        add_boolean(builder, "warning", problem->warning);
        add_string(builder, "text", text);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

/* The errors, one a line. */
static void
refuse_for(MmRequest *request, const MmProblems *problems)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        const MmProblem *problem = mm_problems_get(problems, i);
        g_autofree char *text = mm_problem_to_string(problem);
        if (!problem->warning)
            g_string_append_printf(lines, "%s%s", lines->len > 0 ? "\n" : "", text);
    }
    mm_request_refuse(request, lines->str);
}

static void
reload(MmServer *server, MmRequest *request, const char *arguments)
{
    (void)arguments;
    g_autoptr(MmProblems) problems = mm_problems_new();
    if (!mm_server_reload(server, problems)) {
        refuse_for(request, problems);
        return;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin_object(builder, NULL);
    add_string(builder, "file", mm_setup_file(&server->setup));
    add_number(builder, "stages", server->snapshot->instances->len);
    add_problems(builder, problems);
    json_builder_end_object(builder);
    answer(request, builder);
}

/* What a reload would say, with nothing taken. */
static void
check(MmServer *server, MmRequest *request, const char *arguments)
{
    (void)arguments;
    MmSnapshot *snapshot;
    g_autoptr(MmProblems) problems = mm_problems_new();
    mm_setup_load(&server->setup, server->snapshot, &snapshot, problems);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin_object(builder, NULL);
    add_string(builder, "file", mm_setup_file(&server->setup));
    add_boolean(builder, "good", snapshot != NULL);
    add_problems(builder, problems);
    json_builder_end_object(builder);
    mm_snapshot_unref(snapshot);
    answer(request, builder);
}

/* The configuration in force as a text. */
static void
show_config(MmServer *server, MmRequest *request, const char *arguments)
{
    (void)arguments;
    g_autofree char *text = mm_setup_print(&server->setup, server->snapshot);
    g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);
    g_autofree char *json = json_to_string(node, FALSE);
    mm_request_answer(request, json);
}

/* ---- Dispatch. */

static void list_verbs(MmServer *server, MmRequest *request, const char *arguments);

typedef void (*HostVerb)(MmServer *server, MmRequest *request, const char *arguments);
static const struct {
    const char *name;
    HostVerb function;
} host_verbs[] = {
    {"check", check},           {"reload", reload}, {"show-config", show_config},
    {"statistics", statistics}, {"status", status}, {"verbs", list_verbs},
};

static void
list_verbs(MmServer *server, MmRequest *request, const char *arguments)
{
    (void)server;
    (void)arguments;
    g_auto(GStrv) names = mm_admin_names();
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < G_N_ELEMENTS(host_verbs); i++)
        json_builder_add_string_value(builder, host_verbs[i].name);
    for (guint i = 0; names[i]; i++)
        json_builder_add_string_value(builder, names[i]);
    json_builder_end_array(builder);
    answer(request, builder);
}

static void
answer_from_plugin(gpointer data, const char *json, const char *error)
{
    if (error)
        mm_request_refuse(data, error);
    else
        mm_request_answer(data, json ? json : "null");
}

/* "STAGE.VERB", or a verb of the host's own. */
static void
refuse_unknown(MmRequest *request, const char *verb)
{
    const char *dot = strchr(verb, '.');
    g_autofree char *stage = dot ? g_strndup(verb, (gsize)(dot - verb)) : NULL;
    g_autofree char *text =
        dot ? g_strdup_printf(_("there is no stage “%s” with a verb “%s”"), stage, dot + 1)
            : g_strdup_printf(_("there is no verb “%s”"), verb);
    mm_request_refuse(request, text);
}

void
mm_server_verb(gpointer data, MmRequest *request, const char *verb, const char *arguments)
{
    MmServer *server = data;
    if (!server->team) { /* what is still asked at the very end */
        mm_request_refuse(request, _("the host is stopping"));
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(host_verbs); i++) {
        if (strcmp(verb, host_verbs[i].name) == 0) {
            host_verbs[i].function(server, request, arguments);
            return;
        }
    }
    if (mm_admin_call(verb, arguments, answer_from_plugin, request))
        return;
    refuse_unknown(request, verb);
}
