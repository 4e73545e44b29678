/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples in, tables out. */
#include "history-private.h"

#include <string.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

const Level history_levels[N_LEVELS] = {
    {MINUTE, 2 * DAY}, {10 * MINUTE, 30 * DAY}, {DAY, 3 * 365 * DAY}};

static const struct {
    guint level;
    gint64 step;
    guint n_points;
} spans[HISTORY_N_SPANS] = {[HISTORY_DAY] = {0, 5 * MINUTE, 288},
                            [HISTORY_MONTH] = {1, 2 * HOUR, 360},
                            [HISTORY_YEAR] = {2, DAY, 365}};

/* ---- Samples. */

static void
bind_names(sqlite3_stmt *statement, const char *stage, const char *name)
{
    sqlite3_bind_text(statement, 1, stage ? stage : "", -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_TRANSIENT);
}

/* The number in the row; 0: there is none. */
static gboolean
ask_number(const History *history, sqlite3_stmt *statement, gint64 *number, GError **error)
{
    int result = sqlite3_step(statement);
    *number = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    gboolean good = result == SQLITE_ROW || result == SQLITE_DONE || history_fail(history, error);
    sqlite3_reset(statement);
    return good;
}

/* known->id stays 0 if there are too many. */
static gboolean
find_series(History *history, Known *known, const char *stage, const char *name, GError **error)
{
    gint64 n;
    bind_names(history->find_series, stage, name);
    if (!ask_number(history, history->find_series, &known->id, error))
        return FALSE;
    if (known->id != 0)
        return TRUE;
    if (!ask_number(history, history->count_series, &n, error))
        return FALSE;
    if (n >= SERIES_MAX)
        return TRUE;
    bind_names(history->add_series, stage, name);
    if (!history_do(history, history->add_series, error))
        return FALSE;
    known->id = sqlite3_last_insert_rowid(history->db);
    return TRUE;
}

static gboolean
note(History *history, const Known *known, gint64 time, double growth, GError **error)
{
    for (guint level = 0; level < N_LEVELS; level++) {
        gint64 width = history_levels[level].width;
        sqlite3_bind_int64(history->add, 1, level);
        sqlite3_bind_int64(history->add, 2, time - time % width);
        sqlite3_bind_int64(history->add, 3, known->id);
        sqlite3_bind_double(history->add, 4, growth);
        if (!history_do(history, history->add, error))
            return FALSE;
    }
    return TRUE;
}

/* One that was not there before began at 0, unless this is the first sample. */
static gboolean
add(History *history, gint64 time, const char *stage, const char *name, double value,
    GError **error)
{
    g_autofree char *key = g_strconcat(stage ? stage : "", " ", name, NULL);
    Known *known = g_hash_table_lookup(history->known, key);
    if (!known) {
        if (g_hash_table_size(history->known) >= SERIES_MAX)
            return TRUE;
        known = g_new0(Known, 1);
        g_hash_table_insert(history->known, g_steal_pointer(&key), known);
    }
    double growth = value - known->last;
    known->last = value;
    if (!history->noting || growth <= 0)
        return TRUE;
    if (known->id == 0 && !find_series(history, known, stage, name, error))
        return FALSE;
    return known->id == 0 || note(history, known, time, growth, error);
}

/* What graphs are drawn of. */
static gboolean
is_drawn(const Figure *figure)
{
    if (figure->kind == MILTER_FIGURE_GAUGE)
        return FALSE;
    if (!figure->stage)
        return g_str_has_prefix(figure->name, "messages.") ||
               strcmp(figure->name, "sessions.total") == 0;
    if (figure->kind == MILTER_FIGURE_HISTOGRAM)
        return strcmp(figure->name, "answered") == 0;
    return strcmp(figure->name, "failed") == 0 || g_str_has_prefix(figure->name, "verdict-");
}

static gboolean
add_figure(History *history, gint64 time, const Figure *figure, GError **error)
{
    if (!is_drawn(figure))
        return TRUE;
    return add(history, time, figure->stage, figure->name, (double)figure->value, error) &&
           (figure->kind != MILTER_FIGURE_HISTOGRAM ||
            add(history, time, figure->stage, "answered-seconds", figure->sum, error));
}

/* All are looked at whatever fails, so that the next sample begins where this one ends. */
static gboolean
add_figures(History *history, const Figures *figures, GError **error)
{
    gint64 time = figures->time - MINUTE / 2;
    gboolean good = TRUE;
    for (guint i = 0; i < figures->list->len; i++) {
        if (!add_figure(history, time, g_ptr_array_index(figures->list, i), error))
            history->noting = good = FALSE;
    }
    return good;
}

static gboolean
expire(History *history, gint64 now, GError **error)
{
    gint64 when = now / history_levels[1].width;
    if (when == history->expired)
        return TRUE;
    history->expired = when;
    for (guint level = 0; level < N_LEVELS; level++) {
        sqlite3_bind_int64(history->expire, 1, level);
        sqlite3_bind_int64(history->expire, 2, now - history_levels[level].kept);
        if (!history_do(history, history->expire, error))
            return FALSE;
    }
    return TRUE;
}

/* A rolled back transaction has taken its new series with it. */
static void
give_up(History *history)
{
    GHashTableIter iter;
    gpointer known;
    sqlite3_step(history->rollback);
    sqlite3_reset(history->rollback);
    g_hash_table_iter_init(&iter, history->known);
    while (g_hash_table_iter_next(&iter, NULL, &known))
        ((Known *)known)->id = 0;
}

gboolean
history_sample(History *history, const Figures *figures, GError **error)
{
    /* By itself: what there is no room for is not to keep what is too old. */
    if (!expire(history, figures->time, error)) {
        history->expired = 0;
        return FALSE;
    }
    gboolean begun = history_do(history, history->begin, error);
    history->noting = begun && history->has_baseline;
    gboolean good = add_figures(history, figures, error) && begun &&
                    history_do(history, history->commit, error);
    if (!good)
        give_up(history);
    history->has_baseline = TRUE;
    return good;
}

/* ---- Tables. */

static void
series_free(gpointer data)
{
    HistorySeries *series = data;
    g_free(series->stage);
    g_free(series->name);
    g_free(series->points);
    g_free(series);
}

void
history_table_free(HistoryTable *table)
{
    g_ptr_array_unref(table->series);
    g_free(table);
}

const HistorySeries *
history_table_find(const HistoryTable *table, const char *stage, const char *name)
{
    for (guint i = 0; i < table->series->len; i++) {
        const HistorySeries *series = g_ptr_array_index(table->series, i);
        if (strcmp(series->name, name) == 0 && g_strcmp0(series->stage, stage) == 0)
            return series;
    }
    return NULL;
}

/* By their ids; without points. */
static gboolean
read_series(const History *history, GHashTable *all, GError **error)
{
    sqlite3_stmt *row = NULL;
    int result =
        sqlite3_prepare_v2(history->db, "SELECT id, stage, name FROM series", -1, &row, NULL);
    while (result == SQLITE_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
        HistorySeries *series = g_new0(HistorySeries, 1);
        const char *stage = (const char *)sqlite3_column_text(row, 1);
        const char *name = (const char *)sqlite3_column_text(row, 2);
        gint64 *id = g_new(gint64, 1);
        *id = sqlite3_column_int64(row, 0);
        series->stage = stage && *stage ? g_strdup(stage) : NULL;
        series->name = g_strdup(name ? name : "");
        g_hash_table_insert(all, id, series); /* ids are unique */
        result = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return result == SQLITE_DONE || history_fail(history, error);
}

/* A file may be damaged without SQLite's noticing: no number is out of its range. */
static void
take_row(const HistoryTable *table, GHashTable *all, sqlite3_stmt *row)
{
    gint64 id = sqlite3_column_int64(row, 2);
    gint64 at = (sqlite3_column_int64(row, 0) - table->from) / table->step;
    double value = sqlite3_column_double(row, 1);
    HistorySeries *series = g_hash_table_lookup(all, &id);
    if (!series || at < 0 || at >= table->n_points || !(value > 0 && value < 1e15))
        return;
    if (!series->points) {
        series->points = g_new0(double, table->n_points);
        g_ptr_array_add(table->series, series);
    }
    series->points[at] += value;
}

static gboolean
read_rows(const History *history, guint level, const HistoryTable *table, GHashTable *all,
          GError **error)
{
    static const char sql[] = "SELECT time, value, series FROM sample"
                              " WHERE level = ?1 AND time >= ?2 AND time < ?3";
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(history->db, sql, -1, &row, NULL);
    sqlite3_bind_int64(row, 1, level);
    sqlite3_bind_int64(row, 2, table->from);
    sqlite3_bind_int64(row, 3, table->from + table->n_points * table->step);
    while (result == SQLITE_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
        take_row(table, all, row);
        result = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return result == SQLITE_DONE || history_fail(history, error);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
    const HistorySeries *one = *(const HistorySeries *const *)a;
    const HistorySeries *other = *(const HistorySeries *const *)b;
    gint order = g_strcmp0(one->stage, other->stage);
    return order != 0 ? order : strcmp(one->name, other->name);
}

/* Those with points are the table's from now on. */
static void
keep_points(gpointer id, gpointer value, gpointer data)
{
    (void)id;
    (void)data;
    HistorySeries *series = value;
    if (!series->points)
        series_free(series);
}

HistoryTable *
history_read(History *history, HistorySpan span, gint64 now, GError **error)
{
    HistoryTable *table = g_new0(HistoryTable, 1);
    g_autoptr(GHashTable) all = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    table->step = spans[span].step;
    table->n_points = spans[span].n_points;
    table->last = now % table->step - now % MINUTE;
    table->from = now - now % table->step - (table->n_points - 1) * table->step;
    table->series = g_ptr_array_new_with_free_func(series_free);
    gboolean good = read_series(history, all, error) &&
                    read_rows(history, spans[span].level, table, all, error);
    g_hash_table_foreach(all, keep_points, NULL);
    g_ptr_array_sort(table->series, compare);
    if (good)
        return table;
    history_table_free(table);
    return NULL;
}
