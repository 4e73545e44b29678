/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plugin with the fault that FAULT_... names; SYMBOL is its function. */
#include <milter-manager/plugin.h>

#include <stdlib.h>

#ifdef FAULT_needs_host
extern int mm_no_such_function(void);
#endif

static void *
configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)host;
    (void)self;
    (void)predecessor;
#ifdef FAULT_needs_host
    mm_no_such_function();
#endif
    return malloc(1);
}

static void *
open_session(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)instance;
    (void)in_worker;
    (void)worker;
    (void)session;
    return malloc(1);
}

static MilterReturn
event(void *session_data, MilterTicket ticket, const MilterEvent *event_, MilterVerdict *verdict)
{
    (void)session_data;
    (void)ticket;
    (void)event_;
    (void)verdict;
    return MILTER_DONE;
}

static const MilterFact facts[] = {
#ifdef FAULT_fact_name
    {.name = "a fact", .settled_after = MILTER_EVENT_CONNECT},
#endif
#ifdef FAULT_fact_event
    {.name = "fact", .settled_after = 10},
#endif
#ifdef FAULT_fact_key
    {.name_setting = "fact", .settled_after = MILTER_EVENT_CONNECT},
#endif
    {0}};

static const MilterStage stage = {
#ifdef FAULT_small_stage
    .size = offsetof(MilterStage, facts),
#else
    .size = sizeof(MilterStage),
#endif
    .facts = facts,
    .events = MILTER_EVENT_BIT(MILTER_EVENT_RCPT),
    .rights = MILTER_RIGHT_QUARANTINE,
    .configure = configure,
    .discard = free,
    .open = open_session,
#ifndef FAULT_no_close
    .close = free,
#endif
    .event = event,
};

static const MilterPlugin descriptor = {
#ifdef FAULT_abi
    .abi = MILTER_PLUGIN_ABI + 1,
#else
    .abi = MILTER_PLUGIN_ABI,
#endif
#ifdef FAULT_small
    .size = offsetof(MilterPlugin, stage),
#else
    .size = sizeof(MilterPlugin),
#endif
#ifdef FAULT_name
    .name = "other",
#else
    .name = NAME,
#endif
    .version = "3.2.1",
#ifndef FAULT_strings
    .license = "MIT",
#endif
    .summary = "A plugin that was made up",
#ifndef FAULT_no_stage
    .stage = &stage,
#endif
};

MILTER_PLUGIN_EXPORT const MilterPlugin *SYMBOL(void);

const MilterPlugin *
SYMBOL(void)
{
#ifdef FAULT_null
    (void)descriptor;
    return NULL;
#else
    return &descriptor;
#endif
}
