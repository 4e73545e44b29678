/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     chain.h - one MTA session's way through the stages
 *
 * DESCRIPTION
 *     The chain asks each stage in order and answers with one verdict. It knows no wire: its owner
 * (the session layer) gives it events and gets verdicts through MmChainOps. One question is open at
 * a time; its verdict may come from within the call.
 *
 *     Envelope events are asked serially, the next stage only after a neutral answer; the first
 * verdict that is not neutral is the chain's. Content is given as it arrives (mm_chain_header,
 * body, ...) and fed to the stages of the first wave at once, to later waves after the earlier ones
 * answered; its one verdict comes after mm_chain_end_of_message.
 */
#ifndef MM_CHAIN_CHAIN_H
#define MM_CHAIN_CHAIN_H

#include "base/log.h"
#include "chain/crew.h"
#include "chain/message.h"

typedef struct MilterSession MmChain;

typedef struct MmVerdict {
    MilterVerdictKind
        kind;          /* CONTINUE, ACCEPT (end of message), REJECT, TEMPFAIL, DISCARD, REPLY */
    const char *reply; /* REPLY: NUL-terminated, valid SMTP, repaired for the MTA */
    const char *stage; /* who decided; NULL: nobody objected */
} MmVerdict;

typedef struct MmChainOps {
    /* Every stage has negotiated, or failed to, or enough is known from before. */
    void (*negotiated)(gpointer owner);
    /* The answer to mm_chain_ask or mm_chain_end_of_message. */
    void (*verdict)(gpointer owner, const MmVerdict *verdict);
    size_t (*macros)(gpointer owner, MilterEventKind kind, const MilterMacro **macros);
    const char *(*macro)(gpointer owner, const char *name);
    const MilterEvent *(*past_event)(gpointer owner, MilterEventKind kind);
    /* Fills fields (room for 4) that name the session in a log line; returns how many. */
    gsize (*describe)(gpointer owner, MmField *fields);
    guint64 (*number)(gpointer owner);
} MmChainOps;

/* Takes over the reference to roster. Opens every stage. */
MmChain *mm_chain_new(MmRoster *roster, const MmChainOps *ops, gpointer owner);
/* Cancels what is open, aborts the message, closes every stage. */
void mm_chain_free(MmChain *chain);

/* Negotiates with all stages at once; ops->negotiated follows. wait: how long at most, in seconds,
 * the answer may wait for stages about which nothing is known from earlier sessions. */
void mm_chain_negotiate(MmChain *chain, const MilterOffer *offer, double wait);
/* Whether a stage wants rejected recipients. */
gboolean mm_chain_wants_rejected(const MmChain *chain);
/* Whether a stage has report. */
gboolean mm_chain_wants_report(const MmChain *chain);
MmRoster *mm_chain_roster(const MmChain *chain);
/* What the MTA grants for one answer, in seconds; set when its kind is known. */
void mm_chain_set_limits(MmChain *chain, MmMtaKind mta, double command, double content);
/* It turned out to be another kind; before the end of a message. */
void mm_chain_set_mta(MmChain *chain, MmMtaKind mta);

/* CONNECT, HELO, MAIL, RCPT, DATA, UNKNOWN. event is borrowed until the verdict. */
void mm_chain_ask(MmChain *chain, const MilterEvent *event);
/* The same for a DATA that the MTA did not send: it waits for the answer to content, or to the end
 * of the message. The time is the shorter one that it grants. */
void mm_chain_ask_before_content(MmChain *chain, const MilterEvent *event);

/* Content of the message; nothing is answered. Stages are fed by mm_chain_feed, which the owner
 * calls when it has handed over what it had. */
void mm_chain_header(MmChain *chain, MilterSlice name, MilterSlice value);
void mm_chain_end_of_headers(MmChain *chain);
void mm_chain_body(MmChain *chain, MilterSlice data);
void mm_chain_feed(MmChain *chain);
/* since: when the MTA began to wait (monotonic microseconds); what it grants for the end of the
 * message is counted from there. The verdict follows. After CONTINUE or ACCEPT the edits are there
 * until mm_chain_let_go or the next event. */
void mm_chain_end_of_message(MmChain *chain, gint64 since);
guint mm_chain_n_edits(const MmChain *chain);
const MmEdits *mm_chain_edits(const MmChain *chain, guint i);
/* The reason if a stage's fallback is to quarantine, or NULL. */
const char *mm_chain_quarantine(const MmChain *chain);

/* The answer has been given: content and edits are dropped, and not kept until the next message. */
void mm_chain_let_go(MmChain *chain);

/* The message is over without an answer (or there is none: then nothing happens). */
void mm_chain_abort(MmChain *chain);
/* Tells the stages what became of the message. */
void mm_chain_report(MmChain *chain, const MilterReport *report);

/* Appends "NAME:WORD/SECONDS,..." of the message's stages, for the summary. */
void mm_chain_describe_stages(const MmChain *chain, GString *text);
/* Bytes of the message's headers and body so far. */
guint64 mm_chain_message_size(const MmChain *chain);
/* Name and label of the stage that is waited for, and since when (monotonic microseconds); or NULL.
 */
const char *mm_chain_waiting_for(const MmChain *chain, const char **label, gint64 *since);

#endif
