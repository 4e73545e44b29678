/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections made and negotiated ahead of need, so that a session starts without waiting. */
#include "relay.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#define FIRST_PAUSE 0.5
#define LONGEST_PAUSE 60.0
/* What idled longer on a network is not used: a host that vanished, or a firewall that forgot, says
 * no word, and the name may have another address by now. A unix socket's end is always seen. */
#define TRUSTED_SECONDS 60

#define NO_SEND_BITS                                                                               \
    ((guint32)(SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT | SMFIP_NOBODY |       \
               SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NODATA))
#define NO_REPLY_BITS                                                                              \
    ((guint32)(SMFIP_NR_HDR | SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |      \
               SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NR_EOH | SMFIP_NR_BODY))

static const ChildOps standby_ops;

/* What we can do for a child whatever the MTA can, and what only the MTA can do. */
void
bench_offer(const MilterOffer *mta, MmOptions *offer)
{
    guint32 if_offered = SMFIP_RCPT_REJ | SMFIP_HDR_LEADSPC;
    *offer = (MmOptions){.version = MM_PROTOCOL_VERSION,
                         .actions = mta->actions,
                         .protocol = NO_SEND_BITS | NO_REPLY_BITS | SMFIP_SKIP |
                                     (mta->protocol & if_offered)};
}

static gboolean
same_offer(const MmOptions *a, const MmOptions *b)
{
    return a->version == b->version && a->actions == b->actions && a->protocol == b->protocol;
}

static void refill_now(void *data);

static void
refill_later(Bench *bench, double seconds)
{
    if (!bench->refill && bench->relay->standby > 0 && bench->offer.version > 0)
        bench->refill = bench->relay->host->timer_add(bench->worker, seconds, refill_now, bench);
}

static void
back_off(Bench *bench)
{
    bench->pause = bench->pause > 0 ? MIN(bench->pause * 2, LONGEST_PAUSE) : FIRST_PAUSE;
    refill_later(bench, bench->pause);
}

static void
came_too_late(void *data)
{
    Child *child = data;
    child->limit = NULL;
    child->ops->died(child, child->owner, "timed out", FALSE);
}

static void
refill_now(void *data)
{
    Bench *bench = data;
    bench->refill = NULL;
    while (bench->ready->len + bench->coming->len < bench->relay->standby) {
        Child *child = child_new(bench, &bench->offer, &standby_ops, bench);
        if (child->state == CHILD_DEAD) {
            child_free(child);
            back_off(bench);
            return;
        }
        child->limit = bench->relay->host->timer_add(
            bench->worker, bench->relay->connection_timeout, came_too_late, child);
        g_ptr_array_add(bench->coming, child);
    }
}

static void
standby_ready(Child *child, gpointer owner)
{
    Bench *bench = owner;
    bench->relay->host->timer_remove(child->limit);
    child->limit = NULL;
    g_ptr_array_remove_fast(bench->coming, child);
    g_ptr_array_add(bench->ready, child);
    child->ready_at = bench->relay->host->now();
}

/* Nothing was asked. */
static gboolean
standby_reply(Child *child, gpointer owner, const MmReply *reply)
{
    (void)child;
    (void)owner;
    (void)reply;
    return FALSE;
}

static void
standby_written(Child *child, gpointer owner, gboolean all)
{
    (void)child;
    (void)owner;
    (void)all;
}

/* A child may close a connection that idles: another is made, after a pause that grows until one is
 * used. */
static void
standby_died(Child *child, gpointer owner, const char *why, gboolean orderly)
{
    Bench *bench = owner;
    (void)why;
    (void)orderly;
    if (!g_ptr_array_remove_fast(bench->coming, child))
        g_ptr_array_remove(bench->ready, child);
    child_free(child);
    back_off(bench);
}

static const ChildOps standby_ops = {.ready = standby_ready,
                                     .reply = standby_reply,
                                     .written = standby_written,
                                     .died = standby_died};

static void
clear_ready(Bench *bench)
{
    for (guint i = 0; i < bench->ready->len; i++)
        child_quit(g_ptr_array_index(bench->ready, i));
    g_ptr_array_set_size(bench->ready, 0);
}

static void
clear(Bench *bench)
{
    clear_ready(bench);
    for (guint i = 0; i < bench->coming->len; i++)
        child_free(g_ptr_array_index(bench->coming, i));
    g_ptr_array_set_size(bench->coming, 0);
}

static gboolean
is_too_old(const Child *child)
{
    const Relay *relay = child->bench->relay;
    return relay->address->family != MM_ADDRESS_UNIX &&
           relay->host->now() - child->ready_at > TRUSTED_SECONDS * G_USEC_PER_SEC;
}

/* The last is the youngest: if that is too old, all are. */
static Child *
take_ready(Bench *bench)
{
    guint n = bench->ready->len;
    if (n > 0 && is_too_old(g_ptr_array_index(bench->ready, n - 1)))
        clear_ready(bench);
    return bench->ready->len > 0 ? g_ptr_array_steal_index_fast(bench->ready, n - 1) : NULL;
}

Child *
bench_take(Bench *bench, const MmOptions *offer)
{
    if (!same_offer(offer, &bench->offer)) {
        clear(bench);
        bench->offer = *offer;
    }
    Child *child = take_ready(bench);
    if (child) { /* they are of use: no reason to hesitate any more */
        bench->pause = 0;
        bench->relay->host->timer_remove(bench->refill);
        bench->refill = NULL;
    }
    if (bench->pause <= 0)
        refill_later(bench, 0);
    return child;
}

Bench *
bench_new(Relay *relay, MilterWorker *worker)
{
    Bench *bench = g_new0(Bench, 1);
    bench->relay = relay;
    bench->worker = worker;
    bench->ready = g_ptr_array_new();
    bench->coming = g_ptr_array_new();
    bench->failed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return bench;
}

void
bench_free(Bench *bench)
{
    clear(bench);
    bench->relay->host->timer_remove(bench->refill);
    g_ptr_array_unref(bench->ready);
    g_ptr_array_unref(bench->coming);
    g_hash_table_unref(bench->failed);
    g_free(bench);
}
