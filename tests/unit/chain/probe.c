/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stage that tells what was done with it: verb "state", "EVENTS alive=N entered=N generation=N".
 * Verb "release" ends the jobs of the instance of a generation, its argument. */
#include <milter-manager/plugin.h>

#include <glib.h>

typedef struct Probe {
    const MilterHost *host;
    MilterInstance *self;
    guint generation;
    gboolean released; /* what its jobs wait for; by verb "release" */
    GString *asked;
} Probe;

typedef struct Talk {
    Probe *probe;
    MilterWorker *worker;
    MilterSession *session;
} Talk;

static guint alive, entered;

/* The first instances, by generation: a verb reaches the last one only. */
#define KNOWN_MAX 8
static Probe *known[KNOWN_MAX];

/* Guards released. */
static GMutex lock;
static GCond changed;

static void
tell_state(void *data, MilterAdminRequest *request, const char *arguments)
{
    const Probe *probe = data;
    (void)arguments;
    g_autofree char *json = g_strdup_printf("%s alive=%u entered=%u generation=%u",
                                            probe->asked->str, alive, entered, probe->generation);
    probe->host->admin_reply(request, json, NULL);
}

static void
release(void *data, MilterAdminRequest *request, const char *arguments)
{
    const Probe *probe = data;
    guint64 generation = arguments ? g_ascii_strtoull(arguments, NULL, 10) : 0;
    g_assert_cmpuint(generation, <=, probe->generation);
    g_mutex_lock(&lock);
    known[generation]->released = TRUE;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
    probe->host->admin_reply(request, "null", NULL);
}

static void *
probe_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    const Probe *before = predecessor;
    const char *refusal = host->get_string(self, "refuse");
    if (*refusal && g_strcmp0(refusal, "silently") != 0)
        host->problem(self, "refuse", "as it was asked", "''");
    if (*refusal)
        return NULL;
    Probe *probe = g_new0(Probe, 1);
    *probe = (Probe){.host = host,
                     .self = self,
                     .generation = before ? before->generation + 1 : 0,
                     .asked = g_string_new(NULL)};
    g_assert_cmpuint(probe->generation, <, KNOWN_MAX);
    known[probe->generation] = probe;
    host->admin_verb(self, "state", tell_state, probe);
    host->admin_verb(self, "release", release, probe);
    alive++;
    return probe;
}

static void
probe_discard(void *instance)
{
    Probe *probe = instance;
    g_string_free(probe->asked, TRUE);
    g_free(probe);
    alive--;
}

static void *
probe_enter(void *instance, MilterWorker *worker)
{
    (void)instance;
    (void)worker;
    entered++;
    return NULL;
}

static void
probe_leave(void *instance, void *in_worker)
{
    (void)instance;
    (void)in_worker;
    entered--;
}

static void *
probe_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    Talk *talk = g_new0(Talk, 1);
    *talk = (Talk){instance, worker, session};
    return talk;
}

static void
wait_for_release(void *data)
{
    const Probe *probe = data;
    g_mutex_lock(&lock);
    while (!probe->released)
        g_cond_wait(&changed, &lock);
    g_mutex_unlock(&lock);
}

/* What a job may still do when its session is gone: use the instance. */
static void
use_instance(void *data)
{
    Probe *probe = data;
    g_string_append_c(probe->asked, '+');
    if (entered == 0)
        g_error("the instance has left the worker while its job was under way");
}

static MilterReturn
probe_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
            MilterVerdict *verdict)
{
    Talk *talk = session_data;
    Probe *probe = talk->probe;
    const MilterHost *host = probe->host;
    (void)verdict;
    g_string_append_c(probe->asked, "CHMRTULNBE"[event->kind]);
    if (host->get_unsigned(probe->self, "set-at") == event->kind)
        host->set_fact(talk->session,
                       host->get_boolean(probe->self, "of-message") ? MILTER_FACT_MESSAGE
                                                                    : MILTER_FACT_SESSION,
                       host->get_string(probe->self, "fact"), "value");
    if (!host->get_boolean(probe->self, "job") || event->kind != MILTER_EVENT_CONNECT)
        return MILTER_DONE;
    host->deadline(talk->worker, ticket, 60, "a job that is held");
    host->job(talk->worker, "held", wait_for_release, use_instance, probe);
    return MILTER_LATER;
}

static const MilterFact facts[] = {{.name_setting = "fact", .settled_after = MILTER_EVENT_RCPT},
                                   {0}};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENTS_ALL,
    .facts = facts,
    .configure = probe_configure,
    .discard = probe_discard,
    .enter_worker = probe_enter,
    .leave_worker = probe_leave,
    .open = probe_open,
    .close = g_free,
    .event = probe_event,
};

MILTER_PLUGIN(probe, .name = "probe", .version = "1", .license = "LGPL-2.1-or-later",
              .summary = "Tells what was done with it", .stage = &stage)
