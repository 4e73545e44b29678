/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     stage.h - the interface every stage of the chain has
 *
 * DESCRIPTION
 *     A stage has three lifetimes, each with its own data pointer that the stage makes and the host
 *     carries:
 *
 *         instance   configure ... discard            one for each configured use in one snapshot
 *         in-worker  enter_worker ... leave_worker    one for each instance and worker thread
 *         session    open ... close                   one for each MTA session
 *
 *     configure, discard, expand run on the control thread. Everything else of a session runs on
 * the one worker that the session lives on, so stage code needs no lock for session data. Instance
 * data is read by all workers at once: what changes in it after configure is atomic or locked, or
 * better in the in-worker data.
 *
 *     The rules of a turn (a question with a ticket):
 *       1. It ends exactly once: MILTER_DONE with the verdict filled, or MILTER_LATER and then one
 *          finish. A second answer is dropped and reported; a forgotten one times out.
 *       2. What the event points to is borrowed until the answer.
 *       3. finish is called on the session's worker; other threads post to it first.
 *       4. A ticket is a number, never reused: an answer to a session that is gone is dropped.
 *       5. Errors are verdicts (FAILED and a detail); the host applies the stage's fallback.
 *       6. Every open ticket has a deadline and a label; the host times it out, then calls cancel.
 *
 *     A stage never blocks its worker: other sessions live on it. What takes time is watched
 *     (watch_add), asked of the host (resolve), or done in a thread (job), with MILTER_LATER as the
 *     answer.
 *
 *     Optional members may be NULL. Members may be added at the end; a host calls one only if it
 *     lies within size.
 */
#ifndef MILTER_MANAGER_STAGE_H
#define MILTER_MANAGER_STAGE_H

#include <milter-manager/event.h>
#include <milter-manager/verdict.h>

typedef struct MilterHost MilterHost;           /* host.h: the table of services */
typedef struct MilterInstance MilterInstance;   /* the host's handle of a configured instance */
typedef struct MilterWorker MilterWorker;       /* the host's handle of a worker thread; the
                                                   instances of another snapshot have another */
typedef struct MilterSession MilterSession;     /* the host's handle of an MTA session */
typedef struct MilterExpansion MilterExpansion; /* what an expanding stage emits into */

/* Names one open question. 0 is never a ticket. */
typedef uint64_t MilterTicket;

typedef enum MilterReturn {
    MILTER_DONE = 0,  /* answered; the out-parameter is filled */
    MILTER_LATER = 1, /* finish or finish_negotiation follows */
} MilterReturn;

/* What the MTA offered this session (libmilter OPTNEG), merged with what the host can carry. */
typedef struct MilterOffer {
    uint32_t size;
    uint32_t version;         /* the MTA's protocol version, 2 to 6 */
    uint32_t actions;         /* SMFIF_* bits the MTA offers */
    uint32_t protocol;        /* SMFIP_* bits the MTA offers */
    bool leading_space;       /* header values carry the white space after the colon */
    bool rejected_recipients; /* the MTA can show recipients it refused */
    bool symbol_lists;        /* the MTA takes lists of macros */
} MilterOffer;

/* Stages of the protocol that have a list of macros; values of libmilter's SMFIM_*. */
typedef enum MilterMacroStage {
    MILTER_MACROS_CONNECT = 0,
    MILTER_MACROS_HELO = 1,
    MILTER_MACROS_MAIL = 2,
    MILTER_MACROS_RCPT = 3,
    MILTER_MACROS_DATA = 4,
    MILTER_MACROS_END_OF_MESSAGE = 5,
    MILTER_MACROS_END_OF_HEADERS = 6,
} MilterMacroStage;
#define MILTER_N_MACRO_STAGES 7

typedef enum MilterNegotiationFlags {
    MILTER_NEGOTIATE_REJECTED_RECIPIENTS = 1u << 0, /* show refused recipients */
    /* Edits are handed in by DATA at the latest, so that this stage ends no wave: see DESIGN. */
    MILTER_NEGOTIATE_EDITS_BY_DATA = 1u << 1,
} MilterNegotiationFlags;

/* What a stage wants in a session. The host presets it with the stage's static answers. */
typedef struct MilterNegotiation {
    uint32_t size;
    uint32_t events; /* MILTER_EVENT_BIT of the events it wants */
    uint32_t rights; /* MilterEditRights it may use */
    uint32_t flags;  /* MilterNegotiationFlags */
    /* Names of macros it needs, separated by blanks; NULL: the MTA's default list. Borrowed until
     * the session is closed. */
    const char *macros[MILTER_N_MACRO_STAGES];
} MilterNegotiation;

/* What became of a message; costs no ticket and is told to every stage that has report. Nothing is
 * told of a message that the MTA gave up without a verdict. */
typedef struct MilterReport {
    uint32_t size;
    uint32_t verdict;   /* MilterVerdictKind of the whole chain; REPLY for one with a text */
    MilterSlice sender; /* as typed */
    const MilterSlice *recipients; /* those the chain accepted, as typed */
    size_t n_recipients;
    MilterSlice reply; /* REPLY: the text */
} MilterReport;

/* A fact the stage sets, and the event after which it is settled (DESIGN 3). */
typedef struct MilterFact {
    const char *name;         /* constant; NULL: name_setting says which */
    const char *name_setting; /* the key (type s) that holds the name, or NULL */
    uint32_t settled_after;   /* MilterEventKind */
} MilterFact;

typedef struct MilterStage {
    uint32_t size;           /* sizeof (MilterStage) when the plugin was built */
    uint32_t events;         /* static answer to negotiate: events wanted */
    uint32_t rights;         /* static answer: MilterEditRights that may be used */
    uint32_t flags;          /* static answer: MilterNegotiationFlags */
    const MilterFact *facts; /* facts it sets; ended by an entry of all zeros; or NULL */

    /* Optional. This stage is replaced by the stages it emits (expand_stage, expand_set), in its
     * place in the chain. Runs when a configuration is loaded. Returns false and has reported a
     * problem if nothing can be said at all; one broken file costs one stage, not the rest. */
    bool (*expand)(const MilterHost *host, MilterInstance *self, MilterExpansion *expansion);

    /* Makes the instance's data. predecessor: data of the instance of the same name in the snapshot
     * before, or NULL; what it holds is shared, never moved: it still serves. Returns NULL after
     * reporting at least one problem (host->problem): the whole configuration is refused. No side
     * effect outside the process before this call. NULL if the plugin only expands. */
    void *(*configure)(const MilterHost *host, MilterInstance *self, void *predecessor);
    void (*discard)(void *instance);

    /* Optional. Returns the in-worker data; NULL is allowed. */
    void *(*enter_worker)(void *instance, MilterWorker *worker);
    void (*leave_worker)(void *instance, void *in_worker);

    /* Returns the session's data, NULL if there is no memory (the stage has FAILED). */
    void *(*open)(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session);
    /* No ticket is open any more. Every watch, timer and query of the session must be gone after.
     */
    void (*close)(void *session_data);

    /* Optional: without it the static answers hold. */
    MilterReturn (*negotiate)(void *session_data, MilterTicket ticket, const MilterOffer *offer,
                              MilterNegotiation *negotiation);
    /* Only the events that were negotiated come. verdict is preset with CONTINUE; with MILTER_LATER
     * what is in it does not count. */
    MilterReturn (*event)(void *session_data, MilterTicket ticket, const MilterEvent *event,
                          MilterVerdict *verdict);
    /* Optional. The message that this stage saw MAIL of is over without its END_OF_MESSAGE having
     * been answered. An open ticket of the message was cancelled before. */
    void (*abort)(void *session_data);
    /* Optional. The host is no longer interested in ticket; an answer will be dropped. What event
     * pointed to is gone after it. The session goes on, or abort or close follow. */
    void (*cancel)(void *session_data, MilterTicket ticket);
    /* Optional. */
    void (*report)(void *session_data, const MilterReport *report);

    /* Optional. Facts that this instance sets beside
     * those of the table, where settings say which (one for each entry of a list): ended by an
     * entry of all zeros, with names, not name_settings. They live as long as the instance. Asked
     * once, after configure, on the control thread. */
    const MilterFact *(*instance_facts)(void *instance);
} MilterStage;

#endif
