/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     greylist-bench - decisions on a full SQLite store, as a busy host asks for them
 *
 * SYNOPSIS
 *     greylist-bench [TRIPLETS [SECONDS [FOLDER]]]
 *
 * DESCRIPTION
 *     Fills a store with TRIPLETS (10 million) that have passed, their last uses spread over the
 * last hour and its touch interval as a store in use has them, then asks for SECONDS (60): nine of
 * ten questions about known triplets, chosen at random, one about a new one. Meanwhile entries are
 * imported and expired without a pause; one in ENDED_EVERY has ended. PARALLEL questions are open
 * at a time, as many sessions of a worker.
 *
 *     Prints decisions a second, percentiles of the answer's time (from the question to the
 * callback on the asking thread), what was imported and expired, and the resident memory (of the
 * asking: the filling is another process).
 */
#include "store/key.h"
#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARALLEL 16
#define N_SOURCES 200000u
/* One of so many has ended when the asking begins. */
#define ENDED_EVERY 50
#define SAMPLES_MAX 20000000u

typedef struct Bench {
    GMainContext *context;
    GreyStore *store;
    GreyDesk *desk;
    guint64 triplets, next_new, next_import;
    guint64 random;
    guint open;
    guint64 answered, at_once, known, fresh, failed, imported, expired;
    guint32 *samples; /* microseconds */
    gboolean over;
} Bench;

/* ---- The loop and the environment. */

typedef struct Call {
    GreyFunction function;
    void *argument;
} Call;

static gboolean
run_call(gpointer data)
{
    const Call *call = data;
    call->function(call->argument);
    return G_SOURCE_REMOVE;
}

static void
post(void *data, GreyFunction function, void *argument)
{
    Bench *bench = data;
    Call *call = g_new(Call, 1);
    *call = (Call){function, argument};
    g_main_context_invoke_full(bench->context, G_PRIORITY_DEFAULT, run_call, call, g_free);
}

static gint64
wall_clock(void *data)
{
    (void)data;
    return g_get_real_time();
}

static void
print_log(void *data, guint level, const char *id, const char *text, const char *detail)
{
    (void)data;
    (void)level;
    fprintf(stderr, "%s: %s (%s)\n", id, text, detail ? detail : "");
}

static Bench *
bench_open(const char *path, guint64 triplets)
{
    Bench *bench = g_new0(Bench, 1);
    g_autofree char *uri = g_strconcat("sqlite:", path, NULL);
    const GreyStoreOptions options = {
        .uri = uri, .text = TRUE, .environment = {bench, wall_clock, print_log}};
    g_autoptr(GError) error = NULL;
    bench->context = g_main_context_new();
    bench->triplets = bench->next_new = bench->next_import = triplets;
    bench->next_import += G_GUINT64_CONSTANT(1) << 40;
    bench->random = 88172645463325252u;
    bench->store = grey_store_open(&options, &error);
    if (!bench->store) {
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
    const GreyLoop loop = {.data = bench, .post = post};
    bench->desk = grey_desk_new(bench->store, &loop);
    return bench;
}

static void
bench_close(Bench *bench)
{
    grey_desk_free(bench->desk);
    grey_store_unref(bench->store);
    g_main_context_unref(bench->context);
    g_free(bench->samples);
    g_free(bench);
}

static guint64
random_number(Bench *bench)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random;
}

/* ---- Triplet number n. */

typedef struct Names {
    char source[32], sender[64], recipient[64];
} Names;

static void
name(Names *names, guint64 n)
{
    /* A few large senders, many small ones. */
    guint64 spread = n * 2654435761u % N_SOURCES;
    guint source = (guint)(spread * spread / N_SOURCES);
    g_snprintf(names->source, sizeof(names->source), "n:%u.%u.%u.0/24", 11 + source / 65536,
               source / 256 % 256, source % 256);
    g_snprintf(names->sender, sizeof(names->sender), "sender-%" G_GUINT64_FORMAT "@example.org",
               n / 3);
    g_snprintf(names->recipient, sizeof(names->recipient),
               "recipient-%" G_GUINT64_FORMAT "@example.net", n % 100003);
}

static GreyEntry
entry_of(const Names *names, gint64 now, guint64 age)
{
    gint64 last = now - (gint64)age;
    return (GreyEntry){{.kind = GREY_KIND_TRIPLET,
                        .state = GREY_STATE_PASSED,
                        .tries = 2,
                        .first = last - 300,
                        .last = last,
                        .until = last + 3110400},
                       names->source,
                       names->sender,
                       names->recipient,
                       ""};
}

/* ---- Filling: rows in the order of their hash, straight into the file. Through the store each
 * batch would touch as many pages as it has entries. */

typedef struct Row {
    GreyId id;
    guint32 n;
} Row;

static int
compare_row_ids(const void *a, const void *b)
{
    gint64 left = (gint64)((const Row *)a)->id.a, right = (gint64)((const Row *)b)->id.a;
    return left < right ? -1 : left > right;
}

static void
check(int result, sqlite3 *db)
{
    if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW)
        return;
    fprintf(stderr, "filling: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static GreySecret
read_secret(sqlite3 *db)
{
    GreySecret secret;
    sqlite3_stmt *statement = NULL;
    check(sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = 'secret'", -1, &statement,
                             NULL),
          db);
    check(sqlite3_step(statement), db);
    memcpy(secret.bytes, sqlite3_column_blob(statement, 0), GREY_SECRET_SIZE);
    sqlite3_finalize(statement);
    return secret;
}

static void
insert(sqlite3_stmt *statement, const Row *row, const GreyEntry *entry)
{
    sqlite3_bind_int64(statement, 1, (gint64)row->id.a);
    sqlite3_bind_int64(statement, 2, (gint64)row->id.b);
    sqlite3_bind_int64(statement, 3, entry->record.first);
    sqlite3_bind_int64(statement, 4, entry->record.last);
    sqlite3_bind_int64(statement, 5, entry->record.until);
    sqlite3_bind_text(statement, 6, entry->source, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 7, entry->sender, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 8, entry->recipient, -1, SQLITE_STATIC);
    check(sqlite3_step(statement), sqlite3_db_handle(statement));
    sqlite3_reset(statement);
}

static int
fill(const char *path, guint64 triplets)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    Bench *bench = bench_open(path, triplets); /* makes the tables */
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    bench_close(bench);
    check(sqlite3_open(path, &db), db);
    const GreySecret secret = read_secret(db);
    Row *rows = g_new(Row, triplets);
    for (guint64 n = 0; n < triplets; n++) {
        Names names;
        name(&names, n);
        rows[n].id =
            grey_id(&secret, GREY_KIND_TRIPLET, names.source, names.sender, names.recipient);
        rows[n].n = (guint32)n;
    }
    qsort(rows, triplets, sizeof(Row), compare_row_ids);
    check(sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 10000; BEGIN",
                       NULL, NULL, NULL),
          db);
    check(sqlite3_prepare_v2(db,
                             "INSERT INTO entry VALUES (?1, ?2, 0, 1, ?3, ?4, ?5, 2, NULL, ?6, ?7,"
                             " ?8)",
                             -1, &statement, NULL),
          db);
    for (guint64 i = 0; i < triplets; i++) {
        Names names;
        name(&names, rows[i].n);
        GreyEntry entry = entry_of(&names, now, rows[i].id.b % 4100);
        if (rows[i].n % ENDED_EVERY == 0)
            entry.record.until = now;
        insert(statement, &rows[i], &entry);
        if (i % 100000 == 99999)
            check(sqlite3_exec(db, "COMMIT; BEGIN", NULL, NULL, NULL), db);
    }
    check(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), db);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    g_free(rows);
    return 0;
}

/* ---- Importing, while it is asked. */

#define BATCH 1000u

static void
put(Bench *bench, guint64 from, guint flags, GreyDoneFunction function)
{
    static Names names[BATCH];
    static GreyEntry entries[BATCH];
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    for (guint i = 0; i < BATCH; i++) {
        name(&names[i], from + i);
        entries[i] = entry_of(&names[i], now, 0);
    }
    grey_desk_put(bench->desk, entries, BATCH, flags, function, bench);
}

/* ---- Asking. */

typedef struct Question {
    Bench *bench;
    Names names;
    GreyQuestion question;
    gint64 asked_at;
} Question;

static void
note(Question *question, const GreyAnswer *answer)
{
    Bench *bench = question->bench;
    gint64 took = g_get_monotonic_time() - question->asked_at;
    if (bench->answered < SAMPLES_MAX)
        bench->samples[bench->answered] = (guint32)took;
    bench->answered++;
    bench->known += answer->says == GREY_SAYS_KNOWN || answer->says == GREY_SAYS_BY_SOURCE;
    bench->fresh += answer->says == GREY_SAYS_NEW;
    bench->failed += answer->says == GREY_SAYS_FAILED;
}

static void on_answer(void *data, const GreyAnswer *answer);

/* Until one is open. */
static void
ask(Question *question)
{
    Bench *bench = question->bench;
    GreyAnswer answer;
    guint64 request = 0;
    while (!bench->over && request == 0) {
        gboolean fresh = random_number(bench) % 10 == 0;
        name(&question->names, fresh ? bench->next_new++ : random_number(bench) % bench->triplets);
        question->asked_at = g_get_monotonic_time();
        request = grey_desk_decide(bench->desk, &question->question, &answer, on_answer, question);
        if (request == 0) {
            bench->at_once++;
            note(question, &answer);
        }
    }
    if (request == 0)
        bench->open--;
}

static void
on_answer(void *data, const GreyAnswer *answer)
{
    note(data, answer);
    ask(data);
}

static void
on_imported(void *data, guint64 n, const char *error)
{
    Bench *bench = data;
    bench->imported += n;
    if (bench->over || error) {
        bench->open--;
        return;
    }
    bench->next_import += BATCH;
    put(bench, bench->next_import, 0, on_imported);
}

static void
on_expired(void *data, guint64 n, gboolean done_round, const char *error)
{
    Bench *bench = data;
    (void)done_round;
    bench->expired += n;
    if (bench->over || error)
        bench->open--;
    else
        grey_desk_expire(bench->desk, on_expired, bench);
}

static int
compare_samples(const void *a, const void *b)
{
    guint32 left = *(const guint32 *)a, right = *(const guint32 *)b;
    return left < right ? -1 : left > right;
}

static long
resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
print_results(Bench *bench, double seconds, long resident)
{
    guint64 n = MIN(bench->answered, SAMPLES_MAX);
    qsort(bench->samples, n, sizeof(guint32), compare_samples);
    static const double percentiles[] = {50, 90, 99, 99.9, 100};
    printf("decisions: %" G_GUINT64_FORMAT " in %.1f s, %.0f a second\n", bench->answered, seconds,
           (double)bench->answered / seconds);
    printf("  known %" G_GUINT64_FORMAT ", new %" G_GUINT64_FORMAT ", failed %" G_GUINT64_FORMAT
           ", answered from memory %" G_GUINT64_FORMAT "\n",
           bench->known, bench->fresh, bench->failed, bench->at_once);
    printf("meanwhile: imported %" G_GUINT64_FORMAT ", expired %" G_GUINT64_FORMAT "\n",
           bench->imported, bench->expired);
    for (guint i = 0; n > 0 && i < G_N_ELEMENTS(percentiles); i++) {
        guint64 at = MIN((guint64)((double)n * percentiles[i] / 100), n - 1);
        printf("answer p%-4g %8.3f ms\n", percentiles[i], bench->samples[at] / 1000.0);
    }
    printf("resident: %.1f MiB\n", (double)resident / 1024);
}

static int
run(const char *path, guint64 triplets, double seconds)
{
    Bench *bench = bench_open(path, triplets);
    Question *questions = g_new0(Question, PARALLEL);
    bench->samples = g_new(guint32, SAMPLES_MAX);
    long before = resident_kib();
    gint64 start = g_get_monotonic_time();
    bench->open = PARALLEL + 2;
    put(bench, bench->next_import, 0, on_imported);
    grey_desk_expire(bench->desk, on_expired, bench);
    for (guint i = 0; i < PARALLEL; i++) {
        Question *question = &questions[i];
        question->bench = bench;
        question->question = (GreyQuestion){.source = question->names.source,
                                            .sender = question->names.sender,
                                            .recipient = question->names.recipient,
                                            .pair_sender = "",
                                            .pair_recipient = "",
                                            .delay = 240,
                                            .retry_window = 86400,
                                            .pass_lifetime = 3110400,
                                            .auto_allow = 2};
        ask(question);
    }
    while (bench->open > 0) {
        g_main_context_iteration(bench->context, TRUE);
        bench->over = g_get_monotonic_time() - start > (gint64)(seconds * G_USEC_PER_SEC);
    }
    double took = (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
    /* The samples are the benchmark's own. */
    guint64 sampled = MIN(bench->answered, SAMPLES_MAX) * sizeof(guint32) / 1024;
    print_results(bench, took, resident_kib() - (long)sampled);
    printf("  (%.1f MiB before the first question)\n", (double)before / 1024);
    g_free(questions);
    bench_close(bench);
    return 0;
}

int
main(int argc, char **argv)
{
    guint64 triplets = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : 10000000;
    double seconds = argc > 2 ? g_ascii_strtod(argv[2], NULL) : 60;
    const char *folder = argc > 3 ? argv[3] : g_get_tmp_dir();
    g_autofree char *path = g_build_filename(folder, "greylist-bench.sqlite", NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        pid_t child = fork();
        if (child == 0)
            _exit(fill(path, triplets));
        waitpid(child, NULL, 0);
    }
    return run(path, triplets, seconds);
}
