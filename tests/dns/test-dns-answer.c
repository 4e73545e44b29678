/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages as name servers send them, and as nobody should. */
#include "chain/dns-answer.h"
#include "dns-message.h"

#include <string.h>

static const struct {
    MilterResolveKind kind;
    DnsType type;
} kinds[] = {{MILTER_RESOLVE_A, DNS_A},
             {MILTER_RESOLVE_AAAA, DNS_AAAA},
             {MILTER_RESOLVE_PTR, DNS_PTR},
             {MILTER_RESOLVE_TXT, DNS_TXT},
             {MILTER_RESOLVE_MX, DNS_MX}};

static void
fill(DnsZone *zone)
{
    dns_zone_init(zone);
    dns_zone_add(zone, "a.example.org", DNS_A, 600, "192.0.2.1");
    dns_zone_add(zone, "a.example.org", DNS_A, 60, "192.0.2.2");
    dns_zone_add(zone, "a.example.org", DNS_AAAA, 600, "2001:db8::1");
    dns_zone_add(zone, "a.example.org", DNS_PTR, 600, "mx.example.org");
    dns_zone_add(zone, "a.example.org", DNS_TXT, 600, "v=spf1 mx -all");
    dns_zone_add(zone, "a.example.org", DNS_MX, 600, "10 mx.example.org");
}

/* The answer to a question for name; free with g_byte_array_unref. */
static GByteArray *
message(const DnsZone *zone, const char *name, guint type)
{
    static const guint8 header[12] = {0x12, 0x34, 1, 0, 0, 1};
    const guint8 tail[5] = {0, (guint8)(type >> 8), (guint8)type, 0, 1};
    g_autoptr(GByteArray) query = g_byte_array_append(g_byte_array_new(), header, sizeof(header));
    g_auto(GStrv) labels = g_strsplit(name, ".", -1);
    for (guint i = 0; labels[i]; i++) {
        guint8 length = (guint8)strlen(labels[i]);
        g_byte_array_append(query, &length, 1);
        g_byte_array_append(query, (const guint8 *)labels[i], length);
    }
    g_byte_array_append(query, tail, sizeof(tail));
    DnsQuestion *question = dns_message_question(query->data, query->len);
    GByteArray *answer = dns_message_answer(zone, question, query, DNS_ANSWER, TRUE);
    dns_question_free(question);
    return answer;
}

static void
expect(MilterResolveKind kind, const GByteArray *bytes, MilterResolveStatus status, guint values,
       guint32 ttl)
{
    MmDnsAnswer *answer = mm_dns_answer_parse(kind, bytes->data, bytes->len);
    g_assert_cmpint(answer->status, ==, status);
    g_assert_cmpuint(answer->values->len, ==, values);
    g_assert_cmpuint(answer->ttl, ==, ttl);
    mm_dns_answer_unref(answer);
}

static void
test_well_formed(void)
{
    DnsZone zone;
    fill(&zone);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) bytes = message(&zone, "a.example.org", kinds[i].type);
        guint values = kinds[i].type == DNS_A ? 2 : 1;
        expect(kinds[i].kind, bytes, MILTER_RESOLVED, values, values == 2 ? 60 : 600);
        g_autoptr(GByteArray) none = message(&zone, "no.example.org", kinds[i].type);
        expect(kinds[i].kind, none, MILTER_RESOLVE_NONE, 0, 60);
    }
    /* Records of another kind are no values. */
    g_autoptr(GByteArray) text = message(&zone, "a.example.org", DNS_TXT);
    expect(MILTER_RESOLVE_MX, text, MILTER_RESOLVE_NONE, 0, 0);
    dns_zone_clear(&zone);
}

static void
test_text_with_nul(void)
{
    DnsZone zone;
    fill(&zone);
    g_autoptr(GByteArray) bytes = message(&zone, "a.example.org", DNS_TXT);
    bytes->data[bytes->len - 3] = '\0';
    expect(MILTER_RESOLVE_TXT, bytes, MILTER_RESOLVE_NONE, 0, 0);
    dns_zone_clear(&zone);
}

static void
check_any(MilterResolveKind kind, const guint8 *bytes, gsize size)
{
    /* Just as long as it is, so that a read beyond is seen. */
    g_autofree guint8 *exact = g_memdup2(bytes, MAX(size, 1));
    MmDnsAnswer *answer = mm_dns_answer_parse(kind, exact, size);
    g_assert_cmpuint(answer->values->len, <=, MM_DNS_VALUES);
    g_assert_cmpuint(answer->bytes, <=, MM_DNS_BYTES);
    g_assert_true((answer->status == MILTER_RESOLVED) == (answer->values->len > 0));
    mm_dns_answer_unref(answer);
}

static void
test_cut(void)
{
    DnsZone zone;
    fill(&zone);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) bytes = message(&zone, "a.example.org", kinds[i].type);
        for (guint size = 0; size < bytes->len; size++) {
            MmDnsAnswer *answer = mm_dns_answer_parse(kinds[i].kind, bytes->data, size);
            g_assert_cmpint(answer->status, ==, MILTER_RESOLVE_TEMPORARY);
            mm_dns_answer_unref(answer);
            check_any(kinds[i].kind, bytes->data, size);
        }
    }
    dns_zone_clear(&zone);
}

static void
test_damaged(void)
{
    DnsZone zone;
    fill(&zone);
    for (guint n = 0; n < 20000; n++) {
        guint i = n % G_N_ELEMENTS(kinds);
        g_autoptr(GByteArray) bytes =
            message(&zone, n % 7 ? "a.example.org" : "b.org", kinds[i].type);
        for (gint changes = g_test_rand_int_range(1, 6); changes > 0; changes--) {
            gint at = g_test_rand_int_range(0, (gint)bytes->len);
            bytes->data[at] = (guint8)g_test_rand_int_range(0, 256);
        }
        check_any(kinds[i].kind, bytes->data, bytes->len);
    }
    dns_zone_clear(&zone);
}

/* Longer than all the values that are taken. */
static void
test_bounds(void)
{
    g_autofree char *text = g_strnfill(5000, 'x');
    DnsZone zone;
    dns_zone_init(&zone);
    for (guint i = 0; i < 10; i++)
        dns_zone_add(&zone, "a.example.org", DNS_TXT, 60, text);
    g_autoptr(GByteArray) bytes = message(&zone, "a.example.org", DNS_TXT);
    expect(MILTER_RESOLVE_TXT, bytes, MILTER_RESOLVED, 3, 60);
    dns_zone_clear(&zone);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dns-answer/well-formed", test_well_formed);
    g_test_add_func("/dns-answer/text-with-nul", test_text_with_nul);
    g_test_add_func("/dns-answer/cut", test_cut);
    g_test_add_func("/dns-answer/damaged", test_damaged);
    g_test_add_func("/dns-answer/bounds", test_bounds);
    return g_test_run();
}
