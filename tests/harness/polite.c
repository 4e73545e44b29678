/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stage that keeps the rules, and comes to its answers in each way there is. */
#include <milter-manager/plugin.h>

#include <glib-unix.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

typedef struct Polite {
    const MilterHost *host;
    MilterInstance *self;
    const char *way;
    guint generation; /* how many predecessors there were */
    MilterCounter *asked;
    MilterHistogram *sizes;
} Polite;

typedef struct Job Job;

typedef struct Talk {
    Polite *polite;
    MilterWorker *worker;
    MilterSession *session;
    MilterTicket ticket;
    const MilterEvent *event;
    uint64_t query;
    MilterTimer *timer;
    MilterWatch *watch;
    int pipe[2];
    Job *job;
} Talk;

struct Job {
    Talk *talk; /* NULL: nobody waits for it any more */
};

static void
verb_generation(void *data, MilterAdminRequest *request, const char *arguments)
{
    const Polite *polite = data;
    g_autofree char *json = g_strdup_printf("%u", polite->generation);
    if (arguments && strcmp(arguments, "\"fail\"") == 0)
        polite->host->admin_reply(request, NULL, "as asked");
    else
        polite->host->admin_reply(request, json, NULL);
}

static void *
polite_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    const Polite *before = predecessor;
    if (host->get_unsigned(self, "size") == 9) {
        host->problem(self, "size", "nine is too much", "8 at most");
        return NULL;
    }
    if (host->get_unsigned(self, "size") == 8)
        host->warn(self, "size", "eight is a lot", NULL);
    Polite *polite = g_new0(Polite, 1);
    polite->host = host;
    polite->self = self;
    polite->way = host->get_string(self, "way");
    polite->generation = before ? before->generation + 1 : 0;
    polite->asked = host->counter(self, "asked");
    polite->sizes = host->histogram(self, "sizes");
    host->admin_verb(self, "generation", verb_generation, polite);
    return polite;
}

static bool
polite_expand(const MilterHost *host, MilterInstance *self, MilterExpansion *expansion)
{
    const char *const *names = host->get_strings(self, "names");
    for (; *names; names++) {
        host->expand_stage(expansion, *names, "relay", "test: one");
        host->expand_set(expansion, "connection-spec", "'unix:/nowhere'", "test: two");
    }
    if (!host->get_boolean(self, "loud"))
        return true;
    host->problem(self, NULL, "too loud", NULL);
    return false;
}

static void *
polite_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    Talk *talk = g_new0(Talk, 1);
    talk->polite = instance;
    talk->worker = worker;
    talk->session = session;
    talk->pipe[0] = talk->pipe[1] = -1;
    return talk;
}

static void
drop(Talk *talk)
{
    const MilterHost *host = talk->polite->host;
    if (talk->query)
        host->resolve_cancel(talk->worker, talk->query);
    host->timer_remove(talk->timer);
    if (talk->watch)
        host->watch_remove(talk->watch);
    if (talk->job)
        talk->job->talk = NULL;
    for (guint i = 0; i < 2; i++) {
        if (talk->pipe[i] >= 0)
            close(talk->pipe[i]);
        talk->pipe[i] = -1;
    }
    talk->query = 0;
    talk->timer = NULL;
    talk->watch = NULL;
    talk->job = NULL;
    talk->ticket = 0;
    talk->event = NULL;
}

static void
polite_close(void *data)
{
    drop(data);
    g_free(data);
}

static void
edit(Talk *talk, MilterTicket ticket)
{
    const MilterEdit header = {.size = sizeof(header),
                               .kind = MILTER_EDIT_ADD_HEADER,
                               .name = {"X-Polite", 8},
                               .value = {"yes", 3}};
    const MilterEdit body = {
        .size = sizeof(body), .kind = MILTER_EDIT_REPLACE_BODY, .value = {"new\r\n", 5}};
    talk->polite->host->edit(talk->worker, ticket, &header);
    talk->polite->host->edit(talk->worker, ticket, &body);
}

/* A recipient decides what is answered. */
static void
decide(Talk *talk, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    static const char reply[] = "550 5.7.1 no";
    if (event->kind == MILTER_EVENT_CONNECT)
        talk->polite->host->set_fact(talk->session, MILTER_FACT_SESSION,
                                     talk->polite->host->get_string(talk->polite->self, "fact"),
                                     event->u.connect.address.data);
    if (event->kind == MILTER_EVENT_END_OF_MESSAGE)
        edit(talk, ticket);
    if (event->kind != MILTER_EVENT_RCPT)
        return;
    talk->polite->host->observe(talk->polite->sizes, (double)event->u.envelope.args[0].size);
    if (strcmp(event->u.envelope.args[0].data, "<refused@example.org>") == 0) {
        verdict->kind = MILTER_VERDICT_REPLY;
        verdict->reply = (MilterSlice){reply, sizeof(reply) - 1};
        verdict->detail = "refused";
    } else if (strcmp(event->u.envelope.args[0].data, "<echo@example.org>") == 0) {
        verdict->kind = MILTER_VERDICT_REPLY; /* from what is borrowed */
        verdict->reply = event->u.envelope.args[1];
    }
}

static void
answer(Talk *talk)
{
    MilterVerdict verdict = {.size = sizeof(verdict)};
    MilterTicket ticket = talk->ticket;
    decide(talk, ticket, talk->event, &verdict);
    drop(talk);
    talk->polite->host->finish(talk->worker, ticket, &verdict);
}

static void
timer_rang(void *data)
{
    Talk *talk = data;
    talk->timer = NULL;
    answer(talk);
}

static void
pipe_ready(void *data, uint32_t events)
{
    (void)events;
    answer(data);
}

static void
resolved(void *data, const MilterResolveAnswer *found)
{
    Talk *talk = data;
    talk->query = 0;
    if (found->status == MILTER_RESOLVED)
        talk->polite->host->count(talk->polite->asked, 100);
    answer(talk);
}

static void
job_run(void *data)
{
    (void)data;
}

static void
job_done(void *data)
{
    Job *job = data;
    if (job->talk) {
        Talk *talk = job->talk;
        talk->job = NULL;
        answer(talk);
    }
    g_free(job);
}

static void
begin_watch(Talk *talk)
{
    if (!g_unix_open_pipe(talk->pipe, FD_CLOEXEC, NULL) ||
        !g_unix_set_fd_nonblocking(talk->pipe[0], TRUE, NULL) || write(talk->pipe[1], "x", 1) != 1)
        g_error("pipe");
    talk->watch = talk->polite->host->watch_add(talk->worker, talk->pipe[0], MILTER_WATCH_READ,
                                                pipe_ready, talk);
}

static void
begin(Talk *talk)
{
    const MilterHost *host = talk->polite->host;
    switch (*talk->polite->way) {
    case 'n':
        talk->query =
            host->resolve(talk->worker, MILTER_RESOLVE_A, "polite.example.org.", resolved, talk);
        break;
    case 't':
        talk->timer = host->timer_add(talk->worker, host->get_double(talk->polite->self, "seconds"),
                                      timer_rang, talk);
        break;
    case 'j':
        talk->job = g_new0(Job, 1);
        talk->job->talk = talk;
        host->job(talk->worker, "politeness", job_run, job_done, talk->job);
        break;
    default:
        begin_watch(talk);
    }
}

static MilterReturn
polite_event(void *data, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    Talk *talk = data;
    const Polite *polite = talk->polite;
    polite->host->count(polite->asked, 1);
    if (polite->host->get_boolean(polite->self, "loud")) {
        const MilterField field = {"i", polite->host->macro(talk->session, "{i}")};
        polite->host->log(polite->self, talk->session, MILTER_LOG_INFO, "polite-asked", "Asked",
                          &field, 1);
    }
    if (*polite->way == 'a') {
        decide(talk, ticket, event, verdict);
        return MILTER_DONE;
    }
    talk->ticket = ticket;
    talk->event = event;
    polite->host->deadline(talk->worker, ticket, 30, "being polite");
    begin(talk);
    return MILTER_LATER;
}

static void
polite_cancel(void *data, MilterTicket ticket)
{
    (void)ticket;
    drop(data);
}

static const MilterFact facts[] = {{.name_setting = "fact", .settled_after = MILTER_EVENT_CONNECT},
                                   {0}};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .rights = MILTER_RIGHT_ADD_HEADERS | MILTER_RIGHT_CHANGE_BODY,
    .facts = facts,
    .expand = polite_expand,
    .configure = polite_configure,
    .discard = g_free,
    .open = polite_open,
    .close = polite_close,
    .event = polite_event,
    .cancel = polite_cancel,
};

MILTER_PLUGIN(polite, .name = "polite", .version = "1", .license = "LGPL-2.1-or-later",
              .summary = "Keeps the rules", .stage = &stage)
