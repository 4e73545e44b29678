/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dnsbl.h"

#include <string.h>

/* Names of facts are no longer. So a zone with an IPv6 address in front is still a name of the DNS.
 */
#define FACT_MAX 64u

static const NetPrefix listing = {{4, {127}}, 8};
static const NetPrefix refusal = {{4, {127, 255, 255}}, 24};

static gboolean
is_zone(const char *name)
{
    return net_domain_is_valid(name) && name[0] != '.' && !strstr(name, "..") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name);
}

static const char *
parse_expected(Zone *zone, const char *text)
{
    const char *problem = net_prefix_parse(&zone->expected, text);
    if (problem)
        return problem;
    if (!net_prefix_contains(&listing, &zone->expected.address) ||
        zone->expected.bits < listing.bits)
        return N_("lists answer with addresses in 127.0.0.0/8");
    return NULL;
}

const char *
zone_parse(Zone *zone, const char *text, const char *fact)
{
    const char *equals = strchr(text, '=');
    gsize length = equals ? (gsize)(equals - text) : strlen(text);
    if (length > 0 && text[length - 1] == '.')
        length--;
    *zone = (Zone){.expected = listing, .warned = G_MININT};
    zone->name = g_ascii_strdown(text, (gssize)length);
    zone->fact = g_strdup_printf("%s-%s", fact, zone->name);
    if (!is_zone(zone->name))
        return N_("this is no domain");
    if (strlen(zone->fact) > FACT_MAX)
        return N_("this name is too long: FACT-ZONE has 64 characters at most");
    return equals ? parse_expected(zone, equals + 1) : NULL;
}

void
zone_clear(gpointer data)
{
    Zone *zone = data;
    g_free(zone->name);
    g_free(zone->fact);
}

char *
zone_question(const Zone *zone, const NetAddress *client)
{
    const guint8 *bytes = client->bytes;
    if (client->size == 4)
        return g_strdup_printf("%u.%u.%u.%u.%s", bytes[3], bytes[2], bytes[1], bytes[0],
                               zone->name);
    GString *name = g_string_sized_new(2 * FACT_MAX);
    for (guint i = 16; i-- > 0;)
        g_string_append_printf(name, "%x.%x.", bytes[i] & 15u, bytes[i] >> 4);
    g_string_append(name, zone->name);
    return g_string_free(name, FALSE);
}

ZoneAnswer
zone_judge(const Zone *zone, const char *text)
{
    NetAddress address;
    if (!net_address_parse(&address, text) || !net_prefix_contains(&listing, &address))
        return ZONE_FOREIGN;
    if (net_prefix_contains(&refusal, &address))
        return ZONE_REFUSED;
    return net_prefix_contains(&zone->expected, &address) ? ZONE_LISTED : ZONE_OTHER;
}
