/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dns-message.h - records of the test's name server, and messages made of them; no I/O
 */
#ifndef TESTS_DNS_MESSAGE_H
#define TESTS_DNS_MESSAGE_H

#include "dns-server.h"

typedef struct DnsQuestion {
    char *name; /* lower case, no trailing dot */
    guint16 type;
} DnsQuestion;

typedef struct DnsZone {
    GPtrArray *records; /* of DnsRecord */
    guint32 negative_ttl;
} DnsZone;

/* A name in the form in which names are compared. Free with g_free. */
char *dns_name_normal(const char *name);

DnsQuestion *dns_question_copy(const DnsQuestion *question);
void dns_question_free(DnsQuestion *question);

void dns_zone_init(DnsZone *zone);
void dns_zone_clear(DnsZone *zone);
void dns_zone_add(DnsZone *zone, const char *name, DnsType type, guint32 ttl, const char *value);

/* The question of a query; NULL if it is none. */
DnsQuestion *dns_message_question(const guint8 *data, gsize size);
/* The answer to query, which has question. */
GByteArray *dns_message_answer(const DnsZone *zone, const DnsQuestion *question,
                               const GByteArray *query, DnsBehaviour behaviour, gboolean tcp);

#endif
