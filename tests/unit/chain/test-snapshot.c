/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a configuration to instances that serve: predecessors, refusals, conditions, facts, jobs. */
#include "chain/admin.h"
#include "chain/chain.h"
#include "fixture.h"

#include <string.h>

static void
keep_answer(gpointer data, const char *json, const char *error)
{
    g_assert_null(error);
    *(char **)data = g_strdup(json);
}

static char *
call_with(const char *verb, const char *arguments)
{
    char *answer = NULL;
    g_assert_true(mm_admin_call(verb, arguments, keep_answer, &answer));
    return answer;
}

static char *
call(const char *verb)
{
    return call_with(verb, NULL);
}

static void
assert_state(const char *stage, const char *expected)
{
    g_autofree char *verb = g_strconcat(stage, ".state", NULL);
    g_autofree char *state = call(verb);
    g_assert_cmpstr(state, ==, expected);
}

/* ---- Building. */

static void
test_predecessor(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    fixture_serve(fixture, "[stages/a]\n" PROBE "[stages/b]\n" PROBE);
    assert_state("a", " alive=2 entered=2 generation=0");
    fixture_serve(fixture, "[stages/b]\n" PROBE "[stages/a]\n" PROBE "[stages/new]\n" PROBE);
    assert_state("a", " alive=3 entered=3 generation=1");
    assert_state("b", " alive=3 entered=3 generation=1");
    assert_state("new", " alive=3 entered=3 generation=0");
    g_assert_cmpstr(mm_snapshot_instance(fixture->snapshot, 0)->name, ==, "b");
    g_assert_null(mm_snapshot_find(fixture->snapshot, "c"));
}

static void
test_refusal_leaves_nothing(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    fixture_serve(fixture, "[stages/a]\n" PROBE);
    g_assert_null(fixture_build(fixture, "[stages/a]\n" PROBE "[stages/b]\n" PROBE "refuse='yes'\n"
                                         "[stages/c]\n" PROBE "refuse='silently'\n"
                                         "[stages/d]\n" PROBE "set-at='x'\n[stages/e]\n" PROBE));
    g_assert_cmpstr(
        fixture->problems, ==,
        "c:11: [stages/d] set-at: “'x'” is not a value of this key (a whole number, 0 or "
        "more)\n"
        "c:5: [stages/b] refuse: as it was asked ('')\n"
        "[stages/c] the plugin refused its configuration without a reason\n");
    assert_state("a", " alive=1 entered=1 generation=0"); /* the old one, its verb too */
    g_autofree char *unused_answer = NULL;
    g_assert_false(mm_admin_call("e.state", NULL, keep_answer, &unused_answer));
}

static void
test_disabled(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    fixture_serve(fixture, "[stages/a]\n" PROBE "enabled=false\nrefuse='yes'\n[stages/b]\n" PROBE);
    assert_state("b", " alive=1 entered=1 generation=0");
    g_assert_cmpuint(fixture->snapshot->instances->len, ==, 1);
    g_assert_cmpuint(fixture->snapshot->groups->len, ==, 2); /* shown all the same */
    g_assert_null(fixture_build(fixture, "[stages/a]\n" PROBE "enabled=false\nset-at='x'\n"));
}

static const struct {
    const char *text, *problems;
} wrong[] = {
    {"[stages/a]\nplugin='prob'\n",
     "there is no plugin “prob” in " PROBE_DIR "; did you mean “probe”?"},
    {"[stages/a]\nplugin='../probe'\n", "c:2: [stages/a] plugin: this is not the name of a plugin"},
    {"[stages/a]\nplugin=pro#be\n", "c:2: [stages/a] plugin: this is not the name of a plugin"},
    {"[stages/a]\n" PROBE "conditions=['']\n", "c:3: [stages/a] conditions: “” is no condition"},
    {"[stages/a]\n" PROBE "conditions=['!']\n", "“!” is no condition ('FACT' or '!FACT'"},
    {"[stages/a]\n" PROBE "conditions=['!!x']\n", "“!!x” is no condition"},
    {"[stages/a]\n" PROBE "conditions=['x y']\n", "“x y” is no condition"},
    {"[stages/a]\n" PROBE "fact='x y'\n", "c:3: [stages/a] fact: this is not the name of a fact"},
};

static void
test_wrong(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_null(fixture_build(fixture, wrong[i].text));
        if (!strstr(fixture->problems, wrong[i].problems))
            g_error("“%s” says nothing of “%s”", fixture->problems, wrong[i].problems);
    }
}

static void
test_warnings(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    MmSnapshot *snapshot = fixture_build(
        fixture, "[stages/none]\ndescription='x'\n[stages/a]\n" PROBE
                 "conditions=['later', '!never']\n[stages/b]\n" PROBE "fact='later'\n");
    g_assert_nonnull(snapshot);
    g_assert_cmpstr(
        fixture->problems, ==,
        "c:1: [stages/none] this group names no plugin, and no detector found a milter of that "
        "name: "
        "it is ignored (plugin='NAME')\n"
        "c:5: [stages/a] conditions: no enabled stage before this one sets “later”: it counts as "
        "false\n"
        "c:5: [stages/a] conditions: no enabled stage before this one sets “never”: it counts as "
        "false\n");
    mm_snapshot_unref(snapshot);
}

/* ---- Facts, seen by a stage that depends on one. */

static void
ignore(gpointer owner)
{
    (void)owner;
}

static void
take_verdict(gpointer owner, const MmVerdict *verdict)
{
    g_assert_cmpint(verdict->kind, ==, MILTER_VERDICT_CONTINUE);
    (*(guint *)owner)++;
}

static gsize
describe(gpointer owner, MmField *fields)
{
    (void)owner;
    (void)fields;
    return 0;
}

static const MmChainOps ops = {.negotiated = ignore, .verdict = take_verdict, .describe = describe};

static MmChain *
open_chain(Fixture *fixture, guint *answers)
{
    const MilterOffer offer = {.size = sizeof(offer), .version = 6};
    MmChain *chain = mm_chain_new(mm_crew_roster(fixture->crew), &ops, answers);
    mm_chain_negotiate(chain, &offer, 1);
    return chain;
}

static void
ask(MmChain *chain, MilterEventKind kind)
{
    static const MilterSlice address = {"<a@example.org>", 15};
    MilterEvent event = {.size = sizeof(event), .kind = kind, .raw = {"", 0}};
    if (kind == MILTER_EVENT_MAIL || kind == MILTER_EVENT_RCPT) {
        event.u.envelope.args = &address;
        event.u.envelope.n_args = 1;
    }
    mm_chain_ask(chain, &event);
}

static void
ask_all(MmChain *chain, const char *kinds)
{
    for (; *kinds; kinds++)
        ask(chain, (MilterEventKind)(strchr("CHMRT", *kinds) - "CHMRT"));
}

typedef struct Case {
    const char *setter, *events, *condition, *seen;
} Case;

/* Settled after RCPT, which the setter has answered when the later stage is asked: before that it
 * is asked whatever the fact may become. */
static const Case cases[] = {
    {"", "CHMRT", "x", "CHM"},             /* never set: false from RCPT on */
    {"", "CHMRT", "!x", "CHMRT"},          /* and its negation holds */
    {"set-at=1\n", "CHMRT", "x", "CHMRT"}, /* set at HELO */
    {"set-at=1\n", "CHMRT", "!x", "C"},    /* shut out from HELO on */
    {"set-at=3\n", "CHMRT", "!x", "CHM"},  /* shut out in the message */
    {"set-at=3\n", "CHMRRT", "x", "CHMRRT"},
};

static void
test_facts(Fixture *fixture, gconstpointer data)
{
    const Case *one = data;
    guint answers = 0;
    g_autofree char *text =
        g_strdup_printf("[stages/a]\n" PROBE "fact='x'\n%s[stages/b]\n" PROBE "conditions=['%s']\n",
                        one->setter, one->condition);
    fixture_serve(fixture, text);
    MmChain *chain = open_chain(fixture, &answers);
    ask_all(chain, one->events);
    g_assert_cmpuint(answers, ==, strlen(one->events));
    g_autofree char *state = g_strdup_printf("%s alive=2 entered=2 generation=0", one->seen);
    assert_state("b", state);
    mm_chain_free(chain);
}

/* A fact of the message is gone with it, one of the session stays. */
static void
run_second_message(Fixture *fixture, const char *scope, const char *seen)
{
    guint answers = 0;
    g_autofree char *text = g_strdup_printf(
        "[stages/a]\n" PROBE "fact='x'\nset-at=3\n%s[stages/b]\n" PROBE "conditions=['!x']\n",
        scope);
    fixture_serve(fixture, text);
    MmChain *chain = open_chain(fixture, &answers);
    ask_all(chain, "CHMR");
    mm_chain_abort(chain);
    ask(chain, MILTER_EVENT_MAIL);
    g_assert_cmpuint(answers, ==, 5);
    g_autofree char *state = call("b.state");
    g_assert_true(g_str_has_prefix(state, seen));
    mm_chain_free(chain);
}

static void
test_fact_scopes(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    run_second_message(fixture, "of-message=true\n", "CHMM ");
    run_second_message(fixture, "", "CHM ");
}

/* ---- Reload with sessions and jobs of the predecessor. */

static void
test_session_keeps_snapshot(Fixture *fixture, gconstpointer unused)
{
    guint answers = 0;
    (void)unused;
    fixture_serve(fixture, "[stages/a]\n" PROBE);
    MmChain *old = open_chain(fixture, &answers);
    fixture_serve(fixture, "[stages/a]\n" PROBE);
    assert_state("a", " alive=2 entered=2 generation=1");
    ask_all(old, "CHM");
    assert_state("a", " alive=2 entered=2 generation=1"); /* the new one was not asked */
    mm_chain_free(old);
    assert_state("a", " alive=1 entered=1 generation=1");
}

static void
wait_for_state(Fixture *fixture, const char *expected)
{
    g_autofree char *state = call("a.state");
    while (strcmp(state, expected) != 0) {
        g_main_context_iteration(mm_worker_context(fixture->control), TRUE);
        g_free(state);
        state = call("a.state");
    }
}

/* The session is gone and the configuration too, but a job is under way: the instance stays. */
static void
test_job_keeps_instance(Fixture *fixture, gconstpointer unused)
{
    guint answers = 0;
    (void)unused;
    fixture_serve(fixture, "[stages/a]\n" PROBE "job=true\n");
    MmChain *chain = open_chain(fixture, &answers);
    ask(chain, MILTER_EVENT_CONNECT);
    g_assert_cmpuint(answers, ==, 0);
    mm_chain_free(chain);
    fixture_serve(fixture, "[stages/a]\n" PROBE);
    assert_state("a", " alive=2 entered=2 generation=1");
    g_autofree char *released = call("a.release");
    wait_for_state(fixture, " alive=1 entered=1 generation=1");
}

/* Jobs of the new instance that overlap with one another keep the old one no longer than its own
 * job is under way. */
static void
test_job_keeps_own_instance(Fixture *fixture, gconstpointer unused)
{
    guint answers = 0;
    (void)unused;
    fixture_serve(fixture, "[stages/a]\n" PROBE "job=true\n");
    MmChain *old = open_chain(fixture, &answers);
    ask(old, MILTER_EVENT_CONNECT);
    mm_chain_free(old);
    fixture_serve(fixture, "[stages/a]\n" PROBE "job=true\n");
    MmChain *new = open_chain(fixture, &answers);
    ask(new, MILTER_EVENT_CONNECT);
    assert_state("a", "C alive=2 entered=2 generation=1");
    g_autofree char *released = call_with("a.release", "0");
    wait_for_state(fixture, "C alive=1 entered=1 generation=1");
    g_autofree char *rest = call_with("a.release", "1");
    wait_for_state(fixture, "C+ alive=1 entered=1 generation=1");
    mm_chain_free(new);
}

#define ADD(name, function)                                                                        \
    g_test_add("/snapshot/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("predecessor", test_predecessor);
    ADD("refusal-leaves-nothing", test_refusal_leaves_nothing);
    ADD("disabled", test_disabled);
    ADD("wrong", test_wrong);
    ADD("warnings", test_warnings);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/snapshot/facts/%u", i);
        g_test_add(path, Fixture, &cases[i], fixture_set_up, test_facts, fixture_tear_down);
    }
    ADD("fact-scopes", test_fact_scopes);
    ADD("session-keeps-snapshot", test_session_keeps_snapshot);
    ADD("job-keeps-instance", test_job_keeps_instance);
    ADD("job-keeps-own-instance", test_job_keeps_own_instance);
    return g_test_run();
}
