/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The resolver against the name server of the tests. */
#include "base/log.h"
#include "chain/dns-answer.h"
#include "chain/dns-channel.h"
#include "chain/resolve.h"
#include "dns-server.h"

#include <string.h>

static gint64 clock_now;

static gint64
test_clock(void)
{
    return clock_now;
}

typedef struct Fixture {
    DnsServer *server;
    MmWorker *worker;
    MmResolver *resolver;
} Fixture;

typedef struct Asked {
    Fixture *fixture;
    guint64 id;
    guint answers;
    MilterResolveStatus status;
    guint32 ttl;
    char **values;
    void (*then)(struct Asked *asked); /* called in the callback */
    gpointer data;
} Asked;

static void
use(Fixture *fixture, const char *first, const char *second, double seconds)
{
    const char *const servers[] = {first, second, NULL};
    mm_resolver_configure(fixture->resolver, servers, seconds);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    clock_now = 1000;
    fixture->server = dns_server_new();
    fixture->worker = mm_worker_new_here(0, NULL);
    fixture->resolver = mm_resolver_new(fixture->worker, test_clock);
    /* Long: no test waits for it, those that do take less. */
    use(fixture, dns_server_spec(fixture->server), NULL, 30.0);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_resolver_free(fixture->resolver);
    mm_worker_free(fixture->worker);
    dns_server_free(fixture->server);
}

static void
answered(void *data, const MilterResolveAnswer *answer)
{
    Asked *asked = data;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (size_t i = 0; i < answer->n_values; i++)
        g_strv_builder_add(builder, answer->values[i]);
    g_strfreev(asked->values);
    asked->values = g_strv_builder_end(builder);
    asked->answers++;
    asked->status = answer->status;
    asked->ttl = answer->ttl;
    if (asked->then)
        asked->then(asked);
}

static void
ask(Fixture *fixture, Asked *asked, MilterResolveKind kind, const char *name)
{
    guint before = asked->answers;
    asked->fixture = fixture;
    asked->id = mm_resolve(fixture->resolver, kind, name, answered, asked);
    g_assert_cmpuint(asked->id, !=, 0);
    g_assert_cmpuint(asked->answers, ==, before); /* never from within */
}

static void
await(Asked *asked, guint answers)
{
    while (asked->answers < answers)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(asked->answers, ==, answers);
}

static void
clear(Asked *asked)
{
    g_strfreev(asked->values);
    *asked = (Asked){0};
}

/* Asks, waits, compares; values joined by "|". */
static void
expect(Fixture *fixture, MilterResolveKind kind, const char *name, MilterResolveStatus status,
       const char *values)
{
    Asked asked = {0};
    ask(fixture, &asked, kind, name);
    await(&asked, 1);
    g_autofree char *joined = g_strjoinv("|", asked.values);
    g_assert_cmpint(asked.status, ==, status);
    g_assert_cmpstr(joined, ==, values);
    clear(&asked);
}

static void
test_kinds(Fixture *fixture, gconstpointer unused)
{
    DnsServer *server = fixture->server;
    g_autofree char *text = g_strnfill(700, 'x');
    (void)unused;
    dns_server_add(server, "mx.example.org", DNS_A, 300, "192.0.2.1");
    dns_server_add(server, "mx.example.org", DNS_A, 300, "192.0.2.2");
    dns_server_add(server, "mx.example.org", DNS_AAAA, 300, "2001:db8::25");
    dns_server_add(server, "example.org", DNS_MX, 300, "10 mx.example.org");
    dns_server_add(server, "example.org", DNS_TXT, 300, "v=spf1 -all");
    dns_server_add(server, "long.example.org", DNS_TXT, 300, text);
    dns_server_add_ptr(server, "192.0.2.1", 300, "Mx.example.org");
    dns_server_add_ptr(server, "2001:db8::25", 300, "mx.example.org");
    expect(fixture, MILTER_RESOLVE_A, "mx.example.org", MILTER_RESOLVED, "192.0.2.1|192.0.2.2");
    expect(fixture, MILTER_RESOLVE_AAAA, "mx.example.org", MILTER_RESOLVED, "2001:db8::25");
    expect(fixture, MILTER_RESOLVE_MX, "example.org", MILTER_RESOLVED, "10 mx.example.org");
    expect(fixture, MILTER_RESOLVE_TXT, "example.org", MILTER_RESOLVED, "v=spf1 -all");
    expect(fixture, MILTER_RESOLVE_TXT, "long.example.org", MILTER_RESOLVED, text);
    expect(fixture, MILTER_RESOLVE_PTR, "192.0.2.1", MILTER_RESOLVED, "Mx.example.org");
    expect(fixture, MILTER_RESOLVE_PTR, "::ffff:192.0.2.1", MILTER_RESOLVED, "Mx.example.org");
    expect(fixture, MILTER_RESOLVE_PTR, "2001:db8::25", MILTER_RESOLVED, "mx.example.org");
}

static void
test_alias(Fixture *fixture, gconstpointer unused)
{
    Asked asked = {0};
    (void)unused;
    /* RFC 2317: the reverse name of an address in a small network is an alias. */
    dns_server_add(fixture->server, "1.2.0.192.in-addr.arpa", DNS_CNAME, 20, "1.0-63.example.org");
    dns_server_add(fixture->server, "1.0-63.example.org", DNS_PTR, 90, "mx.example.org");
    dns_server_add(fixture->server, "lost.example.org", DNS_CNAME, 20, "nowhere.example.org");
    ask(fixture, &asked, MILTER_RESOLVE_PTR, "192.0.2.1");
    await(&asked, 1);
    g_assert_cmpint(asked.status, ==, MILTER_RESOLVED);
    g_assert_cmpstr(asked.values[0], ==, "mx.example.org");
    g_assert_cmpuint(asked.ttl, ==, 20); /* the shortest */
    clear(&asked);
    expect(fixture, MILTER_RESOLVE_A, "lost.example.org", MILTER_RESOLVE_NONE, "");
}

static void
test_none(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    g_autofree char *label = g_strnfill(64, 'a');
    g_autofree char *name = g_strnfill(300, 'a');
    for (guint i = 9; i < 300; i += 10)
        name[i] = '.';
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    expect(fixture, MILTER_RESOLVE_A, "no.example.org", MILTER_RESOLVE_NONE, "");
    expect(fixture, MILTER_RESOLVE_AAAA, "a.example.org", MILTER_RESOLVE_NONE, "");
    guint asked = dns_server_count(fixture->server, NULL, DNS_ANY_TYPE);
    expect(fixture, MILTER_RESOLVE_A, label, MILTER_RESOLVE_NONE, "");
    expect(fixture, MILTER_RESOLVE_A, name, MILTER_RESOLVE_NONE, "");
    expect(fixture, MILTER_RESOLVE_A, "a..example.org", MILTER_RESOLVE_NONE, "");
    expect(fixture, MILTER_RESOLVE_A, "", MILTER_RESOLVE_NONE, "");
    expect(fixture, MILTER_RESOLVE_A, ".", MILTER_RESOLVE_NONE, "");
    expect(fixture, MILTER_RESOLVE_A, "a\\.example.org", MILTER_RESOLVE_NONE, "");
    expect(fixture, MILTER_RESOLVE_PTR, "a.example.org", MILTER_RESOLVE_NONE, "");
    g_assert_cmpuint(dns_server_count(fixture->server, NULL, DNS_ANY_TYPE), ==, asked);
}

static void
test_failures(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    dns_server_behave(fixture->server, "servfail.example.org", DNS_SERVFAIL);
    dns_server_behave(fixture->server, "refused.example.org", DNS_REFUSED);
    expect(fixture, MILTER_RESOLVE_A, "servfail.example.org", MILTER_RESOLVE_TEMPORARY, "");
    expect(fixture, MILTER_RESOLVE_A, "refused.example.org", MILTER_RESOLVE_TEMPORARY, "");
    /* Newer c-ares goes on waiting after an answer that cannot be read. */
    use(fixture, dns_server_spec(fixture->server), NULL, 0.3);
    dns_server_behave(fixture->server, "garbage.example.org", DNS_GARBAGE);
    expect(fixture, MILTER_RESOLVE_A, "garbage.example.org", MILTER_RESOLVE_TEMPORARY, "");
}

static void
test_lame_server(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(DnsServer) lame = dns_server_new();
    (void)unused;
    dns_server_behave(lame, NULL, DNS_REFUSED);
    dns_server_behave(lame, "b.example.org", DNS_SERVFAIL);
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    dns_server_add(fixture->server, "b.example.org", DNS_A, 300, "192.0.2.2");
    use(fixture, dns_server_spec(lame), dns_server_spec(fixture->server), 30.0);
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
    g_assert_cmpuint(dns_server_count(lame, NULL, DNS_ANY_TYPE), >=, 1);
    /* b is asked of whichever comes first: the answer is the good one's. */
    expect(fixture, MILTER_RESOLVE_A, "b.example.org", MILTER_RESOLVED, "192.0.2.2");
}

static void
test_silent_server(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(DnsServer) silent = dns_server_new();
    (void)unused;
    dns_server_behave(silent, NULL, DNS_DROP);
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    use(fixture, dns_server_spec(silent), dns_server_spec(fixture->server), 1.5);
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
}

/* Nobody listens: the kernel says so at once. */
static void
test_absent_server(Fixture *fixture, gconstpointer unused)
{
    DnsServer *gone = dns_server_new();
    g_autofree char *spec = g_strdup(dns_server_spec(gone));
    (void)unused;
    dns_server_free(gone);
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    use(fixture, spec, NULL, 30.0);
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVE_TEMPORARY, "");
    use(fixture, spec, dns_server_spec(fixture->server), 30.0);
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
}

static void
test_truncation(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    dns_server_behave(fixture->server, NULL, DNS_TRUNCATE);
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
    g_assert_cmpuint(dns_server_count_tcp(fixture->server), ==, 1);
    expect(fixture, MILTER_RESOLVE_A, "no.example.org", MILTER_RESOLVE_NONE, "");
}

static void
test_time_is_up(Fixture *fixture, gconstpointer unused)
{
    Asked first = {0}, second = {0};
    (void)unused;
    use(fixture, dns_server_spec(fixture->server), NULL, 0.2);
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    dns_server_behave(fixture->server, NULL, DNS_DROP);
    ask(fixture, &first, MILTER_RESOLVE_A, "a.example.org");
    await(&first, 1);
    g_assert_cmpint(first.status, ==, MILTER_RESOLVE_TEMPORARY);
    /* A failure is kept for a moment only. */
    dns_server_behave(fixture->server, NULL, DNS_ANSWER);
    clock_now += 4 * G_USEC_PER_SEC;
    ask(fixture, &second, MILTER_RESOLVE_A, "a.example.org");
    await(&second, 1);
    if (second.status != MILTER_RESOLVED) /* it had joined the old one's last moment */
        clock_now += 4 * G_USEC_PER_SEC;
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
    clear(&first);
    clear(&second);
}

static void
test_foreign_answer(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    use(fixture, dns_server_spec(fixture->server), NULL, 0.2);
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    dns_server_behave(fixture->server, NULL, DNS_FOREIGN);
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVE_TEMPORARY, "");
}

static void
test_joined(Fixture *fixture, gconstpointer unused)
{
    Asked asked[50] = {0};
    (void)unused;
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    dns_server_behave(fixture->server, NULL, DNS_HOLD);
    for (guint i = 0; i < G_N_ELEMENTS(asked); i++)
        ask(fixture, &asked[i], MILTER_RESOLVE_A, i % 2 ? "a.example.org" : "A.Example.ORG.");
    mm_resolve_cancel(fixture->resolver, asked[0].id);
    mm_resolve_cancel(fixture->resolver, asked[7].id);
    mm_resolve_cancel(fixture->resolver, asked[7].id);
    mm_resolve_cancel(fixture->resolver, 123456789);
    dns_server_wait(fixture->server, 1);
    dns_server_release(fixture->server);
    for (guint i = 0; i < G_N_ELEMENTS(asked); i++) {
        if (i != 0 && i != 7)
            await(&asked[i], 1);
    }
    g_assert_cmpuint(asked[0].answers, ==, 0);
    g_assert_cmpuint(asked[7].answers, ==, 0);
    g_assert_cmpuint(dns_server_count(fixture->server, NULL, DNS_ANY_TYPE), ==, 1);
    for (guint i = 0; i < G_N_ELEMENTS(asked); i++)
        clear(&asked[i]);
}

static void
test_cache(Fixture *fixture, gconstpointer unused)
{
    DnsServer *server = fixture->server;
    (void)unused;
    dns_server_set_negative_ttl(server, 40);
    dns_server_add(server, "a.example.org", DNS_A, 100, "192.0.2.1");
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
    expect(fixture, MILTER_RESOLVE_A, "b.example.org", MILTER_RESOLVE_NONE, "");
    dns_server_clear(server);
    dns_server_add(server, "a.example.org", DNS_A, 0, "192.0.2.9");
    dns_server_add(server, "b.example.org", DNS_A, 100, "192.0.2.8");
    clock_now += 39 * G_USEC_PER_SEC;
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
    expect(fixture, MILTER_RESOLVE_A, "b.example.org", MILTER_RESOLVE_NONE, "");
    g_assert_cmpuint(dns_server_count(server, NULL, DNS_ANY_TYPE), ==, 2);
    clock_now += 2 * G_USEC_PER_SEC;
    expect(fixture, MILTER_RESOLVE_A, "b.example.org", MILTER_RESOLVED, "192.0.2.8");
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.1");
    clock_now += 60 * G_USEC_PER_SEC;
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.9");
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVED, "192.0.2.9");
    g_assert_cmpuint(dns_server_count(server, "a.example.org", DNS_A), ==, 3); /* TTL 0: not kept */
}

/* ---- In the callback. */

static void
cancel_other(Asked *asked)
{
    Asked *other = asked->data;
    mm_resolve_cancel(asked->fixture->resolver, asked->id); /* its own: nothing */
    mm_resolve_cancel(asked->fixture->resolver, other->id);
}

static void
ask_again(Asked *asked)
{
    if (asked->answers < 3)
        ask(asked->fixture, asked, MILTER_RESOLVE_A, "a.example.org");
}

static void
test_in_callback(Fixture *fixture, gconstpointer unused)
{
    Asked first = {.then = cancel_other}, second = {.then = cancel_other},
          third = {.then = ask_again};
    (void)unused;
    first.data = &second;
    second.data = &first;
    dns_server_add(fixture->server, "a.example.org", DNS_A, 300, "192.0.2.1");
    ask(fixture, &first, MILTER_RESOLVE_A, "a.example.org");
    ask(fixture, &second, MILTER_RESOLVE_A, "a.example.org");
    ask(fixture, &third, MILTER_RESOLVE_A, "a.example.org");
    await(&third, 3);
    g_assert_cmpuint(first.answers + second.answers, ==, 1);
    clear(&first);
    clear(&second);
    clear(&third);
}

static void
test_ends_with_open_queries(Fixture *fixture, gconstpointer unused)
{
    Asked open = {0}, ready = {0};
    (void)unused;
    dns_server_behave(fixture->server, NULL, DNS_HOLD);
    ask(fixture, &open, MILTER_RESOLVE_A, "a.example.org");
    ask(fixture, &ready, MILTER_RESOLVE_A, "a..example.org");
    dns_server_wait(fixture->server, 1);
    mm_resolver_free(fixture->resolver);
    fixture->resolver = NULL;
    g_assert_cmpuint(open.answers, ==, 0);
    clear(&open);
    clear(&ready);
}

/* ---- Configuration. */

static void
test_other_servers(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(DnsServer) other = dns_server_new();
    Asked open = {0};
    (void)unused;
    dns_server_add(fixture->server, "b.example.org", DNS_A, 300, "192.0.2.5");
    expect(fixture, MILTER_RESOLVE_A, "b.example.org", MILTER_RESOLVED, "192.0.2.5");
    dns_server_behave(fixture->server, NULL, DNS_HOLD);
    dns_server_add(other, "a.example.org", DNS_A, 300, "192.0.2.1");
    ask(fixture, &open, MILTER_RESOLVE_A, "a.example.org");
    dns_server_wait(fixture->server, 2);
    use(fixture, dns_server_spec(fixture->server), NULL, 30.0); /* as before: nothing happens */
    use(fixture, dns_server_spec(other), NULL, 30.0);
    await(&open, 1);
    g_assert_cmpint(open.status, ==, MILTER_RESOLVED);
    /* What the other server said is forgotten. */
    expect(fixture, MILTER_RESOLVE_A, "b.example.org", MILTER_RESOLVE_NONE, "");
    clear(&open);
}

static void
test_not_configured(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_resolver_free(fixture->resolver);
    fixture->resolver = mm_resolver_new(fixture->worker, NULL);
    expect(fixture, MILTER_RESOLVE_A, "a.example.org", MILTER_RESOLVE_TEMPORARY, "");
}

static void
test_bound(Fixture *fixture, gconstpointer unused)
{
    Asked one = {0}, joined = {0}, over = {0};
    (void)unused;
    dns_server_behave(fixture->server, NULL, DNS_DROP);
    for (guint i = 0; i < MM_RESOLVE_OPEN; i++) {
        char name[32];
        g_snprintf(name, sizeof(name), "n%u.example.org", i);
        ask(fixture, &one, MILTER_RESOLVE_A, name);
    }
    ask(fixture, &joined, MILTER_RESOLVE_A, "n0.example.org");
    ask(fixture, &over, MILTER_RESOLVE_A, "over.example.org");
    await(&over, 1);
    g_assert_cmpint(over.status, ==, MILTER_RESOLVE_TEMPORARY);
    g_assert_cmpuint(joined.answers, ==, 0);
    clear(&over);
}

static void
test_many_records(Fixture *fixture, gconstpointer unused)
{
    Asked asked = {0};
    (void)unused;
    for (guint i = 0; i < MM_DNS_VALUES + 10; i++) {
        char name[40];
        g_snprintf(name, sizeof(name), "host-%u.example.org", i);
        dns_server_add_ptr(fixture->server, "192.0.2.1", 300, name);
    }
    ask(fixture, &asked, MILTER_RESOLVE_PTR, "192.0.2.1");
    await(&asked, 1);
    g_assert_cmpuint(g_strv_length(asked.values), ==, MM_DNS_VALUES);
    clear(&asked);
}

static void
test_server_texts(void)
{
    static const char *const good[] = {"192.0.2.1",     "192.0.2.1:53",       "2001:db8::1",
                                       "[2001:db8::1]", "[2001:db8::1]:5353", "127.0.0.1:65535"};
    static const char *const bad[] = {"",
                                      "dns.example.org",
                                      "192.0.2.1:",
                                      "192.0.2.1:0",
                                      "192.0.2.1:65536",
                                      "192.0.2.1:99999999999999999999999",
                                      "192.0.2.1:5x",
                                      "192.0.2.256",
                                      "[2001:db8::1",
                                      "[2001:db8::1]x",
                                      "2001:db8::1::",
                                      "192.0.2.1 "};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(mm_dns_server_is_valid(good[i]));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(mm_dns_server_is_valid(bad[i]));
}

static void
keep_quiet(const MmLogLine *line, gpointer data)
{
    (void)line;
    (void)data;
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    mm_log_set_target(keep_quiet, NULL);
#define ADD(path, function) g_test_add("/resolve/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("kinds", test_kinds);
    ADD("alias", test_alias);
    ADD("none", test_none);
    ADD("failures", test_failures);
    ADD("lame-server", test_lame_server);
    ADD("silent-server", test_silent_server);
    ADD("absent-server", test_absent_server);
    ADD("truncation", test_truncation);
    ADD("time-is-up", test_time_is_up);
    ADD("foreign-answer", test_foreign_answer);
    ADD("joined", test_joined);
    ADD("cache", test_cache);
    ADD("in-callback", test_in_callback);
    ADD("ends-with-open-queries", test_ends_with_open_queries);
    ADD("other-servers", test_other_servers);
    ADD("not-configured", test_not_configured);
    ADD("bound", test_bound);
    ADD("many-records", test_many_records);
    g_test_add_func("/resolve/server-texts", test_server_texts);
    return g_test_run();
}
