/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples of a clock that the test turns, what becomes of them, and files that cannot be used. */
#include "history.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>

#define MINUTE ((gint64)60)
#define DAY ((gint64)86400)
/* The beginning of a day. */
#define START (20000 * DAY)

/* ---- A host with some figures. */

static gint64 now;
static guint64 accepted, rejected, failed, answers;
static double answer_seconds;
static const char *stage_name = "stage";
static guint n_stages;

static void
show(MilterFigureFunction function, void *data)
{
    static const double bound = 1;
    const uint64_t counts[] = {answers, 0};
    const MilterFigure all[] = {
        {.size = sizeof(all[0]), .name = "messages.accept", .value = accepted},
        {.size = sizeof(all[0]), .stage = stage_name, .name = "verdict-reject", .value = rejected},
        {.size = sizeof(all[0]), .stage = stage_name, .name = "failed", .value = failed},
        {.size = sizeof(all[0]), .stage = stage_name, .name = "of-its-own", .value = rejected},
        {.size = sizeof(all[0]), .kind = MILTER_FIGURE_GAUGE, .name = "sessions.now", .value = 9},
        {.size = sizeof(all[0]),
         .kind = MILTER_FIGURE_HISTOGRAM,
         .stage = stage_name,
         .name = "answered",
         .value = answers,
         .sum = answer_seconds,
         .bounds = &bound,
         .counts = counts,
         .n_bounds = 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        function(data, &all[i]);
    for (guint i = 0; i < n_stages; i++) {
        g_autofree char *name = g_strdup_printf("stage-%u", i);
        const MilterFigure figure = {
            .size = sizeof(figure), .stage = name, .name = "failed", .value = failed};
        function(data, &figure);
    }
}

static int64_t
wall_clock(void)
{
    return now * G_USEC_PER_SEC;
}

static const MilterHost host = {.size = sizeof(host), .wall_clock = wall_clock, .figures = show};

static gboolean
sample_at(History *history, gint64 time, GError **error)
{
    now = time;
    g_autoptr(Figures) figures = figures_take(&host);
    return history_sample(history, figures, error);
}

static void
sample(History *history, gint64 time)
{
    g_autoptr(GError) error = NULL;
    sample_at(history, time, &error);
    g_assert_no_error(error);
}

/* ---- A folder of its own. */

typedef struct Fixture {
    char *parent, *folder, *file;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    accepted = rejected = failed = answers = 0;
    answer_seconds = 0;
    stage_name = "stage";
    n_stages = 0;
    fixture->parent = g_dir_make_tmp("mm-history-XXXXXX", NULL);
    fixture->folder = g_build_filename(fixture->parent, "history", NULL);
    fixture->file = g_build_filename(fixture->folder, "status.sqlite", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *log = g_strconcat(fixture->file, "-wal", NULL);
    g_autofree char *journal = g_strconcat(fixture->file, "-journal", NULL);
    g_unlink(fixture->file);
    g_unlink(log);
    g_unlink(journal);
    g_rmdir(fixture->folder);
    g_unlink(fixture->folder);
    g_assert_cmpint(g_rmdir(fixture->parent), ==, 0);
    g_free(fixture->parent);
    g_free(fixture->folder);
    g_free(fixture->file);
}

static History *
open_history(const Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    History *history = history_open(fixture->folder, &error);
    g_assert_no_error(error);
    return history;
}

static double
total(History *history, HistorySpan span, const char *stage, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HistoryTable) table = history_read(history, span, now, &error);
    g_assert_no_error(error);
    const HistorySeries *series = history_table_find(table, stage, name);
    double sum = 0;
    for (guint i = 0; series && i < table->n_points; i++)
        sum += series->points[i];
    return sum;
}

/* With the history closed. */
static gint64
ask(const Fixture *fixture, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    g_assert_cmpint(sqlite3_open(fixture->file, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &row, NULL), ==, SQLITE_OK);
    int result = sqlite3_step(row);
    gint64 value = result == SQLITE_ROW ? sqlite3_column_int64(row, 0) : -1;
    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}

/* ---- What is recorded. */

static void
test_growth(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    History *history = open_history(fixture);
    accepted = 100;
    sample(history, START); /* what was before is not known of when */
    accepted += 5;
    rejected += 2;
    answers += 4;
    answer_seconds += 0.5;
    sample(history, START + MINUTE);
    accepted += 7;
    sample(history, START + 11 * MINUTE);
    for (guint span = 0; span < HISTORY_N_SPANS; span++) {
        g_assert_cmpfloat(total(history, span, NULL, "messages.accept"), ==, 12);
        g_assert_cmpfloat(total(history, span, "stage", "verdict-reject"), ==, 2);
        g_assert_cmpfloat(total(history, span, "stage", "answered"), ==, 4);
        g_assert_cmpfloat(total(history, span, "stage", "answered-seconds"), ==, 0.5);
        g_assert_cmpfloat(total(history, span, "stage", "failed"), ==, 0);
    }
    g_autoptr(HistoryTable) day = history_read(history, HISTORY_DAY, now, NULL);
    const HistorySeries *series = history_table_find(day, NULL, "messages.accept");
    gint64 point = (START - day->from) / day->step;
    g_assert_cmpfloat(series->points[point], ==, 5);
    g_assert_cmpfloat(series->points[point + 2], ==, 7);
    g_assert_cmpint(day->last, ==, MINUTE); /* of 10 to 15 minutes past, at 11 past */
    /* What is not drawn is not recorded. */
    g_assert_null(history_table_find(day, "stage", "of-its-own"));
    g_assert_null(history_table_find(day, NULL, "sessions.now"));
    history_free(history);
}

static void
test_restart(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    History *history = open_history(fixture);
    sample(history, START);
    accepted = 5;
    sample(history, START + MINUTE);
    history_free(history);
    accepted = 1; /* the host began anew */
    history = open_history(fixture);
    sample(history, START + 2 * MINUTE);
    accepted = 4;
    stage_name = "new"; /* a reload brought it: its figures began at 0 */
    failed = 6;
    sample(history, START + 3 * MINUTE);
    accepted = 2; /* no counter does that */
    sample(history, START + 4 * MINUTE);
    accepted = 3;
    sample(history, START + 5 * MINUTE);
    g_assert_cmpfloat(total(history, HISTORY_DAY, NULL, "messages.accept"), ==, 9);
    g_assert_cmpfloat(total(history, HISTORY_DAY, "new", "failed"), ==, 6);
    history_free(history);
}

static void
assert_rows(const Fixture *fixture, gint64 minutes, gint64 tens, gint64 days)
{
    g_assert_cmpint(ask(fixture, "SELECT count(*) FROM sample WHERE level = 0"), ==, minutes);
    g_assert_cmpint(ask(fixture, "SELECT count(*) FROM sample WHERE level = 1"), ==, tens);
    g_assert_cmpint(ask(fixture, "SELECT count(*) FROM sample WHERE level = 2"), ==, days);
}

static void
test_age(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    static const struct {
        gint64 days;
        gint64 minutes, tens, of_days;
    } steps[] = {{0, 1, 1, 1},  {1, 2, 2, 2},    {4, 1, 3, 3},
                 {35, 1, 1, 4}, {1094, 1, 1, 5}, {1200, 1, 1, 2}};
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        History *history = open_history(fixture);
        gint64 time = START + steps[i].days * DAY + 12 * 60 * MINUTE;
        sample(history, time);
        accepted++;
        sample(history, time + MINUTE);
        history_free(history);
        assert_rows(fixture, steps[i].minutes, steps[i].tens, steps[i].of_days);
    }
}

/* A day of minutes of a busy host is summed up, and idle minutes take no room. */
static void
test_day(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    History *history = open_history(fixture);
    for (guint i = 0; i <= 200; i++) {
        accepted += 10;
        failed += i == 100;
        sample(history, START + i * MINUTE);
    }
    g_assert_cmpfloat(total(history, HISTORY_DAY, NULL, "messages.accept"), ==, 2000);
    history_free(history);
    assert_rows(fixture, 201, 21, 2);
}

static void
test_many_names(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    History *history = open_history(fixture);
    n_stages = 3000;
    sample(history, START);
    failed++;
    sample(history, START + MINUTE);
    history_free(history);
    gint64 names = ask(fixture, "SELECT count(*) FROM series");
    g_assert_cmpint(names, >, 500);
    g_assert_cmpint(names, <=, 1024);
}

/* ---- Files that cannot be used. */

static void
assert_refused(const Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(history_open(fixture->folder, &error));
    g_assert_true(error->domain == HISTORY_ERROR);
    g_assert_nonnull(strstr(error->message, fixture->parent));
}

static void
test_held(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    History *history = open_history(fixture);
    assert_refused(fixture);
    sample(history, START);
    history_free(history);
    history_free(open_history(fixture));
}

static void
write_file(const Fixture *fixture, const char *bytes, gssize size)
{
    g_mkdir(fixture->folder, 0700);
    g_assert_true(g_file_set_contents(fixture->file, bytes, size, NULL));
}

static void
test_foreign(Fixture *fixture, gconstpointer unused)
{
    static const char text[] = "This is not a database, and it is long enough to be one if only it "
                               "had the right words at its beginning, which it has not at all.";
    (void)unused;
    g_autofree char *after = NULL;
    write_file(fixture, text, -1);
    assert_refused(fixture);
    g_assert_true(g_file_get_contents(fixture->file, &after, NULL, NULL));
    g_assert_cmpstr(after, ==, text);
    g_unlink(fixture->file);
    ask(fixture, "CREATE TABLE other (x)");
    assert_refused(fixture);
    g_assert_cmpint(ask(fixture, "SELECT count(*) FROM sqlite_master"), ==, 1);
    g_unlink(fixture->file);
    history_free(open_history(fixture));
    ask(fixture, "PRAGMA user_version = 2");
    assert_refused(fixture);
}

/* Each page spoilt in its turn: it is refused or used, and nothing else. */
static void
test_damaged(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *good = NULL;
    gsize size;
    History *history = open_history(fixture);
    sample(history, START);
    for (guint i = 1; i < 50; i++) {
        accepted++;
        sample(history, START + i * MINUTE);
    }
    history_free(history);
    g_assert_true(g_file_get_contents(fixture->file, &good, &size, NULL));
    for (gsize at = 0; at < size; at += 512) {
        g_autofree char *bad = g_new(char, size);
        memcpy(bad, good, size);
        memset(bad + at, 0xA5, MIN(256, size - at));
        write_file(fixture, bad, (gssize)size);
        history = history_open(fixture->folder, NULL);
        if (!history)
            continue;
        accepted++;
        sample_at(history, START + 60 * MINUTE, NULL);
        accepted++;
        sample_at(history, START + 61 * MINUTE, NULL);
        g_free(graphs_html(history, now, NULL));
        history_free(history);
    }
}

static void
test_no_folder(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autofree char *deep = g_build_filename(fixture->folder, "deeper", NULL);
    g_assert_null(history_open(deep, &error));
    g_assert_nonnull(error);
    g_assert_true(g_file_set_contents(fixture->folder, "a file", -1, NULL));
    assert_refused(fixture);
}

/* A full disk: what grew meanwhile is lost, what comes later is not. */
static void
test_full(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    struct rlimit before;
    History *history = open_history(fixture);
    sample(history, START);
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    const struct rlimit small = {4096, before.rlim_max};
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    accepted = 5;
    g_autoptr(GError) error = NULL;
    gboolean taken = sample_at(history, START + MINUTE, &error);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_false(taken);
    g_assert_nonnull(error);
    accepted = 8;
    sample(history, START + 2 * MINUTE);
    g_assert_cmpfloat(total(history, HISTORY_DAY, NULL, "messages.accept"), ==, 3);
    history_free(history);
}

/* ---- Graphs. */

static void
test_graphs(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    History *history = open_history(fixture);
    now = START;
    g_autofree char *nothing = graphs_html(history, now, NULL);
    g_assert_nonnull(strstr(nothing, "Nothing is recorded yet."));
    g_assert_null(strstr(nothing, "<svg"));
    stage_name = "\"><script>alert(1)</script>&\xFF";
    sample(history, START);
    accepted = 50;
    rejected = 2;
    answers = 10;
    answer_seconds = 0.25;
    sample(history, START + MINUTE);
    g_autofree char *graphs = graphs_html(history, now, NULL);
    g_assert_true(g_utf8_validate(graphs, -1, NULL));
    g_assert_null(strstr(graphs, "<script"));
    g_assert_null(strstr(graphs, "NaN"));
    g_assert_null(strstr(graphs, "nan"));
    g_assert_null(strstr(graphs, "inf"));
    g_assert_nonnull(strstr(graphs, "&lt;script&gt;"));
    guint n = 0;
    for (const char *svg = graphs; (svg = strstr(svg, "<svg ")); svg++)
        n++;
    g_assert_cmpuint(n, ==, 3 * 3); /* messages, time, verdicts; day, month, year */
    history_free(history);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*function)(Fixture *fixture, gconstpointer unused);
    } tests[] = {
        {"growth", test_growth},   {"restart", test_restart},       {"age", test_age},
        {"day", test_day},         {"many-names", test_many_names}, {"held", test_held},
        {"foreign", test_foreign}, {"damaged", test_damaged},       {"no-folder", test_no_folder},
        {"full", test_full},       {"graphs", test_graphs},
    };
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/status/history/", tests[i].name, NULL);
        g_test_add(path, Fixture, NULL, set_up, tests[i].function, tear_down);
    }
    return g_test_run();
}
