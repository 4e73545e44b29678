/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PTR, then for each name its addresses, until one is the client's. */
#include "s25r.h"

#include <string.h>

/* Names that are tried: more is somebody's joke. */
#define NAMES_MAX 4u

struct S25rLookup {
    const MilterHost *host;
    MilterWorker *worker;
    NetAddress address;
    S25rLookupFunction function;
    void *data;
    uint64_t query; /* open; 0: none */
    MilterTimer *timer;
    char **names;        /* of the PTR records, NAMES_MAX at most */
    guint next;          /* the one that is tried */
    gboolean incomplete; /* the addresses of one of them are not known */
};

void
s25r_lookup_free(S25rLookup *lookup)
{
    if (!lookup)
        return;
    if (lookup->query)
        lookup->host->resolve_cancel(lookup->worker, lookup->query);
    if (lookup->timer)
        lookup->host->timer_remove(lookup->timer);
    g_strfreev(lookup->names);
    g_free(lookup);
}

/* lookup may be gone after this. */
static void
end(S25rLookup *lookup, S25rStanding standing, const char *name)
{
    g_autofree char *copy = g_strdup(name);
    if (lookup->query)
        lookup->host->resolve_cancel(lookup->worker, lookup->query);
    if (lookup->timer)
        lookup->host->timer_remove(lookup->timer);
    lookup->query = 0;
    lookup->timer = NULL;
    lookup->function(lookup->data, standing, copy);
}

static void
time_is_up(void *data)
{
    S25rLookup *lookup = data;
    lookup->timer = NULL;
    end(lookup, S25R_UNKNOWN, NULL);
}

static gboolean
includes_client(const S25rLookup *lookup, const MilterResolveAnswer *answer)
{
    for (size_t i = 0; i < answer->n_values; i++) {
        NetAddress address;
        if (net_address_parse(&address, answer->values[i]) &&
            address.size == lookup->address.size &&
            memcmp(address.bytes, lookup->address.bytes, address.size) == 0)
            return TRUE;
    }
    return FALSE;
}

static void try_next(S25rLookup *lookup);

static void
have_addresses(void *data, const MilterResolveAnswer *answer)
{
    S25rLookup *lookup = data;
    lookup->query = 0;
    if (answer->status == MILTER_RESOLVED && includes_client(lookup, answer)) {
        end(lookup, S25R_VERIFIED, lookup->names[lookup->next]);
        return;
    }
    if (answer->status == MILTER_RESOLVE_TEMPORARY)
        lookup->incomplete = TRUE;
    lookup->next++;
    try_next(lookup);
}

static void
try_next(S25rLookup *lookup)
{
    const char *name = lookup->names[lookup->next];
    MilterResolveKind kind = lookup->address.size == 4 ? MILTER_RESOLVE_A : MILTER_RESOLVE_AAAA;
    if (name)
        lookup->query = lookup->host->resolve(lookup->worker, kind, name, have_addresses, lookup);
    else
        end(lookup, lookup->incomplete ? S25R_UNKNOWN : S25R_FORGED, NULL);
}

static void
have_names(void *data, const MilterResolveAnswer *answer)
{
    S25rLookup *lookup = data;
    lookup->query = 0;
    if (answer->status != MILTER_RESOLVED || answer->n_values == 0) {
        end(lookup, answer->status == MILTER_RESOLVE_TEMPORARY ? S25R_UNKNOWN : S25R_NONE, NULL);
        return;
    }
    lookup->names = g_new0(char *, NAMES_MAX + 1);
    for (guint i = 0; i < MIN(answer->n_values, NAMES_MAX); i++)
        lookup->names[i] = g_strdup(answer->values[i]);
    try_next(lookup);
}

S25rLookup *
s25r_lookup_new(const MilterHost *host, MilterWorker *worker, const NetAddress *address,
                double seconds, S25rLookupFunction function, void *data)
{
    g_autofree char *text = net_address_text(address);
    S25rLookup *lookup = g_new0(S25rLookup, 1);
    lookup->host = host;
    lookup->worker = worker;
    lookup->function = function;
    lookup->data = data;
    lookup->address = *address;
    lookup->timer = host->timer_add(worker, seconds, time_is_up, lookup);
    lookup->query = host->resolve(worker, MILTER_RESOLVE_PTR, text, have_names, lookup);
    return lookup;
}
