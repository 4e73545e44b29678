/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     spf-private.h - a record's terms and macros; no I/O
 */
#ifndef GREYLIST_SPF_PRIVATE_H
#define GREYLIST_SPF_PRIVATE_H

#include "spf.h"

typedef enum SpfMechanism {
    SPF_ALL,
    SPF_IP4,
    SPF_IP6,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_EXISTS,
    SPF_INCLUDE,
} SpfMechanism;

typedef struct SpfTerm {
    SpfMechanism mechanism;
    SpfResult qualifier; /* what a match means */
    char *domain;        /* with macros, or NULL: the current domain */
    guint bits4, bits6;  /* A, MX */
    NetPrefix network;   /* IP4, IP6 */
} SpfTerm;

typedef struct SpfRecord {
    GArray *terms;  /* of SpfTerm */
    char *redirect; /* with macros, or NULL */
} SpfRecord;

/* The text of a TXT record is one of SPF. */
gboolean spf_text_is_record(const char *text);
/* NULL: the record is malformed (permerror). */
SpfRecord *spf_record_parse(const char *text);
void spf_record_free(SpfRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpfRecord, spf_record_free)

typedef struct SpfNames {
    const char *sender, *domain, *helo; /* domain: the current one */
    const NetAddress *client;
} SpfNames;
/* NULL: malformed, or no host name comes of it. Free with g_free. */
char *spf_expand(const char *text, const SpfNames *names);

#endif
