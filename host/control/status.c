/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/status.h"

#include "base/control-client.h"
#include "base/i18n.h"
#include "base/table.h"
#include "control/setup.h"
#include "control/sockets.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CALL_SECONDS 5.0
#define WATCH_MICROSECONDS G_USEC_PER_SEC
/* Home, and erase to the end of the screen. */
#define REDRAW "\033[H\033[J"

/* ---- Reading the answer: what is missing is 0 or empty, as an older host would leave it. */

static gint64
number(JsonObject *object, const char *name)
{
    return json_object_get_int_member_with_default(object, name, 0);
}

static const char *
string(JsonObject *object, const char *name)
{
    const char *value = json_object_get_string_member_with_default(object, name, "");
    return value ? value : "";
}

static JsonObject *
object_in(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonArray *
array_in(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);
    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static guint
length_of(JsonArray *array)
{
    return array ? json_array_get_length(array) : 0;
}

/* ---- Texts. */

static char *
time_text(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);
    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}

/* "3d 04:05:06" */
static char *
duration_text(gint64 seconds)
{
    gint64 days = seconds / 86400;
    int hours = (int)(seconds % 86400 / 3600);
    int minutes = (int)(seconds % 3600 / 60);
    int rest = (int)(seconds % 60);
    if (days > 0)
        return g_strdup_printf("%" G_GINT64_FORMAT "d %02d:%02d:%02d", days, hours, minutes, rest);
    return g_strdup_printf("%02d:%02d:%02d", hours, minutes, rest);
}

static void
put(GString *out, const char *label, const char *value)
{
    mm_table_pad(out, label, 16);
    g_string_append_printf(out, "%s\n", value);
}

static void
put_host(GString *out, JsonObject *status)
{
    g_autofree char *up = duration_text(number(status, "uptime"));
    g_autofree char *loaded = time_text(number(status, "loaded"));
    g_autofree char *host = g_strdup_printf("milter-manager %s (pid %" G_GINT64_FORMAT ")",
                                            string(status, "version"), number(status, "pid"));
    const char *file = string(status, "file");
    g_autofree char *configuration =
        g_strdup_printf(_("%s, loaded %s"), *file ? file : _("built-in defaults"), loaded);
    g_autofree char *workers = g_strdup_printf("%" G_GINT64_FORMAT, number(status, "workers"));
    gint64 silent = number(status, "silent-workers");
    put(out, _("Host"), host);
    put(out, _("Up"), up);
    put(out, _("Listening on"), string(status, "connection-spec"));
    put(out, _("Configuration"), configuration);
    put(out, _("Workers"), workers);
    if (silent > 0) {
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, silent);
        put(out, _("Not answering"), text);
    }
}

static void
put_traffic(GString *out, JsonObject *status)
{
    JsonObject *sessions = object_in(status, "sessions");
    JsonObject *messages = object_in(status, "messages");
    g_autoptr(GString) line = g_string_new(NULL);
    if (sessions) {
        /* In texts: a format that a macro takes part in is not found in the catalogue. */
        g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, number(sessions, "now"));
        g_autofree char *all = g_strdup_printf("%" G_GINT64_FORMAT, number(sessions, "total"));
        g_autofree char *text = g_strdup_printf(_("%s now, %s in all"), now, all);
        put(out, _("Sessions"), text);
    }
    g_autoptr(GList) words = messages ? json_object_get_members(messages) : NULL;
    gint64 total = 0;
    for (const GList *word = words; word; word = word->next) {
        total += number(messages, word->data);
        g_string_append_printf(line, "%s%s %" G_GINT64_FORMAT, line->len > 0 ? ", " : "",
                               (const char *)word->data, number(messages, word->data));
    }
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT " (%s)", total, line->str);
    put(out, _("Messages"), text);
}

static void
put_stages(GString *out, JsonArray *stages)
{
    g_autoptr(MmTable) table = mm_table_new();
    mm_table_column(table, _("STAGE"), FALSE);
    mm_table_column(table, _("PLUGIN"), FALSE);
    mm_table_column(table, _("ASKED"), TRUE);
    mm_table_column(table, _("FAILED"), TRUE);
    mm_table_column(table, _("TRIPS"), TRUE);
    mm_table_column(table, _("P50"), TRUE);
    mm_table_column(table, _("P99"), TRUE);
    mm_table_column(table, "", FALSE);
    for (guint i = 0; i < length_of(stages); i++) {
        JsonObject *stage = json_array_get_object_element(stages, i);
        mm_table_cell(table, "%s", string(stage, "name"));
        mm_table_cell(table, "%s", string(stage, "plugin"));
        mm_table_cell(table, "%" G_GINT64_FORMAT, number(stage, "asked"));
        mm_table_cell(table, "%" G_GINT64_FORMAT, number(stage, "failed"));
        mm_table_cell(table, "%" G_GINT64_FORMAT, number(stage, "trips"));
        mm_table_cell(table, "%.3f", json_object_get_double_member_with_default(stage, "p50", 0));
        mm_table_cell(table, "%.3f", json_object_get_double_member_with_default(stage, "p99", 0));
        mm_table_cell(table, "%s",
                      json_object_get_boolean_member_with_default(stage, "tripped", FALSE)
                          ? _("tripped")
                          : "");
    }
    g_string_append_c(out, '\n');
    mm_table_append(table, out);
}

static void
put_waits(GString *out, JsonArray *waits)
{
    if (length_of(waits) == 0)
        return;
    g_autoptr(MmTable) table = mm_table_new();
    mm_table_column(table, _("WAITING FOR"), FALSE);
    mm_table_column(table, "", FALSE);
    mm_table_column(table, _("SESSIONS"), TRUE);
    mm_table_column(table, _("LONGEST"), TRUE);
    for (guint i = 0; i < length_of(waits); i++) {
        JsonObject *wait = json_array_get_object_element(waits, i);
        mm_table_cell(table, "%s", string(wait, "stage"));
        mm_table_cell(table, "%s", string(wait, "for"));
        mm_table_cell(table, "%" G_GINT64_FORMAT, number(wait, "sessions"));
        mm_table_cell(table, "%.1f",
                      json_object_get_double_member_with_default(wait, "longest", 0));
    }
    g_string_append_c(out, '\n');
    mm_table_append(table, out);
}

char *
mm_status_table(const char *json, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_data(parser, json, -1, error))
        return NULL;
    JsonNode *root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error_literal(error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_PROTOCOL,
                            _("what came is no answer of a host"));
        return NULL;
    }
    JsonObject *status = json_node_get_object(root);
    GString *out = g_string_new(NULL);
    put_host(out, status);
    put_traffic(out, status);
    put_stages(out, array_in(status, "stages"));
    put_waits(out, array_in(status, "waiting"));
    return g_string_free(out, FALSE);
}

/* ---- Asking. */

static char *
control_path(const MmCommandLine *line, GError **error)
{
    MmSetup setup;
    char *path = NULL;
    g_autoptr(MmProblems) problems = mm_problems_new();
    if (!mm_setup_init(&setup, line, error))
        return NULL;
    g_autoptr(MmConfig) config = mm_setup_read(&setup, problems);
    if (config)
        path = mm_sockets_control_path(config->manager, line->root);
    else if (mm_problems_count(problems) > 0) {
        g_autofree char *text = mm_problem_to_string(mm_problems_get(problems, 0));
        g_set_error_literal(error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_NOT_RUNNING, text);
    }
    mm_setup_clear(&setup);
    return path;
}

static char *
ask(const char *path, GError **error)
{
    g_autoptr(MmControlClient) client = mm_control_connect(path, CALL_SECONDS, error);
    g_autofree char *json =
        client ? mm_control_call(client, "status", NULL, CALL_SECONDS, error) : NULL;
    return json ? mm_status_table(json, error) : NULL;
}

/* One table; FALSE: it could not be had. */
static gboolean
show_once(const char *path, gboolean redraw)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *table = ask(path, &error);
    if (redraw)
        fputs(REDRAW, stdout);
    fputs(table ? table : "", stdout);
    fflush(stdout);
    if (error)
        fprintf(stderr, "milter-manager: %s\n", error->message);
    return table != NULL;
}

int
mm_status_show(const MmCommandLine *line, gboolean watch)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = control_path(line, &error);
    if (!path) {
        fprintf(stderr, "milter-manager: %s\n", error->message);
        return EXIT_FAILURE;
    }
    gboolean terminal = isatty(STDOUT_FILENO) != 0;
    if (!show_once(path, watch && terminal))
        return EXIT_FAILURE;
    while (watch && !ferror(stdout)) {
        g_usleep(WATCH_MICROSECONDS);
        if (!terminal)
            putchar('\n');
        show_once(path, terminal); /* a host that restarts is waited for */
    }
    return EXIT_SUCCESS;
}
