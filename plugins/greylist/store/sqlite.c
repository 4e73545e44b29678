/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store on disk: opening, threads, closing. */
#include "store/sqlite-private.h"

#include <errno.h>
#include <fcntl.h>
#include <libintl.h>
#include <sys/file.h>
#include <unistd.h>

/* Recent keys in memory: some 26 MB when it is full. */
#define TABLE_SLOTS 200000
/* Page caches in KiB. */
#define READER_CACHE 12288
#define CLERK_CACHE 4096
#define WRITER_CACHE 16384
#define CHECKPOINT_CACHE 256

GreyRequest grey_sqlite_end;

static void
sqlite_submit(GreyDesk *desk, GreyRequest *request)
{
    GreySqlite *sqlite = (GreySqlite *)desk->store;
    switch (request->kind) {
    case GREY_REQUEST_DECIDE:
        g_async_queue_push(sqlite->to_read, request);
        return;
    case GREY_REQUEST_EXPIRE:
        g_mutex_lock(&sqlite->lock_writes);
        sqlite->sweeps = g_slist_append(sqlite->sweeps, request);
        g_cond_signal(&sqlite->writes_changed);
        g_mutex_unlock(&sqlite->lock_writes);
        return;
    default:
        g_async_queue_push(sqlite->to_clerk, request);
        return;
    }
}

static GreyDesk *
sqlite_desk(void)
{
    return g_new0(GreyDesk, 1);
}

/* ---- Closing: those who queue changes first, then the writer, which writes them. */

static void
stop_threads(GreySqlite *sqlite)
{
    for (guint i = 0; i < GREY_N_READERS; i++)
        g_async_queue_push(sqlite->to_read, &grey_sqlite_end);
    g_async_queue_push(sqlite->to_clerk, &grey_sqlite_end);
    for (guint i = 0; i < GREY_N_READERS; i++)
        g_thread_join(sqlite->readers[i]);
    g_thread_join(sqlite->clerk);
    g_mutex_lock(&sqlite->lock_writes);
    sqlite->stopping = TRUE;
    g_cond_signal(&sqlite->writes_changed);
    g_mutex_unlock(&sqlite->lock_writes);
    g_thread_join(sqlite->writer);
    g_mutex_lock(&sqlite->lock_checkpoint);
    sqlite->checkpoints_end = TRUE;
    g_cond_signal(&sqlite->checkpoint_due);
    g_mutex_unlock(&sqlite->lock_checkpoint);
    g_thread_join(sqlite->checkpointer);
}

static void
sqlite_release(GreySqlite *sqlite)
{
    for (guint i = 0; i < GREY_N_READERS; i++)
        grey_file_close(&sqlite->reader_files[i]);
    grey_file_close(&sqlite->clerk_file);
    grey_file_close(&sqlite->checkpoint_file);
    grey_file_close(&sqlite->writer_file);
    if (sqlite->lock >= 0)
        close(sqlite->lock);
    g_async_queue_unref(sqlite->to_read);
    g_async_queue_unref(sqlite->to_clerk);
    grey_table_free(sqlite->table);
    grey_rules_free(sqlite->rules);
    g_mutex_clear(&sqlite->lock_writes);
    g_cond_clear(&sqlite->writes_changed);
    g_cond_clear(&sqlite->committed);
    g_mutex_clear(&sqlite->lock_log);
    g_mutex_clear(&sqlite->lock_checkpoint);
    g_cond_clear(&sqlite->checkpoint_due);
    g_free(sqlite->path);
    g_free(sqlite);
}

static void
sqlite_free(GreyStore *store)
{
    GreySqlite *sqlite = (GreySqlite *)store;
    stop_threads(sqlite);
    sqlite_release(sqlite);
}

static const GreyStoreOps sqlite_ops = {
    .free = sqlite_free,
    .desk_alloc = sqlite_desk,
    .decide = grey_sqlite_decide,
    .submit = sqlite_submit,
};

/* ---- Opening. */

static gboolean
check_folder(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (g_file_test(folder, G_FILE_TEST_IS_DIR))
        return TRUE;
    g_set_error(error, GREY_STORE_ERROR, GREY_STORE_ERROR_OPEN,
                dgettext(GETTEXT_PACKAGE, N_("%s: the folder %s does not exist; make it, owned "
                                             "by the user that serves")),
                path, folder);
    return FALSE;
}

/* What is kept in memory must be true: one process at a time. The lock ends with the process. */
static gboolean
take_lock(GreySqlite *sqlite, GError **error)
{
    g_autofree char *name = g_strconcat(sqlite->path, ".lock", NULL);
    sqlite->lock = grey_file_create(name, O_NOFOLLOW);
    if (sqlite->lock >= 0 && flock(sqlite->lock, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    gboolean used = sqlite->lock >= 0 && errno == EWOULDBLOCK;
    g_set_error(
        error, GREY_STORE_ERROR, GREY_STORE_ERROR_OPEN, "%s: %s", used ? sqlite->path : name,
        used ? dgettext(GETTEXT_PACKAGE, N_("another process has it open")) : g_strerror(errno));
    return FALSE;
}

/* All of them before a thread runs, so that whatever is wrong is said now. */
static gboolean
open_files(GreySqlite *sqlite, GError **error)
{
    const char *path = sqlite->path;
    gboolean good = grey_file_make(path, &sqlite->secret, error) &&
                    grey_file_open(&sqlite->writer_file, path, WRITER_CACHE, error) &&
                    grey_file_open(&sqlite->clerk_file, path, CLERK_CACHE, error) &&
                    grey_file_open(&sqlite->checkpoint_file, path, CHECKPOINT_CACHE, error);
    for (guint i = 0; i < GREY_N_READERS && good; i++)
        good = grey_file_open(&sqlite->reader_files[i], path, READER_CACHE, error);
    if (!good || grey_file_load_rules(&sqlite->clerk_file, sqlite->rules))
        return good;
    g_set_error(error, GREY_STORE_ERROR, GREY_STORE_ERROR_CORRUPT, "%s: %s", path,
                sqlite3_errmsg(sqlite->clerk_file.db));
    return FALSE;
}

static void
start_threads(GreySqlite *sqlite)
{
    for (guint i = 0; i < GREY_N_READERS; i++) {
        sqlite->seats[i] = (GreyReader){sqlite, &sqlite->reader_files[i]};
        sqlite->readers[i] = g_thread_new("grey-read", grey_sqlite_reader, &sqlite->seats[i]);
    }
    sqlite->clerk = g_thread_new("grey-clerk", grey_sqlite_clerk, sqlite);
    sqlite->writer = g_thread_new("grey-write", grey_sqlite_writer, sqlite);
    sqlite->checkpointer = g_thread_new("grey-checkpoint", grey_sqlite_checkpointer, sqlite);
}

static GreySqlite *
sqlite_new(const GreyStoreOptions *options, GreyUri *uri)
{
    GreySqlite *sqlite = g_new0(GreySqlite, 1);
    sqlite->store =
        (GreyStore){.ops = &sqlite_ops, .environment = options->environment, .text = options->text};
    g_atomic_ref_count_init(&sqlite->store.references);
    sqlite->path = g_steal_pointer(&uri->path);
    grey_uri_free(uri);
    sqlite->lock = -1;
    sqlite->table = grey_table_new(TABLE_SLOTS, NULL);
    sqlite->rules = grey_rules_new();
    sqlite->to_read = g_async_queue_new();
    sqlite->to_clerk = g_async_queue_new();
    g_mutex_init(&sqlite->lock_writes);
    g_cond_init(&sqlite->writes_changed);
    g_cond_init(&sqlite->committed);
    g_mutex_init(&sqlite->lock_log);
    g_mutex_init(&sqlite->lock_checkpoint);
    g_cond_init(&sqlite->checkpoint_due);
    sqlite->last = &sqlite->first;
    return sqlite;
}

/* SQLite's count of its memory has one lock for all threads. It can be left out only before the
 * first use in the process; if that has been, nothing is lost but time. */
static gpointer
count_no_memory(gpointer unused)
{
    (void)unused;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return NULL;
}

GreyStore *
grey_sqlite_open(const GreyStoreOptions *options, GreyUri *uri, GError **error)
{
    static GOnce once = G_ONCE_INIT;
    g_once(&once, count_no_memory, NULL);
    GreySqlite *sqlite = sqlite_new(options, uri);
    if (!check_folder(sqlite->path, error) || !take_lock(sqlite, error) ||
        !open_files(sqlite, error)) {
        sqlite_release(sqlite);
        return NULL;
    }
    start_threads(sqlite);
    return &sqlite->store;
}
