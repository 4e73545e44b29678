/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dns-channel.h - questions to name servers by c-ares, on a worker's reactor
 *
 * DESCRIPTION
 *     c-ares brings the sending again, the next server after one that fails, and TCP after a
 *     truncated answer; its sockets are watches and its clock is a timer of the reactor: no thread
 *     and no wait. It is told to give a server a third of the time it has, then to go round once
 *     more.
 */
#ifndef MM_CHAIN_DNS_CHANNEL_H
#define MM_CHAIN_DNS_CHANNEL_H

#include "chain/dns-answer.h"
#include "loop/reactor.h"

typedef struct MmDnsChannel MmDnsChannel;

/* answer NULL: the channel was freed before there was one; else the callee's to unref. May run
 * within mm_dns_channel_ask. */
typedef void (*MmDnsFunction)(gpointer data, MmDnsAnswer *answer);

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT" or a bare IPv6 address. */
gboolean mm_dns_server_is_valid(const char *server);

/* servers: NULL-terminated, all valid; NULL or empty: the system's, as they are now. seconds: what
 * a question may take in all. NULL with error. */
MmDnsChannel *mm_dns_channel_new(MmReactor *reactor, const char *const *servers, double seconds,
                                 GError **error);
/* Open questions get no answer: their functions run first. NULL is allowed. */
void mm_dns_channel_free(MmDnsChannel *channel);
/* question: from mm_dns_question. */
void mm_dns_channel_ask(MmDnsChannel *channel, MilterResolveKind kind, const char *question,
                        MmDnsFunction function, gpointer data);

#endif
