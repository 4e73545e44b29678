/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real Postfix with the built-in chain alone: origin, s25r, greylist. A client with the name of a
 * home connection is asked to come back, and comes back; mail servers and our own pass at once. */
#include "host.h"
#include "postfix.h"
#include "smtp.h"

#include <string.h>

/* No name server: what is not known counts as not confirmed, and the client is its network. */
#define MANAGER "dns-servers=['127.0.0.1:9']\ndns-timeout=0.2\n"

#define TEXT "From: <a@client.example>\nSubject: test\n\nA letter.\n"

typedef struct Fixture {
    TestHost *host;
    TestPostfix *postfix;
} Fixture;

static char *
chain(guint delay)
{
    return g_strdup_printf("[stages/origin]\nplugin='origin'\n"
                           "[stages/s25r]\nplugin='s25r'\n"
                           "[stages/greylist]\nplugin='greylist'\nstore='memory:'\ndelay=%u\n"
                           "conditions=['s25r', 'remote', '!authenticated']\n",
                           delay);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (test_skip_unless("postfix"))
        return;
    g_autofree char *stages = chain(240);
    fixture->host = test_host_start(stages, MANAGER);
    g_autofree char *main_cf =
        g_strdup_printf("smtpd_milters = %s\nmilter_default_action = reject\n"
                        "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n",
                        test_host_spec(fixture->host));
    fixture->postfix = test_postfix_start(main_cf);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (!fixture->postfix)
        return;
    test_postfix_stop(fixture->postfix);
    test_host_stop(fixture->host);
}

/* A client that says who it is. */
static TestSmtp *
come_as(Fixture *fixture, const char *name, const char *address)
{
    TestSmtp *smtp = test_smtp_connect(test_postfix_port(fixture->postfix));
    g_assert_cmpint(test_smtp_say(smtp, "EHLO localhost"), ==, 250);
    g_assert_cmpint(test_smtp_say(smtp, "XCLIENT NAME=%s ADDR=%s", name, address), ==, 220);
    return smtp;
}

/* The code of the message sent by such a client. */
static int
send_as(Fixture *fixture, const char *name, const char *address, const char *recipient)
{
    TestSmtp *smtp = come_as(fixture, name, address);
    int code = test_smtp_send(smtp, "a@client.example", recipient, TEXT);
    g_test_message("%s (%s): %d %s", name, address, code, test_smtp_reply(smtp));
    if (code == 451)
        g_assert_nonnull(strstr(test_smtp_reply(smtp), "4.7.1 Greylisted"));
    test_smtp_quit(smtp);
    return code;
}

#define SUSPICIOUS "host-192-0-2-77.dyn.isp.example", "192.0.2.77"
#define ORDINARY "mail.example.net", "198.51.100.25"

static void
test_ordinary(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (!fixture->postfix)
        return;
    g_assert_cmpint(send_as(fixture, ORDINARY, "b@" TEST_DOMAIN), ==, 250);
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(fixture->postfix, 1);
    g_assert_null(strstr(g_ptr_array_index(mails, 0), "X-Greylist"));
}

/* Told to come back; again too early; let in when it comes back later, with a header that says so,
 * and at once from then on. The delay is over after a reload that makes it shorter: no test waits
 * for four minutes. */
static void
test_suspicious(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (!fixture->postfix)
        return;
    g_assert_cmpint(send_as(fixture, SUSPICIOUS, "b@" TEST_DOMAIN), ==, 451);
    g_assert_cmpint(send_as(fixture, SUSPICIOUS, "b@" TEST_DOMAIN), ==, 451);
    g_autofree char *stages = chain(0);
    test_host_reload(fixture->host, stages);
    g_assert_cmpint(send_as(fixture, SUSPICIOUS, "b@" TEST_DOMAIN), ==, 250);
    g_assert_cmpint(send_as(fixture, SUSPICIOUS, "b@" TEST_DOMAIN), ==, 250);
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(fixture->postfix, 2);
    guint delayed = 0;
    for (guint i = 0; i < mails->len; i++)
        delayed += strstr(g_ptr_array_index(mails, i), "X-Greylist: Delayed for ") ? 1 : 0;
    g_assert_cmpuint(delayed, ==, 1);
}

/* postmaster is never asked to wait for. */
static void
test_postmaster(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (!fixture->postfix)
        return;
    g_assert_cmpint(send_as(fixture, SUSPICIOUS, "postmaster@" TEST_DOMAIN), ==, 250);
}

/* No name is a reason to wait; a name server that does not answer now is none. */
static void
test_no_name(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (!fixture->postfix)
        return;
    g_assert_cmpint(send_as(fixture, "[UNAVAILABLE]", "203.0.113.9", "b@" TEST_DOMAIN), ==, 451);
    g_assert_cmpint(send_as(fixture, "[TEMPUNAVAIL]", "203.0.114.9", "b@" TEST_DOMAIN), ==, 250);
}

static void
run_client(const char *const *argv)
{
    g_autofree char *output = NULL;
    if (test_run(argv, &output) != 0)
        test_fail("%s: %s", argv[0], output);
}

/* From this machine: no greylist, whatever its name; with the two clients people test with. */
static void
test_local_clients(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (!fixture->postfix)
        return;
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", test_postfix_port(fixture->postfix));
    const char *const source[] = {
        "smtp-source",    "-m",   "20", "-s", "4", "-f", "a@" TEST_DOMAIN, "-t",
        "b@" TEST_DOMAIN, server, NULL};
    const char *const swaks[] = {"swaks", "--server",       server,   "--from",    "a@" TEST_DOMAIN,
                                 "--to",  "b@" TEST_DOMAIN, "--helo", "localhost", NULL};
    run_client(source);
    run_client(swaks);
    g_ptr_array_unref(test_postfix_wait_for_mails(fixture->postfix, 21));
}

/* swaks as the suspicious client: it shows the refusal and its exit code says so. */
static void
test_swaks_refused(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (!fixture->postfix)
        return;
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", test_postfix_port(fixture->postfix));
    const char *const swaks[] = {"swaks",
                                 "--server",
                                 server,
                                 "--from",
                                 "a@client.example",
                                 "--to",
                                 "b@" TEST_DOMAIN,
                                 "--helo",
                                 "client.example",
                                 "--xclient",
                                 "NAME=host-192-0-2-77.dyn.isp.example ADDR=192.0.2.77",
                                 NULL};
    g_autofree char *output = NULL;
    g_assert_cmpint(test_run(swaks, &output), !=, 0);
    g_assert_nonnull(strstr(output, "451 4.7.1"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
    g_test_add("/filtering/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("ordinary", test_ordinary);
    ADD("suspicious", test_suspicious);
    ADD("postmaster", test_postmaster);
    ADD("no-name", test_no_name);
    ADD("local-clients", test_local_clients);
    ADD("swaks-refused", test_swaks_refused);
    return g_test_run();
}
