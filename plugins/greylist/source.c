/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include "s25r/evidence.h"

#include <arpa/inet.h>
#include <string.h>

void
source_init(Source *source, const Greylist *greylist, MilterWorker *worker)
{
    *source = (Source){.greylist = greylist, .worker = worker, .helo = g_strdup("")};
}

void
source_clear(Source *source)
{
    source_cancel(source);
    g_free(source->name);
    g_free(source->helo);
    g_free(source->sender);
    g_free(source->text);
}

void
source_set_client(Source *source, const char *name, const char *address, Confirmed confirmed)
{
    source_cancel(source);
    g_clear_pointer(&source->name, g_free);
    g_clear_pointer(&source->text, g_free);
    net_address_parse(&source->client, address);
    source->confirmed = confirmed;
    if (!name || !*name || *name == '[' || g_ascii_strcasecmp(name, "unknown") == 0) {
        source->confirmed = CONFIRMED_NO;
        return;
    }
    source->name = g_ascii_strdown(name, -1);
    gsize length = strlen(source->name);
    if (source->name[length - 1] == '.')
        source->name[length - 1] = '\0';
}

void
source_cancel(Source *source)
{
    const MilterHost *host = source->greylist->host;
    if (source->query)
        host->resolve_cancel(source->worker, source->query);
    source->query = 0;
    if (source->look_up)
        spf_cancel(source->look_up);
    source->look_up = NULL;
    source->function = NULL;
}

static void
go_on(Source *source)
{
    void (*function)(void *data) = source->function;
    void *data = source->data;
    source->function = NULL;
    function(data);
}

/* ---- The name. */

static void
on_addresses(void *data, const MilterResolveAnswer *answer)
{
    Source *source = data;
    source->query = 0;
    source->confirmed = CONFIRMED_NO;
    for (size_t i = 0; i < answer->n_values; i++) {
        NetAddress address;
        if (net_address_parse(&address, answer->values[i]) && address.size == source->client.size &&
            memcmp(address.bytes, source->client.bytes, address.size) == 0)
            source->confirmed = CONFIRMED_YES;
    }
    go_on(source);
}

gboolean
source_confirm(Source *source, void (*function)(void *data), void *data)
{
    if (source->confirmed != CONFIRMED_UNKNOWN)
        return TRUE;
    if (source->client.size == 0) {
        source->confirmed = CONFIRMED_NO;
        return TRUE;
    }
    source->function = function;
    source->data = data;
    source->query = source->greylist->host->resolve(
        source->worker, source->client.size == 4 ? MILTER_RESOLVE_A : MILTER_RESOLVE_AAAA,
        source->name, on_addresses, source);
    return FALSE;
}

/* ---- The source. */

static void
append_network(GString *text, const NetAddress *address, guint bits)
{
    guint8 bytes[16];
    char numeric[INET6_ADDRSTRLEN];
    memcpy(bytes, address->bytes, sizeof(bytes));
    for (guint i = 0; i < address->size; i++) {
        guint keep = bits > i * 8 ? MIN(bits - i * 8, 8) : 0;
        bytes[i] &= (guint8)(0xFF00u >> keep);
    }
    inet_ntop(address->size == 4 ? AF_INET : AF_INET6, bytes, numeric, sizeof(numeric));
    g_string_append(text, numeric);
}

char *
source_network(const Source *source)
{
    const Greylist *greylist = source->greylist;
    if (source->client.size == 0)
        return g_strdup("n:unknown");
    guint bits = source->client.size == 4 ? greylist->ipv4_prefix : greylist->ipv6_prefix;
    GString *text = g_string_new("n:");
    append_network(text, &source->client, bits);
    g_string_append_printf(text, "/%u", bits);
    return g_string_free(text, FALSE);
}

char *
source_address(const Source *source)
{
    if (source->client.size == 0)
        return g_strdup("a:unknown");
    GString *text = g_string_new("a:");
    append_network(text, &source->client, 128);
    return g_string_free(text, FALSE);
}

gboolean
source_is_pool(const char *text)
{
    return *text == 'd' || *text == 's';
}

static gboolean
spells_address(const Source *source)
{
    S25rName name;
    s25r_name_init(&name, source->name);
    return s25r_spelled_octets(name.text, s25r_registrable(&name), &source->client) > 0;
}

/* NULL: none counts. */
static char *
domain_of_name(const Source *source)
{
    if (source->confirmed != CONFIRMED_YES || spells_address(source))
        return NULL;
    const char *domain = psl_registrable_domain(source->greylist->suffixes, source->name);
    return domain ? g_strconcat("d:", domain, NULL) : NULL;
}

static void
settle(Source *source, char *text, const char *why)
{
    g_free(source->text);
    source->text = text;
    source->why = why;
}

static void
settle_on_network(Source *source)
{
    settle(source, source_network(source), "network");
}

static void
take_outcome(Source *source, const char *sender)
{
    if (source->spf.counts)
        settle(source, g_strconcat("s:", strrchr(sender, '@') + 1, NULL), "SPF");
    else
        settle_on_network(source);
}

static void
on_spf(void *data, const SpfOutcome *outcome)
{
    Source *source = data;
    g_autofree char *sender = g_steal_pointer(&source->sender);
    source->look_up = NULL;
    source->spf = *outcome;
    take_outcome(source, sender);
    go_on(source);
}

static gboolean
ask_spf(Source *source, const char *sender, void (*function)(void *data), void *data)
{
    source->look_up = spf_start(source->greylist->host, source->worker, &source->client, sender,
                                source->helo, on_spf, source);
    if (!source->look_up) {
        settle_on_network(source);
        return TRUE;
    }
    g_free(source->sender);
    source->sender = g_strdup(sender);
    source->spf_asked = TRUE;
    source->function = function;
    source->data = data;
    return FALSE;
}

gboolean
source_find(Source *source, const char *sender, void (*function)(void *data), void *data)
{
    if (source->text)
        return TRUE;
    if (source->greylist->source == SOURCE_ADDRESS) {
        settle(source, source_address(source), "address");
        return TRUE;
    }
    char *domain = source->greylist->source == SOURCE_EVIDENCE ? domain_of_name(source) : NULL;
    if (domain) {
        settle(source, domain, "confirmed name");
        return TRUE;
    }
    if (source->greylist->source == SOURCE_EVIDENCE)
        return ask_spf(source, sender, function, data);
    settle_on_network(source);
    return TRUE;
}

void
source_cut_short(Source *source)
{
    source_cancel(source);
    if (source->confirmed == CONFIRMED_UNKNOWN)
        source->confirmed = CONFIRMED_NO;
    if (!source->text)
        settle_on_network(source);
}

void
source_forget_sender(Source *source)
{
    source_cancel(source);
    source->spf_asked = FALSE;
    source->spf = (SpfOutcome){.result = SPF_NONE};
    if (source->text && *source->text != 'a' && *source->text != 'd')
        g_clear_pointer(&source->text, g_free);
}
