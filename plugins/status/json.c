/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "figures.h"

#include <json-glib/json-glib.h>
#include <string.h>

static void
set_name(JsonBuilder *builder, const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    json_builder_set_member_name(builder, valid);
}

static void
add_number(JsonBuilder *builder, const char *name, guint64 value)
{
    set_name(builder, name);
    json_builder_add_int_value(builder, (gint64)MIN(value, (guint64)G_MAXINT64));
}

static void
add_seconds(JsonBuilder *builder, const char *name, double value)
{
    set_name(builder, name);
    json_builder_add_double_value(builder, value);
}

static void
add_string(JsonBuilder *builder, const char *name, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    set_name(builder, name);
    json_builder_add_string_value(builder, valid);
}

static void
begin_object(JsonBuilder *builder, const char *name)
{
    if (name)
        set_name(builder, name);
    json_builder_begin_object(builder);
}

/* Those of the host whose names begin with prefix, without it. The object stays open. */
static void
add_own(JsonBuilder *builder, const Figures *figures, const char *object, const char *prefix)
{
    begin_object(builder, object);
    for (guint i = 0; i < figures->list->len; i++) {
        const Figure *figure = g_ptr_array_index(figures->list, i);
        if (!figure->stage && figure->kind != MILTER_FIGURE_HISTOGRAM &&
            g_str_has_prefix(figure->name, prefix))
            add_number(builder, figure->name + strlen(prefix), figure->value);
    }
}

static void
add_age(JsonBuilder *builder, const Figures *figures, const char *since, const char *name)
{
    guint64 time = figures_value(figures, NULL, since, MILTER_FIGURE_GAUGE);
    if (time > 0)
        add_number(builder, name, (guint64)MAX(figures->time - (gint64)time, 0));
}

/* Cumulative, as Prometheus has them; the last bucket, of all, has no bound. */
static void
add_histogram(JsonBuilder *builder, const Figure *figure)
{
    guint64 all = 0;
    begin_object(builder, figure->name);
    add_number(builder, "count", figure->value);
    add_seconds(builder, "sum", figure->sum);
    json_builder_set_member_name(builder, "buckets");
    json_builder_begin_array(builder);
    for (gsize i = 0; i <= figure->n_bounds; i++) {
        all += figure->counts[i];
        begin_object(builder, NULL);
        if (i < figure->n_bounds)
            add_seconds(builder, "le", figure->bounds[i]);
        add_number(builder, "count", all);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void
add_kind(JsonBuilder *builder, const Figures *figures, const char *stage, const char *object,
         MilterFigureKind kind)
{
    begin_object(builder, object);
    for (guint i = 0; i < figures->list->len; i++) {
        const Figure *figure = g_ptr_array_index(figures->list, i);
        if (figure->kind != kind || g_strcmp0(figure->stage, stage) != 0)
            continue;
        if (kind == MILTER_FIGURE_HISTOGRAM)
            add_histogram(builder, figure);
        else
            add_number(builder, figure->name, figure->value);
    }
    json_builder_end_object(builder);
}

static void
add_stages(JsonBuilder *builder, const Figures *figures)
{
    g_autoptr(GPtrArray) stages = figures_stages(figures);
    json_builder_set_member_name(builder, "stages");
    json_builder_begin_array(builder);
    for (guint i = 0; i < stages->len; i++) {
        const char *stage = g_ptr_array_index(stages, i);
        begin_object(builder, NULL);
        add_string(builder, "name", stage);
        add_kind(builder, figures, stage, "counters", MILTER_FIGURE_COUNTER);
        add_kind(builder, figures, stage, "gauges", MILTER_FIGURE_GAUGE);
        add_kind(builder, figures, stage, "histograms", MILTER_FIGURE_HISTOGRAM);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

char *
json_text(const Figures *figures)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin_object(builder, NULL);
    add_string(builder, "version", MM_VERSION);
    add_number(builder, "time", (guint64)MAX(figures->time, 0));
    add_own(builder, figures, "manager", "manager.");
    add_age(builder, figures, "manager.started", "uptime");
    add_age(builder, figures, "manager.loaded", "configuration-age");
    json_builder_end_object(builder);
    add_own(builder, figures, "sessions", "sessions.");
    json_builder_end_object(builder);
    add_own(builder, figures, "messages", "messages.");
    json_builder_end_object(builder);
    add_stages(builder, figures);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}
