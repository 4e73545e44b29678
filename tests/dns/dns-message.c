/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns-message.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 12u
#define CLASS_IN 1u
#define TYPE_SOA 6u
#define CNAMES_MAX 8u

enum { RCODE_OK = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_REFUSED = 5 };

typedef struct DnsRecord {
    char *name;
    guint16 type;
    guint32 ttl;
    GByteArray *data;
    char *target; /* CNAME */
} DnsRecord;

char *
dns_name_normal(const char *name)
{
    char *normal = g_ascii_strdown(name, -1);
    gsize length = strlen(normal);
    if (length > 0 && normal[length - 1] == '.')
        normal[length - 1] = '\0';
    return normal;
}

DnsQuestion *
dns_question_copy(const DnsQuestion *question)
{
    DnsQuestion *copy = g_new0(DnsQuestion, 1);
    *copy = (DnsQuestion){g_strdup(question->name), question->type};
    return copy;
}

void
dns_question_free(DnsQuestion *question)
{
    g_free(question->name);
    g_free(question);
}

/* ---- Writing. */

static void
put16(GByteArray *out, guint value)
{
    const guint8 bytes[2] = {(guint8)(value >> 8), (guint8)value};
    g_byte_array_append(out, bytes, sizeof(bytes));
}

static void
put32(GByteArray *out, guint32 value)
{
    put16(out, value >> 16);
    put16(out, value & 0xFFFF);
}

static void
put_name(GByteArray *out, const char *name)
{
    g_auto(GStrv) labels = g_strsplit(name, ".", -1);
    for (guint i = 0; labels[i]; i++) {
        guint8 length = (guint8)strlen(labels[i]);
        if (length == 0)
            continue;
        g_byte_array_append(out, &length, 1);
        g_byte_array_append(out, (const guint8 *)labels[i], length);
    }
    g_byte_array_append(out, (const guint8 *)"", 1);
}

/* Character strings of 255 bytes at most. */
static void
put_text(GByteArray *out, const char *text)
{
    gsize left = strlen(text);
    do {
        guint8 length = (guint8)MIN(left, 255u);
        g_byte_array_append(out, &length, 1);
        g_byte_array_append(out, (const guint8 *)text, length);
        text += length;
        left -= length;
    } while (left > 0);
}

static void
put_address(GByteArray *out, int family, const char *text)
{
    guint8 bytes[16];
    g_assert_cmpint(inet_pton(family, text, bytes), ==, 1);
    g_byte_array_append(out, bytes, family == AF_INET ? 4 : 16);
}

static void
put_mx(GByteArray *out, const char *text)
{
    char *name = NULL;
    put16(out, (guint)strtoul(text, &name, 10));
    g_assert_cmpint(*name, ==, ' ');
    put_name(out, name + 1);
}

static GByteArray *
data_of(DnsType type, const char *value)
{
    GByteArray *data = g_byte_array_new();
    switch (type) {
    case DNS_A:
        put_address(data, AF_INET, value);
        break;
    case DNS_AAAA:
        put_address(data, AF_INET6, value);
        break;
    case DNS_TXT:
        put_text(data, value);
        break;
    case DNS_MX:
        put_mx(data, value);
        break;
    default:
        put_name(data, value);
    }
    return data;
}

/* ---- Records. */

static void
record_free(gpointer data)
{
    DnsRecord *record = data;
    g_byte_array_unref(record->data);
    g_free(record->name);
    g_free(record->target);
    g_free(record);
}

void
dns_zone_init(DnsZone *zone)
{
    *zone = (DnsZone){g_ptr_array_new_with_free_func(record_free), 60};
}

void
dns_zone_clear(DnsZone *zone)
{
    g_ptr_array_unref(zone->records);
}

void
dns_zone_add(DnsZone *zone, const char *name, DnsType type, guint32 ttl, const char *value)
{
    DnsRecord *record = g_new0(DnsRecord, 1);
    record->name = dns_name_normal(name);
    record->type = (guint16)type;
    record->ttl = ttl;
    record->data = data_of(type, value);
    record->target = type == DNS_CNAME ? dns_name_normal(value) : NULL;
    g_ptr_array_add(zone->records, record);
}

/* ---- Reading. */

DnsQuestion *
dns_message_question(const guint8 *data, gsize size)
{
    g_autoptr(GString) name = g_string_new(NULL);
    gsize i = HEADER_SIZE;
    if (size < HEADER_SIZE || (data[2] & 0x80) || data[4] != 0 || data[5] != 1)
        return NULL;
    while (i < size && data[i] > 0 && data[i] < 64 && i + data[i] < size) {
        if (name->len > 0)
            g_string_append_c(name, '.');
        g_string_append_len(name, (const char *)data + i + 1, data[i]);
        i += data[i] + 1u;
    }
    if (i + 5 > size || data[i] != 0)
        return NULL;
    DnsQuestion *question = g_new0(DnsQuestion, 1);
    *question =
        (DnsQuestion){dns_name_normal(name->str), (guint16)(data[i + 1] << 8 | data[i + 2])};
    return question;
}

/* The bytes of the question section, as they came. */
static gsize
question_size(const GByteArray *query)
{
    gsize i = HEADER_SIZE;
    while (query->data[i] != 0)
        i += query->data[i] + 1u;
    return i + 5 - HEADER_SIZE;
}

/* ---- Answers. */

static void
put_record(GByteArray *out, const char *owner, guint type, guint32 ttl, const GByteArray *data)
{
    put_name(out, owner);
    put16(out, type);
    put16(out, CLASS_IN);
    put32(out, ttl);
    put16(out, data->len);
    g_byte_array_append(out, data->data, data->len);
}

static void
put_soa(GByteArray *out, const char *name, guint32 minimum)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    put_name(data, "ns.test");
    put_name(data, "hostmaster.test");
    for (guint i = 0; i < 4; i++)
        put32(data, 3600);
    put32(data, minimum);
    put_record(out, name, TYPE_SOA, minimum, data);
}

/* Appends what is known of name; returns how many records, *exists if the name has any, and *target
 * to go on with if it is an alias. */
static guint
put_records(const DnsZone *zone, GByteArray *out, const char *name, guint type, gboolean *exists,
            const char **target)
{
    guint count = 0;
    *target = NULL;
    for (guint i = 0; i < zone->records->len; i++) {
        const DnsRecord *record = g_ptr_array_index(zone->records, i);
        if (!g_str_equal(record->name, name))
            continue;
        *exists = TRUE;
        if (record->type != type && record->type != DNS_CNAME)
            continue;
        put_record(out, name, record->type, record->ttl, record->data);
        if (record->type != type)
            *target = record->target;
        count++;
    }
    return count;
}

typedef struct Sections {
    GByteArray *records;
    guint answers;
    guint authorities;
    guint rcode;
} Sections;

static void
find_answers(const DnsZone *zone, const DnsQuestion *question, Sections *sections)
{
    const char *name = question->name;
    gboolean exists = FALSE, aliased = FALSE;
    guint found = 0;
    for (guint i = 0; name && i < CNAMES_MAX; i++) {
        const char *target;
        exists = FALSE;
        found = put_records(zone, sections->records, name, question->type, &exists, &target);
        sections->answers += found;
        aliased = target != NULL;
        name = target;
    }
    if (found > 0 && !aliased)
        return;
    sections->rcode = exists ? RCODE_OK : RCODE_NXDOMAIN;
    put_soa(sections->records, question->name, zone->negative_ttl);
    sections->authorities = 1;
}

static void
fill(const DnsZone *zone, const DnsQuestion *question, DnsBehaviour behaviour, Sections *sections)
{
    static const guint8 rubbish[] = {0xC0, 0xFF, 1, 2, 3, 0xC0};
    switch (behaviour) {
    case DNS_NXDOMAIN:
        sections->rcode = RCODE_NXDOMAIN;
        break;
    case DNS_SERVFAIL:
        sections->rcode = RCODE_SERVFAIL;
        break;
    case DNS_REFUSED:
        sections->rcode = RCODE_REFUSED;
        break;
    case DNS_TRUNCATE:
        break;
    case DNS_GARBAGE:
        g_byte_array_append(sections->records, rubbish, sizeof(rubbish));
        sections->answers = 3;
        break;
    default:
        find_answers(zone, question, sections);
    }
}

GByteArray *
dns_message_answer(const DnsZone *zone, const DnsQuestion *question, const GByteArray *query,
                   DnsBehaviour behaviour, gboolean tcp)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr(GByteArray) records = g_byte_array_new();
    Sections sections = {.records = records};
    gboolean truncated = behaviour == DNS_TRUNCATE && !tcp;
    fill(zone, question, behaviour == DNS_TRUNCATE && tcp ? DNS_ANSWER : behaviour, &sections);

    guint id = (guint)query->data[0] << 8 | query->data[1];
    put16(out, behaviour == DNS_FOREIGN ? id ^ 0x5555u : id);
    /* QR, RD as asked, RA. */
    put16(out,
          0x8080u | (guint)(query->data[2] & 1) << 8 | (truncated ? 0x0200u : 0u) | sections.rcode);
    put16(out, 1);
    put16(out, sections.answers);
    put16(out, sections.authorities);
    put16(out, 0);
    g_byte_array_append(out, query->data + HEADER_SIZE, (guint)question_size(query));
    g_byte_array_append(out, records->data, records->len);
    return out;
}
