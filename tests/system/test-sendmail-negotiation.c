/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What children ask of a real Sendmail when they are connected to: macros by name, events not sent,
 * answers not given. Each is shown the same behind the host as directly. */
#include "twins.h"

#include <string.h>

#define CHILDREN 2u
#define MOST_ARGUMENTS 20u

typedef struct Case {
    const char *name;
    const char *arguments[CHILDREN][MOST_ARGUMENTS]; /* of milter-test-client */
    const char *shown;                               /* a part of what the first one prints */
    gboolean by_name;                                /* all macros are asked for by name */
} Case;

#define MACROS(list) "--request-macros", list

static const Case cases[] = {
    {"macros",
     {{MACROS("connect=j v {if_addr} {client_ptr} n"), MACROS("helo={tls_version} s"),
       MACROS("envelope-from=i {mail_addr} r"), MACROS("envelope-recipient={rcpt_addr} {nrcpts}"),
       MACROS("data=i {nbadrcpts}"), MACROS("end-of-header=i {msg_id}"),
       MACROS("end-of-message={msg_id} {msg_size}")},
      {MACROS("connect=_"), MACROS("helo=s"), MACROS("envelope-from={mail_mailer}"),
       MACROS("envelope-recipient={rcpt_mailer} i"), MACROS("data=r"), MACROS("end-of-header=j"),
       MACROS("end-of-message=i")}},
     "envelope-recipient <<c@" TEST_DOMAIN ">>",
     TRUE},
    {"no-macros",
     {{MACROS("connect="), MACROS("helo="), MACROS("envelope-from="), MACROS("envelope-recipient="),
       MACROS("data="), MACROS("end-of-header="), MACROS("end-of-message=")},
      {MACROS("connect=j"), MACROS("helo="), MACROS("envelope-from={mail_host}"),
       MACROS("envelope-recipient="), MACROS("data="), MACROS("end-of-header="),
       MACROS("end-of-message=i")}},
     "envelope-recipient <<c@" TEST_DOMAIN ">>\n",
     TRUE},
    {"end-of-message-macros",
     {{MACROS("end-of-message=i {msg_size}")},
      {MACROS("end-of-header=i"), MACROS("end-of-message=j")}},
     "end-of-message",
     FALSE},
    {"no-content",
     {{"--no-events", "header,end-of-header,body", "--add-header", "X-A:first"},
      {"--no-events", "helo,data,unknown"}},
     "end-of-message",
     FALSE},
    {"no-envelope",
     {{"--no-events", "envelope-recipient,data"},
      {"--no-events", "helo,envelope-recipient,data,unknown"}},
     "end-of-message",
     FALSE},
    /* Not to connect: of a session that ends at once libmilter may show nothing then. */
    {"no-answers",
     {{"--no-reply", "helo,envelope-recipient,data,unknown,header,end-of-header,body",
       "--add-header", "X-A:first"},
      {"--no-reply", "header,end-of-header,body"}},
     "end-of-message",
     FALSE},
    {"skip",
     {{"--reply", "body=skip", "--add-header", "X-A:first"}, {"--no-events", "header"}},
     "end-of-message",
     FALSE},
    {"deleted-unseen",
     {{"--delete-header", "X-A:1", "--change-header", "X-B:2:changed"},
      {"--no-events", "header", "--change-header", "X-A:1:changed", "--add-header", "X-A:added"}},
     "end-of-message",
     FALSE},
};

static const char *const dialogue[] = {"EHLO client.example",
                                       "MAIL FROM:<a@" TEST_DOMAIN ">",
                                       "RCPT TO:<b@" TEST_DOMAIN ">",
                                       "RCPT TO:<c@" TEST_DOMAIN ">",
                                       "@full",
                                       "MAIL FROM:<>",
                                       "RCPT TO:<b@" TEST_DOMAIN ">",
                                       "RSET",
                                       "MAIL FROM:<d@" TEST_DOMAIN "> SIZE=10",
                                       "RCPT TO:<b@" TEST_DOMAIN ">",
                                       "@bare",
                                       NULL};

typedef struct Rig {
    TestChild *children[CHILDREN];
    gsize taken[CHILDREN]; /* bytes of what they printed */
    TestHost *host;
    TestSendmail *sendmail;
} Rig;

/* What a child printed in its next session. */
static char *
take_session(Rig *rig, guint i)
{
    TestProcess *process = test_child_process(rig->children[i]);
    for (;;) {
        g_autofree char *output = test_process_output(process);
        const char *start = strstr(output + rig->taken[i], "connect ");
        const char *end = start ? strstr(start, "\nclose\n") : NULL;
        if (end) {
            g_autofree char *session = g_strndup(start, (gsize)(end + 1 - start));
            rig->taken[i] = (gsize)(end + 1 - output);
            return test_sendmail_normalize(session);
        }
        if (!test_process_wait_more(process, strlen(output), TEST_PATIENCE))
            test_fail("a session is not closed");
    }
}

static void
rig_start(Rig *rig, const Case *c)
{
    g_autoptr(GString) stages = g_string_new(NULL);
    const char *direct[CHILDREN + 1] = {NULL};
    *rig = (Rig){.host = NULL};
    for (guint i = 0; i < CHILDREN; i++) {
        g_autofree char *name = g_strdup_printf("child%u", i);
        rig->children[i] = test_child_start_list(c->arguments[i]);
        direct[i] = test_child_spec(rig->children[i]);
        g_autofree char *stage = test_relay_stage(name, direct[i], "standby=0");
        g_string_append(stages, stage);
    }
    rig->host = test_host_start(stages->str, NULL);
    const char *const through[] = {test_host_spec(rig->host), NULL};
    rig->sendmail = test_sendmail_start(direct, through, TEST_FILTER);
    /* The sessions without a message. */
    for (guint i = 0; i < 2 * CHILDREN; i++)
        g_free(take_session(rig, i % CHILDREN));
}

static void
rig_stop(Rig *rig)
{
    test_sendmail_stop(rig->sendmail);
    test_host_stop(rig->host);
    for (guint i = 0; i < CHILDREN; i++)
        test_child_stop(rig->children[i]);
}

/* The events are the same, and all macros of the first are in the second: a child that asks for
 * none by name is shown those that the host asks for. */
static gboolean
is_contained(const char *direct, const char *through)
{
    g_auto(GStrv) few = g_strsplit(direct, "\n", -1);
    g_auto(GStrv) many = g_strsplit(through, "\n", -1);
    gboolean contained = g_strv_length(few) == g_strv_length(many);
    for (guint i = 0; contained && few[i]; i++) {
        g_auto(GStrv) parts = g_strsplit_set(few[i], "{,}", -1);
        contained = g_str_has_prefix(many[i], parts[0] ? parts[0] : "");
        for (guint j = 0; contained && parts[j]; j++)
            contained = strstr(many[i], parts[j]) != NULL;
    }
    return contained;
}

static void
compare(const Case *c, const char *direct, const char *through)
{
    if (c->by_name ? strcmp(direct, through) != 0 : !is_contained(direct, through))
        test_fail("a child was shown, direct:\n%s\nthrough the host:\n%s", direct, through);
}

static char *
hold(Rig *rig, gboolean through, char **shown)
{
    char *replies = test_dialogue_hold(test_sendmail_port(rig->sendmail, through), dialogue);
    for (guint i = 0; i < CHILDREN; i++)
        shown[i] = take_session(rig, i);
    return replies;
}

/* Delivered from the queue, both in one go: what the two ways made of a message is the same text.
 */
static void
compare_mails(const Rig *rig)
{
    g_autoptr(GPtrArray) mails = test_sendmail_deliver(rig->sendmail);
    g_assert_cmpuint(mails->len, ==, 6);
    for (guint i = 0; i < mails->len; i += 2)
        g_assert_cmpstr(g_ptr_array_index(mails, i), ==, g_ptr_array_index(mails, i + 1));
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    char *direct[CHILDREN], *through[CHILDREN];
    Rig rig;
    if (test_skip_without_sendmail())
        return;
    rig_start(&rig, c);
    g_autofree char *replies = hold(&rig, FALSE, direct);
    g_autofree char *replies_through = hold(&rig, TRUE, through);
    g_assert_cmpstr(replies, ==, replies_through);
    if (!strstr(through[0], c->shown))
        test_fail("not there: %s, in: %s", c->shown, through[0]);
    for (guint i = 0; i < CHILDREN; i++) {
        compare(c, direct[i], through[i]);
        g_free(direct[i]);
        g_free(through[i]);
    }
    compare_mails(&rig);
    rig_stop(&rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/sendmail/negotiation/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    return g_test_run();
}
