/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Health with a time that the test gives, and statistics. */
#include "chain/health.h"
#include "chain/statistics.h"

#include <string.h>

#define SECOND ((gint64)G_USEC_PER_SEC)

static void
fail(MmHealth *health, guint times, gint64 now)
{
    for (guint i = 0; i < times; i++)
        g_assert_cmpint(mm_health_failed(health, 3, 5, now), ==, MM_HEALTH_SAME);
}

static void
test_trips(void)
{
    MmHealth health;
    mm_health_init(&health);
    g_assert_true(mm_health_admits(&health, 0));
    fail(&health, 2, 0);
    g_assert_cmpint(mm_health_succeeded(&health), ==, MM_HEALTH_SAME); /* begins anew */
    fail(&health, 2, 0);
    g_assert_true(mm_health_admits(&health, 0));
    g_assert_cmpint(mm_health_failed(&health, 3, 5, 0), ==, MM_HEALTH_TRIPPED);
    g_assert_false(mm_health_admits(&health, 0));
    g_assert_false(mm_health_admits(&health, 5 * SECOND - 1));
    g_assert_true(mm_health_admits(&health, 5 * SECOND));
    g_assert_false(mm_health_admits(&health, 5 * SECOND)); /* one session probes */
    g_assert_false(mm_health_admits(&health, 65 * SECOND - 1));
    g_assert_true(mm_health_admits(&health, 65 * SECOND)); /* it idles: another one */
    g_assert_false(mm_health_admits(&health, 65 * SECOND));
    g_assert_cmpint(mm_health_succeeded(&health), ==, MM_HEALTH_RECOVERED);
    g_assert_true(mm_health_admits(&health, 5 * SECOND));
    g_assert_cmpint(mm_health_succeeded(&health), ==, MM_HEALTH_SAME);
    mm_health_clear(&health);
}

/* 5, 10, 20 ... seconds, up to the most. */
static void
test_delay_grows(void)
{
    MmHealth health;
    gint64 now = 0;
    double delay = 5;
    mm_health_init(&health);
    fail(&health, 2, now);
    g_assert_cmpint(mm_health_failed(&health, 3, 5, now), ==, MM_HEALTH_TRIPPED);
    for (guint i = 0; i < 40; i++) {
        gint64 pause = (gint64)(MIN(delay, MM_TRIP_DELAY_MAX) * G_USEC_PER_SEC);
        g_assert_false(mm_health_admits(&health, now + pause - 1));
        now += pause;
        g_assert_true(mm_health_admits(&health, now));
        g_assert_cmpint(mm_health_failed(&health, 3, 5, now), ==, MM_HEALTH_SAME);
        delay *= 2;
    }
    g_assert_true(mm_health_admits(&health, now + (gint64)MM_TRIP_DELAY_MAX * SECOND));
    g_assert_cmpint(mm_health_succeeded(&health), ==, MM_HEALTH_RECOVERED);
    fail(&health, 2, now);
    g_assert_cmpint(mm_health_failed(&health, 3, 5, now), ==, MM_HEALTH_TRIPPED);
    g_assert_true(mm_health_admits(&health, now + 5 * SECOND)); /* short again */
    mm_health_clear(&health);
}

/* Those that were asked before it tripped fail too: no new pause. A probe that was given up leaves
 * room for another. */
static void
test_stragglers(void)
{
    MmHealth health;
    mm_health_init(&health);
    fail(&health, 2, 0);
    mm_health_failed(&health, 3, 5, 0);
    fail(&health, 5, 4 * SECOND);
    g_assert_true(mm_health_admits(&health, 5 * SECOND));
    g_assert_false(mm_health_admits(&health, 9 * SECOND));
    mm_health_abandon(&health);
    g_assert_true(mm_health_admits(&health, 9 * SECOND));
    mm_health_clear(&health);
}

static void
test_never_trips(void)
{
    MmHealth health;
    mm_health_init(&health);
    for (guint i = 0; i < 1000; i++)
        g_assert_cmpint(mm_health_failed(&health, 0, 5, 0), ==, MM_HEALTH_SAME);
    g_assert_true(mm_health_admits(&health, 0));
    mm_health_clear(&health);
}

/* ---- Statistics. */

static gpointer
count_many(gpointer counter)
{
    for (guint i = 0; i < 10000; i++)
        mm_counter_add(counter, 1);
    return NULL;
}

static void
test_counter(void)
{
    MilterCounter *counter = mm_counter("a", "b");
    GThread *threads[4];
    g_assert_true(mm_counter("a", "b") == counter);
    g_assert_true(mm_counter("a", "c") != counter);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("counter", count_many, counter);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    mm_counter_add(counter, 5);
    g_assert_cmpuint(mm_counter_get(counter), ==, 40005);
}

static void
test_quantiles(void)
{
    MilterHistogram *histogram = mm_histogram("a", "times");
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 0.5), ==, 0);
    for (guint i = 0; i < 90; i++)
        mm_histogram_add(histogram, 0.003); /* to 4 ms */
    for (guint i = 0; i < 9; i++)
        mm_histogram_add(histogram, 0.1); /* to 128 ms */
    mm_histogram_add(histogram, 1e9);     /* the last bucket takes the rest */
    g_assert_cmpuint(mm_histogram_count(histogram), ==, 100);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 0), ==, 0.004);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 0.5), ==, 0.004);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 0.9), ==, 0.004);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 0.91), ==, 0.128);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 0.99), ==, 0.128);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 1), >, 8000);
}

/* On a bound, below the first, and what is no duration. */
static void
test_bounds(void)
{
    MilterHistogram *histogram = mm_histogram("a", "bounds");
    mm_histogram_add(histogram, 0.002);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 1), ==, 0.002);
    mm_histogram_add(histogram, 0);
    mm_histogram_add(histogram, -1);
    g_assert_cmpfloat(mm_histogram_quantile(histogram, 0.5), ==, 0.001);
    g_assert_cmpuint(mm_histogram_count(histogram), ==, 3);
}

static void
note(const char *name, MilterCounter *counter, MilterHistogram *histogram, gpointer data)
{
    g_string_append_printf(data, "%s%s ", counter ? "c:" : "h:", name);
    g_assert_true((counter == NULL) != (histogram == NULL));
}

static void
test_foreach(void)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    mm_counter("z", "last");
    mm_histogram("z", "last");
    mm_counter("0", "first");
    mm_statistics_foreach(note, seen);
    g_assert_true(g_str_has_prefix(seen->str, "c:0.first "));
    g_assert_true(g_str_has_suffix(seen->str, "c:z.last h:z.last "));
}

/* ---- As a plugin sees them. */

static void
describe(void *data, const MilterFigure *figure)
{
    GString *text = data;
    if (figure->stage && figure->stage[0] != 'f')
        return;
    g_assert_cmpuint(figure->size, ==, sizeof(MilterFigure));
    g_string_append_printf(text, "%u %s %s %" G_GUINT64_FORMAT, figure->kind,
                           figure->stage ? figure->stage : "-", figure->name, figure->value);
    guint64 all = 0;
    for (gsize i = 0; figure->kind == MILTER_FIGURE_HISTOGRAM && i <= figure->n_bounds; i++) {
        all += figure->counts[i];
        if (figure->counts[i] > 0)
            g_string_append_printf(text, " %" G_GUINT64_FORMAT ":%g", figure->counts[i],
                                   i < figure->n_bounds ? figure->bounds[i] : -1);
    }
    if (figure->kind == MILTER_FIGURE_HISTOGRAM) {
        g_assert_cmpuint(all, ==, figure->value);
        g_string_append_printf(text, " %.3f", figure->sum);
    }
    g_string_append_c(text, '\n');
}

static guint64
read_number(gconstpointer data)
{
    return *(const guint64 *)data;
}

static void
assert_figures(const char *expected)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    mm_statistics_figures(describe, seen);
    g_assert_cmpstr(seen->str, ==, expected);
}

static void
test_figures(void)
{
    static const MmReading reading = {"own.reading", MILTER_FIGURE_GAUGE, read_number};
    const guint64 number = 42;
    MilterHistogram *histogram = mm_histogram("f.g", "times");
    MmGauge *gauge = mm_gauge("f.g", "up-and-down");
    mm_histogram_add(histogram, 0.00125);
    mm_histogram_add(histogram, 0.002);
    mm_histogram_add(histogram, 5000); /* over all bounds */
    mm_histogram_add(histogram, -5);
    mm_counter_add(mm_counter("f.g", "counted"), 7);
    mm_counter_add(mm_counter(NULL, "own.counted"), 8);
    mm_gauge_add(gauge, 3);
    mm_gauge_add(gauge, -1);
    mm_statistics_set_readings(&reading, 1, &number);
    assert_figures("1 - own.reading 42\n0 f.g counted 7\n2 f.g times 4 1:0.001 2:0.002 1:-1 "
                   "5000.003\n1 f.g up-and-down 2\n0 - own.counted 8\n");
    mm_gauge_add(gauge, -5);
    mm_statistics_set_readings(NULL, 0, NULL);
    assert_figures("0 f.g counted 7\n2 f.g times 4 1:0.001 2:0.002 1:-1 5000.003\n"
                   "1 f.g up-and-down 0\n0 - own.counted 8\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/health/trips", test_trips);
    g_test_add_func("/health/delay-grows", test_delay_grows);
    g_test_add_func("/health/stragglers", test_stragglers);
    g_test_add_func("/health/never-trips", test_never_trips);
    g_test_add_func("/statistics/counter", test_counter);
    g_test_add_func("/statistics/quantiles", test_quantiles);
    g_test_add_func("/statistics/bounds", test_bounds);
    g_test_add_func("/statistics/foreach", test_foreach);
    g_test_add_func("/statistics/figures", test_figures);
    return g_test_run();
}
