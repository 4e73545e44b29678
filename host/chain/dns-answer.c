/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/dns-answer.h"

#include <netinet/in.h>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <string.h>

#define NAME_MAX_LENGTH 253u

MmDnsAnswer *
mm_dns_answer_new(MilterResolveStatus status)
{
    MmDnsAnswer *answer = g_new0(MmDnsAnswer, 1);
    answer->references = 1;
    answer->status = status;
    answer->values = g_ptr_array_new_with_free_func(g_free);
    return answer;
}

MmDnsAnswer *
mm_dns_answer_ref(MmDnsAnswer *answer)
{
    answer->references++;
    return answer;
}

void
mm_dns_answer_unref(MmDnsAnswer *answer)
{
    if (!answer || --answer->references > 0)
        return;
    g_ptr_array_unref(answer->values);
    g_free(answer);
}

gboolean
mm_dns_answer_add(MmDnsAnswer *answer, const char *value)
{
    gsize bytes = strlen(value) + 1;
    if (answer->values->len >= MM_DNS_VALUES || answer->bytes + bytes > MM_DNS_BYTES)
        return FALSE;
    g_ptr_array_add(answer->values, g_strdup(value));
    answer->bytes += bytes;
    return TRUE;
}

guint
mm_dns_record_type(MilterResolveKind kind)
{
    switch (kind) {
    case MILTER_RESOLVE_A:
        return ns_t_a;
    case MILTER_RESOLVE_AAAA:
        return ns_t_aaaa;
    case MILTER_RESOLVE_PTR:
        return ns_t_ptr;
    case MILTER_RESOLVE_TXT:
        return ns_t_txt;
    case MILTER_RESOLVE_MX:
        return ns_t_mx;
    default:
        return 0;
    }
}

/* ---- Questions. */

static char *
reverse_of_v4(const guint8 *bytes)
{
    return g_strdup_printf("%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
}

static char *
reverse_of_v6(const guint8 *bytes)
{
    GString *name = g_string_sized_new(72);
    for (guint i = 16; i-- > 0;)
        g_string_append_printf(name, "%x.%x.", bytes[i] & 15u, bytes[i] >> 4);
    g_string_append(name, "ip6.arpa");
    return g_string_free(name, FALSE);
}

static char *
reverse_of(const char *address)
{
    struct in6_addr six;
    struct in_addr four;
    if (inet_pton(AF_INET, address, &four) == 1)
        return reverse_of_v4((const guint8 *)&four);
    if (inet_pton(AF_INET6, address, &six) != 1)
        return NULL;
    if (IN6_IS_ADDR_V4MAPPED(&six))
        return reverse_of_v4(six.s6_addr + 12);
    return reverse_of_v6(six.s6_addr);
}

/* Labels of 1 to 63 bytes; no backslash: resolvers read it as an escape. */
static gboolean
is_name(const char *name, gsize length)
{
    gsize label = 0;
    if (length == 0 || length > NAME_MAX_LENGTH || strchr(name, '\\'))
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (name[i] == '.' && label == 0)
            return FALSE;
        label = name[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return FALSE;
    }
    return TRUE;
}

char *
mm_dns_question(MilterResolveKind kind, const char *name)
{
    if (kind == MILTER_RESOLVE_PTR)
        return reverse_of(name);
    gsize length = strlen(name);
    if (kind != MILTER_RESOLVE_HOST && length > 1 && name[length - 1] == '.')
        length--;
    return is_name(name, length) ? g_ascii_strdown(name, (gssize)length) : NULL;
}

/* ---- Messages. */

static gboolean
add_address(MmDnsAnswer *answer, int family, const ns_rr *record)
{
    char text[INET6_ADDRSTRLEN];
    if (ns_rr_rdlen(*record) != (family == AF_INET ? 4 : 16))
        return FALSE;
    inet_ntop(family, ns_rr_rdata(*record), text, sizeof(text));
    mm_dns_answer_add(answer, text);
    return TRUE;
}

/* The name at offset of the record's data, after prefix. */
static gboolean
add_name(MmDnsAnswer *answer, const ns_msg *message, const ns_rr *record, guint offset,
         const char *prefix)
{
    char name[NS_MAXDNAME];
    if (ns_rr_rdlen(*record) <= offset ||
        ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message),
                           ns_rr_rdata(*record) + offset, name, sizeof(name)) < 0)
        return FALSE;
    g_autofree char *value = g_strconcat(prefix, name, NULL);
    mm_dns_answer_add(answer, value);
    return TRUE;
}

static gboolean
add_exchanger(MmDnsAnswer *answer, const ns_msg *message, const ns_rr *record)
{
    char preference[16];
    if (ns_rr_rdlen(*record) < 3)
        return FALSE;
    const guint8 *data = ns_rr_rdata(*record);
    g_snprintf(preference, sizeof(preference), "%u ", (guint)data[0] << 8 | data[1]);
    return add_name(answer, message, record, 2, preference);
}

/* A record's strings make one text. */
static gboolean
add_text(MmDnsAnswer *answer, const ns_rr *record)
{
    const guint8 *data = ns_rr_rdata(*record);
    gsize size = ns_rr_rdlen(*record);
    g_autoptr(GString) text = g_string_sized_new(size);
    for (gsize i = 0; i < size; i += data[i] + 1u) {
        if (data[i] >= size - i)
            return FALSE;
        g_string_append_len(text, (const char *)data + i + 1, data[i]);
    }
    if (strlen(text->str) == text->len)
        mm_dns_answer_add(answer, text->str);
    return TRUE;
}

static gboolean
add_record(MmDnsAnswer *answer, MilterResolveKind kind, const ns_msg *message, const ns_rr *record)
{
    switch (kind) {
    case MILTER_RESOLVE_A:
        return add_address(answer, AF_INET, record);
    case MILTER_RESOLVE_AAAA:
        return add_address(answer, AF_INET6, record);
    case MILTER_RESOLVE_PTR:
        return add_name(answer, message, record, 0, "");
    case MILTER_RESOLVE_MX:
        return add_exchanger(answer, message, record);
    default:
        return add_text(answer, record);
    }
}

/* FALSE: the section cannot be read. */
static gboolean
read_answers(MmDnsAnswer *answer, MilterResolveKind kind, ns_msg *message)
{
    guint32 shortest = G_MAXUINT32;
    for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
        ns_rr record;
        if (ns_parserr(message, ns_s_an, i, &record) < 0)
            return FALSE;
        shortest = MIN(shortest, (guint32)ns_rr_ttl(record));
        if (ns_rr_class(record) == ns_c_in && ns_rr_type(record) == mm_dns_record_type(kind) &&
            !add_record(answer, kind, message, &record))
            return FALSE;
    }
    answer->ttl = shortest == G_MAXUINT32 ? 0 : shortest;
    return TRUE;
}

/* RFC 2308 5: a no lives as long as the smaller of the SOA's own time and its minimum, which is the
 * last number of its data. */
static void
read_negative_ttl(MmDnsAnswer *answer, ns_msg *message)
{
    answer->ttl = 0;
    for (int i = 0; i < ns_msg_count(*message, ns_s_ns); i++) {
        ns_rr record;
        if (ns_parserr(message, ns_s_ns, i, &record) < 0)
            return;
        if (ns_rr_type(record) != ns_t_soa || ns_rr_rdlen(record) < 22)
            continue;
        const guint8 *end = ns_rr_rdata(record) + ns_rr_rdlen(record);
        guint32 minimum = (guint32)end[-4] << 24 | (guint32)end[-3] << 16 | (guint32)end[-2] << 8 |
                          (guint32)end[-1];
        answer->ttl = MIN((guint32)ns_rr_ttl(record), minimum);
    }
}

MmDnsAnswer *
mm_dns_answer_parse(MilterResolveKind kind, const guint8 *bytes, gsize size)
{
    ns_msg message;
    if (size > NS_MAXMSG || ns_initparse(bytes, (int)size, &message) < 0)
        return mm_dns_answer_new(MILTER_RESOLVE_TEMPORARY);
    int code = ns_msg_getflag(message, ns_f_rcode);
    if (code != ns_r_noerror && code != ns_r_nxdomain)
        return mm_dns_answer_new(MILTER_RESOLVE_TEMPORARY);
    MmDnsAnswer *answer = mm_dns_answer_new(MILTER_RESOLVED);
    if (!read_answers(answer, kind, &message)) {
        mm_dns_answer_unref(answer);
        return mm_dns_answer_new(MILTER_RESOLVE_TEMPORARY);
    }
    if (code == ns_r_nxdomain || answer->values->len == 0) {
        g_ptr_array_set_size(answer->values, 0);
        answer->bytes = 0;
        answer->status = MILTER_RESOLVE_NONE;
        read_negative_ttl(answer, &message);
    }
    return answer;
}
