/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening the file with care, and the statements. */
#include "history-private.h"

#include "base/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "status.sqlite"
/* "MMst" */
#define APPLICATION_ID 0x4D4D7374
#define VERSION 1
/* Of 4096 bytes: 64 MiB. */
#define SIZES "PRAGMA page_size = 4096; PRAGMA max_page_count = 16384;"
#define BUSY_WAIT 1000 /* milliseconds */

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE series (id INTEGER PRIMARY KEY, stage TEXT NOT NULL, name TEXT NOT NULL,"
    " UNIQUE (stage, name));"
    "CREATE TABLE sample (level INTEGER NOT NULL, time INTEGER NOT NULL, series INTEGER NOT NULL,"
    " value REAL NOT NULL, PRIMARY KEY (level, time, series)) WITHOUT ROWID;";

G_DEFINE_QUARK(milter - manager - status - history - error, history_error)

gboolean
history_fail(const History *history, GError **error)
{
    g_set_error(error, HISTORY_ERROR, history->db ? sqlite3_errcode(history->db) : SQLITE_NOMEM,
                "%s: %s", history->path,
                history->db ? sqlite3_errmsg(history->db) : g_strerror(ENOMEM));
    return FALSE;
}

static gboolean
refuse(const History *history, const char *why, GError **error)
{
    g_set_error(error, HISTORY_ERROR, SQLITE_NOTADB, "%s: %s", history->path, why);
    return FALSE;
}

static gboolean
refuse_system(const char *path, GError **error)
{
    g_set_error(error, HISTORY_ERROR, SQLITE_CANTOPEN, "%s: %s", path, g_strerror(errno));
    return FALSE;
}

gboolean
history_do(const History *history, sqlite3_stmt *statement, GError **error)
{
    int result = sqlite3_step(statement);
    gboolean good = result == SQLITE_DONE || history_fail(history, error);
    sqlite3_reset(statement);
    return good;
}

static gboolean
execute(const History *history, const char *sql, GError **error)
{
    return sqlite3_exec(history->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           history_fail(history, error);
}

/* One number from a query. */
static gboolean
ask(const History *history, const char *sql, gint64 *value, GError **error)
{
    sqlite3_stmt *statement = NULL;
    gboolean got = sqlite3_prepare_v2(history->db, sql, -1, &statement, NULL) == SQLITE_OK &&
                   sqlite3_step(statement) == SQLITE_ROW;
    if (got)
        *value = sqlite3_column_int64(statement, 0);
    else
        history_fail(history, error);
    sqlite3_finalize(statement);
    return got;
}

/* Before SQLite does, with the mode of what is nobody else's; a link is not followed. */
static gboolean
make_file(const char *directory, const char *path, GError **error)
{
    if (mkdir(directory, 0750) != 0 && errno != EEXIST)
        return refuse_system(directory, error);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse_system(path, error);
    close(fd);
    return TRUE;
}

static gboolean
create(const History *history, GError **error)
{
    g_autofree char *sql =
        g_strdup_printf("%sPRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", schema,
                        APPLICATION_ID, VERSION);
    return execute(history, sql, error);
}

/* What is not ours is not written to. */
static gboolean
check_or_create(const History *history, GError **error)
{
    gint64 id, version, tables;
    if (!ask(history, "PRAGMA application_id", &id, error) ||
        !ask(history, "PRAGMA user_version", &version, error) ||
        !ask(history, "SELECT count(*) FROM sqlite_master", &tables, error))
        return FALSE;
    gboolean is_new = id == 0 && version == 0 && tables == 0;
    if (!is_new && id != APPLICATION_ID)
        return refuse(history, _("this is another database; it is left as it is"), error);
    if (version > VERSION)
        return refuse(history, _("this was written by a newer version; it is left as it is"),
                      error);
    return execute(history,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                   "PRAGMA journal_size_limit = 1048576;",
                   error) &&
           (!is_new || create(history, error));
}

static gboolean
prepare(History *history, GError **error)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&history->begin, "BEGIN IMMEDIATE"},
        {&history->commit, "COMMIT"},
        {&history->rollback, "ROLLBACK"},
        {&history->add, "INSERT INTO sample VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
                        " SET value = value + excluded.value"},
        {&history->expire, "DELETE FROM sample WHERE level = ?1 AND time < ?2"},
        {&history->find_series, "SELECT id FROM series WHERE stage = ?1 AND name = ?2"},
        {&history->add_series, "INSERT INTO series (stage, name) VALUES (?1, ?2)"},
        {&history->count_series, "SELECT count(*) FROM series"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        if (sqlite3_prepare_v3(history->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                               all[i].statement, NULL) != SQLITE_OK)
            return history_fail(history, error);
    }
    return TRUE;
}

static gboolean
open_file(History *history, GError **error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(history->path, &history->db, flags, NULL) != SQLITE_OK)
        return history_fail(history, error);
    sqlite3_busy_timeout(history->db, BUSY_WAIT);
    /* Exclusive: two that record into one file would count twice. */
    return execute(history, "PRAGMA locking_mode = EXCLUSIVE;" SIZES, error) &&
           check_or_create(history, error) && prepare(history, error) &&
           history_do(history, history->begin, error) &&
           history_do(history, history->commit, error);
}

History *
history_open(const char *directory, GError **error)
{
    History *history = g_new0(History, 1);
    history->path = g_build_filename(directory, FILE_NAME, NULL);
    history->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (make_file(directory, history->path, error) && open_file(history, error))
        return history;
    history_free(history);
    return NULL;
}

void
history_free(History *history)
{
    if (!history)
        return;
    sqlite3_stmt *const all[] = {history->begin,      history->commit,      history->rollback,
                                 history->add,        history->expire,      history->find_series,
                                 history->add_series, history->count_series};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(history->db);
    g_hash_table_unref(history->known);
    g_free(history->path);
    g_free(history);
}
