/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "figures.h"

#include <string.h>

static void
figure_free(gpointer data)
{
    Figure *figure = data;
    g_free(figure->stage);
    g_free(figure->name);
    g_free(figure->bounds);
    g_free(figure->counts);
    g_free(figure);
}

static void
copy_histogram(Figure *copy, const MilterFigure *figure)
{
    copy->sum = figure->sum;
    copy->n_bounds = figure->n_bounds;
    copy->bounds = g_new(double, figure->n_bounds + 1);
    copy->counts = g_new(guint64, figure->n_bounds + 1);
    for (gsize i = 0; i < figure->n_bounds; i++)
        copy->bounds[i] = figure->bounds[i];
    for (gsize i = 0; i <= figure->n_bounds; i++)
        copy->counts[i] = figure->counts[i];
}

static void
take(void *data, const MilterFigure *figure)
{
    if (figure->kind > MILTER_FIGURE_HISTOGRAM)
        return;
    Figure *copy = g_new0(Figure, 1);
    *copy = (Figure){.kind = (MilterFigureKind)figure->kind,
                     .stage = g_strdup(figure->stage),
                     .name = g_strdup(figure->name),
                     .value = figure->value};
    if (figure->kind == MILTER_FIGURE_HISTOGRAM)
        copy_histogram(copy, figure);
    g_ptr_array_add(data, copy);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
    const Figure *one = *(const Figure *const *)a;
    const Figure *other = *(const Figure *const *)b;
    gint order = g_strcmp0(one->stage, other->stage);
    if (order == 0)
        order = strcmp(one->name, other->name);
    return order != 0 ? order : (gint)one->kind - (gint)other->kind;
}

Figures *
figures_take(const MilterHost *host)
{
    Figures *figures = g_new0(Figures, 1);
    figures->time = host->wall_clock() / G_USEC_PER_SEC;
    figures->list = g_ptr_array_new_with_free_func(figure_free);
    if (MILTER_HOST_HAS(host, figures))
        host->figures(take, figures->list);
    g_ptr_array_sort(figures->list, compare);
    return figures;
}

void
figures_free(Figures *figures)
{
    g_ptr_array_unref(figures->list);
    g_free(figures);
}

const Figure *
figures_find(const Figures *figures, const char *stage, const char *name, MilterFigureKind kind)
{
    for (guint i = 0; i < figures->list->len; i++) {
        const Figure *figure = g_ptr_array_index(figures->list, i);
        if (figure->kind == kind && strcmp(figure->name, name) == 0 &&
            g_strcmp0(figure->stage, stage) == 0)
            return figure;
    }
    return NULL;
}

guint64
figures_value(const Figures *figures, const char *stage, const char *name, MilterFigureKind kind)
{
    const Figure *figure = figures_find(figures, stage, name, kind);
    return figure ? figure->value : 0;
}

GPtrArray *
figures_stages(const Figures *figures)
{
    GPtrArray *stages = g_ptr_array_new();
    const char *last = NULL;
    for (guint i = 0; i < figures->list->len; i++) {
        const Figure *figure = g_ptr_array_index(figures->list, i);
        if (g_strcmp0(figure->stage, last) != 0)
            g_ptr_array_add(stages, figure->stage);
        last = figure->stage;
    }
    return stages;
}
