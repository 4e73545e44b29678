/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     graph.h - one graph as SVG within HTML
 *
 * DESCRIPTION
 *     Every text is escaped here. Nothing is loaded from elsewhere; colours are classes c0 to c7 of
 *     the page's style.
 */
#ifndef STATUS_GRAPH_H
#define STATUS_GRAPH_H

#include <glib.h>

#define GRAPH_N_COLOURS 8

typedef struct GraphLine {
    const char *label;
    const double *points; /* below 0: there is none */
} GraphLine;

typedef struct Graph {
    const char *title;
    const char *unit;
    gint64 from; /* seconds since 1970 */
    gint64 step; /* seconds */
    guint n_points;
    const char *time_format; /* of g_date_time_format */
    const GraphLine *lines;
    guint n_lines;
} Graph;

void graph_append(GString *out, const Graph *graph);
/* Appends text for HTML, also between quotes. */
void graph_append_text(GString *out, const char *text);

#endif
