/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     relay.h - a child milter as a stage: what the files of this plugin share
 *
 * DESCRIPTION
 *     A Relay is an instance, a Bench its part in one worker (connections on standby), a Talk its
 * part in one session, a Child one connection to the child milter. A Child serves one Talk in its
 * life: two MTA sessions never share one.
 */
#ifndef RELAY_H
#define RELAY_H

#include "base/address.h"
#include "wire/negotiate.h"
#include "wire/reply.h"

#include <milter-manager/plugin.h>

#define N_(text) (text)

typedef struct Relay {
    const MilterHost *host;
    MilterInstance *self;
    MmAddress *address;
    gboolean unreachable; /* below --root its path is longer than a socket's may be */
    double connection_timeout, writing_timeout, reading_timeout, end_timeout;
    guint standby;
} Relay;

typedef struct Child Child;
typedef struct Talk Talk;

typedef struct Bench {
    Relay *relay;
    MilterWorker *worker;
    GPtrArray *ready;   /* of Child, negotiated */
    GPtrArray *coming;  /* of Child */
    MmOptions offer;    /* the one the children were made for; version 0: none yet */
    GHashTable *failed; /* of char * to gint64 *: addresses that did not answer, and when they did
                         * not, by the host's clock */
    MilterTimer *refill;
    double pause; /* before the next try after one that was of no use, in seconds */
} Bench;

/* ---- child.c: one connection. */

typedef enum ChildState {
    CHILD_RESOLVING,
    CHILD_CONNECTING,
    CHILD_NEGOTIATING,
    CHILD_READY,
    CHILD_DEAD,
} ChildState;

typedef struct ChildOps {
    /* Negotiated. */
    void (*ready)(Child *child, gpointer owner);
    /* A reply; FALSE: it was not expected. */
    gboolean (*reply)(Child *child, gpointer owner, const MmReply *reply);
    /* Some of what waited to be written is, or all. */
    void (*written)(Child *child, gpointer owner, gboolean all);
    /* DEAD now; why is a constant text or the system's. orderly: the child closed, between two
     * replies. */
    void (*died)(Child *child, gpointer owner, const char *why, gboolean orderly);
} ChildOps;

struct Child {
    Bench *bench;
    const ChildOps *ops;
    gpointer owner;
    ChildState state;
    int fd;
    MilterWatch *watch;
    uint32_t watched;
    uint64_t query;   /* open name look-up, 0: none */
    char **addresses; /* of the name, while it connects; NULL: the spec has its address itself */
    guint address;    /* the one of them that is tried */
    int64_t until;    /* when connection-timeout is over, by the host's clock */
    double pause;     /* before the last try where the queue was full, in seconds */
    MilterTimer *attempt; /* the end of an address's share of the time, or of a pause */
    int64_t ready_at;     /* on the bench, by the host's clock */
    MilterTimer *limit;   /* of its coming, on the bench; in a session the host has it */
    MmFrameReader reader;
    MmBuffer out;
    MmOptions offer;
    MmOptions options; /* the child's answer; its symbols point into symbols */
    char *symbols[MM_N_SYMBOL_LISTS];
    char *why;
    gboolean reading;    /* frames are being handed out */
    gboolean doomed;     /* freed by its owner meanwhile */
    gboolean owner_told; /* the owner has the child and hears of its death */
};

/* Begins to connect. Returns a child that may be DEAD already (why says it; died was not called).
 */
Child *child_new(Bench *bench, const MmOptions *offer, const ChildOps *ops, gpointer owner);
void child_free(Child *child);
/* Sends what is gathered; FALSE: something is left, written follows. May make it DEAD. */
gboolean child_flush(Child *child);
/* Says goodbye, if it can be said without waiting, and frees. */
void child_quit(Child *child);

/* For connect.c. What the watch of a child calls. */
void child_event(void *child, uint32_t events);
/* There is a connection: negotiates. */
void child_connected(Child *child);
/* Makes it DEAD and tells its owner. */
void child_die(Child *child, const char *why, gboolean orderly);
void child_close_socket(Child *child);

/* ---- connect.c: how it gets its connection. A name's addresses are tried one after the other
 * (RFC 8305, without its races): the next when one fails or has had its share of
 * connection-timeout. One that failed comes last for a minute, in this worker, so that not every
 * session waits for it; then its place is its own again. What fails behind the connection, from the
 * negotiation on, is the child's. */
/* May make it DEAD; else child_connected or child_die follows. */
void connect_begin(Child *child);
/* CONNECTING, and the socket has something to say. */
void connect_check(Child *child);
/* Stops what is under way but the socket. */
void connect_end(Child *child);

/* ---- standby.c */
/* The options offered to a child for an MTA's offer. */
void bench_offer(const MilterOffer *mta, MmOptions *offer);
/* A ready child for offer, now the caller's, or NULL. */
Child *bench_take(Bench *bench, const MmOptions *offer);
Bench *bench_new(Relay *relay, MilterWorker *worker);
void bench_free(Bench *bench);

/* ---- talk.c: the child's part in a session. */

typedef enum Wait {
    WAIT_NOTHING,
    WAIT_NEGOTIATION, /* for the host's answer upstream */
    WAIT_REPLAY,      /* a late child is told what it missed, then the event */
    WAIT_REPLY,
    WAIT_ROOM, /* for the child to read what is written */
} Wait;

struct Talk {
    Relay *relay;
    Bench *bench;
    MilterSession *session;
    Child *child; /* NULL: lost or never had */
    char *broken; /* why the child is lost, not told yet */
    char *told;   /* the detail of the last failure, borrowed by its verdict */
    Wait wait;
    MilterTicket ticket;
    const MilterEvent *event; /* of ticket */
    MmCommandKind replayed;   /* command whose reply the replay waits for */
    MmOptions offer;
    uint32_t events;       /* MILTER_EVENT_BIT of those the host brings */
    gboolean in_message;   /* the child saw MAIL and has not answered for all of it */
    gboolean idled;        /* the child said nothing since it was idle: it may have closed */
    gboolean accepted_all; /* it accepted the session in a replay */
};

Talk *talk_new(Bench *bench, MilterSession *session);
void talk_free(Talk *talk);
MilterReturn talk_negotiate(Talk *talk, MilterTicket ticket, MilterNegotiation *negotiation);
MilterReturn talk_event(Talk *talk, MilterTicket ticket, const MilterEvent *event,
                        MilterVerdict *verdict);
void talk_abort(Talk *talk);
/* The connection cannot be used any more: a late reply would be taken for the next one's. */
void talk_drop(Talk *talk);
extern const ChildOps talk_child_ops;

/* ---- send.c: events to frames. */
MmCommandKind send_kind(MilterEventKind kind);
/* Whether the child is sent the event now. */
gboolean send_is_wanted(const Talk *talk, MmCommandKind kind);
/* Gathers macros and, if wanted, the command. FALSE: it is too large for a child. */
gboolean send_event(Talk *talk, const MilterEvent *event);
void send_plain(Child *child, MmCommandKind kind);

/* ---- receive.c: replies to verdicts and edits. */
/* A verdict for a final reply to kind; FALSE: not a reply that may come there. reply text is
 * borrowed. */
gboolean receive_verdict(MmCommandKind kind, const MmReply *reply, MilterVerdict *verdict);
/* The child's place in the message, by its answer to kind (libmilter engine.c). */
void receive_note(Talk *talk, MmCommandKind kind, MilterVerdictKind answer);
/* Hands an edit to the host. NULL: done; else what is wrong. */
const char *receive_edit(Talk *talk, const MmReply *reply);

#endif
