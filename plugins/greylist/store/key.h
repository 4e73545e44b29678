/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     key.h - the short name of an entry: a keyed hash
 *
 * DESCRIPTION
 *     SipHash-2-4 with 128 bits of output (Aumasson and Bernstein), keyed with a secret of the
 * store, so that nobody outside can find two names with one hash. The first half is the row in
 * SQLite, the second tells entries with the same first half apart.
 */
#ifndef GREYLIST_STORE_KEY_H
#define GREYLIST_STORE_KEY_H

#include "store/entry.h"

#define GREY_SECRET_SIZE 16
typedef struct GreySecret {
    guint8 bytes[GREY_SECRET_SIZE];
} GreySecret;

typedef struct GreyId {
    guint64 a, b;
} GreyId;

/* From the system's random source. */
void grey_secret_new(GreySecret *secret);
GreyId grey_hash(const GreySecret *secret, const void *data, gsize size);
/* Texts longer than GREY_TEXT_MAX are cut. */
GreyId grey_id(const GreySecret *secret, GreyKind kind, const char *source, const char *sender,
               const char *recipient);
GreyId grey_id_of(const GreySecret *secret, const GreyEntry *entry);
/* Which part of a table an entry is in: a source and its triplets are in the same. */
guint64 grey_place_of(const GreySecret *secret, const GreyEntry *entry);

#endif
