/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stage that breaks the rule its key names. */
#include <milter-manager/plugin.h>

#include <glib-unix.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

typedef struct Rogue {
    const MilterHost *host;
    MilterInstance *self;
    const char *crime;
} Rogue;

typedef struct Talk {
    Rogue *rogue;
    MilterWorker *worker;
    MilterSession *session;
    MilterTicket ticket;
    const char *kept; /* what was borrowed */
} Talk;

static Talk *last; /* outlives its session */

static gboolean
does(const Rogue *rogue, const char *crime)
{
    return strcmp(rogue->crime, crime) == 0;
}

static void
answer_twice(void *data, MilterAdminRequest *request, const char *arguments)
{
    const Rogue *rogue = data;
    (void)arguments;
    rogue->host->admin_reply(request, "1", NULL);
    rogue->host->admin_reply(request, "2", NULL);
}

static void *
rogue_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)predecessor;
    Rogue *rogue = g_new0(Rogue, 1);
    *rogue = (Rogue){host, self, host->get_string(self, "crime")};
    if (does(rogue, "silent refusal")) {
        g_free(rogue);
        return NULL;
    }
    if (does(rogue, "unknown key"))
        host->get_boolean(self, "no-such-key");
    if (does(rogue, "wrong type"))
        host->get_boolean(self, "crime");
    if (does(rogue, "wrong statistic"))
        host->counter(self, "Not A Name");
    host->admin_verb(self, "twice", answer_twice, rogue);
    return rogue;
}

static void *
rogue_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    Talk *talk = g_new0(Talk, 1);
    *talk = (Talk){.rogue = instance, .worker = worker, .session = session};
    return talk;
}

static void
rogue_close(void *data)
{
    Talk *talk = data;
    if (does(talk->rogue, "answer after close")) {
        last = talk;
        return;
    }
    g_free(data);
}

static void
finish(Talk *talk)
{
    const MilterVerdict verdict = {.size = sizeof(verdict)};
    talk->rogue->host->finish(talk->worker, talk->ticket, &verdict);
}

static void
finish_twice(void *data)
{
    finish(data);
    finish(data);
}

static void
finish_once(void *data)
{
    finish(data);
}

static void
finish_last(void *data)
{
    (void)data;
    finish(last);
    g_clear_pointer(&last, g_free);
}

static void
ring(void *data)
{
    (void)data;
}

static void
found(void *data, const MilterResolveAnswer *answer)
{
    (void)data;
    (void)answer;
}

static void
ready(void *data, uint32_t events)
{
    (void)data;
    (void)events;
}

static const char *const watch_crimes[] = {"blocking descriptor", "watched twice", "closed before",
                                           "left watch",          "removed twice", NULL};

static void
watch_badly(Talk *talk)
{
    const MilterHost *host = talk->rogue->host;
    int ends[2];
    if (!g_strv_contains(watch_crimes, talk->rogue->crime))
        return;
    if (!g_unix_open_pipe(ends, FD_CLOEXEC, NULL))
        g_error("pipe");
    if (!does(talk->rogue, "blocking descriptor"))
        g_unix_set_fd_nonblocking(ends[0], TRUE, NULL);
    MilterWatch *watch = host->watch_add(talk->worker, ends[0], MILTER_WATCH_READ, ready, talk);
    if (does(talk->rogue, "watched twice"))
        host->watch_remove(host->watch_add(talk->worker, ends[0], MILTER_WATCH_READ, ready, talk));
    if (does(talk->rogue, "closed before")) {
        close(ends[0]);
        close(ends[1]);
    }
    if (does(talk->rogue, "left watch"))
        return;
    host->watch_remove(watch);
    if (does(talk->rogue, "removed twice"))
        host->watch_remove(watch);
    close(ends[0]);
    close(ends[1]);
}

static void
speak_badly(Talk *talk, MilterVerdict *verdict)
{
    const Rogue *rogue = talk->rogue;
    if (does(rogue, "malformed reply")) {
        verdict->kind = MILTER_VERDICT_REPLY;
        verdict->reply = (MilterSlice){"go away", 7};
    } else if (does(rogue, "unknown verdict")) {
        verdict->kind = 77;
    } else if (does(rogue, "no reason")) {
        verdict->kind = MILTER_VERDICT_FAILED;
    } else if (does(rogue, "undeclared fact")) {
        rogue->host->set_fact(talk->session, MILTER_FACT_SESSION, "innocent", NULL);
    } else if (does(rogue, "late problem")) {
        rogue->host->problem(rogue->self, NULL, "too late", NULL);
    } else if (does(rogue, "late counter")) {
        rogue->host->counter(rogue->self, "late");
    } else if (does(rogue, "made-up ticket")) {
        rogue->host->deadline(talk->worker, 3, 1, "nothing");
    } else if (does(rogue, "left timer")) {
        rogue->host->timer_add(talk->worker, 1e6, ring, talk);
    } else if (does(rogue, "left query")) {
        rogue->host->resolve(talk->worker, MILTER_RESOLVE_A, "never.example.org", found, talk);
    } else {
        watch_badly(talk);
    }
}

static const char *const turn_crimes[] = {
    "no deadline",        "job without label", "second answer", "other thread",
    "answer after close", "forgotten",         "two ways",      NULL};

static MilterReturn
answer_badly(Talk *talk, MilterTicket ticket)
{
    const Rogue *rogue = talk->rogue;
    if (!g_strv_contains(turn_crimes, rogue->crime))
        return MILTER_DONE;
    talk->ticket = ticket;
    if (!does(rogue, "no deadline"))
        rogue->host->deadline(talk->worker, ticket, 10, "a crime");
    if (does(rogue, "second answer"))
        rogue->host->timer_add(talk->worker, 0, finish_twice, talk);
    else if (does(rogue, "other thread"))
        rogue->host->job(talk->worker, "crime", finish_once, NULL, talk);
    else if (does(rogue, "answer after close"))
        rogue->host->timer_add(talk->worker, 5, finish_last, NULL);
    else if (does(rogue, "job without label"))
        rogue->host->job(talk->worker, NULL, ring, finish_once, talk);
    else if (does(rogue, "two ways"))
        finish(talk);
    return does(rogue, "two ways") ? MILTER_DONE : MILTER_LATER;
}

/* CONNECT: what is broken at once. MAIL: what takes a turn. */
static MilterReturn
rogue_event(void *data, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    Talk *talk = data;
    const Rogue *rogue = talk->rogue;
    if (event->kind == MILTER_EVENT_HELO && does(rogue, "late fact"))
        rogue->host->set_fact(talk->session, MILTER_FACT_SESSION, "rogue", NULL);
    if (event->kind == MILTER_EVENT_HELO && does(rogue, "what was borrowed")) {
        const MilterField field = {"kept", talk->kept};
        rogue->host->log(rogue->self, NULL, MILTER_LOG_INFO, "rogue-kept", "Kept", &field, 1);
    }
    if (event->kind == MILTER_EVENT_CONNECT)
        talk->kept = event->u.connect.host.data;
    if (event->kind == MILTER_EVENT_CONNECT)
        speak_badly(talk, verdict);
    if (event->kind == MILTER_EVENT_END_OF_MESSAGE && does(rogue, "malformed edit")) {
        const MilterEdit edit = {.size = sizeof(edit), .kind = MILTER_EDIT_ADD_HEADER};
        rogue->host->edit(talk->worker, ticket, &edit);
    }
    return event->kind == MILTER_EVENT_MAIL ? answer_badly(talk, ticket) : MILTER_DONE;
}

static const MilterFact facts[] = {{.name = "rogue", .settled_after = MILTER_EVENT_CONNECT}, {0}};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .rights = 0xFF,
    .facts = facts,
    .configure = rogue_configure,
    .discard = g_free,
    .open = rogue_open,
    .close = rogue_close,
    .event = rogue_event,
};

MILTER_PLUGIN(rogue, .name = "rogue", .version = "1", .license = "LGPL-2.1-or-later",
              .summary = "Breaks the rules", .stage = &stage)
