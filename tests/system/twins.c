/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twins.h"

#include "dialogue.h"

#include <string.h>

struct TestTwins {
    TestObedient *children[TEST_CHILDREN];
    TestHost *host;
    TestSendmail *sendmail;
};

TestTwins *
test_twins_start(const char *setting, const char *equates)
{
    TestTwins *twins = g_new0(TestTwins, 1);
    g_autoptr(GString) stages = g_string_new(NULL);
    const char *direct[TEST_CHILDREN + 1] = {NULL};
    static const char *const words[TEST_CHILDREN][2] = {
        {NULL}, {"leading-space"}, {"rejected-recipients"}};
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *name = g_strdup_printf("child%u", i);
        twins->children[i] = test_obedient_start(words[i]);
        direct[i] = test_obedient_spec(twins->children[i]);
        g_autofree char *stage = test_relay_stage(name, direct[i], setting);
        g_string_append(stages, stage);
    }
    twins->host = test_host_start(stages->str, NULL);
    const char *const through[] = {test_host_spec(twins->host), NULL};
    twins->sendmail = test_sendmail_start(direct, through, equates);
    /* Of the sessions without a message. */
    for (guint i = 0; i < TEST_CHILDREN; i++)
        g_free(test_obedient_events(twins->children[i]));
    return twins;
}

TestSendmail *
test_twins_sendmail(TestTwins *twins)
{
    return twins->sendmail;
}

TestObedient *
test_twins_child(TestTwins *twins, guint i)
{
    return twins->children[i];
}

void
test_twins_stop(TestTwins *twins)
{
    test_sendmail_stop(twins->sendmail);
    test_host_stop(twins->host);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        test_obedient_stop(twins->children[i]);
    g_free(twins);
}

/* ---- Dialogues. */

char *
test_dialogue_hold(guint port, const char *const *dialogue)
{
    g_autofree char *replies = test_dialogue_run(test_smtp_connect(port), dialogue);
    return test_sendmail_normalize(replies);
}

static char *
join_mails(TestSendmail *sendmail)
{
    g_autoptr(GPtrArray) mails = test_sendmail_deliver(sendmail);
    g_ptr_array_add(mails, NULL);
    return g_strjoinv("====\n", (char **)mails->pdata);
}

static char *
hold(const TestSendmail *sendmail, gboolean through, const char *const *dialogue)
{
    if (g_strcmp0(dialogue[0], "@ipv6") != 0)
        return test_dialogue_hold(test_sendmail_port(sendmail, through), dialogue);
    guint port = test_sendmail_port_ipv6(sendmail, through);
    g_autofree char *replies = test_dialogue_run(test_smtp_connect_to("::1", port), dialogue + 1);
    return test_sendmail_normalize(replies);
}

TestOutcome
test_twins_hold(TestTwins *twins, gboolean through, const char *const *plans,
                const char *const *dialogue)
{
    TestOutcome outcome = {NULL};
    for (guint i = 0; i < TEST_CHILDREN; i++)
        test_obedient_plan(twins->children[i], plans[i] ? plans[i] : "");
    outcome.replies = hold(twins->sendmail, through, dialogue);
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *events = test_obedient_events(twins->children[i]);
        outcome.events[i] = test_sendmail_normalize(events);
    }
    outcome.queue = test_sendmail_queue(twins->sendmail);
    outcome.mails = join_mails(twins->sendmail);
    return outcome;
}

void
test_outcome_clear(TestOutcome *outcome)
{
    g_free(outcome->replies);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        g_free(outcome->events[i]);
    g_free(outcome->queue);
    g_free(outcome->mails);
}

static void
compare(const char *what, const char *direct, const char *through, const char *const *plans)
{
    if (strcmp(direct, through) == 0)
        return;
    for (guint i = 0; i < TEST_CHILDREN; i++)
        g_printerr("---- plan of child %u:\n%s", i, plans[i] ? plans[i] : "\n");
    test_fail("%s, direct:\n%s\n%s, through the host:\n%s", what, direct, what, through);
}

TestOutcome
test_twins_compare(TestTwins *twins, const char *const *plans, const char *const *dialogue)
{
    TestOutcome direct = test_twins_hold(twins, FALSE, plans, dialogue);
    TestOutcome through = test_twins_hold(twins, TRUE, plans, dialogue);
    compare("replies", direct.replies, through.replies, plans);
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *what = g_strdup_printf("what child %u was shown", i);
        compare(what, direct.events[i], through.events[i], plans);
    }
    compare("the queue", direct.queue, through.queue, plans);
    compare("delivered", direct.mails, through.mails, plans);
    test_outcome_clear(&direct);
    return through;
}
