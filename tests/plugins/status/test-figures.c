/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made of figures, of odd ones too. */
#include "figures.h"
#include "http.h"

#include <json-glib/json-glib.h>
#include <string.h>

static const double bounds[] = {0.001, 0.5};
static const uint64_t counts[] = {1, 2, 4};

#define COUNTER(of, called, is)                                                                    \
    {                                                                                              \
        .size = sizeof(MilterFigure), .kind = MILTER_FIGURE_COUNTER, .stage = (of),                \
        .name = (called), .value = (is)                                                            \
    }
#define GAUGE(of, called, is)                                                                      \
    {                                                                                              \
        .size = sizeof(MilterFigure), .kind = MILTER_FIGURE_GAUGE, .stage = (of),                  \
        .name = (called), .value = (is)                                                            \
    }
#define HISTOGRAM(of, called)                                                                      \
    {                                                                                              \
        .size = sizeof(MilterFigure), .kind = MILTER_FIGURE_HISTOGRAM, .stage = (of),              \
        .name = (called), .value = 7, .sum = 8.25, .bounds = bounds, .counts = counts,             \
        .n_bounds = 2                                                                              \
    }

static const MilterFigure plain[] = {
    COUNTER("b", "asked", 5),
    HISTOGRAM("b", "answered"),
    COUNTER("a", "verdict-reject", 3),
    COUNTER(NULL, "messages.accept", 10),
    COUNTER("a", "asked", 4),
    HISTOGRAM("a", "answered"),
    GAUGE("a", "tripped-now", 1),
    GAUGE(NULL, "sessions.now", 2),
    COUNTER(NULL, "sessions.total", 12),
    GAUGE(NULL, "manager.started", 900),
    GAUGE(NULL, "manager.loaded", 990),
    COUNTER(NULL, "manager.of-a-newer-host", 1),
};

/* No stage has such a name, no plugin should have such figures: but nothing breaks. */
static const char hostile[] = "\"><script>x</script>\\\n{le=\"1\"} & \xFF\x01";
static const MilterFigure odd[] = {
    COUNTER(hostile, "asked", 1),
    COUNTER(hostile, "verdict-\"}\n", 1),
    HISTOGRAM(hostile, "answered"),
    COUNTER("a", hostile, 1),
    COUNTER("a", "", 1),
    COUNTER("a", "a-b", 1),
    COUNTER("a", "a.b", 1),
    COUNTER("a", "a_b", 1),
    COUNTER("a", "x-total", 1),
    HISTOGRAM("a", "x"),
    COUNTER("a", "x-seconds-sum", 1),
    COUNTER("a", "asked", G_MAXUINT64),
    COUNTER(NULL, hostile, 1),
    GAUGE(NULL, "manager.started", G_MAXUINT64),
    {.size = sizeof(MilterFigure), .kind = 99, .stage = "a", .name = "of-a-newer-host"},
};

static const MilterFigure *shown;
static gsize n_shown;

static void
show(MilterFigureFunction function, void *data)
{
    for (gsize i = 0; i < n_shown; i++)
        function(data, &shown[i]);
}

static int64_t
wall_clock(void)
{
    return 1000 * G_USEC_PER_SEC + 5;
}

static const MilterHost host = {.size = sizeof(host), .wall_clock = wall_clock, .figures = show};

static Figures *
take(const MilterFigure *figures, gsize n)
{
    shown = figures;
    n_shown = n;
    return figures_take(&host);
}

static void
test_take(void)
{
    g_autoptr(Figures) figures = take(plain, G_N_ELEMENTS(plain));
    g_autoptr(GPtrArray) stages = figures_stages(figures);
    g_assert_cmpint(figures->time, ==, 1000);
    g_assert_cmpuint(stages->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(stages, 0), ==, "a");
    g_assert_cmpuint(figures_value(figures, "b", "asked", MILTER_FIGURE_COUNTER), ==, 5);
    g_assert_cmpuint(figures_value(figures, "b", "asked", MILTER_FIGURE_GAUGE), ==, 0);
    g_assert_cmpuint(figures_value(figures, NULL, "sessions.now", MILTER_FIGURE_GAUGE), ==, 2);
    g_assert_null(figures_find(figures, NULL, "asked", MILTER_FIGURE_COUNTER));
}

static void
test_older_host(void)
{
    const MilterHost older = {.size = MILTER_HOST_SIZE_1, .wall_clock = wall_clock};
    g_autoptr(Figures) figures = figures_take(&older);
    g_autofree char *text = metrics_text(figures);
    g_autoptr(GHashTable) samples = exposition_parse(text);
    g_assert_cmpuint(g_hash_table_size(samples), ==, 1);
    g_autofree char *page = page_html(figures, NULL);
    g_assert_nonnull(strstr(page, "</html>"));
}

static void
test_metrics(void)
{
    static const struct {
        const char *sample;
        double value;
    } expected[] = {
        {"milter_manager_messages_total{outcome=\"accept\"}", 10},
        {"milter_manager_open_sessions", 2},
        {"milter_manager_sessions_total", 12},
        {"milter_manager_uptime_seconds", 100},
        {"milter_manager_configuration_age_seconds", 10},
        {"milter_manager_of_a_newer_host_total", 1},
        {"milter_manager_stage_asked_total{stage=\"a\"}", 4},
        {"milter_manager_stage_asked_total{stage=\"b\"}", 5},
        {"milter_manager_stage_tripped_now{stage=\"a\"}", 1},
        {"milter_manager_stage_verdicts_total{stage=\"a\",verdict=\"reject\"}", 3},
        {"milter_manager_stage_answered_seconds_bucket{stage=\"b\",le=\"0.001\"}", 1},
        {"milter_manager_stage_answered_seconds_bucket{stage=\"b\",le=\"0.5\"}", 3},
        {"milter_manager_stage_answered_seconds_bucket{stage=\"b\",le=\"+Inf\"}", 7},
        {"milter_manager_stage_answered_seconds_sum{stage=\"b\"}", 8.25},
        {"milter_manager_stage_answered_seconds_count{stage=\"b\"}", 7},
    };
    g_autoptr(Figures) figures = take(plain, G_N_ELEMENTS(plain));
    g_autofree char *text = metrics_text(figures);
    g_autoptr(GHashTable) samples = exposition_parse(text);
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpfloat(exposition_get(samples, expected[i].sample), ==, expected[i].value);
}

static void
test_metrics_odd(void)
{
    g_autoptr(Figures) figures = take(odd, G_N_ELEMENTS(odd));
    g_autofree char *text = metrics_text(figures);
    g_autoptr(GHashTable) samples = exposition_parse(text);
    exposition_get(samples,
                   "milter_manager_stage_asked_total{stage=\"\\\"><script>x</script>\\\\\\n"
                   "{le=\\\"1\\\"} & \xEF\xBF\xBD\x01\"}");
    /* Neither the name with a dot nor the one with an underscore takes its place. */
    g_assert_cmpfloat(exposition_get(samples, "milter_manager_stage_a_b_total{stage=\"a\"}"), ==,
                      1);
    g_assert_cmpfloat(exposition_get(samples, "milter_manager_stage_x_total_total{stage=\"a\"}"),
                      ==, 1);
}

static JsonObject *
member(JsonObject *object, const char *name)
{
    g_assert_true(json_object_has_member(object, name));
    return json_object_get_object_member(object, name);
}

static void
test_json(void)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(Figures) figures = take(plain, G_N_ELEMENTS(plain));
    g_autofree char *text = json_text(figures);
    json_parser_load_from_data(parser, text, -1, &error);
    g_assert_no_error(error);
    JsonObject *root = json_node_get_object(json_parser_get_root(parser));
    g_assert_cmpint(json_object_get_int_member(root, "time"), ==, 1000);
    g_assert_cmpint(json_object_get_int_member(member(root, "messages"), "accept"), ==, 10);
    g_assert_cmpint(json_object_get_int_member(member(root, "sessions"), "now"), ==, 2);
    g_assert_cmpint(json_object_get_int_member(member(root, "manager"), "uptime"), ==, 100);
    JsonArray *stages = json_object_get_array_member(root, "stages");
    g_assert_cmpuint(json_array_get_length(stages), ==, 2);
    JsonObject *stage = json_array_get_object_element(stages, 1);
    g_assert_cmpstr(json_object_get_string_member(stage, "name"), ==, "b");
    JsonObject *answered = member(member(stage, "histograms"), "answered");
    g_assert_cmpint(json_object_get_int_member(answered, "count"), ==, 7);
    g_assert_cmpuint(json_array_get_length(json_object_get_array_member(answered, "buckets")), ==,
                     3);
}

static void
test_json_odd(void)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(Figures) figures = take(odd, G_N_ELEMENTS(odd));
    g_autofree char *text = json_text(figures);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    json_parser_load_from_data(parser, text, -1, &error);
    g_assert_no_error(error);
}

/* Nothing of a name becomes markup, and nothing is fetched from elsewhere. */
static void
test_page(void)
{
    g_autoptr(Figures) figures = take(odd, G_N_ELEMENTS(odd));
    g_autofree char *page = page_html(figures, NULL);
    g_assert_true(g_utf8_validate(page, -1, NULL));
    g_assert_nonnull(strstr(page, "&lt;script&gt;"));
    g_assert_null(strstr(page, "<script"));
    g_assert_null(strstr(page, "http:"));
    g_assert_null(strstr(page, "https:"));
    g_assert_null(strstr(page, "src="));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/status/figures/take", test_take);
    g_test_add_func("/status/figures/older-host", test_older_host);
    g_test_add_func("/status/figures/metrics", test_metrics);
    g_test_add_func("/status/figures/metrics-odd", test_metrics_odd);
    g_test_add_func("/status/figures/json", test_json);
    g_test_add_func("/status/figures/json-odd", test_json_odd);
    g_test_add_func("/status/figures/page", test_page);
    return g_test_run();
}
