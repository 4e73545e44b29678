/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph.h"

#define WIDTH 720
#define HEIGHT 140
/* The drawing within: room for numbers on the left and times below. */
#define LEFT 60
#define TOP 8
#define BOTTOM 20
#define N_TIMES 6

void
graph_append_text(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *escaped = g_markup_escape_text(valid, -1);
    g_string_append(out, escaped);
}

static void
append_number(GString *out, const char *format, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof(text), format, number));
}

/* ---- Scales. */

/* 1, 2 or 5 times a power of ten, not below number; 1 for nothing. */
static double
round_up(double number)
{
    static const double steps[] = {1, 2, 5, 10};
    double power = 1;
    if (!(number > 0))
        return 1;
    while (power > number)
        power /= 10;
    while (power * 10 < number)
        power *= 10;
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (steps[i] * power >= number)
            return steps[i] * power;
    }
    return 10 * power;
}

static double
top_of(const Graph *graph)
{
    double most = 0;
    for (guint i = 0; i < graph->n_lines; i++) {
        for (guint j = 0; j < graph->n_points; j++)
            most = MAX(most, graph->lines[i].points[j]);
    }
    return round_up(most);
}

static double
x_of(const Graph *graph, double point)
{
    return LEFT + point * (WIDTH - LEFT) / graph->n_points;
}

static double
y_of(double value, double top)
{
    return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
}

/* ---- Parts. */

static void
append_label(GString *out, double x, double y, const char *anchor, const char *text)
{
    g_string_append(out, "<text x=\"");
    append_number(out, "%.1f", x);
    g_string_append(out, "\" y=\"");
    append_number(out, "%.1f", y);
    g_string_append_printf(out, "\" text-anchor=\"%s\">", anchor);
    graph_append_text(out, text);
    g_string_append(out, "</text>");
}

static void
append_rule(GString *out, double value, double top)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    double y = y_of(value, top);
    g_string_append_printf(out, "<path class=\"rule\" d=\"M%d ", LEFT);
    append_number(out, "%.1f", y);
    g_string_append_printf(out, "H%d\"/>", WIDTH);
    append_label(out, LEFT - 4, y + 4, "end", g_ascii_formatd(text, sizeof(text), "%.4g", value));
}

static void
append_times(GString *out, const Graph *graph)
{
    for (guint i = 0; i < N_TIMES; i++) {
        guint point = graph->n_points * i / N_TIMES;
        g_autoptr(GDateTime) time =
            g_date_time_new_from_unix_local(graph->from + point * graph->step);
        g_autofree char *text = time ? g_date_time_format(time, graph->time_format) : NULL;
        append_label(out, x_of(graph, point), HEIGHT - 4, "start", text ? text : "");
    }
}

/* A point between two like it says nothing. */
static gboolean
is_flat(const GraphLine *line, const Graph *graph, guint i)
{
    const double *points = line->points;
    return i > 0 && i + 1 < graph->n_points && points[i - 1] == points[i] &&
           points[i] == points[i + 1];
}

static void
append_line(GString *out, const Graph *graph, guint which, double top)
{
    const GraphLine *line = &graph->lines[which];
    gboolean drawing = FALSE;
    g_string_append_printf(out, "<path class=\"line c%u\" d=\"", which % GRAPH_N_COLOURS);
    for (guint i = 0; i < graph->n_points; i++) {
        double value = line->points[i];
        if (value < 0) {
            drawing = FALSE;
            continue;
        }
        if (is_flat(line, graph, i))
            continue;
        g_string_append_c(out, drawing ? 'L' : 'M');
        append_number(out, "%.1f", x_of(graph, i + 0.5));
        g_string_append_c(out, ' ');
        append_number(out, "%.1f", y_of(value, top));
        if (!drawing) /* so that one alone is seen */
            g_string_append(out, "h0.1");
        drawing = TRUE;
    }
    g_string_append(out, "\"/>\n");
}

static void
append_legend(GString *out, const Graph *graph)
{
    g_string_append(out, "<figcaption>");
    for (guint i = 0; i < graph->n_lines; i++) {
        g_string_append_printf(out, "<span class=\"c%u\">&#9632;</span> ", i % GRAPH_N_COLOURS);
        graph_append_text(out, graph->lines[i].label);
        g_string_append(out, i + 1 < graph->n_lines ? ", " : "");
    }
    g_string_append(out, "</figcaption></figure>\n");
}

void
graph_append(GString *out, const Graph *graph)
{
    double top = top_of(graph);
    g_string_append(out, "<figure><h3>");
    graph_append_text(out, graph->title);
    g_string_append(out, " <small>");
    graph_append_text(out, graph->unit);
    g_string_append_printf(
        out, "</small></h3>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    graph_append_text(out, graph->title);
    g_string_append(out, "\">\n");
    append_rule(out, 0, top);
    append_rule(out, top / 2, top);
    append_rule(out, top, top);
    append_times(out, graph);
    g_string_append_c(out, '\n');
    for (guint i = 0; i < graph->n_lines; i++)
        append_line(out, graph, i, top);
    g_string_append(out, "</svg>\n");
    append_legend(out, graph);
}
