/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/net.h"

static gboolean
contains(const char *network, const char *text)
{
    NetPrefix prefix;
    NetAddress address;
    g_assert_null(net_prefix_parse(&prefix, network));
    g_assert_true(net_address_parse(&address, text));
    return net_prefix_contains(&prefix, &address);
}

static void
test_contains(void)
{
    g_assert_true(contains("192.0.2.0/24", "192.0.2.255"));
    g_assert_false(contains("192.0.2.0/24", "192.0.3.0"));
    g_assert_true(contains("192.0.2.128/25", "192.0.2.128"));
    g_assert_false(contains("192.0.2.128/25", "192.0.2.127"));
    g_assert_true(contains("192.0.2.1", "192.0.2.1"));
    g_assert_false(contains("192.0.2.1", "192.0.2.2"));
    g_assert_true(contains("0.0.0.0/0", "203.0.113.1"));
    g_assert_false(contains("0.0.0.0/0", "2001:db8::1"));
    g_assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    g_assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    g_assert_true(contains("::/0", "2001:db8::1"));
    g_assert_true(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
    g_assert_true(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
    g_assert_false(contains("::ffff:10.0.0.0/104", "11.1.2.3"));
    g_assert_true(contains("fe80::/10", "fe80::1%eth0"));
}

static void
test_malformed(void)
{
    static const char *const bad[] = {"",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/8x",
                                      "10.0.0.0/ 8",
                                      "10.0.0.0/255.0.0.0",
                                      "10.0.0.1/8",
                                      "10.0.0/8",
                                      "example.org",
                                      "2001:db8::/129",
                                      "2001:db8::1/64",
                                      "[::1]",
                                      "192.0.2.1%eth0",
                                      "10.0.0.0/0000000008",
                                      "11111111111111111111111111111111111111111111111111111111"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        NetPrefix prefix;
        g_assert_nonnull(net_prefix_parse(&prefix, bad[i]));
    }
}

static gboolean
is_private(const char *text)
{
    NetAddress address;
    g_assert_true(net_address_parse(&address, text));
    return net_address_is_private(&address);
}

static void
test_private(void)
{
    static const char *const inside[] = {"10.255.255.255",
                                         "100.64.0.1",
                                         "100.127.255.255",
                                         "127.0.0.1",
                                         "169.254.1.1",
                                         "172.16.0.1",
                                         "172.31.9.9",
                                         "192.168.0.1",
                                         "::1",
                                         "::",
                                         "fc00::1",
                                         "fdff::1",
                                         "fe80::1",
                                         "::ffff:10.0.0.1",
                                         "0.0.0.0"};
    static const char *const outside[] = {
        "9.255.255.255", "100.63.255.255", "100.128.0.0",     "126.255.255.255",
        "172.15.0.1",    "172.32.0.1",     "192.167.255.255", "::2",
        "2001:db8::1",   "fe00::1",        "::ffff:8.8.8.8"};
    for (guint i = 0; i < G_N_ELEMENTS(inside); i++)
        g_assert_true(is_private(inside[i]));
    for (guint i = 0; i < G_N_ELEMENTS(outside); i++)
        g_assert_false(is_private(outside[i]));
}

static void
expect_text(const char *text, const char *expected)
{
    NetAddress address;
    g_assert_true(net_address_parse(&address, text));
    g_autofree char *written = net_address_text(&address);
    g_assert_cmpstr(written, ==, expected);
}

static void
test_text(void)
{
    expect_text("192.0.2.1", "192.0.2.1");
    expect_text("::ffff:192.0.2.1", "192.0.2.1");
    expect_text("2001:DB8:0:0:0:0:0:1", "2001:db8::1");
}

static void
test_names(void)
{
    g_assert_true(net_name_is_within("mx.example.org", "example.org"));
    g_assert_true(net_name_is_within("Example.ORG.", "example.org"));
    g_assert_true(net_name_is_within("mx.example.org", ".example.org"));
    g_assert_true(net_name_is_within("mx.example.org", "example.org."));
    g_assert_false(net_name_is_within("mx.example.org", "."));
    g_assert_false(net_name_is_within("badexample.org", "example.org"));
    g_assert_false(net_name_is_within("badexample.org", ".example.org"));
    g_assert_false(net_name_is_within("org", "example.org"));
    g_assert_false(net_name_is_within("example.org.evil.net", "example.org"));
    g_assert_false(net_name_is_within("example.org", ""));
    g_assert_false(net_name_is_within("", "example.org"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/contains", test_contains);
    g_test_add_func("/net/malformed", test_malformed);
    g_test_add_func("/net/private", test_private);
    g_test_add_func("/net/text", test_text);
    g_test_add_func("/net/names", test_names);
    return g_test_run();
}
