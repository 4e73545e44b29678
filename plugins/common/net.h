/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     net.h - addresses and networks, for plugins; no I/O
 *
 * DESCRIPTION
 *     An IPv4 address in IPv6 (::ffff:192.0.2.1) is the IPv4 address, also in the text of a network
 *     (::ffff:10.0.0.0/104 is 10.0.0.0/8). A zone at the end of an address (%eth0) is left out.
 */
#ifndef PLUGINS_COMMON_NET_H
#define PLUGINS_COMMON_NET_H

#include <glib.h>

typedef struct NetAddress {
    guint size; /* bytes: 4 or 16; 0: none */
    guint8 bytes[16];
} NetAddress;

typedef struct NetPrefix {
    NetAddress address;
    guint bits;
} NetPrefix;

/* FALSE: text is no address; size is 0 then. */
gboolean net_address_parse(NetAddress *address, const char *text);
/* The text of an address that is one; free with g_free. */
char *net_address_text(const NetAddress *address);
/* ADDRESS or ADDRESS/BITS. NULL: done; else what is wrong, a constant text to be translated. */
const char *net_prefix_parse(NetPrefix *prefix, const char *text);
gboolean net_prefix_contains(const NetPrefix *prefix, const NetAddress *address);
/* Loopback, link-local, private, shared (RFC 6598) and unique local addresses, and the unspecified
 * one: nobody outside knows who that is. */
gboolean net_address_is_private(const NetAddress *address);

/* Whether name is domain or below it: on the border of a label, without case. A dot at the end of
 * name and one at the beginning of domain mean nothing. */
gboolean net_name_is_within(const char *name, const char *domain);
/* Whether text can be such a domain: no pattern, no address of a mailbox, not empty. */
gboolean net_domain_is_valid(const char *text);

#endif
