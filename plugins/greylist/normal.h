/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     normal.h - one sender, however he writes his address
 *
 * DESCRIPTION
 *     Many senders put something new into the address of each message, even of each attempt: a date
 *     and a checksum (BATV), the way a message was forwarded (SRS), the recipient (VERP), a number.
 * With that in the key no retry would ever match. So the key has, in this order:
 *
 *         case                 lower
 *         prvs=TAG=user        user (BATV), the other way round and with "/" too; msprvs1=, btv1==
 *         SRS0=H=T=dom=user    srs0=#=#=dom=user; SRS1 the same
 *         user+anything        user
 *         user=dom of the      RCPT
 *           recipient, also with "*" or "-"
 *         bounce-anything      bounce#, also bounces, and with "." or "_"
 *         eight or more hexadecimal or base32 characters with a digit     #
 *         digits               #
 *
 *     The null sender is "<>".
 */
#ifndef GREYLIST_NORMAL_H
#define GREYLIST_NORMAL_H

#include <glib.h>

/* Address as typed ("<a@b>") without brackets, source route and blanks, in lower case; "" for the
 * null sender. At most 512 bytes, without control characters. Free with g_free. */
char *normal_address(const char *typed, gsize length);
/* Of what normal_address gave. Free with g_free. */
char *normal_sender(const char *address, const char *recipient);
char *normal_recipient(const char *address);
/* What somebody typed of a key, as the key is: in lower case, but for RCPT. Free with g_free. */
char *normal_lower(const char *key);
/* The part behind the last "@", or "". Points into address. */
const char *normal_domain(const char *address);

#endif
