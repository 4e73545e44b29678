/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     spf.h - whether a domain lets a client send its mail
 *
 * DESCRIPTION
 *     RFC 7208, for one purpose: to know that clients with different addresses belong to one
 * sender. So only a "pass" that an address or host of the domain gave counts (ip4, ip6, a, mx, also
 * through include and redirect), and only if the range that matched is narrower than /8, for IPv6
 * /24. "+all" and the like say nothing about who a client is, nor does an "exists" that anybody can
 * answer.
 *
 *     The limits of the RFC hold: 10 terms that ask for names, 2 answers that are empty, 10 hosts
 * of an MX. "ptr" is not looked up: it never matches. The evaluator waits for the host's resolver
 * and for nothing else; who started it sets a limit and cancels.
 */
#ifndef GREYLIST_SPF_H
#define GREYLIST_SPF_H

#include "common/net.h"

#include <milter-manager/host.h>

typedef struct Spf Spf;

typedef enum SpfResult {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR,
} SpfResult;

typedef struct SpfOutcome {
    SpfResult result;
    gboolean counts; /* a pass as above */
    guint bits;      /* of the range that matched */
} SpfOutcome;
/* Never called from within spf_start. The Spf is gone when it returns. */
typedef void (*SpfFunction)(void *data, const SpfOutcome *outcome);

/* sender: an address with a domain, which is asked. NULL: the domain cannot have a record. Texts
 * are copied. */
Spf *spf_start(const MilterHost *host, MilterWorker *worker, const NetAddress *client,
               const char *sender, const char *helo, SpfFunction function, void *data);
void spf_cancel(Spf *spf);

const char *spf_result_name(SpfResult result);

#endif
