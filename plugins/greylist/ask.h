/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     ask.h - the decision about one recipient, from the lists to the store
 *
 * DESCRIPTION
 *     Used by a session for each recipient, and by the administrator's "why", which changes
 * nothing. The steps, each only if the one before has not decided: the configured lists, the
 * client's confirmed name, the source, the store. One recipient at a time.
 */
#ifndef GREYLIST_ASK_H
#define GREYLIST_ASK_H

#include "source.h"

#define ASK_RULES 7

typedef struct AskResult {
    gboolean lets_in;
    gboolean delayed;   /* it had to wait: answer.waited */
    gboolean skipped;   /* the store did not answer */
    const char *word;   /* for the log; constant */
    const char *reason; /* for the header, of one that is let in and was not delayed; constant */
    GreyAnswer answer;  /* says FAILED with why NULL: the store was not asked */
} AskResult;
typedef void (*AskFunction)(void *data, const AskResult *result);

typedef struct Ask {
    Seat *seat;
    Source source;
    Guard guard;
    gboolean has_client;
    gboolean loopback;  /* from this machine, or over no network */
    gboolean companion; /* the transaction has a recipient that was let in by the store */
    gboolean dry;       /* for "why": change nothing, count nothing */
    char *sender;       /* as normal_address gives it */
    /* The recipient in work. */
    MilterSession *session; /* NULL: none */
    MilterTicket ticket;    /* 0: none */
    char *recipient;
    char *key_sender, *key_recipient, *address, *network;
    GreyEntry rules[ASK_RULES];
    GreyQuestion question;
    MilterTimer *limit;
    AskFunction function;
    void *data;
} Ask;

void ask_init(Ask *ask, Seat *seat);
void ask_clear(Ask *ask);
/* resolved and version: the macros {client_resolve} and v, or NULL. */
void ask_set_client(Ask *ask, const MilterEvent *connect, const char *resolved,
                    const char *version);
void ask_set_helo(Ask *ask, const char *helo);
void ask_set_sender(Ask *ask, const char *typed, gsize length);
/* What is open is cancelled too. */
void ask_forget_message(Ask *ask);
/* recipient: as normal_address gives it. TRUE: decided, result is filled. FALSE: function follows,
 * never from within the call; ticket, if it is not 0, has got a deadline. */
gboolean ask_about(Ask *ask, MilterSession *session, MilterTicket ticket, const char *recipient,
                   AskResult *result, AskFunction function, void *data);
void ask_cancel(Ask *ask);

#endif
