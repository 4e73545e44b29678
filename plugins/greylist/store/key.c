/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/key.h"

#include <string.h>

void
grey_secret_new(GreySecret *secret)
{
    if (getentropy(secret->bytes, sizeof(secret->bytes)) == 0)
        return;
    for (guint i = 0; i < GREY_SECRET_SIZE; i++)
        secret->bytes[i] = (guint8)g_random_int_range(0, 256);
}

static guint64
load64(const guint8 *bytes)
{
    guint64 value;
    memcpy(&value, bytes, sizeof(value));
    return GUINT64_FROM_LE(value);
}

static inline guint64
rotate(guint64 x, guint n)
{
    return x << n | x >> (64 - n);
}

static inline void
sip_round(guint64 v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void
absorb(guint64 v[4], guint64 word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

static guint64
squeeze(guint64 v[4])
{
    for (guint i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

GreyId
grey_hash(const GreySecret *secret, const void *data, gsize size)
{
    const guint8 *bytes = data;
    guint64 k0 = load64(secret->bytes), k1 = load64(secret->bytes + 8);
    guint64 v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xee,
                    k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    gsize whole = size & ~(gsize)7;
    for (gsize i = 0; i < whole; i += 8)
        absorb(v, load64(bytes + i));
    guint64 last = (guint64)size << 56;
    for (gsize i = whole; i < size; i++)
        last |= (guint64)bytes[i] << (8 * (i - whole));
    absorb(v, last);
    v[2] ^= 0xee;
    GreyId id;
    id.a = squeeze(v);
    v[1] ^= 0xdd;
    id.b = squeeze(v);
    return id;
}

static gsize
append(guint8 *buffer, gsize at, const char *text)
{
    gsize length = strnlen(text, GREY_TEXT_MAX);
    memcpy(buffer + at, text, length);
    buffer[at + length] = 0;
    return at + length + 1;
}

GreyId
grey_id(const GreySecret *secret, GreyKind kind, const char *source, const char *sender,
        const char *recipient)
{
    guint8 buffer[1 + 3 * (GREY_TEXT_MAX + 1)];
    gsize size = 1;
    buffer[0] = (guint8)kind;
    size = append(buffer, size, source);
    size = append(buffer, size, sender);
    size = append(buffer, size, recipient);
    return grey_hash(secret, buffer, size);
}

GreyId
grey_id_of(const GreySecret *secret, const GreyEntry *entry)
{
    return grey_id(secret, entry->record.kind, entry->source, entry->sender, entry->recipient);
}

guint64
grey_place_of(const GreySecret *secret, const GreyEntry *entry)
{
    if (entry->record.kind == GREY_KIND_TRIPLET || entry->record.kind == GREY_KIND_SOURCE)
        return grey_id(secret, GREY_KIND_SOURCE, entry->source, "", "").a;
    return grey_id_of(secret, entry).a;
}
