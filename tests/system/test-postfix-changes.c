/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real Postfix while things change under it: the host is reloaded again and again and a child is
 * killed and started again while mail flows; the host goes away in the middle of a session. */
#include "pair.h"
#include "smtp.h"

#include <signal.h>
#include <string.h>

#define SENDER "a@" TEST_DOMAIN
#define RECIPIENT "b@" TEST_DOMAIN

/* ---- Mail flows. */

#define CLIENTS 6u
#define PER_CLIENT 20u
#define PER_SESSION 5u
#define MAILS (CLIENTS * PER_CLIENT)

typedef struct Flow {
    TestObedient *children[TEST_CHILDREN]; /* the second is killed */
    TestHost *host;
    TestPostfix *postfix;
    const char *fallback; /* of the second */
    gint going;           /* atomic: clients that have mail left */
    gint deferred;        /* atomic: mails told to come later */
} Flow;

typedef struct Client {
    Flow *flow;
    guint number;
} Client;

/* FALSE: it is to come later. */
static gboolean
send_one(const Client *client, TestSmtp *smtp, guint mail)
{
    g_autofree char *text = g_strdup_printf("Subject: mail %u of %u\nX-Number: %u-%u\n\nBody\n",
                                            mail, client->number, client->number, mail);
    int code = test_smtp_say(smtp, "MAIL FROM:<" SENDER ">");
    if (code == 250)
        code = test_smtp_say(smtp, "RCPT TO:<" RECIPIENT ">");
    if (code == 250)
        code = test_smtp_data(smtp, text);
    if (code != 250 && code / 100 != 4)
        test_fail("mail %u of client %u: %s", mail, client->number, test_smtp_reply(smtp));
    return code == 250;
}

/* Some mails on each connection; what is told to come later is sent again, on a new one: a refusal
 * at CONNECT is for the whole session. */
static gpointer
run_client(gpointer data)
{
    const Client *client = data;
    guint mail = 0;
    while (mail < PER_CLIENT) {
        TestSmtp *smtp = test_smtp_connect(test_postfix_port(client->flow->postfix));
        gboolean going = test_smtp_say(smtp, "EHLO client.example") == 250;
        for (guint i = 0; going && i < PER_SESSION && mail < PER_CLIENT; i++) {
            going = send_one(client, smtp, mail);
            if (going)
                mail++;
            else
                g_atomic_int_inc(&client->flow->deferred);
        }
        test_smtp_quit(smtp);
    }
    g_atomic_int_add(&client->flow->going, -1);
    return NULL;
}

/* extra: another stage in front. */
static char *
make_stages(const Flow *flow, gboolean extra)
{
    GString *stages = g_string_new(extra ? "[stages/origin]\nplugin='origin'\n" : NULL);
    g_autofree char *fallback =
        g_strdup_printf("fallback-status='%s'\ntrip-after=100000", flow->fallback);
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *name = g_strdup_printf("child%u", i);
        g_autofree char *stage =
            test_relay_stage(name, test_obedient_spec(flow->children[i]), i == 1 ? fallback : NULL);
        g_string_append(stages, stage);
    }
    return g_string_free(stages, FALSE);
}

static void
flow_start(Flow *flow, const char *fallback)
{
    static const char *const plans[TEST_CHILDREN] = {
        "*\tadd\tX-Seen\tfirst\n", "*\tadd\tX-Seen\tsecond\n", "*\tinsert\t1\tX-Seen\tthird\n"};
    *flow = (Flow){.fallback = fallback, .going = (gint)CLIENTS};
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        flow->children[i] = test_obedient_start(NULL);
        test_obedient_plan(flow->children[i], plans[i]);
    }
    g_autofree char *stages = make_stages(flow, FALSE);
    flow->host = test_host_start(stages, "log-level='info'\n");
    g_autofree char *main_cf = g_strdup_printf("smtpd_milters = %s\n", test_host_spec(flow->host));
    flow->postfix = test_postfix_start(main_cf);
}

static void
flow_stop(Flow *flow)
{
    test_postfix_stop(flow->postfix);
    test_host_stop(flow->host);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        test_obedient_stop(flow->children[i]);
}

/* The child dies when mails have been delivered since it last did: in the midst of the flow on a
 * slow machine too. */
static guint
change_things(Flow *flow)
{
    guint changes = 0;
    for (; g_atomic_int_get(&flow->going) > 0; changes++) {
        g_autofree char *stages = make_stages(flow, changes % 2 == 0);
        guint before = test_postfix_count_mails(flow->postfix);
        test_host_reload_by_control(flow->host, stages);
        while (g_atomic_int_get(&flow->going) > 0 &&
               test_postfix_count_mails(flow->postfix) < before + 5)
            g_usleep(1000);
        if (changes % 3 == 2)
            test_obedient_restart(flow->children[1]);
    }
    return changes;
}

/* Each mail once, seen by the first and the third, and by the second as often as nothing is logged
 * about it. Returns how many the second has not seen. */
static guint
check_mails(Flow *flow)
{
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(flow->postfix, MAILS);
    g_autoptr(GHashTable) numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint unseen = 0;
    for (guint i = 0; i < mails->len; i++) {
        const char *mail = g_ptr_array_index(mails, i);
        const char *number = strstr(mail, "X-Number: ");
        g_assert_nonnull(number);
        g_hash_table_add(numbers, g_strndup(number, strcspn(number, "\n")));
        if (!strstr(mail, "\nX-Seen: first\n") || !strstr(mail, "\nX-Seen: third\n"))
            test_fail("not filtered: %s", mail);
        unseen += strstr(mail, "\nX-Seen: second\n") ? 0 : 1;
    }
    g_assert_cmpuint(mails->len, ==, MAILS);
    g_assert_cmpuint(g_hash_table_size(numbers), ==, MAILS);
    return unseen;
}

static void
test_flow(gconstpointer data)
{
    GThread *threads[CLIENTS];
    Client clients[CLIENTS];
    Flow flow;
    if (test_skip_unless("postfix"))
        return;
    flow_start(&flow, data);
    for (guint i = 0; i < CLIENTS; i++) {
        clients[i] = (Client){&flow, i};
        threads[i] = g_thread_new("client", run_client, &clients[i]);
    }
    guint changes = change_things(&flow);
    for (guint i = 0; i < CLIENTS; i++)
        g_thread_join(threads[i]);
    guint unseen = check_mails(&flow);
    g_autofree char *log = test_process_output(test_host_process(flow.host));
    guint failures = test_count(log, "stage-failed:");
    guint deferred = (guint)flow.deferred;
    g_test_message("%u changes, %u failures, %u mails unseen, %u deferred", changes, failures,
                   unseen, deferred);
    g_assert_cmpuint(changes, >, 6);
    g_assert_cmpuint(test_count(log, "stage-failed:"), ==, test_count(log, "stage=child1"));
    g_assert_cmpuint(strcmp(flow.fallback, "accept") == 0 ? deferred : unseen, ==, 0);
    g_assert_cmpuint(unseen + deferred, <=, failures);
    flow_stop(&flow);
}

/* ---- The host dies in the middle of a message: Postfix does what milter_default_action says, with
 * this message; the next session is filtered again. */

static const struct {
    TestPostfixPort port;
    int code;
    const char *taken; /* how test_postfix_take begins */
} actions[] = {
    {{NULL, "-o milter_default_action=accept"}, 250, "==== delivered\n"},
    {{NULL, "-o milter_default_action=tempfail"}, 451, ""},
    {{NULL, "-o milter_default_action=reject"}, 550, ""},
    {{NULL, "-o milter_default_action=quarantine"}, 250, "==== held\n"},
};

static void
check_death(TestHost *host, TestPostfix *postfix, guint action)
{
    guint port = test_postfix_nth_port(postfix, action);
    TestSmtp *smtp = test_smtp_connect(port);
    g_assert_cmpint(test_smtp_say(smtp, "EHLO client.example"), ==, 250);
    g_assert_cmpint(test_smtp_say(smtp, "MAIL FROM:<" SENDER ">"), ==, 250);
    g_assert_cmpint(test_smtp_say(smtp, "RCPT TO:<" RECIPIENT ">"), ==, 250);
    test_host_restart(host, SIGKILL);
    g_assert_cmpint(test_smtp_data(smtp, "Subject: one\n\nBody\n"), ==, actions[action].code);
    test_smtp_quit(smtp);
    g_autofree char *taken = test_postfix_take(postfix);
    g_assert_true(*actions[action].taken ? g_str_has_prefix(taken, actions[action].taken)
                                         : !*taken);
    g_assert_null(strstr(taken, "X-Seen"));
    TestSmtp *next = test_smtp_connect(port);
    g_assert_cmpint(test_smtp_send(next, SENDER, RECIPIENT, "Subject: two\n\nBody\n"), ==, 250);
    test_smtp_quit(next);
    g_autofree char *filtered = test_postfix_take(postfix);
    g_assert_nonnull(strstr(filtered, "\nX-Seen: yes\n"));
}

static void
test_death(void)
{
    TestPostfixPort ports[G_N_ELEMENTS(actions)];
    if (test_skip_unless("postfix"))
        return;
    for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
        ports[i] = actions[i].port;
    TestChild *child = test_child_start("--add-header", "X-Seen:yes", NULL);
    g_autofree char *stage = test_relay_stage("child", test_child_spec(child), NULL);
    TestHost *host = test_host_start(stage, NULL);
    g_autofree char *main_cf = g_strdup_printf("smtpd_milters = %s\n", test_host_spec(host));
    TestPostfix *postfix = test_postfix_start_ports(main_cf, ports, G_N_ELEMENTS(ports));
    for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
        check_death(host, postfix, i);
    test_postfix_stop(postfix);
    test_host_stop(host);
    test_child_stop(child);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/postfix-changes/flow/accept", "accept", test_flow);
    g_test_add_data_func("/postfix-changes/flow/temporary-failure", "temporary-failure", test_flow);
    g_test_add_func("/postfix-changes/death", test_death);
    return g_test_run();
}
