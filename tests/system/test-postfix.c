/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real Postfix, the host, three real children: what is delivered is what Postfix delivers with
 * the same children and no host. */
#include "host.h"
#include "postfix.h"
#include "smtp.h"

#include <string.h>

#define CLIENTS 8u
#define PER_CLIENT 25u
#define MAILS (CLIENTS * PER_CLIENT)

/* ---- The children. */

typedef struct Children {
    TestChild *one, *two, *three;
} Children;

static void
start_children(Children *children)
{
    children->one =
        test_child_start("--add-header", "X-One:1", "--insert-header", "1:X-Inserted:by the first",
                         "--change-header", "Subject:1:changed once", "--delete-header", "X-Drop:1",
                         "--change-from", "bounce@" TEST_DOMAIN, NULL);
    children->two = test_child_start("--change-header", "Subject:1:changed twice",
                                     "--change-header", "X-One:1:changed by the second",
                                     "--replace-body", "A new body\\r\\n.with a dot\\r\\n",
                                     "--insert-header", "0:X-Top:top", NULL);
    children->three = test_child_start("--add-header", "X-Three:folded\n\tvalue", "--delete-header",
                                       "X-Drop:2", "--add-recipient", "more@" TEST_DOMAIN,
                                       "--request-macros", "envelope-from=i {mail_addr}", NULL);
}

static void
stop_children(Children *children)
{
    test_child_stop(children->one);
    test_child_stop(children->two);
    test_child_stop(children->three);
}

static TestHost *
start_host(const Children *children)
{
    g_autofree char *one = test_relay_stage("one", test_child_spec(children->one), NULL);
    g_autofree char *two = test_relay_stage("two", test_child_spec(children->two), NULL);
    g_autofree char *three = test_relay_stage("three", test_child_spec(children->three), NULL);
    g_autofree char *stages = g_strconcat(one, two, three, NULL);
    return test_host_start(stages, NULL);
}

/* ---- The mails. */

static void
append_body(GString *text, guint number)
{
    static const guint sizes[] = {0, 1, 70, 2048, 66000, 300000};
    gsize end = text->len + sizes[number % G_N_ELEMENTS(sizes)];
    for (guint line = 0; text->len < end; line++)
        g_string_append_printf(text, "%sline %u of mail %u\n", line % 7 == 3 ? "." : "", line,
                               number);
}

static char *
make_mail(guint number)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "From: Sender %u <a@" TEST_DOMAIN ">\n", number);
    g_string_append_printf(text, "Message-Id: <mail-%u@client.example>\n", number);
    g_string_append(text, "Date: Wed, 25 Nov 2026 01:02:03 +0000\nTo: <b@" TEST_DOMAIN ">\n");
    for (guint i = 0; i < number % 4; i++)
        g_string_append_printf(text, "X-Drop: %u\n", i);
    if (number % 3)
        g_string_append_printf(text, "Subject:  two blanks, \303\244 and a\n\tfold %u\n", number);
    g_string_append_printf(text, "X-Empty:\nX-Tight:no blank\nX-Tab:\ttab\nx-drop: lower case\n");
    g_string_append(text, "\n");
    append_body(text, number);
    return g_string_free(text, FALSE);
}

typedef struct Client {
    TestPostfix *postfix;
    guint first;
} Client;

/* All mails of a client go over one connection, with a RSET and a refused command in between. */
static gpointer
run_client(gpointer data)
{
    const Client *client = data;
    TestSmtp *smtp = test_smtp_connect(test_postfix_port(client->postfix));
    g_assert_cmpint(test_smtp_say(smtp, "EHLO client.example"), ==, 250);
    for (guint i = 0; i < PER_CLIENT; i++) {
        g_autofree char *mail = make_mail(client->first + i);
        if (i % 5 == 4) {
            g_assert_cmpint(test_smtp_say(smtp, "MAIL FROM:<gone@" TEST_DOMAIN ">"), ==, 250);
            g_assert_cmpint(test_smtp_say(smtp, "RSET"), ==, 250);
        }
        g_assert_cmpint(test_smtp_say(smtp, "MAIL FROM:<a@" TEST_DOMAIN "> SIZE=1000"), ==, 250);
        g_assert_cmpint(test_smtp_say(smtp, "RCPT TO:<b@" TEST_DOMAIN ">"), ==, 250);
        if (i % 5 == 2)
            g_assert_cmpint(test_smtp_say(smtp, "RCPT TO:<c@" TEST_DOMAIN ">"), ==, 250);
        int code = test_smtp_data(smtp, mail);
        if (code != 250) {
            g_autofree char *log = test_postfix_log(client->postfix);
            test_fail("mail %u: %s; the log of Postfix: %s", client->first + i,
                      test_smtp_reply(smtp), log);
        }
    }
    test_smtp_quit(smtp);
    return NULL;
}

static void
send_mails(TestPostfix *postfix)
{
    GThread *threads[CLIENTS];
    Client clients[CLIENTS];
    for (guint i = 0; i < CLIENTS; i++) {
        clients[i] = (Client){postfix, i * PER_CLIENT};
        threads[i] = g_thread_new("client", run_client, &clients[i]);
    }
    for (guint i = 0; i < CLIENTS; i++)
        g_thread_join(threads[i]);
}

/* ---- Comparing. */

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each mail goes to b and more, one of five to c as well. */
static GPtrArray *
deliver(const char *milters)
{
    guint expected = 2 * MAILS + MAILS / 5;
    g_autofree char *setting = g_strdup_printf("smtpd_milters = %s\n", milters);
    TestPostfix *postfix = test_postfix_start(setting);
    send_mails(postfix);
    GPtrArray *mails = test_postfix_wait_for_mails(postfix, expected);
    g_assert_cmpuint(mails->len, ==, expected);
    for (guint i = 0; i < mails->len; i++) {
        char *normal = test_mail_normalize(g_ptr_array_index(mails, i));
        g_free(g_ptr_array_index(mails, i));
        g_ptr_array_index(mails, i) = normal;
    }
    g_ptr_array_sort(mails, compare_texts);
    test_postfix_stop(postfix);
    return mails;
}

static void
assert_has(const char *mail, const char *part)
{
    if (!strstr(mail, part))
        test_fail("not there: %s, in: %s", part, mail);
}

/* What these children do, whatever delivered it. */
static void
check_edits(const char *mail)
{
    assert_has(mail, "X-Top: top\n");
    assert_has(mail, "X-Inserted: by the first\n");
    assert_has(mail, "Subject: changed twice\n");
    assert_has(mail, "X-One: changed by the second\n");
    assert_has(mail, "X-Three: folded\n\tvalue\n");
    assert_has(mail, "Return-Path: <bounce@" TEST_DOMAIN ">\n");
    const char *body = strstr(mail, "\n\n");
    g_assert_nonnull(body);
    g_assert_cmpstr(body, ==, "\n\nA new body\n.with a dot\n");
}

static void
test_same_as_direct(void)
{
    if (test_skip_unless("postfix"))
        return;
    Children children;
    start_children(&children);
    g_autofree char *list =
        g_strdup_printf("%s, %s, %s", test_child_spec(children.one), test_child_spec(children.two),
                        test_child_spec(children.three));
    g_autoptr(GPtrArray) direct = deliver(list);
    TestHost *host = start_host(&children);
    g_autoptr(GPtrArray) through = deliver(test_host_spec(host));
    test_host_stop(host);
    stop_children(&children);
    for (guint i = 0; i < direct->len; i++) {
        check_edits(g_ptr_array_index(through, i));
        assert_has(g_ptr_array_index(through, i), "X-Tight:no blank\nX-Tab:\ttab\n");
        g_assert_cmpstr(g_ptr_array_index(direct, i), ==, g_ptr_array_index(through, i));
    }
}

/* ---- Clients of others. */

static void
test_swaks(void)
{
    if (test_skip_unless("postfix") || test_skip_unless("swaks"))
        return;
    Children children;
    start_children(&children);
    TestHost *host = start_host(&children);
    g_autofree char *setting = g_strdup_printf("smtpd_milters = %s\n", test_host_spec(host));
    TestPostfix *postfix = test_postfix_start(setting);
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", test_postfix_port(postfix));
    const char *const argv[] = {"swaks", "--server",       server,   "--from",   "a@" TEST_DOMAIN,
                                "--to",  "b@" TEST_DOMAIN, "--body", "by swaks", NULL};
    g_autofree char *output = NULL;
    if (test_run(argv, &output) != 0)
        test_fail("%s", output);
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(postfix, 2);
    check_edits(g_ptr_array_index(mails, 0));
    test_postfix_stop(postfix);
    test_host_stop(host);
    stop_children(&children);
}

static void
test_smtp_source(void)
{
    if (test_skip_unless("postfix") || test_skip_unless("smtp-source"))
        return;
    Children children;
    start_children(&children);
    TestHost *host = start_host(&children);
    g_autofree char *setting = g_strdup_printf("smtpd_milters = %s\n", test_host_spec(host));
    TestPostfix *postfix = test_postfix_start(setting);
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", test_postfix_port(postfix));
    /* 20 connections at once, a connection for each mail. */
    const char *const argv[] = {
        "smtp-source",    "-s",   "20", "-m", "100", "-l", "5000", "-f", "a@" TEST_DOMAIN, "-t",
        "b@" TEST_DOMAIN, server, NULL};
    g_autofree char *output = NULL;
    if (test_run(argv, &output) != 0)
        test_fail("%s", output);
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(postfix, 200);
    for (guint i = 0; i < mails->len; i++)
        assert_has(g_ptr_array_index(mails, i), "\n\nA new body\n.with a dot\n");
    test_postfix_stop(postfix);
    test_host_stop(host);
    stop_children(&children);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/postfix/same-as-direct", test_same_as_direct);
    g_test_add_func("/postfix/swaks", test_swaks);
    g_test_add_func("/postfix/smtp-source", test_smtp_source);
    return g_test_run();
}
