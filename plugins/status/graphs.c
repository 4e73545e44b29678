/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which graphs there are: messages, sessions, time and verdicts of the stages, for each span. */
#include "graph.h"
#include "history.h"

#include "base/i18n.h"

#include <string.h>

/* More stages than these are not drawn: the page stays a page. */
#define STAGES_MAX 16

static const struct {
    const char *title, *unit;
    gint64 per; /* seconds of the unit */
    const char *time_format;
} spans[HISTORY_N_SPANS] = {
    [HISTORY_DAY] = {N_("Last day"), N_("per hour"), 3600, "%H:%M"},
    [HISTORY_MONTH] = {N_("Last month"), N_("per hour"), 3600, "%m-%d"},
    [HISTORY_YEAR] = {N_("Last year"), N_("per day"), 86400, "%Y-%m-%d"},
};

typedef struct Drawing {
    GString *out;
    const HistoryTable *table;
    HistorySpan span;
    GArray *lines;     /* of GraphLine: those of the graph at hand */
    GPtrArray *points; /* of double*: what they are made of */
} Drawing;

static double *
new_points(Drawing *drawing)
{
    double *points = g_new0(double, drawing->table->n_points);
    g_ptr_array_add(drawing->points, points);
    return points;
}

static void
add_rate(Drawing *drawing, const HistorySeries *series, const char *text)
{
    const HistoryTable *table = drawing->table;
    double *points = new_points(drawing);
    const GraphLine line = {text, points};
    for (guint i = 0; i < table->n_points; i++) {
        gint64 time = i + 1 < table->n_points ? table->step : table->last;
        points[i] = time > 0 ? series->points[i] * (double)spans[drawing->span].per / (double)time
                             : -1; /* nothing of it is over */
    }
    g_array_append_val(drawing->lines, line);
}

/* Nothing is drawn of nothing. */
static void
draw(Drawing *drawing, const char *title, const char *unit)
{
    const Graph graph = {.title = title,
                         .unit = unit,
                         .from = drawing->table->from,
                         .step = drawing->table->step,
                         .n_points = drawing->table->n_points,
                         .time_format = spans[drawing->span].time_format,
                         .lines = (const GraphLine *)(gpointer)drawing->lines->data,
                         .n_lines = drawing->lines->len};
    if (graph.n_lines > 0)
        graph_append(drawing->out, &graph);
    g_array_set_size(drawing->lines, 0);
    g_ptr_array_set_size(drawing->points, 0);
}

/* ---- The host. */

static void
draw_messages(Drawing *drawing)
{
    static const char prefix[] = "messages.";
    for (guint i = 0; i < drawing->table->series->len; i++) {
        const HistorySeries *series = g_ptr_array_index(drawing->table->series, i);
        if (!series->stage && g_str_has_prefix(series->name, prefix))
            add_rate(drawing, series, series->name + strlen(prefix));
    }
    draw(drawing, _("Messages"), _(spans[drawing->span].unit));
}

static void
draw_sessions(Drawing *drawing)
{
    const HistorySeries *series = history_table_find(drawing->table, NULL, "sessions.total");
    if (series)
        add_rate(drawing, series, _("Sessions"));
    draw(drawing, _("Sessions"), _(spans[drawing->span].unit));
}

/* ---- Stages. */

static GPtrArray *
stages_of(const HistoryTable *table)
{
    GPtrArray *stages = g_ptr_array_new();
    const char *last = NULL;
    for (guint i = 0; i < table->series->len && stages->len < STAGES_MAX; i++) {
        const HistorySeries *series = g_ptr_array_index(table->series, i);
        if (g_strcmp0(series->stage, last) != 0)
            g_ptr_array_add(stages, series->stage);
        last = series->stage;
    }
    return stages;
}

/* The mean time of an answer in milliseconds, where there was one. */
static void
add_time(Drawing *drawing, const char *stage)
{
    const HistorySeries *answers = history_table_find(drawing->table, stage, "answered");
    const HistorySeries *times = history_table_find(drawing->table, stage, "answered-seconds");
    if (!answers)
        return;
    double *points = new_points(drawing);
    const GraphLine line = {stage, points};
    for (guint i = 0; i < drawing->table->n_points; i++) {
        double time = times ? times->points[i] : 0;
        points[i] = answers->points[i] > 0 ? time * 1000 / answers->points[i] : -1;
    }
    g_array_append_val(drawing->lines, line);
}

static void
draw_verdicts(Drawing *drawing, const char *stage)
{
    static const char prefix[] = "verdict-";
    for (guint i = 0; i < drawing->table->series->len; i++) {
        const HistorySeries *series = g_ptr_array_index(drawing->table->series, i);
        if (g_strcmp0(series->stage, stage) != 0)
            continue;
        if (g_str_has_prefix(series->name, prefix))
            add_rate(drawing, series, series->name + strlen(prefix));
        else if (strcmp(series->name, "failed") == 0)
            add_rate(drawing, series, _("failed"));
    }
    g_autofree char *title = g_strdup_printf(_("Verdicts of %s"), stage);
    draw(drawing, title, _(spans[drawing->span].unit));
}

static void
draw_stages(Drawing *drawing)
{
    g_autoptr(GPtrArray) stages = stages_of(drawing->table);
    for (guint i = 0; i < stages->len; i++)
        add_time(drawing, g_ptr_array_index(stages, i));
    draw(drawing, _("Time of the stages"), _("milliseconds an answer"));
    for (guint i = 0; i < stages->len; i++)
        draw_verdicts(drawing, g_ptr_array_index(stages, i));
}

static void
draw_span(GString *out, const HistoryTable *table, HistorySpan span)
{
    Drawing drawing = {.out = out, .table = table, .span = span};
    drawing.lines = g_array_new(FALSE, FALSE, sizeof(GraphLine));
    drawing.points = g_ptr_array_new_with_free_func(g_free);
    g_string_append(out, "<section><h2>");
    graph_append_text(out, _(spans[span].title));
    g_string_append(out, "</h2>\n");
    draw_messages(&drawing);
    draw_sessions(&drawing);
    draw_stages(&drawing);
    if (table->series->len == 0) {
        g_string_append(out, "<p>");
        graph_append_text(out, _("Nothing is recorded yet."));
        g_string_append(out, "</p>\n");
    }
    g_string_append(out, "</section>\n");
    g_array_unref(drawing.lines);
    g_ptr_array_unref(drawing.points);
}

char *
graphs_html(History *history, gint64 now, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint span = 0; span < HISTORY_N_SPANS; span++) {
        g_autoptr(HistoryTable) table = history_read(history, (HistorySpan)span, now, error);
        if (!table)
            return NULL;
        draw_span(out, table, (HistorySpan)span);
    }
    return g_strdup(out->str);
}
