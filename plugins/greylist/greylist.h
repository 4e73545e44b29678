/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     greylist.h - what the files of this plugin share
 *
 * DESCRIPTION
 *     A Greylist is an instance, a Seat its part in one worker, a Talk its part in one session.
 * Where the greylist remembers is a Holder, which all instances with the same store share, also
 * those before and after a reload.
 *
 *     A recipient is answered in steps: what needs no look-up (lists, local and authenticated
 * clients); the client's confirmed name; its source; the store. The first two may wait for the
 * resolver, at most SOURCE_SECONDS, the last for the store, at most store-timeout.
 */
#ifndef GREYLIST_GREYLIST_H
#define GREYLIST_GREYLIST_H

#include "lists.h"
#include "store/store.h"

#include <libpsl.h>
#include <milter-manager/plugin.h>

#define N_(text) (text)

/* For all look-ups of one recipient. */
#define SOURCE_SECONDS 4.0

typedef enum SourceMode {
    SOURCE_EVIDENCE,
    SOURCE_NETWORK,
    SOURCE_ADDRESS,
} SourceMode;

typedef enum HeaderMode {
    HEADER_DELAYS,
    HEADER_NONE,
    HEADER_ALL,
} HeaderMode;

/* What is counted; names in settings.c. */
typedef enum Count {
    COUNT_NEW,
    COUNT_EARLY,
    COUNT_TRAPPED,
    COUNT_BLOCKED,
    COUNT_MATURE,
    COUNT_KNOWN,
    COUNT_COMPANION,
    COUNT_BY_SOURCE,
    COUNT_BY_PAIR,
    COUNT_BY_RULE,
    COUNT_LISTED,
    COUNT_STORE_FAILURES,
    COUNT_SKIPPED,
    COUNT_LEARNED,
    N_COUNTS,
} Count;

typedef struct Holder Holder;
typedef struct Seat Seat;

typedef struct Greylist {
    gatomicrefcount references; /* the instance's, and one for each administration request */
    const MilterHost *host;
    MilterInstance *self;
    gboolean stands_down;
    Holder *holder;
    /* Settings. */
    guint delay, retry_window, pass_lifetime, auto_allow;
    SourceMode source;
    guint ipv4_prefix, ipv6_prefix;
    ClientList allow_clients;
    MailList allow_senders, allow_recipients, traps;
    HeaderMode header;
    char *reply; /* with "{seconds}" */
    double store_timeout;
    gboolean accept_on_failure;
    gboolean learn;
    gboolean keeps_text;
    psl_ctx_t *suffixes;
    MilterCounter *counts[N_COUNTS];
    MilterHistogram *waits, *answers;
    /* guard.c: the store's health, of all workers. */
    gint failing;         /* atomic: it failed last, and this is logged */
    gint failures;        /* atomic: one after the other */
    gint64 resting_until; /* monotonic microseconds; atomic */
    GreyStore *shadow;    /* of a remote store: what was decided here; or NULL */
    /* Seats, for administration. */
    GMutex lock;
    GPtrArray *seats;
    struct AdminHook *hooks; /* one for each verb */
} Greylist;

void greylist_unref(Greylist *greylist);
void greylist_log(const Greylist *greylist, MilterSession *session, MilterLogLevel level,
                  const char *id, const char *text, const MilterField *fields, gsize n);
void greylist_count(const Greylist *greylist, Count count);

/* ---- settings.c. FALSE: a problem is reported. */
gboolean settings_read(Greylist *greylist, const Greylist *predecessor);
void settings_clear(Greylist *greylist);

/* ---- holder.c: stores that are open, shared. */
/* The holder of a store; not opened yet. Each memory: is one of its own, unless before (or NULL) is
 * one with the same URI. */
Holder *holder_get(Greylist *greylist, Holder *before, const char *uri, const char *password_file);
/* greylist is named in the log no more. */
void holder_retire(Holder *holder, Greylist *greylist);
void holder_put(Holder *holder);
GreyEnvironment holder_environment(Holder *holder);
/* The store with a reference, opened if need be and not tried within the last seconds; NULL: it
 * cannot be, which is logged once. text: whether it keeps texts; who opens last decides. */
GreyStore *holder_open(Holder *holder, gboolean text);

/* ---- seat.c: the part in a worker. */
struct Seat {
    Greylist *greylist;
    MilterWorker *worker;
    GreyLoop loop;
    GreyDesk *desk;   /* NULL: the store is not open */
    GreyDesk *shadow; /* or NULL */
    MilterTimer *retry;
    guint learning; /* requests open */
    GSList *calls;  /* of AdminCall: administration in work */
};
Seat *seat_new(Greylist *greylist, MilterWorker *worker);
void seat_free(Seat *seat);
/* sender wrote to recipients from here. */
void seat_learn(Seat *seat, const char *sender, const MilterSlice *recipients, gsize n);

/* ---- guard.c: an answer in time, whatever the store does. */
typedef struct Guard {
    Seat *seat;
    const GreyQuestion *question; /* borrowed until the answer */
    guint64 request;              /* 0: none is open */
    MilterTimer *limit;
    gint64 asked_at;
    GreyAnswerFunction function;
    void *data;
} Guard;
/* As grey_desk_decide, but within store-timeout. TRUE: answered. One question at a time. */
gboolean guard_decide(Guard *guard, Seat *seat, const GreyQuestion *question, GreyAnswer *answer,
                      GreyAnswerFunction function, void *data);
void guard_cancel(Guard *guard);

/* ---- header.c */
/* "X-Greylist: Delayed for ...". Free with g_free. */
char *header_delayed(const Greylist *greylist, MilterSession *session, gint64 waited);
char *header_not_delayed(const Greylist *greylist, MilterSession *session, const char *reason);
#define HEADER_NAME "X-Greylist"
#define HEADER_SKIPPED "skipped (store unavailable)"

/* ---- admin.c */
void admin_register(Greylist *greylist);
/* The seat leaves: what is in work is answered with an error. */
void admin_abandon(Seat *seat);

/* ---- talk.c */
void *talk_new(Seat *seat, MilterSession *session);
void talk_free(void *session_data);
MilterReturn talk_negotiate(void *session_data, MilterTicket ticket, const MilterOffer *offer,
                            MilterNegotiation *negotiation);
MilterReturn talk_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
                        MilterVerdict *verdict);
void talk_abort(void *session_data);
void talk_cancel(void *session_data, MilterTicket ticket);
void talk_report(void *session_data, const MilterReport *report);

#endif
