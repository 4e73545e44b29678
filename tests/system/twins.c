/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twins.h"

#include "smtp.h"

#include <string.h>

/* Bytes: more than a piece of a body, fewer than the host keeps in memory. */
#define LARGE 300000u

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
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *name = g_strdup_printf("child%u", i);
        twins->children[i] = test_obedient_start(i == 1);
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

/* Lines of a dialogue that stand for DATA and a message. */
static const struct {
    const char *name, *text;
} texts[] = {
    {"@full", "Received: from there by here; Wed, 25 Nov 2026 01:02:03 +0000\n"
              "From: Sender <a@" TEST_DOMAIN ">\n"
              "To: <b@" TEST_DOMAIN ">\n"
              "Date: Wed, 25 Nov 2026 01:02:03 +0000\n"
              "Message-Id: <1@client.example>\n"
              "Subject:  two blanks, \303\244 and a\n\tfold\n"
              "X-A: 1\nX-B: 1\nX-A:2\nX-Empty:\nX-Blank: \nX-Tab:\ttab\nx-a:  3\nX-B: 2\n"
              "\n"
              "A body.\n.With a dot.\n\nlast\n"},
    {"@bare", "Subject: no more\nX-A: 1\n\nA body.\n"},
    {"@header", "X-A: only\n\n"},
    {"@body", "\nOnly a body.\n"},
};

static char *
large_text(void)
{
    GString *text = g_string_new("Subject: large\n\n");
    for (guint line = 0; text->len < LARGE; line++)
        g_string_append_printf(text, "%sline %u\n", line % 7 == 3 ? "." : "", line);
    return g_string_free(text, FALSE);
}

static int
say(TestSmtp *smtp, const char *line)
{
    if (strcmp(line, "@large") == 0) {
        g_autofree char *large = large_text();
        return test_smtp_data(smtp, large);
    }
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (strcmp(texts[i].name, line) == 0)
            return test_smtp_data(smtp, texts[i].text);
    }
    return test_smtp_say(smtp, "%s", line);
}

char *
test_dialogue_hold(guint port, const char *const *dialogue)
{
    g_autoptr(GString) replies = g_string_new(NULL);
    TestSmtp *smtp = test_smtp_connect(port);
    g_string_append_printf(replies, "%s\n", test_smtp_reply(smtp));
    int code = 1;
    for (; *dialogue && code != 0 && strcmp(*dialogue, "@drop") != 0; dialogue++) {
        code = say(smtp, *dialogue);
        g_string_append_printf(replies, "> %s\n%s\n", *dialogue, test_smtp_reply(smtp));
    }
    if (*dialogue)
        test_smtp_drop(smtp);
    else
        test_smtp_quit(smtp);
    return test_sendmail_normalize(replies->str);
}

static char *
join_mails(TestSendmail *sendmail)
{
    g_autoptr(GPtrArray) mails = test_sendmail_deliver(sendmail);
    g_ptr_array_add(mails, NULL);
    return g_strjoinv("====\n", (char **)mails->pdata);
}

TestOutcome
test_twins_hold(TestTwins *twins, gboolean through, const char *const *plans,
                const char *const *dialogue)
{
    TestOutcome outcome = {NULL};
    for (guint i = 0; i < TEST_CHILDREN; i++)
        test_obedient_plan(twins->children[i], plans[i] ? plans[i] : "");
    outcome.replies = test_dialogue_hold(test_sendmail_port(twins->sendmail, through), dialogue);
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
