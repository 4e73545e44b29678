/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     dns-answer.h - what a name look-up found, and how it is read from a DNS message
 *
 * DESCRIPTION
 *     An answer is shared by the cache and by everybody who waits for it; it belongs to one worker
 *     and does not change once it is made. It is bounded: values beyond MM_DNS_VALUES or
 *     MM_DNS_BYTES are left out.
 *
 *     Messages are taken apart by the system's own reader (ns_initparse, ns_parserr). Records of
 *     the kind asked for are taken from the answer section whatever their owner: the name server
 *     we ask has followed the aliases. A value that is no text (a NUL byte in it) is left out.
 */
#ifndef MM_CHAIN_DNS_ANSWER_H
#define MM_CHAIN_DNS_ANSWER_H

#include <glib.h>
#include <milter-manager/host.h>

#define MM_DNS_VALUES 64u
#define MM_DNS_BYTES 16384u

typedef struct MmDnsAnswer {
    guint references;
    MilterResolveStatus status;
    guint32 ttl;       /* RESOLVED: of the shortest record; NONE: of the SOA; 0: unknown */
    GPtrArray *values; /* of char *, owned */
    gsize bytes;       /* of the values */
} MmDnsAnswer;

MmDnsAnswer *mm_dns_answer_new(MilterResolveStatus status);
/* FALSE: there is no room for value. */
gboolean mm_dns_answer_add(MmDnsAnswer *answer, const char *value);
/* From a whole message. kind: not HOST. TEMPORARY for one that cannot be read and for every code
 * but "no error" and "no such name". */
MmDnsAnswer *mm_dns_answer_parse(MilterResolveKind kind, const guint8 *message, gsize size);
MmDnsAnswer *mm_dns_answer_ref(MmDnsAnswer *answer);
/* NULL is allowed. */
void mm_dns_answer_unref(MmDnsAnswer *answer);
/* The record type of kind (RFC 1035 3.2.2), 0 for HOST. */
guint mm_dns_record_type(MilterResolveKind kind);
/* The name to ask for: of PTR the reverse one of an address in text form, else name itself in lower
 * case, without a trailing dot (which means something to the system's look-up, so HOST keeps it).
 * NULL: name is no address, or cannot be a name. Free with g_free. */
char *mm_dns_question(MilterResolveKind kind, const char *name);

#endif
