/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real Postfix: what its filters get and do behind the host is what they get and do directly, by
 * whatever way the mail comes in. */
#include "pair.h"
#include "sasl.h"

#include <string.h>

#define HELLO "EHLO client.example"
#define MAIL "MAIL FROM:<a@" TEST_DOMAIN ">"
#define RCPT "RCPT TO:<b@" TEST_DOMAIN ">"
#define RCPT_2 "RCPT TO:<c@" TEST_DOMAIN ">"
/* User bob, password secret. */
#define AUTH "AUTH PLAIN AGJvYgBzZWNyZXQ="

#define ONE_MAIL                                                                                   \
    {                                                                                              \
        HELLO, MAIL, RCPT, RCPT_2, "@full"                                                         \
    }
#define SUBMITTED                                                                                  \
    {                                                                                              \
        "-f a@" TEST_DOMAIN " b@" TEST_DOMAIN " c@" TEST_DOMAIN, "@full"                           \
    }
#define TAKEN "250 2.0.0 Ok: queued as"
#define DELIVERED "==== delivered\n"

/* Edits whose meaning depends on what the children before made of the headers. */
#define EDITS                                                                                      \
    {                                                                                              \
        "*\tadd\tX-New\tone\n*\tinsert\t1\tX-Top\tone\n*\tchange\t1\tX-A\t\n"                      \
        "*\tadd-recipient\t<d@" TEST_DOMAIN ">\n",                                                 \
            "*\tchange\t1\tX-A\ttwo\n*\tchange\t2\tX-B\t\n*\tinsert\t3\tX-3\ttwo\n"                \
            "*\tbody\tA new body\\r\\n\n",                                                         \
            "*\tchange\t1\tX-New\tthree\n*\tinsert\t5\tX-5\tthree\n*\tadd\tX-Last\tthree\n"        \
    }

/* ---- Ways into a Postfix whose filters ask for no macros by name. */

static const TestPostfixPort ports[] = {
    {NULL, "-o milter_protocol=2"},
    {NULL, "-o milter_protocol=3"},
    {NULL, "-o milter_protocol=4"},
    {"::1", NULL}, /* the last: where there is no such address it is left out */
};
#define IPV6 "3"

static const TestPairCase plain_cases[] = {
    {.name = "edits",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "header <X-A> <two>",
     .mail = "\nX-5: three\n"},
    {.name = "ipv6",
     .port = IPV6,
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "connect <[::1]> <inet6:PORT@[::1]>",
     .mail = DELIVERED},
    {.name = "protocol-2",
     .port = "0",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "header <X-A> <two>",
     .mail = DELIVERED,
     .made_up_data = TRUE},
    {.name = "protocol-3",
     .port = "1",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "header <X-A> <two>",
     .mail = DELIVERED,
     .made_up_data = TRUE},
    {.name = "protocol-4",
     .port = "2",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "\ndata ",
     .mail = DELIVERED},
    {.name = "protocol-2-unknown",
     .port = "0",
     .dialogue = {HELLO, "XYZZY", MAIL, "XYZZY", RCPT},
     .plans = {"*\treply\tunknown\treject\n"},
     .reply = "500 5.5.2",
     .event = "helo",
     .mail = NULL},
    {.name = "protocol-3-unknown",
     .port = "1",
     .dialogue = {HELLO, "XYZZY", MAIL, "XYZZY", RCPT},
     .plans = {NULL, "*\ttext\tunknown\t550\t5.5.9\tNo magic\n"},
     .reply = "550 5.5.9 No magic",
     .event = "helo",
     .mail = NULL},
    {.name = "xclient",
     .dialogue = {HELLO, MAIL, RCPT, "RSET",
                  "XCLIENT NAME=mx.example.net ADDR=192.0.2.1 PORT=4321 PROTO=ESMTP", HELLO, MAIL,
                  RCPT, "@bare"},
     .plans = EDITS,
     .reply = TAKEN,
     .event = "connect <mx.example.net> <inet:PORT@192.0.2.1>",
     .mail = "from client.example (mx.example.net [192.0.2.1])"},
    {.name = "xclient-ipv6",
     .dialogue = {HELLO, "XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::25 LOGIN=carol", HELLO,
                  MAIL, RCPT, "@bare"},
     .reply = TAKEN,
     .event = "{auth_authen}=carol",
     .mail = "from client.example (unknown [IPv6:2001:db8::25])"},
    {.name = "xclient-inside",
     .dialogue = {HELLO, MAIL, RCPT, "XCLIENT ADDR=192.0.2.1", "@bare"},
     .reply = TAKEN,
     .event = "helo",
     .mail = DELIVERED},
    {.name = "xforward",
     .dialogue = {HELLO,
                  "XFORWARD NAME=mx.example.net ADDR=192.0.2.1 PROTO=ESMTP HELO=mx SOURCE=REMOTE",
                  MAIL, RCPT, "@bare"},
     .plans = EDITS,
     .reply = TAKEN,
     .event = "connect <[127.0.0.1]> <inet:PORT@127.0.0.1>",
     .mail = DELIVERED},
    {.name = "tls",
     .port = "tls",
     .dialogue = ONE_MAIL,
     .reply = TAKEN,
     .event = "{tls_version}=TLSv1.3",
     .mail = "using TLSv1.3"},
    {.name = "tls-named",
     .port = "tls-named",
     .dialogue = ONE_MAIL,
     .reply = TAKEN,
     .event = "{cert_subject}=client.example",
     .mail = "using TLSv1.3"},
    {.name = "tls-auth",
     .port = "tls",
     .dialogue = {HELLO, AUTH, MAIL " AUTH=d@" TEST_DOMAIN, RCPT, "@bare", "RSET", MAIL, RCPT,
                  "@bare"},
     .reply = TAKEN,
     .event = "{auth_author}=d@" TEST_DOMAIN,
     .mail = "with ESMTPSA id"},
    {.name = "auth",
     .dialogue = {HELLO, MAIL, RCPT, "@bare", AUTH, MAIL, RCPT, "@bare", HELLO, MAIL " AUTH=<>",
                  RCPT, "@bare"},
     .reply = "235 2.7.0",
     .event = "{auth_authen}=bob",
     .mail = "with ESMTPA id"},
    {.name = "auth-failed",
     .dialogue = {HELLO, "AUTH PLAIN AGJvYgB3cm9uZw==", MAIL, RCPT, "@bare"},
     .reply = "535 5.7.8",
     .event = "envelope-from",
     .mail = "with ESMTP id"},
    {.name = "submitted",
     .port = "sendmail",
     .dialogue = SUBMITTED,
     .plans = EDITS,
     .reply = "exit code 0",
     .event = "connect <localhost> <inet:PORT@127.0.0.1>",
     .mail = DELIVERED},
    {.name = "submitted-bounce",
     .port = "sendmail",
     .dialogue = {"-f '<>' b@" TEST_DOMAIN, "@bare"},
     .plans = EDITS,
     .reply = "exit code 0",
     .event = "envelope-from <>",
     .mail = "Return-Path: <>\n"},
    {.name = "submitted-rejected",
     .port = "sendmail",
     .dialogue = SUBMITTED,
     .plans = {NULL, "*\ttext\tend-of-message\t550\t5.7.1\tNot this\n"},
     .reply = "exit code 0",
     .event = "abort",
     .mail = "X-Postfix; Not this"},
    {.name = "submitted-refused",
     .port = "sendmail",
     .dialogue = SUBMITTED,
     .plans = {NULL, "*\ttext\tenvelope-from\t550\t5.7.1\tNobody sends\n"},
     .reply = "exit code 0",
     .event = "connect",
     .mail = "X-Postfix; Nobody sends"},
    {.name = "submitted-discarded",
     .port = "sendmail",
     .dialogue = SUBMITTED,
     .plans = {NULL, "*\treply\tend-of-header\tdiscard\n"},
     .reply = "exit code 0",
     .event = "abort",
     .mail = NULL},
    {.name = "submitted-quarantined",
     .port = "sendmail",
     .dialogue = SUBMITTED,
     .plans = {"*\tadd\tX-1\t1\n", NULL, "*\tquarantine\twhy\n*\tadd\tX-3\t3\n"},
     .reply = "exit code 0",
     .event = "header <X-1> <1>",
     .mail = "==== held\n"},
};

/* ---- Filters that ask for macros by name, each for its own. */

static const char *const many_words[] = {
    "connect=j,v,_,{client_addr},{client_name},{client_port},{client_ptr},{client_resolve}",
    "helo={tls_version},{cert_subject},{cipher_bits}",
    "envelope-from=i,{auth_authen},{auth_author},{mail_addr},{client_addr}",
    "envelope-recipient={rcpt_addr},{auth_type},{tls_version}",
    "data=i,{cipher}",
    "end-of-header=i,{auth_authen}",
    "end-of-message={auth_type},i,{mail_addr}",
    NULL};
static const char *const few_words[] = {"leading-space",
                                        "connect=j",
                                        "helo={cipher},{cert_issuer}",
                                        "envelope-from={auth_type},{daemon_port}",
                                        "envelope-recipient=i",
                                        "data={daemon_port}",
                                        "end-of-header=_",
                                        "end-of-message={daemon_name}",
                                        NULL};
static const char *const no_words[] = {"rejected-recipients", NULL};

static const TestPairCase named_cases[] = {
    {.name = "plain",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "{mail_addr}",
     .mail = DELIVERED},
    {.name = "ipv6",
     .port = IPV6,
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "connect <[::1]> <inet6:PORT@[::1]>",
     .mail = DELIVERED},
    {.name = "protocol-2",
     .port = "0",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "header <X-A> <two>",
     .mail = DELIVERED,
     .made_up_data = TRUE},
    {.name = "tls-auth",
     .port = "tls-named",
     .dialogue = {HELLO, AUTH, MAIL " AUTH=d@" TEST_DOMAIN, RCPT, "@bare", MAIL, RCPT, "@full"},
     .plans = EDITS,
     .reply = TAKEN,
     .event = "{cert_subject}=client.example",
     .mail = "with ESMTPSA id"},
    {.name = "xclient",
     .dialogue = {HELLO, "XCLIENT NAME=mx.example.net ADDR=IPV6:2001:db8::25 LOGIN=carol", HELLO,
                  MAIL, RCPT, "@bare"},
     .reply = TAKEN,
     .event = "{auth_authen}=carol",
     .mail = DELIVERED},
    {.name = "submitted",
     .port = "sendmail",
     .dialogue = SUBMITTED,
     .plans = EDITS,
     .reply = "exit code 0",
     .event = "connect <localhost>",
     .mail = DELIVERED},
    {.name = "refused-recipient",
     .dialogue = {HELLO, MAIL, "RCPT TO:<x@elsewhere.example>", RCPT,
                  "RCPT TO:<y@elsewhere.example>", "@bare"},
     .plans = EDITS,
     .reply = "554 5.7.1 <y@elsewhere.example>: Relay access denied",
     .event = "envelope-recipient <<x@elsewhere.example>>",
     .mail = DELIVERED},
};

/* ---- A Postfix with more settings about filters: it says that it is Sendmail. */

static const char custom_main_cf[] = "milter_macro_v = 8.17.1\n"
                                     "milter_macro_daemon_name = MTA\n"
                                     "milter_helo_macros = {tls_version} {client_addr}\n"
                                     "milter_mail_macros = i {mail_addr} {client_addr}\n"
                                     "milter_end_of_header_macros = i {client_addr}\n"
                                     "milter_end_of_data_macros = i {client_name} {auth_type}\n";

static const TestPairCase custom_cases[] = {
    {.name = "edits",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "{daemon_name}=MTA",
     .mail = "\nX-Last: checked three\n"},
    {.name = "edits-of-generated",
     .dialogue = {HELLO, MAIL, RCPT, "@bare"},
     .plans = {"*\tchange\t1\tDate\tone\n*\tinsert\t0\tX-0\tone\n*\tchange\t1\tSubject\t\n",
               "*\tinsert\t2\tX-2\ttwo\n*\tadd\tFrom\t<two@client.example>\n"
               "*\tchange\t1\tReceived\ttwo\n",
               "*\tinsert\t4\tX-4\tthree\n*\tchange\t1\tX-0\tthree\n"},
     .reply = TAKEN,
     .event = "header <X-2> <two>",
     .mail = "\nX-4: three\n"},
    {.name = "submitted",
     .port = "sendmail",
     .dialogue = SUBMITTED,
     .plans = EDITS,
     .reply = "exit code 0",
     .event = "header <X-A> <two>",
     .mail = "\nX-Last: checked three\n"},
};

/* ---- The host and its children on ::1. */

static const TestPairCase inet6_cases[] = {
    {.name = "edits",
     .dialogue = ONE_MAIL,
     .plans = EDITS,
     .reply = TAKEN,
     .event = "header <X-A> <two>",
     .mail = "\nX-5: three\n"},
    {.name = "refused",
     .port = IPV6,
     .dialogue = ONE_MAIL,
     .plans = {NULL, "*\ttext\tend-of-message\t550\t5.7.1\tNot this\n"},
     .reply = "550 5.7.1 Not this",
     .event = "abort",
     .mail = NULL},
};

/* ---- One Postfix for a group of cases. */

typedef struct Group {
    const char *name;
    const TestPairCase *cases;
    guint n_cases;
    TestPairSetting setting; /* main_cf: besides the common one */
} Group;

static const char common_main_cf[] = "mynetworks =\n"
                                     "smtpd_relay_restrictions = reject_unauth_destination\n"
                                     "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n"
                                     "smtpd_authorized_xforward_hosts = 127.0.0.0/8\n"
                                     "smtpd_tls_security_level = may\n"
                                     "smtpd_tls_received_header = yes\n"
                                     "smtpd_tls_ask_ccert = yes\n"
                                     "smtpd_tls_cert_file = %1$s/server.pem\n"
                                     "smtpd_tls_key_file = %1$s/server.pem\n"
                                     "smtpd_tls_CAfile = %1$s/client.pem\n"
                                     "milter_header_checks = regexp:%1$s/checks\n"
                                     "%2$s";

/* What Postfix does to headers that filters add. */
static const char header_checks[] = "/^X-Last: (.*)/ REPLACE X-Last: checked $1\n";

static Group groups[] = {
    {"plain",
     plain_cases,
     G_N_ELEMENTS(plain_cases),
     {.ports = ports, .n_ports = G_N_ELEMENTS(ports)}},
    {"named",
     named_cases,
     G_N_ELEMENTS(named_cases),
     {.words = {many_words, few_words, no_words}, .ports = ports, .n_ports = G_N_ELEMENTS(ports)}},
    {"custom",
     custom_cases,
     G_N_ELEMENTS(custom_cases),
     {.ports = ports, .n_ports = G_N_ELEMENTS(ports), .main_cf = custom_main_cf}},
    {"on-ipv6",
     inet6_cases,
     G_N_ELEMENTS(inet6_cases),
     {.ports = ports, .n_ports = G_N_ELEMENTS(ports), .inet6 = TRUE}},
};

static struct {
    const Group *group;
    TestPair *pair;
    TestSasl *sasl;
    char *folder; /* of certificates */
    char *main_cf;
} now;

static void
make_certificate(const char *folder, const char *name, const char *subject)
{
    g_autofree char *pem = g_strdup_printf("%s/%s.pem", folder, name);
    g_autofree char *about = g_strdup_printf("/O=Test/CN=%s", subject);
    const char *const argv[] = {
        "openssl", "req",     "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes",  "-keyout", pem,     "-out",    "-",  "-subj",    about,
        "-days",   "2",       NULL};
    g_autofree char *output = NULL;
    g_autofree char *key = NULL;
    if (test_run(argv, &output) != 0)
        test_fail("no certificate: %s", output);
    g_assert_true(g_file_get_contents(pem, &key, NULL, NULL));
    g_autofree char *both = g_strconcat(key, strstr(output, "-----BEGIN CERTIFICATE"), NULL);
    test_file_write(pem, both);
}

static void
leave_group(void)
{
    if (!now.group)
        return;
    test_pair_stop(now.pair);
    test_sasl_stop(now.sasl);
    test_folder_remove(now.folder);
    g_free(now.folder);
    g_free(now.main_cf);
    now.group = NULL;
}

static void
enter_group(const Group *group)
{
    TestPairSetting setting = group->setting;
    leave_group();
    now.group = group;
    now.folder = test_folder_new();
    make_certificate(now.folder, "server", "mx.test.example");
    make_certificate(now.folder, "client", "client.example");
    g_autofree char *checks = g_build_filename(now.folder, "checks", NULL);
    test_file_write(checks, header_checks);
    now.sasl = test_sasl_start();
    g_autofree char *common =
        g_strdup_printf(common_main_cf, now.folder, test_sasl_main_cf(now.sasl));
    now.main_cf =
        g_strconcat(common, test_has_ipv6() ? "inet_protocols = all\n" : "", setting.main_cf, NULL);
    setting.main_cf = now.main_cf;
    setting.n_ports -= test_has_ipv6() ? 0 : 1;
    now.pair = test_pair_start(&setting);
}

typedef struct Place {
    const Group *group;
    const TestPairCase *c;
} Place;

static void
test_case(gconstpointer data)
{
    const Place *place = data;
    if (test_skip_unless("postfix"))
        return;
    gboolean needs_ipv6 = g_strcmp0(place->c->port, IPV6) == 0 || place->group->setting.inet6;
    if (needs_ipv6 && !test_has_ipv6()) {
        g_test_skip("this machine has no ::1");
        return;
    }
    if (now.group != place->group)
        enter_group(place->group);
    g_autofree char *pem = g_strdup_printf("%s/client.pem", now.folder);
    test_pair_compare(now.pair, place->c, pem);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(groups); i++) {
        for (guint j = 0; j < groups[i].n_cases; j++) {
            const Place place = {&groups[i], &groups[i].cases[j]};
            g_autofree char *path =
                g_strdup_printf("/postfix-pair/%s/%s", groups[i].name, place.c->name);
            g_test_add_data_func_full(path, g_memdup2(&place, sizeof(place)), test_case, g_free);
        }
    }
    int status = g_test_run();
    leave_group();
    return status;
}
