/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     source.h - who a client belongs to
 *
 * DESCRIPTION
 *     Large senders retry from other addresses, of other networks, so neither names them. With
 * source='evidence' a client is, the first that applies:
 *
 *         d:DOMAIN           the registrable domain of its name, which leads back to its address
 * and does not spell it (such names are of customers' lines) s:DOMAIN           the sender's
 * domain, when its SPF record names the client (spf.h) n:NETWORK/PREFIX   its network
 *
 * with 'network' always the last, with 'address' "a:ADDRESS".
 *
 *     A name is confirmed if the MTA says so ({client_resolve}; Postfix gives no other), else by a
 * look-up of its addresses. A name server that does not answer counts as no.
 */
#ifndef GREYLIST_SOURCE_H
#define GREYLIST_SOURCE_H

#include "greylist.h"
#include "spf.h"

typedef enum Confirmed {
    CONFIRMED_UNKNOWN, /* to be looked up */
    CONFIRMED_YES,
    CONFIRMED_NO,
} Confirmed;

typedef struct Source {
    const Greylist *greylist;
    MilterWorker *worker;
    NetAddress client;
    char *name; /* as the MTA says it, without a dot at the end; NULL: none */
    char *helo;
    Confirmed confirmed;
    char *text;      /* the source, when it is known */
    const char *why; /* constant: which of the ways */
    SpfOutcome spf;  /* of the last sender */
    gboolean spf_asked;
    /* What is open. */
    uint64_t query;
    Spf *look_up;
    char *sender; /* of look_up */
    void (*function)(void *data);
    void *data;
} Source;

void source_init(Source *source, const Greylist *greylist, MilterWorker *worker);
void source_clear(Source *source);
/* The client; name may be NULL, "unknown" or "[ADDRESS]". */
void source_set_client(Source *source, const char *name, const char *address, Confirmed confirmed);
/* Each TRUE: done; FALSE: function is called when it is. */
gboolean source_confirm(Source *source, void (*function)(void *data), void *data);
/* Fills text; after source_confirm. */
gboolean source_find(Source *source, const char *sender, void (*function)(void *data), void *data);
/* What is open is given up: what is not known counts as no. */
void source_cut_short(Source *source);
void source_cancel(Source *source);
/* Another message: another sender. */
void source_forget_sender(Source *source);
/* "n:NETWORK/PREFIX" of a client; also what it is when nothing else is known. Free with g_free. */
char *source_network(const Source *source);
char *source_address(const Source *source);
/* Whether it may stand for many customers of a provider: traps hold only others. */
gboolean source_is_pool(const char *text);

#endif
