/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dns-host.h - host names as the system resolves them, in threads of their own
 *
 * DESCRIPTION
 *     getaddrinfo blocks, with a name server that is gone for half a minute and more, and cannot be
 *     called off. So it has threads that do nothing else: neither the jobs of stages nor the
 * look-up of another name wait behind one that hangs. A name that is being looked up needs one of
 *     MM_DNS_HOST_THREADS; they are started when they are needed.
 *
 *     Nobody waits for a thread: what is under way when the desk is freed goes on to its end, or to
 *     the process's, and tells nobody.
 */
#ifndef MM_CHAIN_DNS_HOST_H
#define MM_CHAIN_DNS_HOST_H

#include "chain/dns-answer.h"
#include "loop/worker.h"

#define MM_DNS_HOST_THREADS 32u

typedef struct MmDnsHost MmDnsHost;
/* On the worker. answer is the caller's to unref. */
typedef void (*MmDnsHostFunction)(gpointer data, MmDnsAnswer *answer);

/* Answers come on worker, which is borrowed. */
MmDnsHost *mm_dns_host_new(MmWorker *worker);
/* On the worker, or when nothing of it runs any more. No function runs after. NULL is allowed. */
void mm_dns_host_free(MmDnsHost *host);
/* On the worker. function runs once, never from within. */
void mm_dns_host_ask(MmDnsHost *host, const char *name, MmDnsHostFunction function, gpointer data);

#endif
