/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stage for tests: it registers verbs and never objects. Instances of the same name share a
 * number, so that a reload can be seen in the answer. It leaves a worker when somebody opens the
 * FIFO that ASKER_GATE names. */
#include <milter-manager/plugin.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Asker {
    const MilterHost *host;
    unsigned generation;
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
verb_fail(void *data, MilterAdminRequest *request, const char *arguments)
{
    (void)arguments;
    ((Asker *)data)->host->admin_reply(request, NULL, "as asked");
}

static void *
asker_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    Asker *asker = calloc(1, sizeof(*asker));
    *asker = (Asker){host, predecessor ? ((Asker *)predecessor)->generation + 1 : 0};
    host->admin_verb(self, "now", verb_now, asker);
    host->admin_verb(self, "later", verb_later, asker);
    host->admin_verb(self, "fail", verb_fail, asker);
    return asker;
}

static void
asker_discard(void *instance)
{
    free(instance);
}

static void
asker_leave_worker(void *instance, void *in_worker)
{
    const char *gate = getenv("ASKER_GATE");
    (void)instance;
    (void)in_worker;
    if (gate)
        close(open(gate, O_RDONLY));
}

static void *
asker_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    (void)worker;
    (void)session;
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
    (void)session_data;
    (void)ticket;
    (void)event;
    verdict->kind = MILTER_VERDICT_CONTINUE;
    return MILTER_DONE;
}

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .configure = asker_configure,
    .discard = asker_discard,
    .leave_worker = asker_leave_worker,
    .open = asker_open,
    .close = asker_close,
    .event = asker_event,
};

MILTER_PLUGIN(asker, .name = "asker", .version = "1", .license = "LGPL-2.1-or-later",
              .summary = "Registers verbs", .stage = &stage)
