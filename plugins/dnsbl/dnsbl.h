/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dnsbl.h - what the files of this plugin share
 *
 * DESCRIPTION
 *     A Zone is a list in the DNS (RFC 5782): a client is listed if the name made of its address,
 *     backwards, under the zone has an A record that the zone is expected to give, which is one
 *     within 127.0.0.0/8 unless the settings say more exactly.
 *
 *     Two kinds of answer mean no listing but trouble. One outside 127.0.0.0/8 comes from somebody
 *     who is not the list: a resolver that answers for names that do not exist, or the next owner
 *     of an abandoned domain, who lists everybody. One within 127.255.255.0/24 is how lists say
 *     that they do not answer this resolver.
 */
#ifndef DNSBL_H
#define DNSBL_H

#include "common/net.h"

#include <milter-manager/plugin.h>

#define N_(text) (text)

typedef struct Zone {
    char *name;
    char *fact; /* "FACT-NAME" */
    NetPrefix expected;
    gint warned; /* seconds, monotonic, of the last warning; atomic */
    MilterCounter *listed;
} Zone;

typedef struct Dnsbl {
    const MilterHost *host;
    MilterInstance *self;
    const char *fact; /* owned by the settings */
    GArray *zones;    /* of Zone */
    GArray *facts;    /* of MilterFact: one for each zone, and the end */
    MilterCounter *clients, *listed, *failures, *foreign;
} Dnsbl;

/* ---- zones.c */

/* From "ZONE" or "ZONE=ADDRESS/PREFIX". NULL: done; else what is wrong, a constant text. */
const char *zone_parse(Zone *zone, const char *text, const char *fact);
void zone_clear(gpointer zone);
/* The name to ask for. Free with g_free. */
char *zone_question(const Zone *zone, const NetAddress *client);

typedef enum ZoneAnswer {
    ZONE_OTHER, /* listed as something that was not asked for */
    ZONE_LISTED,
    ZONE_FOREIGN, /* not the list's */
    ZONE_REFUSED,
} ZoneAnswer;
ZoneAnswer zone_judge(const Zone *zone, const char *address);

/* ---- client.c: a client in all zones at once. */

typedef struct Client Client;
Client *client_new(const Dnsbl *dnsbl, MilterWorker *worker, MilterSession *session);
void client_free(Client *client);
/* FALSE: there is nobody to ask. TRUE: ticket is finished later. */
gboolean client_start(Client *client, MilterTicket ticket, const NetAddress *address);
void client_cancel(Client *client);

#endif
