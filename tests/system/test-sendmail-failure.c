/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real Sendmail when something fails: a child that dies costs what its fallback says, a slow one
 * is waited for, and without the host mail waits. */
#include "smtp.h"
#include "twins.h"

#include <signal.h>
#include <string.h>

#define HELLO "EHLO client.example"
#define MAIL "MAIL FROM:<a@" TEST_DOMAIN ">"
#define RCPT "RCPT TO:<b@" TEST_DOMAIN ">"

static const char *const dialogue[] = {HELLO, MAIL, RCPT, "@full", NULL};

/* ---- A child that dies at a stage: as Sendmail does when a filter of its own dies there. */

static const char *const stages[] = {
    "connect", "helo",          "envelope-from", "envelope-recipient", "data",
    "header",  "end-of-header", "body",          "end-of-message"};

static TestTwins *deferring, *accepting;

/* The same for the client and for what is delivered. */
static TestOutcome
compare_death(TestTwins *twins, const char *stage)
{
    g_autofree char *plan = g_strdup_printf("*\tdie\t%s\n", stage);
    const char *const plans[] = {"*\tadd\tX-First\tyes\n", plan, "*\tadd\tX-Third\tyes\n"};
    TestOutcome direct = test_twins_hold(twins, FALSE, plans, dialogue);
    TestOutcome through = test_twins_hold(twins, TRUE, plans, dialogue);
    g_assert_cmpstr(direct.replies, ==, through.replies);
    g_assert_cmpstr(direct.events[1], ==, through.events[1]);
    g_assert_nonnull(strstr(through.events[1], stage));
    g_assert_cmpstr(direct.mails, ==, through.mails);
    test_outcome_clear(&direct);
    return through;
}

static TestTwins *
get_deferring(void)
{
    if (!deferring)
        deferring = test_twins_start("trip-after=1000", TEST_FILTER);
    return deferring;
}

static void
test_deferring(gconstpointer data)
{
    if (test_skip_without_sendmail())
        return;
    TestOutcome outcome = compare_death(get_deferring(), data);
    g_assert_cmpstr(outcome.mails, ==, "");
    test_outcome_clear(&outcome);
}

static TestTwins *
get_accepting(void)
{
    if (!accepting)
        accepting = test_twins_start("fallback-status='accept'\ntrip-after=1000",
                                     "T=C:30s;S:30s;R:30s;E:5m");
    return accepting;
}

/* The others' part is done. */
static void
test_accepting(gconstpointer data)
{
    if (test_skip_without_sendmail())
        return;
    TestOutcome outcome = compare_death(get_accepting(), data);
    g_assert_nonnull(strstr(outcome.mails, "\nX-First: yes\n"));
    g_assert_nonnull(strstr(outcome.mails, "\nX-Third: yes\n"));
    test_outcome_clear(&outcome);
}

/* It dies when it has said half of what it had to say. Sendmail does the half; the host does none
 * of it. */
static void
test_half(void)
{
    const char *const plans[] = {"*\tadd\tX-First\tyes\n",
                                 "*\tadd\tX-Second\tno\n*\tbody\tno\n*\tdie\tend-of-message\n",
                                 "*\tadd\tX-Third\tyes\n"};
    if (test_skip_without_sendmail())
        return;
    TestOutcome outcome = test_twins_hold(get_accepting(), TRUE, plans, dialogue);
    g_assert_nonnull(strstr(outcome.events[1], "end-of-message"));
    g_assert_nonnull(strstr(outcome.mails, "\nX-First: yes\nX-Third: yes\n\nA body.\n"));
    g_assert_null(strstr(outcome.mails, "X-Second"));
    test_outcome_clear(&outcome);
}

/* ---- The next message of a session in which a child died, when it runs again. */

static int
send_message(TestSmtp *smtp)
{
    (void)test_smtp_say(smtp, "RSET");
    return test_smtp_send(smtp, "a@" TEST_DOMAIN, "b@" TEST_DOMAIN, "Subject: one\n\nBody\n");
}

static void
test_asked_again(void)
{
    if (test_skip_without_sendmail())
        return;
    TestTwins *twins = get_deferring();
    TestSendmail *sendmail = test_twins_sendmail(twins);
    TestObedient *child = test_twins_child(twins, 1);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        test_obedient_plan(test_twins_child(twins, i), i == 1 ? "*\tdie\tend-of-message\n" : "");
    TestSmtp *smtp = test_smtp_connect(test_sendmail_port(sendmail, TRUE));
    g_assert_cmpint(send_message(smtp), ==, 451);
    test_obedient_plan(child, "*\tadd\tX-Again\tyes\n");
    g_free(test_obedient_events(child));
    g_assert_cmpint(send_message(smtp), ==, 250);
    test_smtp_quit(smtp);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        g_free(test_obedient_events(test_twins_child(twins, i)));
    g_autoptr(GPtrArray) mails = test_sendmail_deliver(sendmail);
    g_assert_cmpuint(mails->len, ==, 1);
    g_assert_nonnull(strstr(g_ptr_array_index(mails, 0), "\nX-Again:yes\n"));
}

/* ---- A client that goes away: the children are told so. */

static void
test_dropped(void)
{
    static const char *const dialogues[][8] = {{HELLO, "@drop"},
                                               {HELLO, MAIL, RCPT, "@drop"},
                                               {HELLO, MAIL, RCPT, "DATA", "@drop"},
                                               {HELLO, MAIL, RCPT, "@full", "@drop"}};
    const char *const plans[TEST_CHILDREN] = {NULL};
    if (test_skip_without_sendmail())
        return;
    for (guint i = 0; i < G_N_ELEMENTS(dialogues); i++) {
        TestOutcome direct = test_twins_hold(get_accepting(), FALSE, plans, dialogues[i]);
        TestOutcome through = test_twins_hold(get_accepting(), TRUE, plans, dialogues[i]);
        for (guint child = 0; child < TEST_CHILDREN; child++)
            g_assert_cmpstr(direct.events[child], ==, through.events[child]);
        g_assert_nonnull(strstr(through.events[0], "\nclose\n"));
        test_outcome_clear(&direct);
        test_outcome_clear(&through);
    }
}

/* ---- One host, or none. */

typedef struct Rig {
    TestChild *child;
    TestHost *host;
    TestSendmail *sendmail;
} Rig;

static void
rig_start(Rig *rig, TestChild *child, const char *manager, const char *equates)
{
    rig->child = child;
    g_autofree char *stage = test_relay_stage("child", test_child_spec(child), NULL);
    rig->host = test_host_start(stage, manager);
    const char *const direct[] = {test_child_spec(child), NULL};
    const char *const through[] = {test_host_spec(rig->host), NULL};
    rig->sendmail = test_sendmail_start(direct, through, equates);
}

static void
rig_stop(Rig *rig)
{
    test_sendmail_stop(rig->sendmail);
    test_host_stop(rig->host);
    test_child_stop(rig->child);
}

static int
send_one(const Rig *rig)
{
    TestSmtp *smtp = test_smtp_connect(test_sendmail_port(rig->sendmail, TRUE));
    int code = test_smtp_send(smtp, "a@" TEST_DOMAIN, "b@" TEST_DOMAIN, "Subject: one\n\nBody\n");
    test_smtp_quit(smtp);
    return code;
}

static void
test_away(void)
{
    Rig rig;
    if (test_skip_without_sendmail())
        return;
    rig_start(&rig, test_child_start("--add-header", "X-Seen:yes", NULL), NULL, TEST_FILTER);
    g_assert_cmpint(send_one(&rig), ==, 250);
    test_process_signal(test_host_process(rig.host), SIGTERM);
    g_assert_cmpint(test_process_wait(test_host_process(rig.host), TEST_PATIENCE), ==, 0);
    g_assert_cmpint(send_one(&rig), ==, 451);
    test_host_restart(rig.host, SIGTERM);
    g_assert_cmpint(send_one(&rig), ==, 250);
    g_autoptr(GPtrArray) mails = test_sendmail_deliver(rig.sendmail);
    g_assert_cmpuint(mails->len, ==, 2);
    for (guint i = 0; i < mails->len; i++)
        g_assert_nonnull(strstr(g_ptr_array_index(mails, i), "\nX-Seen: yes\n"));
    rig_stop(&rig);
}

/* Sendmail gives up a filter that is silent for longer than R at the end of a message; the host is
 * not silent while its child is. */
static void
test_slow(void)
{
    Rig rig;
    if (test_skip_without_sendmail())
        return;
    rig_start(&rig,
              test_child_start("--add-header", "X-Seen:yes", "--delay", "end-of-message=6", NULL),
              "progress-interval=1.0\n", "F=T, T=C:30s;S:30s;R:3s;E:5m");
    g_assert_cmpint(send_one(&rig), ==, 250);
    g_autoptr(GPtrArray) mails = test_sendmail_deliver(rig.sendmail);
    g_assert_cmpuint(mails->len, ==, 1);
    g_assert_nonnull(strstr(g_ptr_array_index(mails, 0), "\nX-Seen: yes\n"));
    rig_stop(&rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(stages); i++) {
        g_autofree char *defer = g_strdup_printf("/sendmail/death/deferring/%s", stages[i]);
        g_autofree char *accept = g_strdup_printf("/sendmail/death/accepting/%s", stages[i]);
        g_test_add_data_func(defer, stages[i], test_deferring);
        g_test_add_data_func(accept, stages[i], test_accepting);
    }
    g_test_add_func("/sendmail/death/half", test_half);
    g_test_add_func("/sendmail/asked-again", test_asked_again);
    g_test_add_func("/sendmail/dropped", test_dropped);
    g_test_add_func("/sendmail/away", test_away);
    g_test_add_func("/sendmail/slow", test_slow);
    int status = g_test_run();
    g_clear_pointer(&deferring, test_twins_stop);
    g_clear_pointer(&accepting, test_twins_stop);
    return status;
}
