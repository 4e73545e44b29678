/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an SMTP client of a real Postfix is told: refusals of a child with their texts, and what
 * Postfix says while the host is away. */
#include "host.h"
#include "postfix.h"
#include "smtp.h"

#include <signal.h>
#include <string.h>

#define SENDER "a@" TEST_DOMAIN
#define RECIPIENT "b@" TEST_DOMAIN
#define MAIL "From: a@" TEST_DOMAIN "\nSubject: test\n\nA body.\n"

typedef struct Rig {
    TestChild *child;
    TestHost *host;
    TestPostfix *postfix;
} Rig;

/* A child that answers so ("STAGE=ACTION"; NULL: adds a header), the host, Postfix with more
 * settings. */
static void
rig_start(Rig *rig, const char *answer, const char *main_cf)
{
    rig->child = answer ? test_child_start("--reply", answer, NULL)
                        : test_child_start("--add-header", "X-Seen:yes", NULL);
    g_autofree char *stage = test_relay_stage("child", test_child_spec(rig->child), NULL);
    rig->host = test_host_start(stage, NULL);
    g_autofree char *settings = g_strdup_printf("smtpd_milters = %s\n%s", test_host_spec(rig->host),
                                                main_cf ? main_cf : "");
    rig->postfix = test_postfix_start(settings);
}

static void
rig_stop(Rig *rig)
{
    test_postfix_stop(rig->postfix);
    test_host_stop(rig->host);
    test_child_stop(rig->child);
}

/* Sends one mail on a connection of its own; returns the last code, and the last reply. */
static int
send_one(const Rig *rig, char **reply)
{
    TestSmtp *smtp = test_smtp_connect(test_postfix_port(rig->postfix));
    int code = test_smtp_send(smtp, SENDER, RECIPIENT, MAIL);
    if (reply)
        *reply = g_strdup(test_smtp_reply(smtp));
    test_smtp_quit(smtp);
    return code;
}

/* ---- Texts. */

typedef struct Refusal {
    const char *answer;
    const char *reply; /* as the client gets it */
} Refusal;

static void
test_text(gconstpointer data)
{
    const Refusal *refusal = data;
    g_autofree char *reply = NULL;
    Rig rig;
    if (test_skip_unless("postfix"))
        return;
    rig_start(&rig, refusal->answer, NULL);
    send_one(&rig, &reply);
    g_assert_cmpstr(reply, ==, refusal->reply);
    g_assert_cmpuint(test_postfix_count_mails(rig.postfix), ==, 0);
    rig_stop(&rig);
}

/* ---- The host is away. */

static void
test_default_action(void)
{
    g_autofree char *reply = NULL;
    Rig rig;
    if (test_skip_unless("postfix"))
        return;
    rig_start(&rig, NULL, "milter_default_action = tempfail\n");
    g_assert_cmpint(send_one(&rig, NULL), ==, 250);
    test_process_signal(test_host_process(rig.host), SIGTERM);
    g_assert_cmpint(test_process_wait(test_host_process(rig.host), TEST_PATIENCE), ==, 0);
    g_assert_cmpint(send_one(&rig, &reply), ==, 451);
    g_assert_cmpstr(reply, ==, "451 4.7.1 Service unavailable - try again later");
    test_host_restart(rig.host, SIGTERM);
    g_assert_cmpint(send_one(&rig, NULL), ==, 250);
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(rig.postfix, 2);
    g_assert_cmpuint(mails->len, ==, 2);
    rig_stop(&rig);
}

/* ---- The host is restarted while mail flows. */

#define CLIENTS 6u
#define PER_CLIENT 40u

typedef struct Client {
    const Rig *rig;
    guint refused;
} Client;

/* As a mail server does: what was refused for now is sent again. */
static gpointer
run_client(gpointer data)
{
    Client *client = data;
    for (guint i = 0; i < PER_CLIENT; i++) {
        g_autofree char *reply = NULL;
        int code;
        while ((code = send_one(client->rig, &reply)) != 250) {
            if (code / 100 != 4)
                test_fail("a mail was refused for good: %s", reply);
            g_clear_pointer(&reply, g_free);
            client->refused++;
        }
    }
    return NULL;
}

static void
test_restart(void)
{
    GThread *threads[CLIENTS];
    Client clients[CLIENTS];
    Rig rig;
    if (test_skip_unless("postfix"))
        return;
    rig_start(&rig, NULL, "milter_default_action = tempfail\n");
    for (guint i = 0; i < CLIENTS; i++) {
        clients[i] = (Client){&rig, 0};
        threads[i] = g_thread_new("client", run_client, &clients[i]);
    }
    static const int numbers[] = {SIGTERM, SIGKILL};
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(GPtrArray) some = test_postfix_wait_for_mails(rig.postfix, 20 + 60 * i);
        test_host_restart(rig.host, numbers[i]);
    }
    for (guint i = 0; i < CLIENTS; i++)
        g_thread_join(threads[i]);
    /* Each once, and none that the child has not seen. */
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(rig.postfix, CLIENTS * PER_CLIENT);
    g_assert_cmpuint(mails->len, ==, CLIENTS * PER_CLIENT);
    for (guint i = 0; i < mails->len; i++)
        g_assert_nonnull(strstr(g_ptr_array_index(mails, i), "X-Seen: yes\n"));
    rig_stop(&rig);
}

int
main(int argc, char **argv)
{
    static const Refusal refusals[] = {
        {"envelope-from=550 5.7.1 We know you", "550 5.7.1 We know you"},
        {"envelope-recipient=452 4.2.2 Full, come back", "452 4.2.2 Full, come back"},
        {"data=554 5.6.0 Not like this", "554 5.6.0 Not like this"},
        {"end-of-message=550 5.7.1 one\ntwo, 100%% sure\nthree",
         "550-5.7.1 one\n550-5.7.1 two, 100% sure\n550 5.7.1 three"},
        {"header=reject", "550 5.7.1 Command rejected"},
        {"body=tempfail", "451 4.7.1 Service unavailable - try again later"},
    };
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/refusals/text/%u", i);
        g_test_add_data_func(path, &refusals[i], test_text);
    }
    g_test_add_func("/refusals/default-action", test_default_action);
    g_test_add_func("/refusals/restart", test_restart);
    return g_test_run();
}
