/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bed.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The loop. */

typedef struct Call {
    GreyFunction function;
    void *argument;
    void (*watched)(void *argument, guint32 events);
    GSource *source;
    Bed *bed;
    int fd;
} Call;

static gboolean
run_call(gpointer data)
{
    Call *call = data;
    call->function(call->argument);
    return G_SOURCE_REMOVE;
}

static void
post(void *data, GreyFunction function, void *argument)
{
    Bed *bed = data;
    Call *call = g_new0(Call, 1);
    *call = (Call){.function = function, .argument = argument};
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, run_call, call, g_free);
    g_source_attach(source, bed->context);
    g_source_unref(source);
}

static gboolean
run_watch(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd;
    Call *call = data;
    call->watched(call->argument,
                  (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR) ? GREY_WATCH_READ : 0) |
                      (condition & G_IO_OUT ? GREY_WATCH_WRITE : 0));
    return G_SOURCE_CONTINUE;
}

static void
watch_change(void *watch, guint32 events)
{
    Call *call = watch;
    if (call->source) {
        g_source_destroy(call->source);
        g_source_unref(call->source);
    }
    call->source = g_unix_fd_source_new(call->fd, (events & GREY_WATCH_READ ? G_IO_IN : 0) |
                                                      (events & GREY_WATCH_WRITE ? G_IO_OUT : 0));
    g_source_set_callback(call->source, G_SOURCE_FUNC(run_watch), call, NULL);
    g_source_attach(call->source, call->bed->context);
}

static void *
watch_add(void *data, int fd, guint32 events, void (*function)(void *, guint32), void *argument)
{
    Call *call = g_new0(Call, 1);
    *call = (Call){.watched = function, .argument = argument, .bed = data, .fd = fd};
    watch_change(call, events);
    return call;
}

static void
watch_remove(void *watch)
{
    Call *call = watch;
    g_source_destroy(call->source);
    g_source_unref(call->source);
    g_free(call);
}

static gboolean
run_timer(gpointer data)
{
    Call *call = data;
    const Call copy = *call;
    g_source_unref(call->source);
    g_free(call);
    copy.function(copy.argument);
    return G_SOURCE_REMOVE;
}

static void *
timer_add(void *data, double seconds, GreyFunction function, void *argument)
{
    Call *call = g_new0(Call, 1);
    *call = (Call){.function = function, .argument = argument, .bed = data};
    call->source = g_timeout_source_new((guint)(seconds * 1000));
    g_source_set_callback(call->source, run_timer, call, NULL);
    g_source_attach(call->source, call->bed->context);
    return call;
}

static void
timer_remove(void *timer)
{
    watch_remove(timer);
}

/* ---- The bed. */

static gint64
wall_clock(void *data)
{
    Bed *bed = data;
    return __atomic_load_n(&bed->clock, __ATOMIC_SEQ_CST);
}

static void
take_log(void *data, guint level, const char *id, const char *text, const char *detail)
{
    Bed *bed = data;
    (void)level;
    (void)text;
    g_mutex_lock(&bed->lock);
    g_string_append_printf(bed->log, "%s: %s\n", id, detail ? detail : "");
    g_mutex_unlock(&bed->lock);
}

Bed *
bed_new(void)
{
    Bed *bed = g_new0(Bed, 1);
    bed->context = g_main_context_new();
    bed->clock = BED_START * G_USEC_PER_SEC;
    bed->loop =
        (GreyLoop){bed, post, watch_add, watch_change, watch_remove, timer_add, timer_remove};
    bed->environment = (GreyEnvironment){bed, wall_clock, take_log};
    g_mutex_init(&bed->lock);
    bed->log = g_string_new(NULL);
    bed->folder = g_dir_make_tmp("greylist-XXXXXX", NULL);
    g_assert_nonnull(bed->folder);
    return bed;
}

void
bed_free(Bed *bed)
{
    while (g_main_context_iteration(bed->context, FALSE)) {
    }
    g_main_context_unref(bed->context);
    GDir *dir = g_dir_open(bed->folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = bed_path(bed, name);
        g_remove(path);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_rmdir(bed->folder);
    g_mutex_clear(&bed->lock);
    g_string_free(bed->log, TRUE);
    g_free(bed->folder);
    g_free(bed);
}

void
bed_turn(Bed *bed, gint64 seconds)
{
    __atomic_add_fetch(&bed->clock, seconds * G_USEC_PER_SEC, __ATOMIC_SEQ_CST);
}

char *
bed_path(const Bed *bed, const char *name)
{
    return g_build_filename(bed->folder, name, NULL);
}

GreyStore *
bed_open(Bed *bed, const char *uri, GError **error)
{
    const GreyStoreOptions options = {
        .uri = uri, .text = TRUE, .own_clock = TRUE, .environment = bed->environment};
    return grey_store_open(&options, error);
}

guint
bed_logged(Bed *bed, const char *id)
{
    g_mutex_lock(&bed->lock);
    g_auto(GStrv) lines = g_strsplit(bed->log->str, "\n", -1);
    g_mutex_unlock(&bed->lock);
    g_autofree char *prefix = g_strconcat(id, ":", NULL);
    guint n = 0;
    for (guint i = 0; lines[i]; i++)
        n += g_str_has_prefix(lines[i], prefix);
    return n;
}

/* ---- Requests. */

typedef struct Wait {
    gboolean over;
    GreyAnswer answer;
    guint64 n;
    gboolean done_round;
    GPtrArray *list;
    char *next;
    GreyRecord record;
    guint found;
    GreyStats stats;
} Wait;

static void
run_until_over(Bed *bed, const Wait *wait)
{
    while (!wait->over)
        g_main_context_iteration(bed->context, TRUE);
}

static void
on_answer(void *data, const GreyAnswer *answer)
{
    Wait *wait = data;
    wait->answer = *answer;
    wait->over = TRUE;
}

GreyAnswer
bed_decide(Bed *bed, GreyDesk *desk, const GreyQuestion *question)
{
    Wait wait = {0};
    if (grey_desk_decide(desk, question, &wait.answer, on_answer, &wait) != 0)
        run_until_over(bed, &wait);
    return wait.answer;
}

static void
on_done(void *data, guint64 n, const char *error)
{
    Wait *wait = data;
    g_assert_cmpstr(error, ==, NULL);
    wait->n = n;
    wait->over = TRUE;
}

guint64
bed_put(Bed *bed, GreyDesk *desk, const GreyEntry *entries, gsize n, gboolean keep)
{
    Wait wait = {0};
    grey_desk_put(desk, entries, n, keep, on_done, &wait);
    run_until_over(bed, &wait);
    return wait.n;
}

guint64
bed_remove(Bed *bed, GreyDesk *desk, const GreyEntry *name)
{
    Wait wait = {0};
    grey_desk_remove(desk, name, on_done, &wait);
    run_until_over(bed, &wait);
    return wait.n;
}

void
bed_sync(Bed *bed, GreyDesk *desk)
{
    Wait wait = {0};
    grey_desk_sync(desk, on_done, &wait);
    run_until_over(bed, &wait);
}

static void
on_page(void *data, const GreyPage *page)
{
    Wait *wait = data;
    g_assert_cmpstr(page->error, ==, NULL);
    for (gsize i = 0; i < page->n; i++) {
        const GreyEntry *entry = &page->entries[i];
        wait->record = entry->record;
        wait->found++;
        if (wait->list)
            g_ptr_array_add(wait->list,
                            g_strjoin(" ", grey_kind_name(entry->record.kind),
                                      grey_state_name(entry->record.state), entry->source,
                                      entry->sender, entry->recipient, NULL));
    }
    g_free(wait->next);
    wait->next = g_strdup(page->next);
    wait->over = TRUE;
}

gboolean
bed_get(Bed *bed, GreyDesk *desk, const GreyEntry *name, GreyRecord *record)
{
    Wait wait = {0};
    grey_desk_get(desk, name, on_page, &wait);
    run_until_over(bed, &wait);
    *record = wait.record;
    return wait.found > 0;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
bed_list(Bed *bed, GreyDesk *desk, const GreyFilter *filter, gsize limit)
{
    Wait wait = {.list = g_ptr_array_new_with_free_func(g_free)};
    do {
        g_autofree char *cursor = g_steal_pointer(&wait.next);
        wait.over = FALSE;
        grey_desk_page(desk, filter, cursor, limit, on_page, &wait);
        run_until_over(bed, &wait);
    } while (wait.next);
    g_ptr_array_sort(wait.list, compare_texts);
    return wait.list;
}

static void
on_expire(void *data, guint64 n, gboolean done_round, const char *error)
{
    Wait *wait = data;
    g_assert_cmpstr(error, ==, NULL);
    wait->n += n;
    wait->done_round = done_round;
    wait->over = TRUE;
}

/* A whole round, wherever the last one ended. */
guint64
bed_expire(Bed *bed, GreyDesk *desk)
{
    Wait wait = {0};
    for (guint rounds = 0; rounds < 2; rounds += wait.done_round) {
        wait.over = FALSE;
        grey_desk_expire(desk, on_expire, &wait);
        run_until_over(bed, &wait);
    }
    return wait.n;
}

static void
on_stats(void *data, const GreyStats *stats)
{
    Wait *wait = data;
    g_assert_cmpstr(stats->error, ==, NULL);
    wait->stats = *stats;
    wait->over = TRUE;
}

GreyStats
bed_stats(Bed *bed, GreyDesk *desk)
{
    Wait wait = {0};
    grey_desk_stats(desk, on_stats, &wait);
    run_until_over(bed, &wait);
    return wait.stats;
}

/* ---- Redis. */

/* The server listens when a connection is taken: tried until then, or until the server has ended.
 */
static void
await_server(const BedServer *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, server->socket, sizeof(address.sun_path));
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int result = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        if (result == 0)
            return;
        g_assert_cmpint(waitpid(server->pid, NULL, WNOHANG), ==, 0);
        g_usleep(10000);
    }
}

/* It ends with the test, however that ends. */
static void
follow_parent(gpointer data)
{
    (void)data;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

void
bed_server_start(BedServer *server, const char *password)
{
    const char *argv[] = {
        "redis-server", "--port",      "0",  "--unixsocket",  server->socket, "--dir",
        NULL,           "--save",      "",   "--appendonly",  "yes",          "--appendfsync",
        "always",       "--daemonize", "no", "--requirepass", password,       NULL};
    argv[6] = server->folder;
    if (!password)
        argv[15] = NULL;
    g_autoptr(GError) error = NULL;
    g_unlink(server->socket);
    g_spawn_async(NULL, (char **)(gpointer)argv, NULL,
                  G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
                      G_SPAWN_STDERR_TO_DEV_NULL,
                  follow_parent, NULL, &server->pid, &error);
    g_assert_no_error(error);
    await_server(server);
}

BedServer *
bed_server_new(Bed *bed, const char *password)
{
    g_autofree char *program = g_find_program_in_path("redis-server");
    if (!program)
        return NULL;
    BedServer *server = g_new0(BedServer, 1);
    server->folder = g_dir_make_tmp("greylist-redis-XXXXXX", NULL);
    server->socket = bed_path(bed, "redis.sock");
    server->uri = g_strconcat("redis+unix:", server->socket, NULL);
    bed_server_start(server, password);
    return server;
}

void
bed_server_kill(BedServer *server)
{
    if (!server->pid)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    g_spawn_close_pid(server->pid);
    server->pid = 0;
}

void
bed_server_free(BedServer *server)
{
    bed_server_kill(server);
    const char *argv[] = {"rm", "-rf", server->folder, NULL};
    g_spawn_sync(NULL, (char **)(gpointer)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                 NULL, NULL);
    g_free(server->folder);
    g_free(server->socket);
    g_free(server->uri);
    g_free(server);
}
