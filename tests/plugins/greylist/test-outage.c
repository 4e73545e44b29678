/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin on a real Redis server that is slow, gone and back; and other hosts on the same
 * server. */
#include "bed.h"
#include "visit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct Fixture {
    Bed *bed;
    BedServer *server;
    MmHarness *harness;
} Fixture;

static void
set_up(Fixture *f, const char *key, const char *value)
{
    f->bed = bed_new();
    f->server = bed_server_new(f->bed, NULL);
    f->harness = visit_configured(f->server->uri, key, value);
    mm_harness_set_threads(f->harness, TRUE);
}

static void
tear_down(Fixture *f)
{
    mm_harness_free(f->harness);
    bed_server_free(f->server);
    bed_free(f->bed);
}

static const char *
word(Fixture *f, const char *sender)
{
    return visit_word(f->harness, NULL, "192.0.2.1", sender, "<b@example.net>");
}

/* The answer of a server that is there comes in real time; of one that is not, the clock is turned.
 */
static int
rcpt_late(MmHarness *harness, MmHarnessSession *session)
{
    mm_harness_set_threads(harness, FALSE);
    int verdict = mm_harness_rcpt(session, "<b@example.net>", NULL);
    for (guint i = 0; i < 20 && verdict == MM_HARNESS_LATER; i++) {
        g_usleep(5000);
        mm_harness_pump(harness);
        verdict = mm_harness_verdict(session);
    }
    if (verdict == MM_HARNESS_LATER)
        mm_harness_advance(harness, 0.26);
    mm_harness_set_threads(harness, TRUE);
    return mm_harness_verdict(session);
}

static const char *
word_late(Fixture *f, const char *sender)
{
    MmHarnessSession *session = visit_from(f->harness, NULL, "192.0.2.1");
    mm_harness_mail(session, sender, NULL);
    rcpt_late(f->harness, session);
    const char *said = g_intern_string(mm_harness_detail(session));
    if (strcmp(said, "skipped") == 0 && mm_harness_verdict(session) == MILTER_VERDICT_CONTINUE) {
        g_assert_cmpint(mm_harness_data(session), ==, MILTER_VERDICT_CONTINUE);
        mm_harness_end_of_message(session);
        g_assert_cmpstr(visit_header(session), ==, "skipped (store unavailable)");
    }
    mm_harness_close(session);
    return said;
}

static gboolean
is_back(Fixture *f)
{
    if (mm_harness_logged(f->harness, "greylist-store-recovered") > 0)
        return TRUE;
    /* The pauses between tries, and the store's rest, are on the harness's clock. */
    mm_harness_advance(f->harness, 1);
    for (guint i = 0; i < 5; i++) {
        g_usleep(2000);
        mm_harness_pump(f->harness);
    }
    word_late(f, "<probe@example.org>");
    return FALSE;
}

static void
await_return(Fixture *f)
{
    for (guint i = 0; i < 100 && !is_back(f); i++)
        continue;
    g_assert_cmpuint(mm_harness_logged(f->harness, "greylist-store-recovered"), ==, 1);
}

static void
test_stopped(void)
{
    Fixture f;
    set_up(&f, NULL, NULL);
    g_assert_cmpstr(word(&f, "<a@example.org>"), ==, "delayed");
    kill(f.server->pid, SIGSTOP);
    for (guint i = 0; i < 6; i++) {
        g_autofree char *sender = g_strdup_printf("<new%c@example.org>", 'a' + i);
        g_assert_cmpstr(word_late(&f, sender), ==, "skipped");
    }
    /* After three it is not asked any more, and one line says so. */
    g_assert_cmpuint(mm_harness_count(f.harness, "store-failures"), ==, 3);
    g_assert_cmpuint(mm_harness_count(f.harness, "skipped"), ==, 6);
    g_assert_cmpuint(mm_harness_logged(f.harness, "greylist-store-unavailable"), ==, 1);
    /* What was seen here is still known. */
    g_assert_cmpstr(word_late(&f, "<a@example.org>"), ==, "delayed");
    kill(f.server->pid, SIGCONT);
    await_return(&f);
    g_assert_cmpstr(word(&f, "<later@example.org>"), ==, "delayed");
    g_assert_cmpuint(mm_harness_logged(f.harness, "greylist-store-unavailable"), ==, 1);
    tear_down(&f);
}

static void
test_killed(void)
{
    Fixture f;
    set_up(&f, NULL, NULL);
    g_assert_cmpstr(word(&f, "<a@example.org>"), ==, "delayed");
    bed_server_kill(f.server);
    g_assert_cmpstr(word_late(&f, "<new@example.org>"), ==, "skipped");
    g_assert_cmpstr(word_late(&f, "<a@example.org>"), ==, "delayed");
    bed_server_start(f.server, NULL);
    await_return(&f);
    /* It was written to the server's disk: known since then. */
    g_assert_cmpstr(word(&f, "<a@example.org>"), ==, "delayed");
    g_assert_cmpuint(mm_harness_logged(f.harness, "greylist-redis-lost"), ==, 1);
    g_assert_cmpuint(mm_harness_logged(f.harness, "greylist-redis-back"), ==, 1);
    tear_down(&f);
}

static void
test_refusing(void)
{
    Fixture f;
    set_up(&f, "store-failure", "'temporary-failure'");
    bed_server_kill(f.server);
    MmHarnessSession *session = visit_from(f.harness, NULL, "192.0.2.1");
    mm_harness_mail(session, "<a@example.org>", NULL);
    g_assert_cmpint(rcpt_late(f.harness, session), ==, MILTER_VERDICT_REPLY);
    g_assert_true(g_str_has_prefix(mm_harness_reply(session), "451 4.7.1 "));
    mm_harness_close(session);
    tear_down(&f);
}

/* A host that comes when the server is gone already serves all the same. */
static void
test_never_there(void)
{
    Fixture f = {.bed = bed_new()};
    g_autofree char *socket = bed_path(f.bed, "nobody.sock");
    g_autofree char *uri = g_strconcat("redis+unix:", socket, NULL);
    f.harness = visit_configured(uri, NULL, NULL);
    g_assert_cmpstr(word_late(&f, "<a@example.org>"), ==, "skipped");
    g_assert_cmpuint(mm_harness_logged(f.harness, "greylist-redis-lost"), ==, 1);
    mm_harness_free(f.harness);
    bed_free(f.bed);
}

/* ---- Stores side by side, each a host of its own. */

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

static void
test_two_hosts(void)
{
    Bed *bed = bed_new();
    BedServer *server = bed_server_new(bed, NULL);
    GreyStore *stores[2];
    GreyDesk *desks[2];
    const GreyQuestion q = ask("a@example.org");
    for (guint i = 0; i < 2; i++) {
        stores[i] = bed_open(bed, server->uri, NULL);
        desks[i] = grey_desk_new(stores[i], &bed->loop);
    }
    g_assert_cmpint(bed_decide(bed, desks[0], &q).says, ==, GREY_SAYS_NEW);
    g_assert_cmpint(bed_decide(bed, desks[1], &q).says, ==, GREY_SAYS_EARLY);
    bed_turn(bed, 240);
    g_assert_cmpint(bed_decide(bed, desks[1], &q).says, ==, GREY_SAYS_MATURE);
    g_assert_cmpint(bed_decide(bed, desks[0], &q).says, ==, GREY_SAYS_KNOWN);
    for (guint i = 0; i < 2; i++) {
        grey_desk_free(desks[i]);
        grey_store_unref(stores[i]);
    }
    bed_server_free(server);
    bed_free(bed);
}

static GreyAnswer
answer_with(Bed *bed, const char *uri, const char *password_file)
{
    const GreyQuestion q = ask("a@example.org");
    const GreyStoreOptions options = {.uri = uri,
                                      .password_file = password_file,
                                      .text = TRUE,
                                      .own_clock = TRUE,
                                      .environment = bed->environment};
    g_autoptr(GError) error = NULL;
    GreyStore *store = grey_store_open(&options, &error);
    g_assert_no_error(error);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    GreyAnswer answer = bed_decide(bed, desk, &q);
    grey_desk_free(desk);
    grey_store_unref(store);
    return answer;
}

static void
test_password(void)
{
    Bed *bed = bed_new();
    BedServer *server = bed_server_new(bed, "hush-hush");
    g_autofree char *good = bed_path(bed, "good"), *bad = bed_path(bed, "bad");
    g_autofree char *second = g_strconcat(server->uri, "?db=3", NULL);
    g_file_set_contents(good, "hush-hush\n", -1, NULL);
    g_file_set_contents(bad, "wrong-word\n", -1, NULL);
    g_assert_cmpint(answer_with(bed, server->uri, bad).says, ==, GREY_SAYS_FAILED);
    g_assert_cmpuint(bed_logged(bed, "greylist-redis-lost"), ==, 1);
    g_assert_cmpint(answer_with(bed, server->uri, NULL).says, ==, GREY_SAYS_FAILED);
    g_assert_cmpint(answer_with(bed, server->uri, good).says, ==, GREY_SAYS_NEW);
    g_assert_cmpint(answer_with(bed, server->uri, good).says, ==, GREY_SAYS_EARLY);
    g_assert_cmpint(answer_with(bed, second, good).says, ==, GREY_SAYS_NEW);
    g_assert_null(strstr(bed->log->str, "hush"));
    g_assert_null(strstr(bed->log->str, "wrong-word"));
    bed_server_free(server);
    bed_free(bed);
}

/* What the server answers to a command in one line. */
static char *
ask_server(const BedServer *server, const char *command)
{
    g_autofree char *line = g_strconcat(command, "\r\n", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[256];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    g_strlcpy(address.sun_path, server->socket, sizeof(address.sun_path));
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(write(fd, line, strlen(line)), ==, strlen(line));
    ssize_t n = read(fd, answer, sizeof(answer));
    g_assert_cmpint(n, >, 3);
    close(fd);
    return g_strndup(answer, (gsize)n);
}

static void
tell_server(const BedServer *server, const char *command)
{
    g_autofree char *answer = ask_server(server, command);
    g_assert_true(g_str_has_prefix(answer, "+OK"));
}

/* How many keys there are, and the longest that one lives. */
static void
assert_keys(const BedServer *server, guint n, gint64 seconds)
{
    g_autofree char *answer =
        ask_server(server, "EVAL \"local k, most = redis.call('KEYS', 'gl1:{*'), 0 for _, key in "
                           "ipairs(k) do most = math.max(most, redis.call('TTL', key)) end "
                           "return {#k, most}\" 0");
    gint64 lives = 0;
    guint keys = 0;
    g_assert_cmpint(sscanf(answer, "*2\r\n:%u\r\n:%" G_GINT64_FORMAT, &keys, &lives), ==, 2);
    g_assert_cmpuint(keys, ==, n);
    g_assert_cmpint(lives, <=, seconds);
    g_assert_cmpint(lives, >, seconds - 60);
}

/* What has ended goes by itself: no host sweeps there. */
static void
test_lifetimes(void)
{
    Bed *bed = bed_new();
    BedServer *server = bed_server_new(bed, NULL);
    const GreyQuestion q = ask("a@example.org");
    GreyStore *store = bed_open(bed, server->uri, NULL);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_NEW);
    assert_keys(server, 1, 86400);
    bed_turn(bed, 239);
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_EARLY);
    assert_keys(server, 1, 86400 - 239);
    bed_turn(bed, 1);
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_MATURE);
    assert_keys(server, 2, 3110400); /* and the source, which has passed once */
    grey_desk_free(desk);
    grey_store_unref(store);
    bed_server_free(server);
    bed_free(bed);
}

static gint64
seconds_now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* Hosts need not agree about the time: the server's counts. */
static void
test_clock_of_the_server(void)
{
    Bed *bed = bed_new();
    BedServer *server = bed_server_new(bed, NULL);
    const GreyQuestion q = ask("a@example.org");
    const GreyStoreOptions options = {
        .uri = server->uri, .text = TRUE, .environment = bed->environment};
    GreyStore *store = grey_store_open(&options, NULL);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    gint64 before = seconds_now();
    GreyAnswer answer = bed_decide(bed, desk, &q);
    g_assert_cmpint(answer.says, ==, GREY_SAYS_NEW);
    g_assert_cmpint(answer.triplet.first, >=, before);
    g_assert_cmpint(answer.triplet.first, <=, seconds_now());
    bed_turn(bed, 300); /* here only */
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_EARLY);
    grey_desk_free(desk);
    grey_store_unref(store);
    bed_server_free(server);
    bed_free(bed);
}

/* The log says what is wrong with a server that answers. */
static void
test_no_memory(void)
{
    Bed *bed = bed_new();
    BedServer *server = bed_server_new(bed, NULL);
    const GreyQuestion q = ask("a@example.org"), other = ask("b@example.org");
    GreyStore *store = bed_open(bed, server->uri, NULL);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_NEW);
    tell_server(server, "CONFIG SET maxmemory 1");
    GreyAnswer answer = bed_decide(bed, desk, &other);
    g_assert_cmpint(answer.says, ==, GREY_SAYS_FAILED);
    g_assert_nonnull(strstr(answer.why, "OOM"));
    grey_desk_free(desk);
    grey_store_unref(store);
    bed_server_free(server);
    bed_free(bed);
}

/* The password is another one now, in the file too: the next connection takes it from there. */
static void
test_password_changed(void)
{
    Bed *bed = bed_new();
    BedServer *server = bed_server_new(bed, "first");
    const GreyQuestion q = ask("a@example.org");
    g_autofree char *file = bed_path(bed, "password");
    const GreyStoreOptions options = {.uri = server->uri,
                                      .password_file = file,
                                      .text = TRUE,
                                      .own_clock = TRUE,
                                      .environment = bed->environment};
    g_file_set_contents(file, "first\n", -1, NULL);
    GreyStore *store = grey_store_open(&options, NULL);
    GreyDesk *desk = grey_desk_new(store, &bed->loop);
    g_assert_cmpint(bed_decide(bed, desk, &q).says, ==, GREY_SAYS_NEW);
    bed_server_kill(server);
    bed_server_start(server, "second");
    g_file_set_contents(file, "second\n", -1, NULL);
    GreyAnswer answer = bed_decide(bed, desk, &q);
    for (guint i = 0; i < 1000 && answer.says == GREY_SAYS_FAILED; i++) {
        g_usleep(5000);
        g_main_context_iteration(bed->context, FALSE);
        answer = bed_decide(bed, desk, &q);
    }
    g_assert_cmpint(answer.says, ==, GREY_SAYS_EARLY);
    grey_desk_free(desk);
    grey_store_unref(store);
    bed_server_free(server);
    bed_free(bed);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN); /* as the host does: see store.h */
    g_test_add_func("/greylist/outage/stopped", test_stopped);
    g_test_add_func("/greylist/outage/killed", test_killed);
    g_test_add_func("/greylist/outage/refusing", test_refusing);
    g_test_add_func("/greylist/outage/never-there", test_never_there);
    g_test_add_func("/greylist/outage/two-hosts", test_two_hosts);
    g_test_add_func("/greylist/outage/lifetimes", test_lifetimes);
    g_test_add_func("/greylist/outage/clock-of-the-server", test_clock_of_the_server);
    g_test_add_func("/greylist/outage/password", test_password);
    g_test_add_func("/greylist/outage/no-memory", test_no_memory);
    g_test_add_func("/greylist/outage/password-changed", test_password_changed);
    return g_test_run();
}
