/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stages of the test in a real chain: who is asked when, and how long an answer may take. */
#include "chain/private.h"
#include "chain/services.h"
#include "fixture.h"

#include <string.h>

#define ACTORS 2u

/* One stage in the one session. */
typedef struct Actor {
    /* NULL: answers CONTINUE at once. */
    MilterReturn (*act)(const MilterEvent *event, MilterVerdict *verdict);
    gboolean negotiates; /* answers the negotiation later */
    gboolean busy;       /* its event is on the stack */
    MilterTicket ticket; /* of the last question */
    GString *seen;       /* codes of its events; "X" for cancel, "A" for abort */
} Actor;

static Actor actors[ACTORS];
static guint opened;
static MilterWorker *handle;

static void *
open_actor(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)instance;
    (void)in_worker;
    (void)session;
    handle = worker;
    return &actors[opened++];
}

static void
close_actor(void *data)
{
    (void)data;
}

static MilterReturn
negotiate(void *data, MilterTicket ticket, const MilterOffer *offer, MilterNegotiation *negotiation)
{
    Actor *actor = data;
    (void)offer;
    (void)negotiation;
    actor->ticket = ticket;
    return actor->negotiates ? MILTER_LATER : MILTER_DONE;
}

static MilterReturn
on_event(void *data, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    Actor *actor = data;
    actor->ticket = ticket;
    g_string_append_c(actor->seen, "CHMRTULNBE"[event->kind]);
    actor->busy = TRUE;
    MilterReturn answered = actor->act ? actor->act(event, verdict) : MILTER_DONE;
    actor->busy = FALSE;
    return answered;
}

static void
on_cancel(void *data, MilterTicket ticket)
{
    Actor *actor = data;
    g_assert_cmpuint(ticket, ==, actor->ticket);
    g_assert_false(actor->busy);
    g_string_append_c(actor->seen, 'X');
}

static void
on_abort(void *data)
{
    Actor *actor = data;
    g_assert_false(actor->busy);
    g_string_append_c(actor->seen, 'A');
}

static MilterStage stage = {
    .size = sizeof(MilterStage),
    .open = open_actor,
    .close = close_actor,
    .negotiate = negotiate,
    .event = on_event,
    .abort = on_abort,
    .cancel = on_cancel,
};

/* ---- The chain's owner. */

typedef struct Owner {
    guint negotiated, verdicts;
    MilterVerdictKind kind; /* of the last verdict */
} Owner;

static void
count_negotiated(gpointer data)
{
    ((Owner *)data)->negotiated++;
}

static void
take_verdict(gpointer data, const MmVerdict *verdict)
{
    Owner *owner = data;
    owner->verdicts++;
    owner->kind = verdict->kind;
}

static gsize
describe(gpointer owner, MmField *fields)
{
    (void)owner;
    (void)fields;
    return 0;
}

static const MmChainOps ops = {
    .negotiated = count_negotiated, .verdict = take_verdict, .describe = describe};

typedef struct Scene {
    Fixture fixture;
    Owner owner;
    MmChain *chain;
} Scene;

static void
set_up(Scene *scene, gconstpointer unused)
{
    fixture_set_up(&scene->fixture, unused);
    for (guint i = 0; i < ACTORS; i++)
        actors[i] = (Actor){.seen = g_string_new(NULL)};
    opened = 0;
}

static void
tear_down(Scene *scene, gconstpointer unused)
{
    mm_chain_free(scene->chain);
    for (guint i = 0; i < ACTORS; i++)
        g_string_free(actors[i].seen, TRUE);
    fixture_tear_down(&scene->fixture, unused);
}

/* A session with both actors, which want these events; it negotiates, for no time. */
static void
begin(Scene *scene, guint32 events, const char *lines)
{
    const MilterOffer offer = {.size = sizeof(offer), .version = 6, .actions = 0x1ff};
    g_autofree char *text =
        g_strdup_printf("[stages/a]\n" PROBE "%s[stages/b]\n" PROBE "%s", lines, lines);
    MmSnapshot *snapshot = fixture_build(&scene->fixture, text);
    stage.events = events;
    stage.configure = mm_snapshot_instance(snapshot, 0)->stage->configure;
    stage.discard = mm_snapshot_instance(snapshot, 0)->stage->discard;
    for (guint i = 0; i < ACTORS; i++)
        mm_snapshot_instance(snapshot, i)->stage = &stage;
    fixture_adopt(&scene->fixture, snapshot);
    scene->chain = mm_chain_new(mm_crew_roster(scene->fixture.crew), &ops, &scene->owner);
    mm_chain_negotiate(scene->chain, &offer, 0);
    while (scene->owner.negotiated == 0)
        g_main_context_iteration(mm_worker_context(scene->fixture.control), TRUE);
}

static void
ask(Scene *scene, MilterEventKind kind)
{
    static const MilterSlice address = {"<a@example.org>", 15};
    static MilterEvent event;
    event = (MilterEvent){.size = sizeof(event), .kind = kind, .raw = {"", 0}};
    if (kind == MILTER_EVENT_MAIL || kind == MILTER_EVENT_RCPT) {
        event.u.envelope.args = &address;
        event.u.envelope.n_args = 1;
    }
    mm_chain_ask(scene->chain, &event);
}

static void
ask_all(Scene *scene, const char *kinds)
{
    for (; *kinds; kinds++)
        ask(scene, (MilterEventKind)(strchr("CHMRT", *kinds) - "CHMRT"));
}

static void
send_content(Scene *scene)
{
    mm_chain_header(scene->chain, (MilterSlice){"A", 1}, (MilterSlice){"1", 1});
    mm_chain_end_of_headers(scene->chain);
    mm_chain_body(scene->chain, (MilterSlice){"body\r\n", 6});
    mm_chain_feed(scene->chain);
}

static void
finish(Actor *actor, MilterVerdictKind kind)
{
    const MilterVerdict verdict = {.size = sizeof(verdict), .kind = kind, .reply = {"", 0}};
    mm_services()->finish(handle, actor->ticket, &verdict);
}

static void
assert_seen(const char *a, const char *b)
{
    g_assert_cmpstr(actors[0].seen->str, ==, a);
    g_assert_cmpstr(actors[1].seen->str, ==, b);
}

/* ---- A stage's answer that comes from within another's event. */

static MilterReturn
later_at_header(const MilterEvent *event, MilterVerdict *verdict)
{
    (void)verdict;
    return event->kind == MILTER_EVENT_HEADER ? MILTER_LATER : MILTER_DONE;
}

static MilterReturn
frees_the_first(const MilterEvent *event, MilterVerdict *verdict)
{
    (void)verdict;
    if (event->kind == MILTER_EVENT_END_OF_MESSAGE)
        finish(&actors[0], MILTER_VERDICT_CONTINUE);
    return MILTER_DONE;
}

/* The first has the rest of the message to get then, and nobody else would begin with that. */
static void
test_answer_within(Scene *scene, gconstpointer unused)
{
    (void)unused;
    actors[0].act = later_at_header;
    actors[1].act = frees_the_first;
    begin(scene, MILTER_EVENTS_ALL, "");
    ask_all(scene, "CHMRT");
    send_content(scene);
    assert_seen("CHMRTL", "CHMRTLNB");
    mm_chain_end_of_message(scene->chain, g_get_monotonic_time());
    assert_seen("CHMRTLNBE", "CHMRTLNBE");
    g_assert_cmpuint(scene->owner.verdicts, ==, 6);
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_CONTINUE);
}

static MilterReturn
refuses_for_the_first(const MilterEvent *event, MilterVerdict *verdict)
{
    (void)verdict;
    if (event->kind != MILTER_EVENT_END_OF_MESSAGE)
        return MILTER_DONE;
    finish(&actors[0], MILTER_VERDICT_REJECT);
    return MILTER_LATER;
}

/* A refusal stops the stages behind, but not while they are on the stack. */
static void
test_refusal_within(Scene *scene, gconstpointer unused)
{
    (void)unused;
    actors[0].act = later_at_header;
    actors[1].act = refuses_for_the_first;
    begin(scene, MILTER_EVENTS_ALL, "");
    ask_all(scene, "CHMRT");
    send_content(scene);
    mm_chain_end_of_message(scene->chain, g_get_monotonic_time());
    assert_seen("CHMRTL", "CHMRTLNBEXA");
    g_assert_cmpuint(scene->owner.verdicts, ==, 6);
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_REJECT);
}

/* ---- Facts. */

static const char *
value_of(Scene *scene, const char *name)
{
    const char *value;
    g_assert_cmpint(mm_services()->fact(scene->chain, name, &value), ==, MILTER_FACT_TRUE);
    return value;
}

/* A value that a stage was given is there until the next event, though the fact has another. */
static void
test_fact_values(Scene *scene, gconstpointer unused)
{
    (void)unused;
    begin(scene, MILTER_EVENTS_ALL, "fact='x'\n");
    ask_all(scene, "C");
    mm_services()->set_fact(scene->chain, MILTER_FACT_SESSION, "x", "the first value");
    const char *first = value_of(scene, "x");
    mm_services()->set_fact(scene->chain, MILTER_FACT_SESSION, "x", "another value");
    g_assert_cmpstr(first, ==, "the first value");
    g_assert_cmpstr(value_of(scene, "x"), ==, "another value");
    mm_services()->set_fact(scene->chain, MILTER_FACT_SESSION, "x", NULL);
    g_assert_null(value_of(scene, "x"));
    ask_all(scene, "H");
    g_assert_null(value_of(scene, "x"));
}

/* ---- Bodies. */

static MilterReturn
replaces_body(const MilterEvent *event, MilterVerdict *verdict)
{
    const Actor *actor = actors[0].busy ? &actors[0] : &actors[1];
    const MilterEdit edit = {
        .size = sizeof(edit), .kind = MILTER_EDIT_REPLACE_BODY, .value = {"new\r\n", 5}};
    (void)verdict;
    if (event->kind == MILTER_EVENT_END_OF_MESSAGE)
        g_assert_cmpint(mm_services()->edit(handle, actor->ticket, &edit), ==, MILTER_OK);
    return MILTER_DONE;
}

/* Of several new bodies only the last is said: the others take no room until then. */
static void
test_last_body(Scene *scene, gconstpointer unused)
{
    (void)unused;
    actors[0].act = replaces_body;
    actors[1].act = replaces_body;
    stage.rights = MILTER_RIGHT_CHANGE_BODY;
    begin(scene, MILTER_EVENTS_ALL, "");
    stage.rights = 0;
    ask_all(scene, "CHMRT");
    send_content(scene);
    mm_chain_end_of_message(scene->chain, g_get_monotonic_time());
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_CONTINUE);
    g_assert_cmpuint(mm_chain_n_edits(scene->chain), ==, 2);
    g_assert_null(mm_edits_body(mm_chain_edits(scene->chain, 0)));
    g_assert_cmpuint(mm_spool_length(mm_edits_body(mm_chain_edits(scene->chain, 1))), ==, 5);
}

/* ---- A negotiation that fails. */

#define MESSAGE_EVENTS                                                                             \
    (MILTER_EVENT_BIT(MILTER_EVENT_RCPT) | MILTER_EVENT_BIT(MILTER_EVENT_BODY) |                   \
     MILTER_EVENT_BIT(MILTER_EVENT_END_OF_MESSAGE))

static void
refuse_to_negotiate(Actor *actor)
{
    mm_services()->finish_negotiation(handle, actor->ticket, NULL, "no");
}

/* What it would have said of the message is not known: its fallback counts, at the first thing it
 * would have been asked, and once. */
static void
test_refused_negotiation(Scene *scene, gconstpointer unused)
{
    (void)unused;
    actors[0].negotiates = TRUE;
    begin(scene, MESSAGE_EVENTS, "fallback-status='reject'\n");
    refuse_to_negotiate(&actors[0]);
    ask_all(scene, "CHM");
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_CONTINUE);
    ask(scene, MILTER_EVENT_RCPT);
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_REJECT);
    mm_chain_abort(scene->chain);
    ask_all(scene, "MR");
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_CONTINUE);
    assert_seen("R", "AR");
}

/* The same for one that looks at the content only. */
static void
test_refused_negotiation_content(Scene *scene, gconstpointer unused)
{
    (void)unused;
    actors[0].negotiates = TRUE;
    begin(scene, MILTER_EVENT_BIT(MILTER_EVENT_BODY), "fallback-status='reject'\n");
    refuse_to_negotiate(&actors[0]);
    ask_all(scene, "CHMRT");
    send_content(scene);
    mm_chain_end_of_message(scene->chain, g_get_monotonic_time());
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_REJECT);
    ask_all(scene, "MRT");
    send_content(scene);
    mm_chain_end_of_message(scene->chain, g_get_monotonic_time());
    g_assert_cmpint(scene->owner.kind, ==, MILTER_VERDICT_CONTINUE);
    assert_seen("B", "AB");
}

/* ---- Waits, and what the MTA grants. */

static MilterReturn
later(const MilterEvent *event, MilterVerdict *verdict)
{
    (void)event;
    (void)verdict;
    return MILTER_LATER;
}

static void
assert_in_budget(const Scene *scene, guint i)
{
    const MmMember *member = &scene->chain->members[i];
    g_assert_true(mm_timer_is_armed(&member->deadline));
    g_assert_cmpint(member->deadline.due, <=, scene->chain->budget);
}

static void
renew(Actor *actor)
{
    mm_services()->deadline(handle, actor->ticket, 60, "a child");
}

/* The MTA waits for an answer, and that for a negotiation. */
static void
test_negotiation_budget(Scene *scene, gconstpointer unused)
{
    (void)unused;
    actors[1].negotiates = TRUE;
    begin(scene, MILTER_EVENTS_ALL, "");
    renew(&actors[1]); /* nobody waits yet */
    mm_chain_set_limits(scene->chain, MM_MTA_POSTFIX, 20, 20);
    ask(scene, MILTER_EVENT_CONNECT);
    assert_seen("C", "");
    assert_in_budget(scene, 1);
    renew(&actors[1]);
    assert_in_budget(scene, 1);
    g_assert_cmpuint(scene->owner.verdicts, ==, 0);
}

/* Nothing is left: however many questions there are, no wait goes on behind the end. */
static void
test_budget_used_up(Scene *scene, gconstpointer unused)
{
    (void)unused;
    begin(scene, MILTER_EVENTS_ALL, "");
    mm_chain_set_limits(scene->chain, MM_MTA_POSTFIX, 0.02, 0.02);
    actors[0].act = later;
    ask(scene, MILTER_EVENT_CONNECT);
    assert_in_budget(scene, 0);
    renew(&actors[0]);
    assert_in_budget(scene, 0);
    finish(&actors[0], MILTER_VERDICT_CONTINUE);
    actors[0].act = NULL;
    ask_all(scene, "HMRT");
    actors[1].act = later;
    send_content(scene);
    mm_chain_end_of_message(scene->chain, g_get_monotonic_time());
    assert_in_budget(scene, 1);
    finish(&actors[1], MILTER_VERDICT_CONTINUE);
    assert_in_budget(scene, 1);
}

#define ADD(name, function) g_test_add("/turns/" name, Scene, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("answer-within", test_answer_within);
    ADD("refusal-within", test_refusal_within);
    ADD("fact-values", test_fact_values);
    ADD("last-body", test_last_body);
    ADD("refused-negotiation", test_refused_negotiation);
    ADD("refused-negotiation-content", test_refused_negotiation_content);
    ADD("negotiation-budget", test_negotiation_budget);
    ADD("budget-used-up", test_budget_used_up);
    return g_test_run();
}
