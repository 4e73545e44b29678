/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define N_(text) (text)

#define MAPPED_BITS 96u

static gboolean
is_mapped(const guint8 *bytes)
{
    static const guint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

/* Without unmapping. */
static gboolean
parse_as_written(NetAddress *address, const char *text)
{
    char plain[INET6_ADDRSTRLEN];
    gsize length = strcspn(text, "%");
    *address = (NetAddress){0};
    if (length >= sizeof(plain))
        return FALSE;
    memcpy(plain, text, length);
    plain[length] = '\0';
    if (inet_pton(AF_INET6, plain, address->bytes) == 1)
        address->size = 16;
    else if (text[length] == '\0' && inet_pton(AF_INET, plain, address->bytes) == 1)
        address->size = 4;
    return address->size > 0;
}

static void
unmap(NetAddress *address)
{
    if (address->size != 16 || !is_mapped(address->bytes))
        return;
    memmove(address->bytes, address->bytes + 12, 4);
    memset(address->bytes + 4, 0, 12);
    address->size = 4;
}

gboolean
net_address_parse(NetAddress *address, const char *text)
{
    if (!parse_as_written(address, text))
        return FALSE;
    unmap(address);
    return TRUE;
}

char *
net_address_text(const NetAddress *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(address->size == 4 ? AF_INET : AF_INET6, address->bytes, text, sizeof(text));
    return g_strdup(text);
}

/* G_MAXUINT: no number. */
static guint
parse_bits(const char *text)
{
    guint bits = 0;
    for (const char *p = text; *p; p++) {
        if (!g_ascii_isdigit(*p) || p - text > 2)
            return G_MAXUINT;
        bits = bits * 10 + (guint)(*p - '0');
    }
    return *text ? bits : G_MAXUINT;
}

static gboolean
has_bits_beyond(const NetAddress *address, guint bits)
{
    for (guint i = bits; i < address->size * 8; i++) {
        if (address->bytes[i / 8] & 0x80u >> i % 8)
            return TRUE;
    }
    return FALSE;
}

const char *
net_prefix_parse(NetPrefix *prefix, const char *text)
{
    const char *slash = strchr(text, '/');
    g_autofree char *host = slash ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    if (!parse_as_written(&prefix->address, host))
        return N_("this is no address of a network");
    prefix->bits = slash ? parse_bits(slash + 1) : prefix->address.size * 8;
    if (prefix->bits > prefix->address.size * 8)
        return N_("the number behind the slash is no length of a prefix");
    if (has_bits_beyond(&prefix->address, prefix->bits))
        return N_("the address has bits set beyond the prefix");
    if (prefix->address.size == 16 && is_mapped(prefix->address.bytes) &&
        prefix->bits >= MAPPED_BITS) {
        unmap(&prefix->address);
        prefix->bits -= MAPPED_BITS;
    }
    return NULL;
}

gboolean
net_prefix_contains(const NetPrefix *prefix, const NetAddress *address)
{
    guint whole = prefix->bits / 8, rest = prefix->bits % 8;
    if (address->size == 0 || address->size != prefix->address.size ||
        memcmp(prefix->address.bytes, address->bytes, whole) != 0)
        return FALSE;
    guint8 mask = (guint8)(0xFF00u >> rest);
    return rest == 0 || ((prefix->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

gboolean
net_address_is_private(const NetAddress *address)
{
    static const NetPrefix networks[] = {
        {{4, {0}}, 8},         {{4, {10}}, 8},           {{4, {100, 64}}, 10},
        {{4, {127}}, 8},       {{4, {169, 254}}, 16},    {{4, {172, 16}}, 12},
        {{4, {192, 168}}, 16}, {{16, {0}}, 127}, /* :: and ::1 */
        {{16, {0xFC}}, 7},     {{16, {0xFE, 0x80}}, 10},
    };
    for (guint i = 0; i < G_N_ELEMENTS(networks); i++) {
        if (net_prefix_contains(&networks[i], address))
            return TRUE;
    }
    return FALSE;
}

gboolean
net_name_is_within(const char *name, const char *domain)
{
    gsize length = strlen(name);
    if (length > 0 && name[length - 1] == '.')
        length--;
    domain += domain[0] == '.' ? 1 : 0;
    gsize tail = strlen(domain);
    tail -= tail > 0 && domain[tail - 1] == '.' ? 1 : 0;
    if (tail == 0 || tail > length || g_ascii_strncasecmp(name + length - tail, domain, tail) != 0)
        return FALSE;
    return tail == length || name[length - tail - 1] == '.';
}

gboolean
net_domain_is_valid(const char *text)
{
    return text[0] != '\0' && strcmp(text, ".") != 0 && strlen(text) <= 254 &&
           !strpbrk(text, " \t*?/@[](){}^$|\\");
}
