/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and what they are judged to be: every line of s25r.tsv, and cases of our own. */
#include "evidence.h"

#include <string.h>

static const char *table;

/* Columns of the table. */
enum { NAME, CLASSIC, RULES, SOURCE, KIND, ADDRESS, EVIDENCE, N_COLUMNS };

static char *
rules_text(guint rules)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < S25R_N_RULES; i++) {
        if (rules & 1u << i)
            g_string_append_printf(text, "%s%u", text->len ? "," : "", i);
    }
    return g_strdup(text->len ? text->str : "-");
}

static void
check_classic(const char *line, char **columns)
{
    S25rName name;
    s25r_name_init(&name, columns[NAME]);
    g_autofree char *rules = rules_text(s25r_rules(&name));
    if (!g_str_equal(rules, columns[RULES]))
        g_error("rules %s: %s", rules, line);
    g_assert_cmpstr(s25r_rules(&name) ? "yes" : "no", ==, columns[CLASSIC]);
}

static void
check_evidence(const char *line, char **columns)
{
    S25rName name;
    NetAddress address;
    S25rEvidence evidence;
    s25r_name_init(&name, columns[NAME]);
    net_address_parse(&address, columns[ADDRESS]);
    s25r_evidence(&evidence, &name, &address);
    gboolean yes = evidence.dynamic || s25r_name_is_none(&name);
    if (yes != g_str_equal(columns[EVIDENCE], "yes"))
        g_error("octets %u word %s shape %s mailish %d: %s", evidence.octets,
                evidence.word ? evidence.word : "-", evidence.shape ? evidence.shape : "-",
                evidence.mailish, line);
}

static void
each_line(void (*check)(const char *line, char **columns))
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    guint checked = 0;
    g_file_get_contents(table, &text, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (lines[i][0] == '#' || lines[i][0] == '\0')
            continue;
        g_auto(GStrv) columns = g_strsplit(lines[i], "\t", -1);
        g_assert_cmpuint(g_strv_length(columns), ==, N_COLUMNS);
        check(lines[i], columns);
        checked++;
    }
    g_assert_cmpuint(checked, ==, 330);
}

static void
test_table_classic(void)
{
    each_line(check_classic);
}

static void
test_table_evidence(void)
{
    each_line(check_evidence);
}

/* The rules as published, for a comparison with names made at random. */
static const char *const published[S25R_N_RULES] = {
    "^unknown$",
    "^[^.]*[0-9][^0-9.]+[0-9].*\\.",
    "^[^.]*[0-9]{5}",
    "^([^.]+\\.)?[0-9][^.]*\\.[^.]+\\..+\\.[a-z]",
    "^[^.]*[0-9]\\.[^.]*[0-9]-[0-9]",
    "^[^.]*[0-9]\\.[^.]*[0-9]\\.[^.]+\\..+\\.",
    "^(dhcp|dialup|ppp|[achrsvx]?dsl)[^.]*[0-9]",
};

static char *
random_name(void)
{
    static const char *const pieces[] = {
        "a",   "b",    "1", "2", "77",   "12345", "-",   ".",  ".",      ".", "dsl", "a",
        "ppp", "dhcp", "x", "_", "mail", "de",    "com", "..", "dialup", "9", "1-2", ".jp"};
    GString *name = g_string_new(NULL);
    gint n = g_test_rand_int_range(0, 14);
    for (gint i = 0; i < n; i++)
        g_string_append(name, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
    if (name->len > 0 && name->str[name->len - 1] == '.')
        g_string_truncate(name, name->len - 1);
    return g_string_free(name, FALSE);
}

static void
test_as_published(void)
{
    GRegex *rules[S25R_N_RULES];
    guint hits = 0;
    for (guint i = 0; i < S25R_N_RULES; i++)
        rules[i] = g_regex_new(published[i], G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0, NULL);
    for (guint n = 0; n < 20000; n++) {
        g_autofree char *text = random_name();
        g_autofree char *dotted = g_strconcat(text, ".", NULL);
        S25rName name;
        guint expected = 0;
        for (guint i = 0; i < S25R_N_RULES; i++)
            expected |= g_regex_match(rules[i], text, 0, NULL) ? 1u << i : 0;
        s25r_name_init(&name, dotted); /* one dot at the end means nothing */
        if (s25r_rules(&name) != expected)
            g_error("%s: %x instead of %x", text, s25r_rules(&name), expected);
        hits += expected ? 1 : 0;
    }
    g_assert_cmpuint(hits, >, 1000);
    for (guint i = 0; i < S25R_N_RULES; i++)
        g_regex_unref(rules[i]);
}

static guint
octets(const char *text, const char *client)
{
    NetAddress address;
    g_assert_true(net_address_parse(&address, client));
    return s25r_spelled_octets(text, (guint)strlen(text), &address);
}

static void
test_spelled(void)
{
    g_assert_cmpuint(octets("host-203-0-113-7", "203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("7.113.0.203", "203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("c203.000.113.007x", "203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("host203000113007", "203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("host007113000203", "203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("pcb007107", "203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("p077100cb", "203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("pcb007108", "203.0.113.7"), ==, 0);
    g_assert_cmpuint(octets("pd9e4f89f", "217.228.248.159"), ==, 4);
    g_assert_cmpuint(octets("p9ff8e4d9", "217.228.248.159"), ==, 4);
    g_assert_cmpuint(octets("n3641058463", "217.6.36.159"), ==, 4);
    g_assert_cmpuint(octets("a-0-113-7", "203.0.113.7"), ==, 3);
    g_assert_cmpuint(octets("a-113-0-203", "203.0.113.7"), ==, 3);
    g_assert_cmpuint(octets("a-203-0", "203.0.113.7"), ==, 0);
    g_assert_cmpuint(octets("a-113-7", "203.0.113.7"), ==, 2);
    g_assert_cmpuint(octets("a7.b113", "203.0.113.7"), ==, 2);
    g_assert_cmpuint(octets("a-1130-7", "203.0.113.7"), ==, 0);
    g_assert_cmpuint(octets("", "203.0.113.7"), ==, 0);
    g_assert_cmpuint(octets("x-203-0-113-7", "::ffff:203.0.113.7"), ==, 4);
    g_assert_cmpuint(octets("h20010db8123456780000000000000001", "2001:db8:1234:5678::1"), ==, 6);
    g_assert_cmpuint(octets("h2001-db8-1234-5678--1", "2001:db8:1234:5678::1"), ==, 6);
    g_assert_cmpuint(octets("1-0-0-2.ipv6", "2001:db8:1234:5678::1"), ==, 0);
    g_assert_cmpuint(octets("8.7.6.5.4.3.2.1.8.b.d.0.1.0.0.2", "2001:db8:1234:5678::1"), ==, 6);
    g_assert_cmpuint(octets("mail-yb1-xb4a", "2607:f8b0:4864:20::b4a"), ==, 0);
    /* Zeros alone are no sign. */
    g_assert_cmpuint(octets("n000000000000000", "2001:db8::1"), ==, 0);
}

/* Each word of access lines, as a part of a label and before a number; not as part of a word. */
static void
test_words(void)
{
    static const char *const words[] = {
        "dyn",    "dynamic", "adsl",     "xdsl",  "sdsl",     "vdsl",   "dsl",  "dhcp",
        "dial",   "dialup",  "ppp",      "pppoe", "pool",     "cable",  "catv", "cm",
        "cpe",    "client",  "customer", "cust",  "user",     "home",   "ftth", "broadband",
        "fiber",  "mobile",  "lte",      "nat",   "wireless", "resnet", "rev",  "reverse",
        "unused", "kabel",   "modem",    "dip",   "abo",      "hsd",    "fbx",  "generic",
        "node",   "fios",    "ip",       "host",  "vps"};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autofree char *part = g_strdup_printf("a1-%s.b", words[i]);
        g_autofree char *numbered = g_strdup_printf("%s77", words[i]);
        g_autofree char *longer = g_strdup_printf("%sq", words[i]);
        g_autofree char *behind = g_strdup_printf("q%s", words[i]);
        g_assert_cmpstr(s25r_line_word(part, (guint)strlen(part)), ==, words[i]);
        g_assert_cmpstr(s25r_line_word(numbered, (guint)strlen(numbered)), ==, words[i]);
        g_assert_null(s25r_line_word(longer, (guint)strlen(longer)));
        g_assert_null(s25r_line_word(behind, (guint)strlen(behind)));
    }
}

/* Up to four letters and six digits behind. */
static void
test_mailish(void)
{
    static const char *const yes[] = {"mail",     "mx",     "mta",    "smtp",   "relay",
                                      "outbound", "mout",   "mailer", "bounce", "lists",
                                      "mailout1", "smtp01", "mx0a",   "a-mx.b", "mx123456"};
    static const char *const no[] = {"",    "amail", "mailoutgoing", "mx1234567",
                                     "max", "m",     "relaxing"};
    for (guint i = 0; i < G_N_ELEMENTS(yes); i++)
        g_assert_true(s25r_is_mailish(yes[i], (guint)strlen(yes[i])));
    for (guint i = 0; i < G_N_ELEMENTS(no); i++)
        g_assert_false(s25r_is_mailish(no[i], (guint)strlen(no[i])));
}

static guint
registrable(const char *text)
{
    S25rName name;
    s25r_name_init(&name, text);
    return s25r_registrable(&name);
}

static void
test_registrable(void)
{
    g_assert_cmpuint(registrable("a.b.example.org"), ==, 3);
    g_assert_cmpuint(registrable("a.b.example.co.jp"), ==, 3);
    g_assert_cmpuint(registrable("example.co.jp"), ==, 0);
    g_assert_cmpuint(registrable("co.jp"), ==, 0);
    g_assert_cmpuint(registrable("a.example.no-such-top-level"), ==, 1);
    g_assert_cmpuint(registrable("localhost"), ==, 0);
    g_assert_cmpuint(registrable(""), ==, 0);
    /* What companies add to the list for their customers is not ICANN's part. */
    g_assert_cmpuint(registrable("1-2-3-4.ip.linodeusercontent.com"), ==, 10);
}

/* Names that no server has, but that somebody may send. */
static void
test_odd_names(void)
{
    g_autofree char *dots = g_strnfill(400, '.');
    g_autofree char *digits = g_strnfill(400, '7');
    g_autofree char *mixed = g_strnfill(255, '-');
    const char *const names[] = {dots, digits,          mixed, "",    ".",
                                 "..", "\xff\xfe.\x01", "-",   "_._", "1"};
    NetAddress four, six;
    net_address_parse(&four, "203.0.113.7");
    net_address_parse(&six, "2001:db8::1");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        S25rName name;
        S25rEvidence evidence;
        s25r_name_init(&name, names[i]);
        g_assert_cmpuint(name.length, <=, S25R_NAME_MAX);
        s25r_evidence(&evidence, &name, &four);
        s25r_evidence(&evidence, &name, &six);
        g_assert_null(evidence.word);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    table = argv[1];
    g_test_add_func("/s25r/table-classic", test_table_classic);
    g_test_add_func("/s25r/table-evidence", test_table_evidence);
    g_test_add_func("/s25r/as-published", test_as_published);
    g_test_add_func("/s25r/spelled", test_spelled);
    g_test_add_func("/s25r/words", test_words);
    g_test_add_func("/s25r/mailish", test_mailish);
    g_test_add_func("/s25r/registrable", test_registrable);
    g_test_add_func("/s25r/odd-names", test_odd_names);
    return g_test_run();
}
