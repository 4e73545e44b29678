/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said about facts that settings name, and about name servers. */
#include "manager.h"

#include <string.h>

static void
assert_silent(const Ran *ran)
{
    g_assert_cmpstr(ran->err, ==, "");
    g_assert_cmpstr(ran->out, ==, "");
    g_assert_cmpint(ran->code, ==, 0);
}

/* A system where nothing is installed. */
static char *
root_option(const Place *place)
{
    return g_strconcat("--root=", place->folder, NULL);
}

static Ran *
check(const Place *place, const char *stages)
{
    place_write(place, NULL, stages);
    g_autofree char *root = root_option(place);
    return manager_run("--check-config", "-c", place->config, root, NULL);
}

static void
test_facts_of_an_instance(void)
{
    Place place;
    place_init(&place);
    g_autoptr(Ran) known =
        check(&place,
              "[stages/lists]\nplugin='dnsbl'\nzones=['a.example.org', 'b.example.org=127.0.0.2']\n"
              "[stages/s25r]\nplugin='s25r'\n"
              "conditions=['dnsbl-b.example.org', 'dnsbl', '!dnsbl-a.example.org']\n");
    assert_silent(known);
    g_autoptr(Ran) unknown =
        check(&place, "[stages/lists]\nplugin='dnsbl'\nzones=['a.example.org']\n"
                      "[stages/s25r]\nplugin='s25r'\n"
                      "conditions=['dnsbl-c.example.org']\n");
    g_assert_cmpint(unknown->code, ==, 0);
    g_autofree char *printed = g_strconcat(unknown->out, unknown->err, NULL);
    g_assert_nonnull(strstr(printed, "dnsbl-c.example.org"));
    place_clear(&place);
}

static void
test_name_servers(void)
{
    Place place;
    place_init(&place);
    g_autofree char *root = root_option(&place);
    place_write(&place, "dns-servers=['127.0.0.1', '[::1]:5353']\ndns-timeout=1.5", NULL);
    g_autoptr(Ran) good = manager_run("--check-config", "-c", place.config, root, NULL);
    assert_silent(good);
    place_write(&place, "dns-servers=['127.0.0.1', 'dns.example.org']", NULL);
    g_autoptr(Ran) bad = manager_run("--check-config", "-c", place.config, root, NULL);
    g_assert_cmpint(bad->code, ==, 1);
    g_assert_nonnull(strstr(bad->err, "[manager] dns-servers: “dns.example.org”"));
    place_clear(&place);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/facts-of-an-instance", test_facts_of_an_instance);
    g_test_add_func("/settings/name-servers", test_name_servers);
    return g_test_run();
}
