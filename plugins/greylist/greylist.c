/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin's table: whoever is not known is asked to come again, and mail servers do. */
#include "greylist.h"

static void
greylist_free(Greylist *greylist)
{
    settings_clear(greylist);
    g_ptr_array_unref(greylist->seats);
    g_free(greylist->hooks);
    g_mutex_clear(&greylist->lock);
    g_free(greylist);
}

void
greylist_unref(Greylist *greylist)
{
    if (g_atomic_ref_count_dec(&greylist->references))
        greylist_free(greylist);
}

void
greylist_log(const Greylist *greylist, MilterSession *session, MilterLogLevel level, const char *id,
             const char *text, const MilterField *fields, gsize n)
{
    greylist->host->log(greylist->self, session, level, id, text, fields, n);
}

void
greylist_count(const Greylist *greylist, Count count)
{
    greylist->host->count(greylist->counts[count], 1);
}

static void
greylist_discard(void *instance)
{
    Greylist *greylist = instance;
    if (greylist->holder)
        holder_retire(greylist->holder, greylist);
    greylist_unref(greylist);
}

static void *
greylist_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    Greylist *greylist = g_new0(Greylist, 1);
    g_atomic_ref_count_init(&greylist->references);
    greylist->host = host;
    greylist->self = self;
    g_mutex_init(&greylist->lock);
    greylist->seats = g_ptr_array_new();
    if (settings_read(greylist, predecessor)) {
        admin_register(greylist);
        return greylist;
    }
    greylist_discard(greylist);
    return NULL;
}

static void *
greylist_enter_worker(void *instance, MilterWorker *worker)
{
    return seat_new(instance, worker);
}

static void
greylist_leave_worker(void *instance, void *in_worker)
{
    (void)instance;
    seat_free(in_worker);
}

static void *
greylist_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)instance;
    (void)worker;
    return talk_new(in_worker, session);
}

static const MilterFact facts[] = {
    {.name = "greylist", .settled_after = MILTER_EVENT_DATA},
    {0},
};

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENT_BIT(MILTER_EVENT_CONNECT) | MILTER_EVENT_BIT(MILTER_EVENT_HELO) |
              MILTER_EVENT_BIT(MILTER_EVENT_MAIL) | MILTER_EVENT_BIT(MILTER_EVENT_RCPT) |
              MILTER_EVENT_BIT(MILTER_EVENT_DATA),
    .rights = MILTER_RIGHT_ADD_HEADERS | MILTER_RIGHT_CHANGE_HEADERS,
    .flags = MILTER_NEGOTIATE_EDITS_BY_DATA,
    .facts = facts,
    .configure = greylist_configure,
    .discard = greylist_discard,
    .enter_worker = greylist_enter_worker,
    .leave_worker = greylist_leave_worker,
    .open = greylist_open,
    .close = talk_free,
    .negotiate = talk_negotiate,
    .event = talk_event,
    .abort = talk_abort,
    .cancel = talk_cancel,
    .report = talk_report,
};

MILTER_PLUGIN(greylist, .name = "greylist", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager", .summary = N_("Lets senders in that try again"),
              .stage = &stage)
