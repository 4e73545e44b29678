/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     figures.h - all figures of the host, as they were at one time
 *
 * DESCRIPTION
 *     What is shown and what is recorded is made from such a copy: the host's lock is held while it
 *     is made and no longer.
 */
#ifndef STATUS_FIGURES_H
#define STATUS_FIGURES_H

#include <glib.h>
#include <milter-manager/plugin.h>

typedef struct Figure {
    MilterFigureKind kind;
    char *stage; /* NULL: the host's own */
    char *name;
    guint64 value;
    double sum;
    double *bounds;  /* n_bounds; NULL: no histogram */
    guint64 *counts; /* n_bounds + 1 */
    gsize n_bounds;
} Figure;

typedef struct Figures {
    gint64 time;     /* seconds since 1970 */
    GPtrArray *list; /* of Figure: the host's own, then by stage, each by name */
} Figures;

/* Any thread. A host that tells no figures has none. */
Figures *figures_take(const MilterHost *host);
void figures_free(Figures *figures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Figures, figures_free)

/* NULL: there is none. stage NULL: the host's own. */
const Figure *figures_find(const Figures *figures, const char *stage, const char *name,
                           MilterFigureKind kind);
/* 0 if there is none. */
guint64 figures_value(const Figures *figures, const char *stage, const char *name,
                      MilterFigureKind kind);
/* Names of the stages. The array is the caller's, what is in it is not. */
GPtrArray *figures_stages(const Figures *figures);

/* metrics.c: the text exposition of Prometheus, version 0.0.4. Free, as below. */
char *metrics_text(const Figures *figures);
/* json.c: the same as one JSON object. */
char *json_text(const Figures *figures);
/* page.c: the same for people. graphs: HTML, or NULL. */
char *page_html(const Figures *figures, const char *graphs);

#endif
