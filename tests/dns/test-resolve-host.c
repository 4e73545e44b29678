/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host names as the system resolves them; some hang, as with a name server that is gone. */
#include "base/log.h"
#include "chain/resolve.h"
#include "loop/jobs.h"

#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

/* ---- In place of the C library's: a name that begins with "hang" does so until the gate opens. */

static struct {
    GMutex lock;
    GCond changed;
    gboolean open;
    guint inside;
} gate;

static void
wait_at_gate(void)
{
    g_mutex_lock(&gate.lock);
    gate.inside++;
    while (!gate.open)
        g_cond_wait(&gate.changed, &gate.lock);
    gate.inside--;
    g_cond_signal(&gate.changed);
    g_mutex_unlock(&gate.lock);
}

static void
close_gate(void)
{
    g_mutex_lock(&gate.lock);
    gate.open = FALSE;
    g_mutex_unlock(&gate.lock);
}

/* And waits until nobody is inside. */
static void
open_gate(void)
{
    g_mutex_lock(&gate.lock);
    gate.open = TRUE;
    g_cond_broadcast(&gate.changed);
    while (gate.inside > 0)
        g_cond_wait(&gate.changed, &gate.lock);
    g_mutex_unlock(&gate.lock);
}

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **list)
{
    typedef int (*Function)(const char *, const char *, const struct addrinfo *,
                            struct addrinfo **);
    if (node && g_str_has_prefix(node, "hang")) {
        wait_at_gate();
        return EAI_AGAIN;
    }
    Function system = (Function)dlsym(RTLD_NEXT, "getaddrinfo");
    return system(node, service, hints, list);
}

/* ---- Asking. */

#define HANGING 8

typedef struct Fixture {
    MmWorker *worker;
    MmResolver *resolver;
} Fixture;

typedef struct Asked {
    guint answers;
    MilterResolveStatus status;
    char *first; /* value */
} Asked;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    static const char *const servers[] = {"127.0.0.1:9", NULL}; /* not asked for these names */
    (void)unused;
    fixture->worker = mm_worker_new_here(0, NULL);
    fixture->resolver = mm_resolver_new(fixture->worker, NULL);
    mm_resolver_configure(fixture->resolver, servers, 30.0);
    close_gate();
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_resolver_free(fixture->resolver);
    mm_worker_free(fixture->worker);
    open_gate();
}

static void
answered(void *data, const MilterResolveAnswer *answer)
{
    Asked *asked = data;
    asked->answers++;
    asked->status = answer->status;
    asked->first = g_strdup(answer->n_values > 0 ? answer->values[0] : NULL);
}

static void
ask(Fixture *fixture, Asked *asked, const char *name)
{
    g_assert_cmpuint(mm_resolve(fixture->resolver, MILTER_RESOLVE_HOST, name, answered, asked), !=,
                     0);
    g_assert_cmpuint(asked->answers, ==, 0);
}

static void
ask_hanging(Fixture *fixture, Asked *asked)
{
    for (guint i = 0; i < HANGING; i++) {
        char name[32];
        g_snprintf(name, sizeof(name), "hang%u.example", i);
        ask(fixture, &asked[i], name);
    }
}

static void
await(Asked *asked)
{
    while (asked->answers == 0)
        g_main_context_iteration(NULL, TRUE);
}

static void
expect(Fixture *fixture, const char *name, const char *value)
{
    Asked asked = {0};
    ask(fixture, &asked, name);
    await(&asked);
    g_assert_cmpint(asked.status, ==, MILTER_RESOLVED);
    g_assert_cmpstr(asked.first, ==, value);
    g_free(asked.first);
}

/* ---- Tests. */

static void
test_addresses(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    expect(fixture, "127.0.0.1", "127.0.0.1");
    expect(fixture, "::1", "::1");
}

static void
job_done(gpointer data)
{
    *(gboolean *)data = TRUE;
}

static void
job_run(gpointer data)
{
    (void)data;
}

/* Names that hang hold up neither other names nor the jobs of stages. */
static void
test_hanging(Fixture *fixture, gconstpointer unused)
{
    Asked asked[HANGING] = {0};
    gboolean done = FALSE;
    MmJobs *jobs = mm_jobs_new(1);
    (void)unused;
    ask_hanging(fixture, asked);
    expect(fixture, "127.0.0.1", "127.0.0.1");
    mm_jobs_push(jobs, fixture->worker, "test", job_run, job_done, &done);
    while (!done)
        g_main_context_iteration(NULL, TRUE);
    mm_jobs_free(jobs);
    for (guint i = 0; i < HANGING; i++)
        g_assert_cmpuint(asked[i].answers, ==, 0);
    open_gate();
    for (guint i = 0; i < HANGING; i++) {
        await(&asked[i]);
        g_assert_cmpint(asked[i].status, ==, MILTER_RESOLVE_TEMPORARY);
    }
}

/* Who ends does not wait for them, neither the resolver nor its worker. */
static void
test_hanging_at_end(Fixture *fixture, gconstpointer unused)
{
    Asked asked[HANGING] = {0};
    (void)unused;
    ask_hanging(fixture, asked);
    g_clear_pointer(&fixture->resolver, mm_resolver_free);
    g_clear_pointer(&fixture->worker, mm_worker_free);
    open_gate();
    for (guint i = 0; i < HANGING; i++)
        g_assert_cmpuint(asked[i].answers, ==, 0);
}

/* Under way, or on its way back, when the resolver goes. */
static void
test_answer_at_end(Fixture *fixture, gconstpointer unused)
{
    Asked asked = {0};
    (void)unused;
    ask(fixture, &asked, "127.0.0.2");
    g_clear_pointer(&fixture->resolver, mm_resolver_free);
    g_clear_pointer(&fixture->worker, mm_worker_free);
    g_assert_cmpuint(asked.answers, ==, 0);
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
#define ADD(path, function)                                                                        \
    g_test_add("/resolve-host/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("addresses", test_addresses);
    ADD("hanging", test_hanging);
    ADD("hanging-at-end", test_hanging_at_end);
    ADD("answer-at-end", test_answer_at_end);
    return g_test_run();
}
