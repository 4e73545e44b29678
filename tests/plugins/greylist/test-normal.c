/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses as keys, and the lists. */
#include "lists.h"
#include "normal.h"

#include <string.h>

static void
test_addresses(void)
{
    static const struct {
        const char *typed, *address, *domain;
    } cases[] = {
        {"<a@example.org>", "a@example.org", "example.org"},
        {"<A@Example.ORG.>", "a@example.org", "example.org"},
        {"a@example.org", "a@example.org", "example.org"},
        {" <a@example.org> ", "a@example.org", "example.org"},
        {"<@relay.example,@b:a@example.org>", "a@example.org", "example.org"},
        {"<>", "", ""},
        {"", "", ""},
        {"<postmaster>", "postmaster", ""},
        {"<\"a@b\"@example.org>", "\"a@b\"@example.org", "example.org"},
        {"<a\001b@example.org>", "a?b@example.org", "example.org"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *address = normal_address(cases[i].typed, strlen(cases[i].typed));
        g_assert_cmpstr(address, ==, cases[i].address);
        g_assert_cmpstr(normal_domain(address), ==, cases[i].domain);
    }
    g_autofree char *longest = g_strnfill(2000, 'x');
    g_autofree char *cut = normal_address(longest, 2000);
    g_assert_cmpuint(strlen(cut), ==, 512);
}

static void
test_senders(void)
{
    static const struct {
        const char *address, *sender;
    } cases[] = {
        {"", "<>"},
        {"john@example.org", "john@example.org"},
        {"john.smith@example.org", "john.smith@example.org"},
        {"prvs=4321abcdef=john@example.org", "john@example.org"},
        {"prvs=john=4321abcdef@example.org", "john@example.org"},
        {"prvs=john/4321abcdef@example.org", "john@example.org"},
        {"prvs=1234567890=news+x@example.org", "news@example.org"},
        {"msprvs1=17865abcde123=list@example.org", "list@example.org"},
        {"btv1==123abc456==john@example.org", "john@example.org"},
        {"srs0=ab12=cd=example.com=john@fwd.example.org",
         "srs0=#=#=example.com=john@fwd.example.org"},
        {"srs0+xyz=q7=example.com=john@fwd.example.org",
         "srs0=#=#=example.com=john@fwd.example.org"},
        {"srs1=zz=first.example==ab12=cd=example.com=john@fwd.example.org",
         "srs0=#=#=example.com=john@fwd.example.org"},
        {"list+anything@example.org", "list@example.org"},
        {"list-bob=example.net@lists.example.org", "list-RCPT@lists.example.org"},
        {"list-bob*example.net@lists.example.org", "list-RCPT@lists.example.org"},
        {"owner-bob-example.net@lists.example.org", "owner-RCPT@lists.example.org"},
        {"bounce-99-abc@example.org", "bounce#@example.org"},
        {"bounces.12.x@example.org", "bounces#@example.org"},
        {"m-bounces_77@example.org", "m-bounces#@example.org"},
        {"bouncer@example.org", "bouncer@example.org"},
        {"0123456789abcdef@example.org", "#@example.org"},
        {"x-01020304deadbeef-y@example.org", "x-#-y@example.org"},
        {"mfrggzdfmztwq2lk@example.org", "#@example.org"},
        {"announcements@example.org", "announcements@example.org"},
        {"john1984@example.org", "john#@example.org"},
        {"jörg8@example.org", "jörg#@example.org"},
        {"msg-2025-11-25@example.org", "msg-#-#-#@example.org"},
        {"+plus@example.org", "+plus@example.org"},
        {"prvs=@example.org", "prvs=@example.org"},
        {"prvs==x@example.org", "prvs==x@example.org"},
        {"srs0=@example.org", "srs#=@example.org"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *sender = normal_sender(cases[i].address, "bob@example.net");
        g_assert_cmpstr(sender, ==, cases[i].sender);
    }
    g_autofree char *recipient = normal_recipient("bob+list@example.net");
    g_assert_cmpstr(recipient, ==, "bob@example.net");
}

/* Whatever comes, a key comes of it: no longer than twice what came. */
static void
test_any_sender(void)
{
    static const char *const pieces[] = {"prvs=", "srs0=", "srs1=", "btv1==", "=", "==", "+",
                                         "a",     "9",     "@",     "bounce", "-", "/",  "*",
                                         "bob",   "\xff",  "=",     "x.y",    "=="};
    for (guint round = 0; round < 20000; round++) {
        g_autoptr(GString) address = g_string_new(NULL);
        for (gint n = g_test_rand_int_range(0, 12); n > 0; n--)
            g_string_append(address, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
        g_autofree char *sender = normal_sender(address->str, "bob@x.y");
        g_assert_cmpuint(strlen(sender), >, 0);
        g_assert_cmpuint(strlen(sender), <=, 2 * address->len + 16);
    }
}

static void
test_client_list(void)
{
    ClientList list;
    NetAddress address;
    client_list_init(&list);
    g_assert_null(client_list_add(&list, "192.0.2.0/24"));
    g_assert_null(client_list_add(&list, "2001:db8::1"));
    g_assert_null(client_list_add(&list, "Example.org"));
    g_assert_nonnull(client_list_add(&list, "192.0.2.1/24"));
    g_assert_nonnull(client_list_add(&list, "192.0.2.300"));
    g_assert_nonnull(client_list_add(&list, ""));
    g_assert_nonnull(client_list_add(&list, "a b"));
    net_address_parse(&address, "192.0.2.77");
    g_assert_true(client_list_has(&list, &address, NULL));
    net_address_parse(&address, "::ffff:192.0.2.77");
    g_assert_true(client_list_has(&list, &address, NULL));
    net_address_parse(&address, "198.51.100.1");
    g_assert_false(client_list_has(&list, &address, NULL));
    g_assert_true(client_list_has(&list, &address, "mx.example.org"));
    g_assert_false(client_list_has(&list, &address, "mx.badexample.org"));
    client_list_clear(&list);
}

static void
test_mail_list(void)
{
    MailList list;
    mail_list_init(&list);
    g_assert_null(mail_list_add(&list, "Bob@Example.org"));
    g_assert_null(mail_list_add(&list, "example.net"));
    g_assert_null(mail_list_add(&list, "@example.com"));
    g_assert_nonnull(mail_list_add(&list, ""));
    g_assert_nonnull(mail_list_add(&list, "<a@b.c>"));
    g_assert_nonnull(mail_list_add(&list, "a@"));
    g_assert_true(mail_list_has(&list, "bob@example.org"));
    g_assert_false(mail_list_has(&list, "alice@example.org"));
    g_assert_true(mail_list_has(&list, "x@sub.example.net"));
    g_assert_true(mail_list_has(&list, "x@example.com"));
    g_assert_false(mail_list_has(&list, "x@sub.example.com"));
    g_assert_false(mail_list_has(&list, ""));
    mail_list_clear(&list);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/greylist/normal/addresses", test_addresses);
    g_test_add_func("/greylist/normal/senders", test_senders);
    g_test_add_func("/greylist/normal/any-sender", test_any_sender);
    g_test_add_func("/greylist/normal/client-list", test_client_list);
    g_test_add_func("/greylist/normal/mail-list", test_mail_list);
    return g_test_run();
}
