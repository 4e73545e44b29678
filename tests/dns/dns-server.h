/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dns-server.h - a name server on loopback, for tests
 *
 * DESCRIPTION
 *     Answers on UDP and TCP of one ephemeral port of 127.0.0.1, in a thread of its own, from
 *     records the test adds. A name that has no record at all is NXDOMAIN, one that has only
 *     others is NODATA; both come with an SOA (minimum: see dns_server_set_negative_ttl). CNAMEs
 *     are followed. What it does with a question can be changed for one name or for all. Every
 *     question is counted, also one that is not answered.
 *
 *     All functions are called from the thread that made it. Names are compared without case, a
 *     trailing dot is ignored.
 */
#ifndef TESTS_DNS_SERVER_H
#define TESTS_DNS_SERVER_H

#include <glib.h>

typedef struct DnsServer DnsServer;

/* Values of the protocol (RFC 1035 3.2.2, RFC 3596). */
typedef enum DnsType {
    DNS_ANY_TYPE = 0, /* for dns_server_count */
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
} DnsType;

typedef enum DnsBehaviour {
    DNS_ANSWER,
    DNS_NXDOMAIN,
    DNS_SERVFAIL,
    DNS_REFUSED,
    DNS_TRUNCATE, /* over UDP an empty answer with TC; over TCP the whole one */
    DNS_HOLD,     /* answered by dns_server_release */
    DNS_DROP,
    DNS_GARBAGE, /* right id and question, then bytes that are no record */
    DNS_FOREIGN, /* an answer with another id: not ours */
} DnsBehaviour;

/* Never fails: a system without loopback cannot run the tests. */
DnsServer *dns_server_new(void);
void dns_server_free(DnsServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsServer, dns_server_free)

/* "127.0.0.1:PORT", as dns-servers takes it. */
const char *dns_server_spec(const DnsServer *server);

/* value: an address (A, AAAA), a name (PTR, CNAME), a text of any length (TXT), "PREFERENCE NAME"
 * (MX). */
void dns_server_add(DnsServer *server, const char *name, DnsType type, guint32 ttl,
                    const char *value);
/* The PTR record of an address in text form. */
void dns_server_add_ptr(DnsServer *server, const char *address, guint32 ttl, const char *name);
/* Forgets all records and behaviours; counts stay. */
void dns_server_clear(DnsServer *server);
/* name NULL: for all names that have no behaviour of their own. */
void dns_server_behave(DnsServer *server, const char *name, DnsBehaviour behaviour);
/* Minimum of the SOA of negative answers; 60 at first. */
void dns_server_set_negative_ttl(DnsServer *server, guint32 ttl);
/* Answers what is held, and what will be asked for it from now on. */
void dns_server_release(DnsServer *server);

/* Questions so far, those sent again too; name NULL: for any name. */
guint dns_server_count(DnsServer *server, const char *name, DnsType type);
/* Those over TCP. */
guint dns_server_count_tcp(DnsServer *server);
/* Runs the caller's thread-default context until there were n questions in all. */
void dns_server_wait(DnsServer *server, guint n);
/* The name a PTR question for address asks for. Free with g_free. */
char *dns_reverse_name(const char *address);

#endif
