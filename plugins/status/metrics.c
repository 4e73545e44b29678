/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text exposition. All lines of a family stand together, under its HELP and TYPE; so each
 * figure is given its place first, and then they are sorted. */
#include "figures.h"

#include <string.h>

#define PREFIX "milter_manager_"

typedef struct Metric {
    char *family; /* without PREFIX */
    char *labels; /* in braces, without them; "" */
    const char *type;
    char *help;
    const Figure *figure; /* NULL: number */
    double number;
} Metric;

static void
metric_free(gpointer data)
{
    Metric *metric = data;
    g_free(metric->family);
    g_free(metric->labels);
    g_free(metric->help);
    g_free(metric);
}

static const char *const types[] = {[MILTER_FIGURE_COUNTER] = "counter",
                                    [MILTER_FIGURE_GAUGE] = "gauge",
                                    [MILTER_FIGURE_HISTOGRAM] = "histogram"};
static const char *const endings[] = {[MILTER_FIGURE_COUNTER] = "_total",
                                      [MILTER_FIGURE_GAUGE] = "",
                                      [MILTER_FIGURE_HISTOGRAM] = "_seconds"};

/* ---- Texts. */

/* A label's value: backslash, quote and line feed are escaped, nothing else is. */
static char *
label(const char *name, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    GString *text = g_string_new(name);
    g_string_append(text, "=\"");
    for (const char *c = valid; *c; c++) {
        if (*c == '\n')
            g_string_append(text, "\\n");
        else if (*c == '\\' || *c == '"')
            g_string_append_printf(text, "\\%c", *c);
        else
            g_string_append_c(text, *c);
    }
    g_string_append_c(text, '"');
    return g_string_free(text, FALSE);
}

static void
append_number(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof(text), "%.15g", number));
}

/* A plugin's name that is none ("[a-z0-9-]+") has no place: it might fall on another's. */
static gboolean
has_place(const Figure *figure)
{
    const char *name = figure->name;
    for (; g_ascii_islower(*name) || g_ascii_isdigit(*name) || *name == '-' ||
           (*name == '.' && !figure->stage);
         name++)
        continue;
    return *figure->name && *name == '\0';
}

static Metric *
add(GPtrArray *metrics, const char *family, const char *ending, const char *type, const char *help)
{
    Metric *metric = g_new0(Metric, 1);
    metric->family = g_strdelimit(g_strconcat(family, ending, NULL), "-.", '_');
    metric->labels = g_strdup("");
    metric->type = type;
    metric->help = g_strdup(help);
    g_ptr_array_add(metrics, metric);
    return metric;
}

static void
set_labels(Metric *metric, char *labels)
{
    g_free(metric->labels);
    metric->labels = labels;
}

/* ---- Where each figure stands. */

static const struct {
    const char *name, *family, *help;
} known_own[] = {
    {"manager.dns-cached", "dns_cached", "Names that were answered from the cache."},
    {"manager.dns-failures", "dns_failures", "Names that could not be looked up."},
    {"manager.dns-lookups", "dns_lookups", "Names that were looked up."},
    {"manager.loaded", "configuration_loaded_time_seconds",
     "When the configuration in force was loaded, in seconds since 1970."},
    {"manager.reloads", "reloads", "How often the configuration was loaded anew."},
    {"manager.started", "start_time_seconds",
     "When the host began to serve, in seconds since 1970."},
    {"manager.workers", "workers", "Threads that serve sessions."},
    {"sessions.now", "open_sessions", "Sessions of MTAs that are open now."},
    {"sessions.total", "sessions", "Sessions of MTAs that were begun."},
};

/* One of the host's that this file knows no better name for. */
static Metric *
add_other_own(GPtrArray *metrics, const Figure *figure)
{
    g_autofree char *help = g_strdup_printf("The host's figure %s.", figure->name);
    const char *name = figure->name;
    if (g_str_has_prefix(name, "manager."))
        name += strlen("manager.");
    return add(metrics, name, endings[figure->kind], types[figure->kind], help);
}

static Metric *
add_own(GPtrArray *metrics, const Figure *figure)
{
    static const char messages[] = "messages.";
    for (gsize i = 0; i < G_N_ELEMENTS(known_own); i++) {
        if (strcmp(figure->name, known_own[i].name) == 0)
            return add(metrics, known_own[i].family, endings[figure->kind], types[figure->kind],
                       known_own[i].help);
    }
    if (figure->kind != MILTER_FIGURE_COUNTER || !g_str_has_prefix(figure->name, messages))
        return add_other_own(metrics, figure);
    Metric *metric = add(metrics, "messages", "_total", "counter",
                         "Messages, by what the MTA was told of them at last.");
    set_labels(metric, label("outcome", figure->name + strlen(messages)));
    return metric;
}

static const struct {
    const char *name, *help;
} known_stage[] = {
    {"answered", "Time from a question to the stage until its answer."},
    {"asked", "Questions to the stage."},
    {"failed", "Failures of the stage: its fallback was applied."},
    {"tripped", "How often the stage failed so often that it was skipped from then on."},
    {"tripped-now", "Whether the stage is skipped now because it kept failing."},
};

static char *
stage_help(const Figure *figure)
{
    for (gsize i = 0; i < G_N_ELEMENTS(known_stage); i++) {
        if (strcmp(figure->name, known_stage[i].name) == 0)
            return g_strdup(known_stage[i].help);
    }
    return g_strdup_printf("The figure %s of the stage's plugin.", figure->name);
}

static Metric *
add_of_stage(GPtrArray *metrics, const Figure *figure)
{
    static const char verdict[] = "verdict-";
    g_autofree char *stage = label("stage", figure->stage);
    Metric *metric;
    if (figure->kind == MILTER_FIGURE_COUNTER && g_str_has_prefix(figure->name, verdict)) {
        g_autofree char *word = label("verdict", figure->name + strlen(verdict));
        metric = add(metrics, "stage_verdicts", "_total", "counter",
                     "Answers of the stage that were not neutral.");
        set_labels(metric, g_strconcat(stage, ",", word, NULL));
        return metric;
    }
    g_autofree char *family = g_strconcat("stage_", figure->name, NULL);
    g_autofree char *help = stage_help(figure);
    metric = add(metrics, family, endings[figure->kind], types[figure->kind], help);
    set_labels(metric, g_steal_pointer(&stage));
    return metric;
}

static void
add_age(GPtrArray *metrics, const Figures *figures, const char *name, const char *family,
        const char *help)
{
    const Figure *since = figures_find(figures, NULL, name, MILTER_FIGURE_GAUGE);
    if (since && since->value > 0)
        add(metrics, family, "", "gauge", help)->number =
            (double)MAX(figures->time - (gint64)since->value, 0);
}

static void
add_derived(GPtrArray *metrics, const Figures *figures)
{
    Metric *build = add(metrics, "build_info", "", "gauge", "The version of milter-manager.");
    set_labels(build, label("version", MM_VERSION));
    build->number = 1;
    add_age(metrics, figures, "manager.started", "uptime_seconds",
            "How long the host has been serving.");
    add_age(metrics, figures, "manager.loaded", "configuration_age_seconds",
            "How long the configuration has been in force.");
}

/* ---- Writing. */

static gint
compare(gconstpointer a, gconstpointer b)
{
    const Metric *one = *(const Metric *const *)a;
    const Metric *other = *(const Metric *const *)b;
    gint order = strcmp(one->family, other->family);
    return order != 0 ? order : strcmp(one->labels, other->labels);
}

static void
append_sample(GString *out, const Metric *metric, const char *ending, const char *more,
              double number)
{
    const char *comma = *metric->labels && *more ? "," : "";
    g_string_append_printf(out, PREFIX "%s%s", metric->family, ending);
    if (*metric->labels || *more)
        g_string_append_printf(out, "{%s%s%s}", metric->labels, comma, more);
    g_string_append_c(out, ' ');
    append_number(out, number);
    g_string_append_c(out, '\n');
}

static void
append_histogram(GString *out, const Metric *metric)
{
    const Figure *figure = metric->figure;
    guint64 all = 0;
    for (gsize i = 0; i < figure->n_bounds; i++) {
        g_autoptr(GString) bound = g_string_new("le=\"");
        append_number(bound, figure->bounds[i]);
        g_string_append_c(bound, '"');
        all += figure->counts[i];
        append_sample(out, metric, "_bucket", bound->str, (double)all);
    }
    all += figure->counts[figure->n_bounds];
    append_sample(out, metric, "_bucket", "le=\"+Inf\"", (double)all);
    append_sample(out, metric, "_sum", "", figure->sum);
    append_sample(out, metric, "_count", "", (double)all);
}

static void
append_metric(GString *out, const Metric *metric, const Metric *before)
{
    if (!before || strcmp(before->family, metric->family) != 0)
        g_string_append_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
                               metric->family, metric->help, metric->family, metric->type);
    if (metric->figure && metric->figure->kind == MILTER_FIGURE_HISTOGRAM)
        append_histogram(out, metric);
    else
        append_sample(out, metric, "", "",
                      metric->figure ? (double)metric->figure->value : metric->number);
}

char *
metrics_text(const Figures *figures)
{
    g_autoptr(GPtrArray) metrics = g_ptr_array_new_with_free_func(metric_free);
    GString *out = g_string_new(NULL);
    const Metric *before = NULL;
    for (guint i = 0; i < figures->list->len; i++) {
        const Figure *figure = g_ptr_array_index(figures->list, i);
        if (!has_place(figure))
            continue;
        Metric *metric = figure->stage ? add_of_stage(metrics, figure) : add_own(metrics, figure);
        metric->figure = figure;
    }
    add_derived(metrics, figures);
    g_ptr_array_sort(metrics, compare);
    for (guint i = 0; i < metrics->len; i++) {
        const Metric *metric = g_ptr_array_index(metrics, i);
        append_metric(out, metric, before);
        before = metric;
    }
    return g_string_free(out, FALSE);
}
