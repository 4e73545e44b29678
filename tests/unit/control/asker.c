/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stage for tests: it registers verbs and never objects. Instances of the same name share a
 * number, so that a reload can be seen in the answer. It leaves a worker when somebody opens the
 * FIFO that ASKER_GATE names, and does not come back from HELO before somebody opens the one that
 * ASKER_HOLD names. "spread" tells on how many workers sessions have begun. */
#include <milter-manager/plugin.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Asker {
    const MilterHost *host;
    MilterInstance *self;
    unsigned generation;
    unsigned workers; /* that have had a session; atomic */
} Asker;

typedef struct Later {
    Asker *asker;
    MilterAdminRequest *request;
} Later;

static void
answer(const Asker *asker, MilterAdminRequest *request)
{
    char json[32];
    snprintf(json, sizeof(json), "{\"generation\":%u}", asker->generation);
    asker->host->admin_reply(request, json, NULL);
}

static void
verb_now(void *data, MilterAdminRequest *request, const char *arguments)
{
    const Asker *asker = data;
    if (arguments)
        asker->host->admin_reply(request, arguments, NULL);
    else
        answer(asker, request);
}

static void
answer_later(void *data)
{
    Later *later = data;
    answer(later->asker, later->request);
    free(later);
}

static void
verb_later(void *data, MilterAdminRequest *request, const char *arguments)
{
    Later *later = malloc(sizeof(*later));
    (void)arguments;
    *later = (Later){data, request};
    later->asker->host->post(NULL, answer_later, later);
}

static void
verb_spread(void *data, MilterAdminRequest *request, const char *arguments)
{
    Asker *asker = data;
    char json[32];
    (void)arguments;
    snprintf(json, sizeof(json), "{\"workers\":%u}",
             __atomic_load_n(&asker->workers, __ATOMIC_SEQ_CST));
    asker->host->admin_reply(request, json, NULL);
}

static void
verb_fail(void *data, MilterAdminRequest *request, const char *arguments)
{
    (void)arguments;
    ((Asker *)data)->host->admin_reply(request, NULL, "as asked");
}

static void *
asker_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    Asker *asker = calloc(1, sizeof(*asker));
    *asker = (Asker){host, self, predecessor ? ((Asker *)predecessor)->generation + 1 : 0, 0};
    host->admin_verb(self, "now", verb_now, asker);
    host->admin_verb(self, "later", verb_later, asker);
    host->admin_verb(self, "fail", verb_fail, asker);
    host->admin_verb(self, "spread", verb_spread, asker);
    return asker;
}

static void
asker_discard(void *instance)
{
    free(instance);
}

/* Until somebody opens the other end of the FIFO that the variable names. */
static void
wait_at(const char *variable)
{
    const char *fifo = getenv(variable);
    if (fifo)
        close(open(fifo, O_RDONLY));
}

/* In a worker: whether it has had a session. */
static void *
asker_enter_worker(void *instance, MilterWorker *worker)
{
    (void)instance;
    (void)worker;
    return calloc(1, 1);
}

static void
asker_leave_worker(void *instance, void *in_worker)
{
    (void)instance;
    free(in_worker);
    wait_at("ASKER_GATE");
}

static void *
asker_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    Asker *asker = instance;
    char *used = in_worker;
    (void)worker;
    (void)session;
    if (!*used)
        __atomic_add_fetch(&asker->workers, 1, __ATOMIC_SEQ_CST);
    *used = 1;
    return instance;
}

static void
asker_close(void *session_data)
{
    (void)session_data;
}

static MilterReturn
asker_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
            MilterVerdict *verdict)
{
    const Asker *asker = session_data;
    (void)ticket;
    if (event->kind == MILTER_EVENT_HELO && getenv("ASKER_HOLD")) {
        asker->host->log(asker->self, NULL, MILTER_LOG_NOTICE, "asker-held", "Held", NULL, 0);
        wait_at("ASKER_HOLD");
    }
    verdict->kind = MILTER_VERDICT_CONTINUE;
    return MILTER_DONE;
}

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .configure = asker_configure,
    .discard = asker_discard,
    .enter_worker = asker_enter_worker,
    .leave_worker = asker_leave_worker,
    .open = asker_open,
    .close = asker_close,
    .event = asker_event,
};

MILTER_PLUGIN(asker, .name = "asker", .version = "1", .license = "LGPL-2.1-or-later",
              .summary = "Registers verbs", .stage = &stage)
