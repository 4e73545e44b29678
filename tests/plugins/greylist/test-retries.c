/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Providers as they were seen to try again (first retries of ten large ones, Pagani et al., DSN
 * 2016), from pools of hosts as they have them, against the plugin with its defaults. Each must
 * pass at its first try after the delay; who never tries again must not pass.
 */
#include "visit.h"

#include <string.h>

#define DELAY 240
#define TRIES_MAX 8
#define HOSTS_MAX 7

typedef struct Host {
    const char *name, *address; /* name NULL: the client has none */
} Host;

typedef struct Provider {
    const char *sender;
    guint tries[TRIES_MAX]; /* seconds after the first; 0 ends the list */
    Host hosts[HOSTS_MAX];  /* in turn */
    guint most;             /* seconds it may take */
} Provider;

static const Provider providers[] = {
    {"<a@gmail.com>",
     {362, 1740, 3600},
     {{"mail-yw1-f169.google.com", "209.85.128.169"},
      {"mail-pj1-f44.google.com", "209.85.216.44"},
      {"mail-lf1-x133.google.com", "2a00:1450:4864:20::133"},
      {"mail-qt1-f182.google.com", "209.85.160.182"},
      {"mail-ed1-x52c.google.com", "2a00:1450:4864:21::52c"},
      {"mail-wr1-f51.google.com", "74.125.82.51"},
      {"mail-oi1-f175.google.com", "172.217.4.175"}},
     390},
    {"<a@yahoo.com>",
     {127, 339, 900},
     {{"sonic301-21.consmr.mail.ir2.yahoo.com", "77.238.176.98"},
      {"sonic312-24.consmr.mail.ir2.yahoo.com", "77.238.178.95"},
      {"sonic309-13.consmr.mail.ne1.yahoo.com", "66.163.184.139"}},
     390},
    {"<a@hotmail.com>",
     {61, 122, 184, 245, 306, 900},
     {{"mail-co1nam11olkn2041.outbound.protection.outlook.com", "40.92.18.41"},
      {"mail-db8eur05olkn2073.outbound.protection.outlook.com", "40.92.89.73"},
      {"mail-am6eur05olkn2026.outbound.protection.outlook.com", "2a01:111:f403:2e0d::26"},
      {"mail-psaapc01olkn2031.outbound.protection.outlook.com", "52.103.66.31"}},
     390},
    {"<a@qq.com>", /* hosts without a useful name: SPF says whose they are */
     {305, 900},
     {{NULL, "203.205.221.130"}, {NULL, "162.62.58.216"}, {NULL, "43.154.197.177"}},
     390},
    {"<a@mail.ru>",
     {78, 1155, 3600},
     {{"f100.i.mail.ru", "94.100.181.100"},
      {"f201.i.mail.ru", "128.140.170.201"},
      {"smtp35.i.mail.ru", "94.100.177.95"},
      {"fallback1.i.mail.ru", "79.137.243.70"},
      {"f332.i.mail.ru", "185.5.136.82"},
      {"f512.i.mail.ru", "217.69.128.41"},
      {"f741.i.mail.ru", "45.84.128.10"}},
     1200},
    {"<a@yandex.ru>",
     {65, 178, 413},
     {{"forward501a.mail.yandex.net", "178.154.239.81"},
      {"forward103b.mail.yandex.net", "178.154.239.150"},
      {"forward500d.mail.yandex.net", "2a02:6b8:c41:1300:1:45:d181:d500"}},
     420},
    {"<a@mail.com>",
     {302, 604},
     {{"mout.gmx.com", "74.208.4.200"}, {"mout.gmx.com", "82.165.159.5"}},
     390},
    {"<a@gmx.de>",
     {301, 602},
     {{"mout.gmx.net", "212.227.15.15"}, {"mout.gmx.net", "212.227.17.21"}},
     390},
    {"<a@aol.com>", /* gives up after 31 minutes */
     {332, 1100},
     {{"omr-m001e.mx.aol.com", "204.29.186.1"}, {"omr-a009e.mx.aol.com", "204.29.187.9"}},
     390},
    {"<a@india.com>", {381, 1200}, {{"smtp.india.example", "198.51.100.20"}}, 390},
};

static void
publish_spf(MmHarness *harness)
{
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "qq.com", "v=spf1 include:spf.qq.example -all",
                    NULL);
    mm_harness_name(harness, MILTER_RESOLVE_TXT, "spf.qq.example",
                    "v=spf1 ip4:203.205.221.128/25 ip4:162.62.56.0/21 ip4:43.154.197.0/24 -all",
                    NULL);
}

static const char *
try(MmHarness *harness, const Provider *provider, guint number, const char *recipient)
{
    guint n_hosts = 0;
    while (n_hosts < HOSTS_MAX && provider->hosts[n_hosts].address)
        n_hosts++;
    const Host *host = &provider->hosts[number % n_hosts];
    return visit_word(harness, host->name, host->address, provider->sender, recipient);
}

static void
run_provider(gconstpointer data)
{
    const Provider *provider = data;
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    guint at = 0;
    gboolean in = FALSE;
    publish_spf(harness);
    g_assert_cmpstr(try(harness, provider, 0, "<b@example.net>"), ==, "delayed");
    for (guint i = 0; i < TRIES_MAX && provider->tries[i] && !in; i++) {
        mm_harness_advance(harness, provider->tries[i] - at);
        at = provider->tries[i];
        const char *word = try(harness, provider, i + 1, "<b@example.net>");
        g_assert_cmpstr(word, ==, at >= DELAY ? "pass" : "delayed");
        in = at >= DELAY;
    }
    g_assert_true(in);
    g_assert_cmpuint(at, <=, provider->most);
    /* From then on nothing waits. */
    mm_harness_advance(harness, 20 * 86400);
    g_assert_cmpstr(try(harness, provider, 5, "<b@example.net>"), ==, "pass");
    mm_harness_free(harness);
}

/* Bots: each comes once, or several times in a minute and then never again. */
static void
test_spammers(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    for (guint i = 0; i < 600; i++) {
        g_autofree char *address = g_strdup_printf("198.%u.%u.7", 18 + i % 2, i / 4 % 256);
        g_autofree char *name =
            g_strdup_printf("198-%u-%u-7.pool.isp.example", 18 + i % 2, i / 4 % 256);
        g_autofree char *sender =
            g_strdup_printf("<%c%c@bank.example>", 'a' + i % 26, 'a' + i / 26);
        for (guint tries = i % 4; tries > 0; tries--) {
            g_assert_cmpstr(
                visit_word(harness, i % 3 ? name : NULL, address, sender, "<b@example.net>"), ==,
                "delayed");
            mm_harness_advance(harness, 15);
        }
    }
    g_assert_cmpuint(mm_harness_count(harness, "new"), >, 400);
    g_assert_cmpuint(mm_harness_count(harness, "mature"), ==, 0);
    g_assert_cmpuint(mm_harness_count(harness, "companion"), ==, 0);
    mm_harness_free(harness);
}

/* A list that writes its number and the recipient into the sender of each attempt. */
static void
test_changing_senders(void)
{
    MmHarness *harness = visit_configured("memory:", NULL, NULL);
    g_assert_cmpstr(visit_word(harness, "l1.lists.example", "192.0.2.1",
                               "<bounce-1001-b=example.net@lists.example>", "<b@example.net>"),
                    ==, "delayed");
    mm_harness_advance(harness, 300);
    g_assert_cmpstr(visit_word(harness, "l2.lists.example", "198.51.100.1",
                               "<bounce-1002-b=example.net@lists.example>", "<b@example.net>"),
                    ==, "pass");
    mm_harness_free(harness);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(providers); i++) {
        g_autofree char *path = g_strdup_printf("/greylist/retries/%s", providers[i].sender);
        g_strdelimit(path, "<@>", '-');
        g_test_add_data_func(path, &providers[i], run_provider);
    }
    g_test_add_func("/greylist/retries/spammers", test_spammers);
    g_test_add_func("/greylist/retries/changing-senders", test_changing_senders);
    return g_test_run();
}
