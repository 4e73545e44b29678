/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stage for tests, told by the mail what to do: sets the fact "early" at MAIL if the sender has
 * that word, "late" at the end of a message that has a header of that name, and refuses a recipient
 * with the word "refuse".
 */
#include <glib.h>
#include <milter-manager/plugin.h>
#include <string.h>

typedef struct Talk {
    const MilterHost *host;
    MilterSession *session;
    gboolean late;
} Talk;

static void *
configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)self;
    (void)predecessor;
    return (void *)(guintptr)host;
}

static void
discard(void *instance)
{
    (void)instance;
}

static void *
open_session(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    Talk *talk = g_new0(Talk, 1);
    (void)in_worker;
    (void)worker;
    talk->host = instance;
    talk->session = session;
    return talk;
}

static gboolean
has_word(const MilterEvent *event, const char *word)
{
    return strstr(event->u.envelope.args[0].data, word) != NULL;
}

static MilterReturn
on_event(void *session_data, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    Talk *talk = session_data;
    (void)ticket;
    switch ((MilterEventKind)event->kind) {
    case MILTER_EVENT_MAIL:
        talk->late = FALSE;
        if (has_word(event, "early"))
            talk->host->set_fact(talk->session, MILTER_FACT_MESSAGE, "early", NULL);
        break;
    case MILTER_EVENT_RCPT:
        if (has_word(event, "refuse"))
            verdict->kind = MILTER_VERDICT_REJECT;
        break;
    case MILTER_EVENT_HEADER:
        talk->late = talk->late || strcmp(event->u.header.name.data, "late") == 0;
        break;
    case MILTER_EVENT_END_OF_MESSAGE:
        if (talk->late)
            talk->host->set_fact(talk->session, MILTER_FACT_MESSAGE, "late", NULL);
        break;
    default:
        break;
    }
    return MILTER_DONE;
}

static const MilterFact facts[] = {
    {.name = "early", .settled_after = MILTER_EVENT_MAIL},
    {.name = "late", .settled_after = MILTER_EVENT_END_OF_MESSAGE},
    {0},
};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENT_BIT(MILTER_EVENT_MAIL) | MILTER_EVENT_BIT(MILTER_EVENT_RCPT) |
              MILTER_EVENT_BIT(MILTER_EVENT_HEADER) | MILTER_EVENT_BIT(MILTER_EVENT_END_OF_MESSAGE),
    .facts = facts,
    .configure = configure,
    .discard = discard,
    .open = open_session,
    .close = g_free,
    .event = on_event,
};

MILTER_PLUGIN(script_fact, .name = "script-fact", .version = "1", .license = "LGPL-2.1-or-later",
              .summary = "Sets facts for tests", .stage = &stage)
