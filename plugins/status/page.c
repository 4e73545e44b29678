/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page: complete in itself, every text escaped. */
#include "figures.h"
#include "graph.h"

#include "base/i18n.h"

#include <string.h>

static const char style[] =
    "body{font:15px/1.4 sans-serif;margin:1em auto;max-width:60em;padding:0 1em;color:#222;"
    "background:#fff}"
    "table{border-collapse:collapse;margin:0 0 1em}"
    "td,th{padding:.15em .8em;text-align:left;border-bottom:1px solid #ddd}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "figure{margin:0 0 1em}h3{font-size:1em;margin:.4em 0}small{font-weight:normal;color:#666}"
    "svg{width:100%;height:auto}svg text{font-size:11px;fill:#666}"
    ".rule{stroke:#ddd;fill:none}.line{fill:none;stroke-width:1.5;stroke:currentColor}"
    ".bad{color:#a00;font-weight:bold}"
    ".c0{color:#1f6fb4}.c1{color:#c0392b}.c2{color:#e08e0b}.c3{color:#6b4fa0}"
    ".c4{color:#2e8b57}.c5{color:#8c564b}.c6{color:#c2539d}.c7{color:#6b6b6b}";

/* ---- Cells. */

static void
element(GString *out, const char *open, const char *text, const char *close)
{
    g_string_append(out, open);
    graph_append_text(out, text);
    g_string_append(out, close);
}

static void
number_cell(GString *out, guint64 number)
{
    g_string_append_printf(out, "<td class=\"n\">%" G_GUINT64_FORMAT "</td>", number);
}

static void
row(GString *out, const char *name, const char *value)
{
    element(out, "<tr><th>", name, "</th>");
    element(out, "<td>", value, "</td></tr>\n");
}

static void
number_row(GString *out, const char *name, guint64 value)
{
    element(out, "<tr><th>", name, "</th>");
    number_cell(out, value);
    g_string_append(out, "</tr>\n");
}

static void
time_row(GString *out, const Figures *figures, const char *name, const char *figure)
{
    gint64 seconds = (gint64)figures_value(figures, NULL, figure, MILTER_FIGURE_GAUGE);
    g_autoptr(GDateTime) time = seconds > 0 ? g_date_time_new_from_unix_local(seconds) : NULL;
    g_autofree char *text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
    row(out, name, text ? text : "-");
}

/* ---- Tables. */

static void
append_host(GString *out, const Figures *figures)
{
    g_string_append(out, "<table>\n");
    row(out, _("Version"), MM_VERSION);
    time_row(out, figures, _("Serving since"), "manager.started");
    time_row(out, figures, _("Configuration loaded"), "manager.loaded");
    number_row(out, _("Reloads"),
               figures_value(figures, NULL, "manager.reloads", MILTER_FIGURE_COUNTER));
    number_row(out, _("Workers"),
               figures_value(figures, NULL, "manager.workers", MILTER_FIGURE_GAUGE));
    number_row(out, _("Sessions now"),
               figures_value(figures, NULL, "sessions.now", MILTER_FIGURE_GAUGE));
    number_row(out, _("Sessions in all"),
               figures_value(figures, NULL, "sessions.total", MILTER_FIGURE_COUNTER));
    g_string_append(out, "</table>\n");
}

static void
append_messages(GString *out, const Figures *figures)
{
    static const char prefix[] = "messages.";
    element(out, "<h2>", _("Messages"), "</h2>\n<table>\n");
    for (guint i = 0; i < figures->list->len; i++) {
        const Figure *figure = g_ptr_array_index(figures->list, i);
        if (!figure->stage && g_str_has_prefix(figure->name, prefix))
            number_row(out, figure->name + strlen(prefix), figure->value);
    }
    g_string_append(out, "</table>\n");
}

/* Headings in the order of the figures below, then the mean time and what is the matter. */
static const struct {
    const char *heading, *figure;
} columns[] = {
    {N_("asked"), "asked"},
    {N_("failed"), "failed"},
    {"accept", "verdict-accept"},
    {"reject", "verdict-reject"},
    {"temporary-failure", "verdict-temporary-failure"},
    {"discard", "verdict-discard"},
};

static void
append_headings(GString *out)
{
    element(out, "<tr><th>", _("Stage"), "</th>");
    for (gsize i = 0; i < G_N_ELEMENTS(columns); i++)
        element(out, "<th class=\"n\">", _(columns[i].heading), "</th>");
    element(out, "<th class=\"n\">", _("mean time (ms)"), "</th><th></th></tr>\n");
}

static void
append_stage(GString *out, const Figures *figures, const char *stage)
{
    const Figure *answered = figures_find(figures, stage, "answered", MILTER_FIGURE_HISTOGRAM);
    gboolean tripped = figures_value(figures, stage, "tripped-now", MILTER_FIGURE_GAUGE) > 0;
    char mean[G_ASCII_DTOSTR_BUF_SIZE] = "-";
    element(out, "<tr><th>", stage, "</th>");
    for (gsize i = 0; i < G_N_ELEMENTS(columns); i++)
        number_cell(out, figures_value(figures, stage, columns[i].figure, MILTER_FIGURE_COUNTER));
    if (answered && answered->value > 0)
        g_ascii_formatd(mean, sizeof(mean), "%.1f", answered->sum * 1000 / (double)answered->value);
    element(out, "<td class=\"n\">", mean, "</td>");
    element(out, "<td class=\"bad\">", tripped ? _("tripped") : "", "</td></tr>\n");
}

static void
append_stages(GString *out, const Figures *figures)
{
    g_autoptr(GPtrArray) stages = figures_stages(figures);
    element(out, "<h2>", _("Stages"), "</h2>\n<table>\n");
    append_headings(out);
    for (guint i = 0; i < stages->len; i++)
        append_stage(out, figures, g_ptr_array_index(stages, i));
    g_string_append(out, "</table>\n");
}

char *
page_html(const Figures *figures, const char *graphs)
{
    GString *out = g_string_new("<!DOCTYPE html>\n<html lang=\"");
    /* TRANSLATORS: the language of this translation, as in the attribute lang of HTML. */
    graph_append_text(out, _("en"));
    g_string_append(out, "\">\n<head><meta charset=\"utf-8\"><title>milter-manager</title>\n"
                         "<meta name=\"viewport\" content=\"width=device-width\">\n"
                         "<meta http-equiv=\"refresh\" content=\"60\">\n<style>");
    g_string_append(out, style);
    g_string_append(out, "</style></head>\n<body>\n<h1>milter-manager</h1>\n");
    append_host(out, figures);
    append_messages(out, figures);
    append_stages(out, figures);
    if (graphs)
        g_string_append(out, graphs);
    g_string_append(out, "<p><a href=\"/metrics\">metrics</a> "
                         "<a href=\"/status.json\">status.json</a></p>\n</body></html>\n");
    return g_string_free(out, FALSE);
}
