/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection: opening with care, and the statements. */
#include "store/sqlite-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* entry: hash and chk are the two halves of the keyed hash. The texts are NULL where none are kept.
 */
static const char schema[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE entry (hash INTEGER PRIMARY KEY, chk INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " state INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " until INTEGER NOT NULL, tries INTEGER NOT NULL, senders BLOB,"
    " source TEXT, sender TEXT, recipient TEXT);"
    "CREATE TABLE rule (source TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,"
    " state INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " until INTEGER NOT NULL, note TEXT NOT NULL,"
    " PRIMARY KEY (source, sender, recipient)) WITHOUT ROWID;";

static gboolean
set_error(GError **error, GreyStoreError code, const char *path, const char *what)
{
    g_set_error(error, GREY_STORE_ERROR, code, "%s: %s", path, what);
    return FALSE;
}

static gboolean
set_db_error(GError **error, sqlite3 *db, const char *path)
{
    int code = db ? sqlite3_errcode(db) & 0xFF : SQLITE_NOMEM;
    gboolean damaged = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
    return set_error(error, damaged ? GREY_STORE_ERROR_CORRUPT : GREY_STORE_ERROR_OPEN, path,
                     db ? sqlite3_errmsg(db) : "no memory");
}

static gboolean
execute(sqlite3 *db, const char *path, const char *sql, GError **error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || set_db_error(error, db, path);
}

/* One number from a query. */
static gboolean
ask(sqlite3 *db, const char *path, const char *sql, gint64 *value, GError **error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return set_db_error(error, db, path);
    gboolean got = sqlite3_step(statement) == SQLITE_ROW;
    if (got)
        *value = sqlite3_column_int64(statement, 0);
    else
        set_db_error(error, db, path);
    sqlite3_finalize(statement);
    return got;
}

/* How long another connection is waited for, in milliseconds. */
#define OPEN_WAIT 100
#define BUSY_WAIT 10000

static gboolean
open_db(sqlite3 **db, const char *path, GError **error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, db, flags, NULL) != SQLITE_OK)
        return set_db_error(error, *db, path);
    /* A worker may be waiting: who holds the file now is waited for by the next try. */
    sqlite3_busy_timeout(*db, OPEN_WAIT);
    return TRUE;
}

/* ---- The statements. */

#define RECORD_COLUMNS "kind, state, first, last, until, tries, senders"

static gboolean
prepare(GreyFile *file, GError **error, const char *path)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&file->look, "BEGIN"},
        {&file->begin, "BEGIN IMMEDIATE"},
        {&file->commit, "COMMIT"},
        {&file->rollback, "ROLLBACK"},
        {&file->load, "SELECT chk, " RECORD_COLUMNS " FROM entry WHERE hash = ?1"},
        {&file->save,
         "REPLACE INTO entry (hash, chk, " RECORD_COLUMNS ", source, sender, recipient)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"},
        {&file->drop, "DELETE FROM entry WHERE hash = ?1 AND chk = ?2"},
        {&file->save_rule, "REPLACE INTO rule VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
        {&file->drop_rule, "DELETE FROM rule WHERE source = ?1 AND sender = ?2 AND recipient = ?3"},
        {&file->sweep, "DELETE FROM entry WHERE hash >= ?1 AND hash <= ?2"
                       " AND until <> 0 AND until <= ?3"},
        {&file->scan, "SELECT hash, chk, " RECORD_COLUMNS ", source, sender, recipient"
                      " FROM entry WHERE hash >= ?1 ORDER BY hash LIMIT ?2"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        if (sqlite3_prepare_v3(file->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                               all[i].statement, NULL) != SQLITE_OK)
            return set_db_error(error, file->db, path);
    }
    return TRUE;
}

gboolean
grey_file_open(GreyFile *file, const char *path, guint cache, GError **error)
{
    /* The log is brought back by the checkpointer alone, so no commit pays for it. */
    g_autofree char *pragmas =
        g_strdup_printf("PRAGMA cache_size = -%u; PRAGMA mmap_size = 0;"
                        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;",
                        cache);
    *file = (GreyFile){0};
    if (open_db(&file->db, path, error) && execute(file->db, path, pragmas, error) &&
        prepare(file, error, path)) {
        sqlite3_busy_timeout(file->db, BUSY_WAIT);
        return TRUE;
    }
    grey_file_close(file);
    return FALSE;
}

void
grey_file_close(GreyFile *file)
{
    sqlite3_stmt *const all[] = {file->load,      file->save,   file->drop,    file->save_rule,
                                 file->drop_rule, file->sweep,  file->scan,    file->look,
                                 file->begin,     file->commit, file->rollback};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(file->db);
    *file = (GreyFile){0};
}

/* ---- A file that may be new, or not ours. */

/* Of SQLite's file format: big endian. */
#define HEAD_SIZE 100
#define HEAD_USER_VERSION 60
#define HEAD_APPLICATION_ID 68

static gint32
head_number(const guint8 *head, guint at)
{
    guint32 number;
    memcpy(&number, head + at, sizeof(number));
    return (gint32)GUINT32_FROM_BE(number);
}

static gboolean
check_numbers(const char *path, gint64 id, gint64 version, GError **error)
{
    if (id != GREY_SQLITE_APPLICATION_ID)
        return set_error(error, GREY_STORE_ERROR_CORRUPT, path,
                         "this is a database, but not one of a greylist; it is left as it is");
    if (version > GREY_SQLITE_VERSION)
        return set_error(error, GREY_STORE_ERROR_VERSION, path,
                         "this store was written by a newer version; it is left as it is");
    return TRUE;
}

/* Through the file itself: SQLite would make its helpers beside it, as whoever asks. */
gboolean
grey_sqlite_check(const char *path, GError **error)
{
    guint8 head[HEAD_SIZE];
    FILE *file = fopen(path, "rbe");
    gsize size = file ? fread(head, 1, sizeof(head), file) : 0;
    int problem = errno;
    if (file)
        fclose(file);
    else if (problem != ENOENT && problem != EACCES)
        return set_error(error, GREY_STORE_ERROR_OPEN, path, g_strerror(problem));
    if (size == 0) /* it is not there, is new, or may not be looked at by who asks */
        return TRUE;
    if (size < sizeof(head) || memcmp(head, "SQLite format 3", 16) != 0)
        return set_error(error, GREY_STORE_ERROR_CORRUPT, path,
                         "this is not a database; it is left as it is");
    gint32 id = head_number(head, HEAD_APPLICATION_ID);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    if (id == 0 && g_file_test(log, G_FILE_TEST_EXISTS))
        return TRUE; /* made a moment ago: the log has it */
    return check_numbers(path, id, head_number(head, HEAD_USER_VERSION), error);
}

static gboolean
create_tables(sqlite3 *db, const char *path, GreySecret *secret, GError **error)
{
    grey_secret_new(secret);
    g_autoptr(GString) sql = g_string_new("BEGIN IMMEDIATE;");
    g_string_append(sql, schema);
    g_string_append(sql, "INSERT INTO meta VALUES ('secret', x'");
    for (guint i = 0; i < GREY_SECRET_SIZE; i++)
        g_string_append_printf(sql, "%02x", secret->bytes[i]);
    g_string_append_printf(sql, "'); PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                           GREY_SQLITE_APPLICATION_ID, GREY_SQLITE_VERSION);
    return execute(db, path, sql->str, error);
}

static gboolean
read_secret(sqlite3 *db, const char *path, GreySecret *secret, GError **error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = 'secret'", -1, &statement,
                           NULL) != SQLITE_OK)
        return set_db_error(error, db, path);
    gboolean good = sqlite3_step(statement) == SQLITE_ROW &&
                    sqlite3_column_bytes(statement, 0) == GREY_SECRET_SIZE;
    if (good)
        memcpy(secret->bytes, sqlite3_column_blob(statement, 0), GREY_SECRET_SIZE);
    sqlite3_finalize(statement);
    return good || set_error(error, GREY_STORE_ERROR_CORRUPT, path, "the store has lost its key");
}

static gboolean
check_or_create(sqlite3 *db, const char *path, GreySecret *secret, GError **error)
{
    gint64 id = 0, version = 0, tables = 0;
    if (!ask(db, path, "PRAGMA application_id", &id, error) ||
        !ask(db, path, "PRAGMA user_version", &version, error) ||
        !ask(db, path, "SELECT count(*) FROM sqlite_master", &tables, error))
        return FALSE;
    gboolean is_new = id == 0 && version == 0 && tables == 0;
    if (!is_new && !check_numbers(path, id, version, error))
        return FALSE;
    if (!execute(db, path, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", error))
        return FALSE;
    return is_new ? create_tables(db, path, secret, error) : read_secret(db, path, secret, error);
}

/* Root's file would keep out the host, which the folder belongs to. */
static void
give_to_host(int fd, const char *path)
{
    struct stat status;
    g_autofree char *folder = g_path_get_dirname(path);
    if (stat(folder, &status) == 0 && fchown(fd, status.st_uid, status.st_gid) != 0)
        g_debug("%s: %s", path, g_strerror(errno));
}

int
grey_file_create(const char *path, int flags)
{
    int all = flags | O_RDWR | O_CREAT | O_CLOEXEC;
    int fd = open(path, all | O_EXCL, 0600);
    if (fd < 0 && errno == EEXIST)
        return open(path, all, 0600);
    if (fd >= 0 && geteuid() == 0)
        give_to_host(fd, path);
    return fd;
}

gboolean
grey_file_make(const char *path, GreySecret *secret, GError **error)
{
    sqlite3 *db = NULL;
    /* Who writes to whom is nobody else's business; the log gets the file's mode and owner. */
    int fd = grey_file_create(path, 0);
    if (fd < 0)
        return set_error(error, GREY_STORE_ERROR_OPEN, path, g_strerror(errno));
    close(fd);
    gboolean good = open_db(&db, path, error) && check_or_create(db, path, secret, error);
    sqlite3_close(db);
    return good;
}

const char *
grey_file_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

gboolean
grey_file_load_rules(GreyFile *file, GreyRules *rules)
{
    static const char sql[] =
        "SELECT source, sender, recipient, note, state, first, last, until FROM rule";
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(file->db, sql, -1, &row, NULL) != SQLITE_OK)
        return FALSE;
    int result;
    while ((result = sqlite3_step(row)) == SQLITE_ROW) {
        GreyEntry entry = {.source = grey_file_text(row, 0),
                           .sender = grey_file_text(row, 1),
                           .recipient = grey_file_text(row, 2),
                           .note = grey_file_text(row, 3)};
        entry.record = (GreyRecord){.kind = GREY_KIND_RULE,
                                    .state = (guint8)sqlite3_column_int(row, 4),
                                    .first = sqlite3_column_int64(row, 5),
                                    .last = sqlite3_column_int64(row, 6),
                                    .until = sqlite3_column_int64(row, 7)};
        if (!grey_entry_check(&entry))
            grey_rules_put(rules, &entry);
    }
    sqlite3_finalize(row);
    return result == SQLITE_DONE;
}

/* ---- Reading and writing entries. */

gboolean
grey_file_do(sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result == SQLITE_DONE;
}

static gint64
read_time(sqlite3_stmt *row, int column)
{
    return CLAMP(sqlite3_column_int64(row, column), 0, GREY_TIME_MAX);
}

/* A file may be damaged without SQLite's noticing: no number is out of its range. */
void
grey_file_read_record(sqlite3_stmt *row, int column, GreyRecord *record)
{
    *record =
        (GreyRecord){.kind = (guint8)((guint)sqlite3_column_int(row, column) % GREY_N_KINDS),
                     .state = (guint8)((guint)sqlite3_column_int(row, column + 1) % GREY_N_STATES),
                     .first = read_time(row, column + 2),
                     .last = read_time(row, column + 3),
                     .until = read_time(row, column + 4),
                     .tries = (guint32)sqlite3_column_int64(row, column + 5)};
    const void *senders = sqlite3_column_blob(row, column + 6);
    gsize size = (gsize)sqlite3_column_bytes(row, column + 6);
    size = MIN(size, sizeof(record->senders));
    if (senders)
        memcpy(record->senders, senders, size);
    record->n_senders = (guint8)(size / sizeof(guint32));
}

gboolean
grey_file_load(GreyFile *file, GreyId id, GreyRecord *record)
{
    sqlite3_stmt *load = file->load;
    *record = (GreyRecord){0};
    sqlite3_bind_int64(load, 1, (gint64)id.a);
    int result = sqlite3_step(load);
    if (result == SQLITE_ROW && sqlite3_column_int64(load, 0) == (gint64)id.b)
        grey_file_read_record(load, 1, record);
    sqlite3_reset(load);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

static void
bind_text(sqlite3_stmt *statement, int column, const char *text)
{
    sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
}

static gboolean
save_entry(GreyFile *file, const GreyWrite *write)
{
    const GreyRecord *record = &write->record;
    sqlite3_stmt *save = file->save;
    sqlite3_bind_int64(save, 1, (gint64)write->id.a);
    sqlite3_bind_int64(save, 2, (gint64)write->id.b);
    sqlite3_bind_int(save, 3, record->kind);
    sqlite3_bind_int(save, 4, record->state);
    sqlite3_bind_int64(save, 5, record->first);
    sqlite3_bind_int64(save, 6, record->last);
    sqlite3_bind_int64(save, 7, record->until);
    sqlite3_bind_int64(save, 8, record->tries);
    if (record->n_senders > 0)
        sqlite3_bind_blob(save, 9, record->senders, record->n_senders * (int)sizeof(guint32),
                          SQLITE_STATIC);
    else
        sqlite3_bind_null(save, 9);
    const char *text = write->texts;
    gboolean none = !text[0] && !text[1] && !text[2];
    for (int column = 10; column <= 12; column++) {
        bind_text(save, column, none ? NULL : text);
        text += strlen(text) + 1;
    }
    return grey_file_do(save);
}

static gboolean
save_rule(GreyFile *file, const GreyWrite *write)
{
    sqlite3_stmt *statement = write->remove ? file->drop_rule : file->save_rule;
    const char *text = write->texts;
    for (int column = 1; column <= 3; column++) {
        bind_text(statement, column, text);
        text += strlen(text) + 1;
    }
    if (!write->remove) {
        sqlite3_bind_int(statement, 4, write->record.state);
        sqlite3_bind_int64(statement, 5, write->record.first);
        sqlite3_bind_int64(statement, 6, write->record.last);
        sqlite3_bind_int64(statement, 7, write->record.until);
        bind_text(statement, 8, write->note);
    }
    return grey_file_do(statement);
}

gboolean
grey_file_save(GreyFile *file, const GreyWrite *write)
{
    if (!write->slot)
        return save_rule(file, write);
    if (!write->remove)
        return save_entry(file, write);
    sqlite3_bind_int64(file->drop, 1, (gint64)write->id.a);
    sqlite3_bind_int64(file->drop, 2, (gint64)write->id.b);
    return grey_file_do(file->drop);
}

gboolean
grey_file_sweep(GreyFile *file, gint64 first, gint64 last, gint64 now, guint64 *n)
{
    sqlite3_bind_int64(file->sweep, 1, first);
    sqlite3_bind_int64(file->sweep, 2, last);
    sqlite3_bind_int64(file->sweep, 3, now);
    if (!grey_file_do(file->sweep))
        return FALSE;
    *n += (guint64)sqlite3_changes(file->db);
    return TRUE;
}
