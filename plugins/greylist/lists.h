/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     lists.h - clients, senders and recipients that the configuration names
 *
 * DESCRIPTION
 *     An entry for a client is an address, a network or a domain (which counts only for a name that
 * is confirmed), for a sender or recipient an address or a domain; "@domain" is the domain without
 * what is below it. Case does not matter.
 */
#ifndef GREYLIST_LISTS_H
#define GREYLIST_LISTS_H

#include "common/net.h"

typedef struct ClientList {
    GArray *networks;   /* of NetPrefix */
    GPtrArray *domains; /* of char */
} ClientList;

/* NULL: done; else what is wrong with entry, a constant text to be translated. */
const char *client_list_add(ClientList *list, const char *entry);
void client_list_init(ClientList *list);
void client_list_clear(ClientList *list);
/* name: confirmed, or NULL. */
gboolean client_list_has(const ClientList *list, const NetAddress *address, const char *name);

typedef struct MailList {
    GHashTable *addresses; /* and "@domain" */
    GPtrArray *domains;    /* with what is below */
} MailList;

void mail_list_init(MailList *list);
void mail_list_clear(MailList *list);
const char *mail_list_add(MailList *list, const char *entry);
/* address: as normal_address gives it. */
gboolean mail_list_has(const MailList *list, const char *address);

#endif
