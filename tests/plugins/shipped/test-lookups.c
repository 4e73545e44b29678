/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real host with stages that ask names, the name server of the tests, and an MTA. */
#include "dns-server.h"
#include "manager.h"

#include <gio/gio.h>
#include <string.h>

/* Exit codes of milter-test-server. */
enum { PASS = 0, REJECT = 3, TEMPORARY = 4 };

typedef struct Rig {
    Place place;
    DnsServer *dns;
    Manager *manager;
} Rig;

/* Long: no test waits for it. */
static char *
manager_keys(const DnsServer *dns)
{
    return g_strdup_printf("workers=1\ndns-timeout=30.0\ndns-servers=['%s']", dns_server_spec(dns));
}

static void
write_config(Rig *rig, const DnsServer *dns, const char *stages)
{
    g_autofree char *keys = manager_keys(dns);
    place_write(&rig->place, keys, stages);
}

static void
rig_init(Rig *rig, const char *stages)
{
    place_init(&rig->place);
    rig->dns = dns_server_new();
    write_config(rig, rig->dns, stages);
    rig->manager = manager_start(&rig->place);
}

static void
rig_clear(Rig *rig)
{
    manager_stop(rig->manager);
    dns_server_free(rig->dns);
    place_clear(&rig->place);
}

/* A client without a name that the MTA verified sends a message, logged in as login or not (NULL);
 * returns the exit code. */
static int
send_as(const Rig *rig, const char *address, const char *login)
{
    g_autofree char *spec = g_strconcat("--connection-spec=unix:", rig->place.socket, NULL);
    g_autofree char *host = g_strdup_printf("--connect-host=[%s]", address);
    g_autofree char *from = g_strdup_printf("--connect-address=%s:2500@%s",
                                            strchr(address, ':') ? "inet6" : "inet", address);
    g_autofree char *name = login ? g_strconcat("--authenticated-name=", login, NULL) : NULL;
    g_autoptr(GSubprocess) sender =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL, g_getenv("MILTER_TEST_SERVER"),
                         spec, host, from, name, NULL);
    g_assert_true(g_subprocess_wait(sender, NULL, NULL));
    g_assert_true(g_subprocess_get_if_exited(sender));
    return g_subprocess_get_exit_status(sender);
}

static int
send_from(const Rig *rig, const char *address)
{
    return send_as(rig, address, NULL);
}

static void
test_names(void)
{
    Rig rig;
    rig_init(&rig, "[stages/s25r]\nplugin='s25r'\naction='reject'\n");
    dns_server_add_ptr(rig.dns, "192.0.2.2", 300, "mail.example.org");
    dns_server_add(rig.dns, "mail.example.org", DNS_A, 300, "192.0.2.2");
    dns_server_add(rig.dns, "mail.example.org", DNS_AAAA, 300, "2001:db8::2");
    dns_server_add_ptr(rig.dns, "192.0.2.3", 300, "mail.example.org");
    dns_server_add_ptr(rig.dns, "192.0.2.4", 300, "dsl4.example.org");
    dns_server_add(rig.dns, "dsl4.example.org", DNS_A, 300, "192.0.2.4");
    dns_server_add_ptr(rig.dns, "2001:db8::2", 300, "mail.example.org");
    dns_server_behave(rig.dns, "5.2.0.192.in-addr.arpa", DNS_SERVFAIL);
    g_assert_cmpint(send_from(&rig, "192.0.2.1"), ==, REJECT); /* none */
    g_assert_cmpint(send_from(&rig, "192.0.2.2"), ==, PASS);
    g_assert_cmpint(send_from(&rig, "192.0.2.3"), ==, REJECT); /* forged */
    g_assert_cmpint(send_from(&rig, "192.0.2.4"), ==, REJECT); /* a line */
    g_assert_cmpint(send_from(&rig, "192.0.2.5"), ==, PASS);   /* nobody knows */
    g_assert_cmpint(send_from(&rig, "2001:db8::2"), ==, PASS);
    /* The second time from memory. */
    g_assert_cmpint(send_from(&rig, "192.0.2.1"), ==, REJECT);
    g_assert_cmpint(send_from(&rig, "192.0.2.2"), ==, PASS);
    g_assert_cmpuint(dns_server_count(rig.dns, "1.2.0.192.in-addr.arpa", DNS_PTR), ==, 1);
    g_assert_cmpuint(dns_server_count(rig.dns, "2.2.0.192.in-addr.arpa", DNS_PTR), ==, 1);
    rig_clear(&rig);
}

/* Another name server by a reload: what the one before said is forgotten. */
static void
test_reload(void)
{
    static const char stages[] = "[stages/s25r]\nplugin='s25r'\naction='temporary-failure'\n";
    g_autoptr(DnsServer) other = dns_server_new();
    Rig rig;
    rig_init(&rig, stages);
    dns_server_add_ptr(other, "192.0.2.1", 300, "mail.example.org");
    dns_server_add(other, "mail.example.org", DNS_A, 300, "192.0.2.1");
    g_assert_cmpint(send_from(&rig, "192.0.2.1"), ==, TEMPORARY);
    write_config(&rig, other, stages);
    manager_reload(rig.manager, "reloaded:");
    g_assert_cmpint(send_from(&rig, "192.0.2.1"), ==, PASS);
    rig_clear(&rig);
}

/* Conditions on the fact of a list, and on where the client comes from. */
static void
test_conditions(void)
{
    Rig rig;
    rig_init(&rig, "[stages/origin]\nplugin='origin'\nlocal-networks=['198.51.100.0/24']\n"
                   "[stages/lists]\nplugin='dnsbl'\nzones=['a.test', 'b.test=127.0.0.2']\n"
                   "[stages/judge]\nplugin='s25r'\naction='reject'\n"
                   "conditions=['dnsbl-b.test', 'remote', '!authenticated']\n");
    dns_server_add(rig.dns, "1.2.0.192.a.test", DNS_A, 300, "127.0.0.2");
    dns_server_add(rig.dns, "2.2.0.192.b.test", DNS_A, 300, "127.0.0.2");
    dns_server_add(rig.dns, "3.2.0.192.b.test", DNS_A, 300, "127.0.0.3");
    dns_server_add(rig.dns, "4.2.0.192.b.test", DNS_A, 300, "203.0.113.1");
    dns_server_add(rig.dns, "7.100.51.198.b.test", DNS_A, 300, "127.0.0.2");
    g_assert_cmpint(send_from(&rig, "192.0.2.1"), ==, PASS);
    g_assert_cmpint(send_from(&rig, "192.0.2.2"), ==, REJECT);
    g_assert_cmpint(send_as(&rig, "192.0.2.2", "ann"), ==, PASS);
    g_assert_cmpint(send_from(&rig, "192.0.2.3"), ==, PASS);
    g_assert_cmpint(send_from(&rig, "192.0.2.4"), ==, PASS);
    g_assert_cmpint(send_from(&rig, "198.51.100.7"), ==, PASS);
    manager_wait_log(rig.manager, "dnsbl-foreign:", "203.0.113.1", 1);
    rig_clear(&rig);
}

/* The host ends while names are being looked up. */
static void
test_end(void)
{
    Rig rig;
    rig_init(&rig, "[stages/s25r]\nplugin='s25r'\n");
    dns_server_behave(rig.dns, NULL, DNS_HOLD);
    g_autofree char *spec = g_strconcat("--connection-spec=unix:", rig.place.socket, NULL);
    g_autoptr(GSubprocess) sender =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                         NULL, g_getenv("MILTER_TEST_SERVER"), spec, "--connect-host=[192.0.2.1]",
                         "--connect-address=inet:2500@192.0.2.1", NULL);
    dns_server_wait(rig.dns, 1);
    g_subprocess_force_exit(sender);
    g_subprocess_wait(sender, NULL, NULL);
    rig_clear(&rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lookups/names", test_names);
    g_test_add_func("/lookups/reload", test_reload);
    g_test_add_func("/lookups/conditions", test_conditions);
    g_test_add_func("/lookups/end", test_end);
    return g_test_run();
}
