/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store on disk: files that are not right, kill -9 under load, and what expires by itself. */
#include "bed.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *
uri_of(Bed *bed)
{
    g_autofree char *path = bed_path(bed, "g.sqlite");
    return g_strconcat("sqlite:", path, NULL);
}

static GreyStore *
open_good(Bed *bed)
{
    g_autofree char *uri = uri_of(bed);
    g_autoptr(GError) error = NULL;
    GreyStore *store = bed_open(bed, uri, &error);
    g_assert_no_error(error);
    return store;
}

/* Opening fails with code and names the file; its bytes stay. */
static void
assert_refused(Bed *bed, GreyStoreError code)
{
    g_autofree char *uri = uri_of(bed), *path = bed_path(bed, "g.sqlite");
    g_autofree char *before = NULL, *after = NULL;
    gsize size_before = 0, size_after = 0;
    g_autoptr(GError) error = NULL;
    g_assert_true(g_file_get_contents(path, &before, &size_before, NULL));
    g_assert_null(bed_open(bed, uri, &error));
    g_assert_error(error, GREY_STORE_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_true(g_file_get_contents(path, &after, &size_after, NULL));
    g_assert_cmpmem(before, (int)size_before, after, (int)size_after);
    g_clear_error(&error);
    g_assert_false(grey_store_check(uri, &error));
    g_assert_error(error, GREY_STORE_ERROR, (int)code);
}

static void
test_not_a_database(void)
{
    Bed *bed = bed_new();
    g_autofree char *path = bed_path(bed, "g.sqlite");
    g_autofree char *text = g_strnfill(5000, 'x');
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_refused(bed, GREY_STORE_ERROR_CORRUPT);
    g_assert_true(g_file_set_contents(path, "short", -1, NULL));
    assert_refused(bed, GREY_STORE_ERROR_CORRUPT);
    bed_free(bed);
}

static void
execute(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

static void
test_other_database(void)
{
    Bed *bed = bed_new();
    g_autofree char *path = bed_path(bed, "g.sqlite");
    execute(path, "CREATE TABLE somebodys (x)");
    assert_refused(bed, GREY_STORE_ERROR_CORRUPT);
    bed_free(bed);
}

static void
test_newer_version(void)
{
    Bed *bed = bed_new();
    g_autofree char *path = bed_path(bed, "g.sqlite");
    grey_store_unref(open_good(bed));
    execute(path, "PRAGMA user_version = 2");
    assert_refused(bed, GREY_STORE_ERROR_VERSION);
    bed_free(bed);
}

static void
test_no_folder(void)
{
    Bed *bed = bed_new();
    g_autoptr(GError) error = NULL;
    g_assert_null(bed_open(bed, "sqlite:/nowhere/at/all/g.sqlite", &error));
    g_assert_error(error, GREY_STORE_ERROR, GREY_STORE_ERROR_OPEN);
    g_assert_nonnull(strstr(error->message, "/nowhere/at/all"));
    bed_free(bed);
}

static void
test_one_process(void)
{
    Bed *bed = bed_new();
    g_autofree char *uri = uri_of(bed);
    GreyStore *store = open_good(bed);
    g_autoptr(GError) error = NULL;
    g_assert_null(bed_open(bed, uri, &error));
    g_assert_error(error, GREY_STORE_ERROR, GREY_STORE_ERROR_OPEN);
    grey_store_unref(store);
    store = open_good(bed);
    grey_store_unref(store);
    bed_free(bed);
}

static GreyQuestion
ask(const char *sender)
{
    return (GreyQuestion){.source = "n:192.0.2.0/24",
                          .sender = sender,
                          .recipient = "b@example.net",
                          .pair_sender = "",
                          .pair_recipient = "",
                          .delay = 240,
                          .retry_window = 86400,
                          .pass_lifetime = 3110400,
                          .auto_allow = 2};
}

/* Somebody else's connection holds the file: opening fails soon, for it is a worker that opens. */
static void
test_held(void)
{
    Bed *bed = bed_new();
    g_autofree char *uri = uri_of(bed), *path = bed_path(bed, "g.sqlite");
    sqlite3 *db = NULL;
    grey_store_unref(open_good(bed));
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db,
                                 "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE;"
                                 "REPLACE INTO meta VALUES ('x', 'y')",
                                 NULL, NULL, NULL),
                    ==, SQLITE_OK);
    g_autoptr(GError) error = NULL;
    gint64 begin = g_get_monotonic_time();
    g_assert_null(bed_open(bed, uri, &error));
    g_assert_error(error, GREY_STORE_ERROR, GREY_STORE_ERROR_OPEN);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 5 * G_USEC_PER_SEC);
    sqlite3_close(db);
    grey_store_unref(open_good(bed));
    bed_free(bed);
}

/* SQLite goes on with a file that has no name any more, and no call fails: it is said, once. */
static void
test_deleted(void)
{
    Bed *bed = bed_new();
    g_autofree char *path = bed_path(bed, "g.sqlite");
    GreyStore *store = open_good(bed);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    const GreyQuestion questions[] = {ask("a@example.org"), ask("b@example.org"),
                                      ask("c@example.org")};
    bed_decide(bed, desk, &questions[0]);
    bed_sync(bed, desk);
    g_assert_cmpuint(bed_logged(bed, "greylist-store-moved"), ==, 0);
    g_assert_cmpint(g_unlink(path), ==, 0);
    for (guint i = 1; i < G_N_ELEMENTS(questions); i++) {
        bed_decide(bed, desk, &questions[i]);
        bed_sync(bed, desk);
    }
    g_assert_cmpuint(bed_logged(bed, "greylist-store-moved"), ==, 1);
    grey_desk_free(desk);
    grey_store_unref(store);
    bed_free(bed);
}

/* A file with what one question leaves, closed again. */
static void
write_one(Bed *bed, const GreyQuestion *question)
{
    GreyStore *store = open_good(bed);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    bed_decide(bed, desk, question);
    grey_desk_free(desk);
    grey_store_unref(store);
}

/* Numbers that no program of ours has written. */
static void
test_odd_rows(void)
{
    static const char *const changes[] = {
        "UPDATE entry SET kind = -1, state = -1",
        "UPDATE entry SET kind = 255, state = 255",
        "UPDATE entry SET kind = 9223372036854775807, tries = -1",
        "UPDATE entry SET kind = 0, state = 0, first = -9223372036854775808, "
        "last = -9223372036854775808, until = 9223372036854775807",
        "UPDATE entry SET first = 9223372036854775807, last = 9223372036854775807",
        "UPDATE entry SET senders = zeroblob(1000)",
    };
    for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
        Bed *bed = bed_new();
        g_autofree char *path = bed_path(bed, "g.sqlite");
        const GreyFilter all = {0, 0, NULL};
        const GreyQuestion q = ask("a@example.org");
        write_one(bed, &q);
        execute(path, changes[i]);
        GreyStore *store = open_good(bed);
        GreyDesk *desk = grey_desk_new(store, &bed->loop);
        const GreyStats stats = bed_stats(bed, desk);
        guint64 n = 0;
        for (guint kind = 0; kind < GREY_N_KINDS; kind++) {
            for (guint state = 0; state < GREY_N_STATES; state++)
                n += stats.entries[kind][state];
        }
        g_assert_cmpuint(n, ==, 1);
        GPtrArray *list = bed_list(bed, desk, &all, 10);
        g_assert_cmpuint(list->len, ==, 1);
        g_assert_null(strstr(g_ptr_array_index(list, 0), "unknown"));
        g_ptr_array_unref(list);
        g_assert_cmpint(bed_decide(bed, desk, &q).says, !=, GREY_SAYS_FAILED);
        grey_desk_free(desk);
        grey_store_unref(store);
        bed_free(bed);
    }
}

/* Two names may have one row: what stands there is of the other, and the latest has the row. */
static void
test_one_row_for_two(void)
{
    Bed *bed = bed_new();
    g_autofree char *path = bed_path(bed, "g.sqlite");
    const GreyFilter all = {0, 0, NULL};
    const GreyQuestion q = ask("a@example.org");
    write_one(bed, &q);
    execute(path, "UPDATE entry SET chk = ~chk, state = 1"); /* the other was let in */
    for (guint i = 0; i < 2; i++) {
        GreyStore *store = open_good(bed);
        GreyDesk *desk = grey_desk_new(store, &bed->loop);
        g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, i ? GREY_SAYS_EARLY : GREY_SAYS_NEW);
        bed_sync(bed, desk);
        GPtrArray *list = bed_list(bed, desk, &all, 10);
        g_assert_cmpuint(list->len, ==, 1);
        g_ptr_array_unref(list);
        grey_desk_free(desk);
        grey_store_unref(store);
    }
    bed_free(bed);
}

/* What root makes, as milter-greylist-ctl may be before the host's first start, is the host's. */
static void
test_made_by_root(void)
{
    const uid_t nobody = 65534;
    Bed *bed = bed_new();
    if (geteuid() != 0 || chown(bed->folder, nobody, nobody) != 0) {
        g_test_skip("this is for root");
        bed_free(bed);
        return;
    }
    GreyStore *store = open_good(bed);
    static const char *const names[] = {"g.sqlite", "g.sqlite.lock", "g.sqlite-wal",
                                        "g.sqlite-shm"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = bed_path(bed, names[i]);
        GStatBuf status;
        g_assert_cmpint(g_stat(path, &status), ==, 0);
        g_assert_cmpuint(status.st_uid, ==, nobody);
        g_assert_cmpuint(status.st_gid, ==, nobody);
        g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
    }
    grey_store_unref(store);
    bed_free(bed);
}

static void
test_reopening(void)
{
    Bed *bed = bed_new();
    const GreyQuestion q = ask("a@example.org");
    const GreyEntry rule = {{.kind = GREY_KIND_RULE,
                             .state = GREY_STATE_BLOCKED,
                             .first = BED_START,
                             .last = BED_START},
                            "",
                            "bad@example.org",
                            "",
                            "why"};
    for (guint i = 0; i < 3; i++) {
        GreyStore *store = open_good(bed);
        GreyDesk *desk = grey_desk_new(store, &bed->loop);
        GreyAnswer answer = bed_decide(bed, desk, &q);
        g_assert_cmpint(answer.says, ==,
                        i == 0   ? GREY_SAYS_NEW
                        : i == 1 ? GREY_SAYS_MATURE
                                 : GREY_SAYS_KNOWN);
        GreyRecord record;
        g_assert_true(bed_get(bed, desk, &rule, &record) == (i > 0));
        if (i == 0)
            bed_put(bed, desk, &rule, 1, FALSE);
        bed_turn(bed, 300);
        grey_desk_free(desk);
        grey_store_unref(store);
    }
    bed_free(bed);
}

/* Without texts nothing readable of triplets is on the disk, and decisions are the same. */
static void
test_without_texts(void)
{
    Bed *bed = bed_new();
    g_autofree char *uri = uri_of(bed), *path = bed_path(bed, "g.sqlite");
    const GreyStoreOptions options = {.uri = uri, .environment = bed->environment};
    const GreyQuestion q = ask("secretive@example.org");
    GreyStore *store = grey_store_open(&options, NULL);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_NEW);
    bed_sync(bed, desk);
    grey_desk_free(desk);
    grey_store_unref(store);
    g_autofree char *bytes = NULL;
    gsize size = 0;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    g_assert_null(memmem(bytes, size, "secretive", 9));
    bed_turn(bed, 300);
    store = open_good(bed);
    desk = grey_desk_new(store, &bed->loop);
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_MATURE);
    grey_desk_free(desk);
    grey_store_unref(store);
    bed_free(bed);
}

/* ---- kill -9: a child asks and asks, and tells through a pipe up to which question all is on
 * disk. */

#define QUESTIONS_PER_SYNC 300

typedef struct Child {
    Bed *bed;
    GreyDesk *desk;
    guint32 syncing; /* the number asked before the sync that is open; 0: none is */
    int pipe;
} Child;

static void
name_of(guint32 number, char *sender)
{
    g_snprintf(sender, 64, "kill-%u@example.org", number);
}

static void
on_synced(void *data, guint64 n, const char *error)
{
    Child *child = data;
    (void)n;
    if (error || write(child->pipe, &child->syncing, sizeof(child->syncing)) < 0)
        _exit(1);
    child->syncing = 0;
}

/* Never waits for the disk itself: commits go on while it asks. */
static void
load(Bed *bed, const char *uri, int pipe)
{
    GreyStore *store = bed_open(bed, uri, NULL);
    Child child = {.bed = bed, .desk = grey_desk_new(store, &bed->loop), .pipe = pipe};
    for (guint32 i = 1;; i++) {
        char sender[64];
        name_of(i, sender);
        const GreyQuestion q = ask(sender);
        bed_decide(bed, child.desk, &q);
        g_main_context_iteration(bed->context, FALSE);
        if (i % QUESTIONS_PER_SYNC == 0 && child.syncing == 0) {
            child.syncing = i;
            grey_desk_sync(child.desk, on_synced, &child);
        }
    }
}

static void
check_integrity(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), ==,
                    SQLITE_OK);
    g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
    g_assert_cmpstr((const char *)sqlite3_column_text(statement, 0), ==, "ok");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* Some commits are made; the child is killed while it makes more. Returns what is certain. */
static guint32
run_and_kill(Bed *bed, const char *uri)
{
    int fds[2];
    guint32 synced = 0;
    g_assert_cmpint(pipe(fds), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        load(bed, uri, fds[1]);
        _exit(1);
    }
    close(fds[1]);
    for (guint i = 0; i < 8; i++)
        g_assert_cmpint(read(fds[0], &synced, sizeof(synced)), ==, sizeof(synced));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fds[0]);
    return synced;
}

static void
test_kill(void)
{
    Bed *bed = bed_new();
    g_autofree char *path = bed_path(bed, "g.sqlite"), *uri = uri_of(bed);
    guint32 synced = run_and_kill(bed, uri);
    check_integrity(path);
    GreyStore *store = open_good(bed);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    for (guint32 i = 1; i <= synced; i++) {
        char sender[64];
        name_of(i, sender);
        const GreyQuestion q = ask(sender);
        g_assert_cmpstr(grey_says_name(bed_decide(bed, desk, &q).says), ==, "early");
    }
    grey_desk_free(desk);
    grey_store_unref(store);
    check_integrity(path);
    bed_free(bed);
}

/* Nobody asks for it: a change is written by itself, which another connection sees. */
static void
test_commits_by_itself(void)
{
    Bed *bed = bed_new();
    g_autofree char *path = bed_path(bed, "g.sqlite");
    const GreyQuestion q = ask("a@example.org");
    GreyStore *store = open_good(bed);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    bed_decide(bed, desk, &q);
    g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT count(*) FROM entry", -1, &statement, NULL), ==,
                    SQLITE_OK);
    gint n = 0;
    while (n == 0) {
        g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
        n = sqlite3_column_int(statement, 0);
        sqlite3_reset(statement);
        g_usleep(20000);
    }
    g_assert_cmpint(n, ==, 1);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    grey_desk_free(desk);
    grey_store_unref(store);
    bed_free(bed);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/greylist/sqlite/not-a-database", test_not_a_database);
    g_test_add_func("/greylist/sqlite/other-database", test_other_database);
    g_test_add_func("/greylist/sqlite/newer-version", test_newer_version);
    g_test_add_func("/greylist/sqlite/no-folder", test_no_folder);
    g_test_add_func("/greylist/sqlite/one-process", test_one_process);
    g_test_add_func("/greylist/sqlite/held", test_held);
    g_test_add_func("/greylist/sqlite/deleted", test_deleted);
    g_test_add_func("/greylist/sqlite/odd-rows", test_odd_rows);
    g_test_add_func("/greylist/sqlite/one-row-for-two", test_one_row_for_two);
    g_test_add_func("/greylist/sqlite/made-by-root", test_made_by_root);
    g_test_add_func("/greylist/sqlite/reopening", test_reopening);
    g_test_add_func("/greylist/sqlite/without-texts", test_without_texts);
    g_test_add_func("/greylist/sqlite/kill", test_kill);
    g_test_add_func("/greylist/sqlite/commits-by-itself", test_commits_by_itself);
    return g_test_run();
}
