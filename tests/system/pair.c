/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pair.h"

#include "dialogue.h"

#include <stdlib.h>
#include <string.h>

struct TestPair {
    TestObedient *children[TEST_CHILDREN];
    TestHost *host;
    TestPostfix *postfix[2];
};

/* ---- Start and end. */

static char *
inet6_spec(void)
{
    return g_strdup_printf("inet6:%u@[::1]", test_free_port());
}

/* "inet6:PORT@[::1]" as Postfix writes it. */
static char *
postfix_spec(const char *spec)
{
    if (!g_str_has_prefix(spec, "inet6:"))
        return g_strdup(spec);
    return g_strdup_printf("inet:[::1]:%d", atoi(spec + strlen("inet6:")));
}

static char *
start_children(TestPair *pair, const TestPairSetting *setting, char **stages)
{
    g_autoptr(GString) groups = g_string_new(NULL);
    g_autoptr(GString) milters = g_string_new(NULL);
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *name = g_strdup_printf("child%u", i);
        g_autofree char *on = setting->inet6 ? inet6_spec() : NULL;
        pair->children[i] = test_obedient_start_on(on, setting->words[i]);
        const char *spec = test_obedient_spec(pair->children[i]);
        g_autofree char *stage = test_relay_stage(name, spec, setting->stage);
        g_autofree char *milter = postfix_spec(spec);
        g_string_append(groups, stage);
        g_string_append_printf(milters, "%s%s", i > 0 ? ", " : "", milter);
    }
    *stages = g_string_free(g_steal_pointer(&groups), FALSE);
    return g_string_free(g_steal_pointer(&milters), FALSE);
}

static TestPostfix *
start_postfix(const TestPairSetting *setting, const char *milters)
{
    g_autofree char *main_cf =
        g_strdup_printf("smtpd_milters = %s\nnon_smtpd_milters = $smtpd_milters\n%s", milters,
                        setting->main_cf ? setting->main_cf : "");
    return test_postfix_start_ports(main_cf, setting->ports, setting->n_ports);
}

TestPair *
test_pair_start(const TestPairSetting *setting)
{
    TestPair *pair = g_new0(TestPair, 1);
    g_autofree char *stages = NULL;
    g_autofree char *direct = start_children(pair, setting, &stages);
    g_autofree char *on = setting->inet6 ? inet6_spec() : NULL;
    pair->host = test_host_start_on(on, stages, NULL);
    g_autofree char *through = postfix_spec(test_host_spec(pair->host));
    pair->postfix[0] = start_postfix(setting, direct);
    pair->postfix[1] = start_postfix(setting, through);
    /* Of the connections that told that they listen. */
    for (guint i = 0; i < 2; i++) {
        static const char *const nothing[] = {NULL};
        TestSmtp *smtp = test_smtp_connect(test_postfix_port(pair->postfix[i]));
        g_free(test_dialogue_run(smtp, nothing));
        for (guint child = 0; child < TEST_CHILDREN; child++)
            g_free(test_obedient_events(pair->children[child]));
    }
    return pair;
}

TestObedient *
test_pair_child(TestPair *pair, guint i)
{
    return pair->children[i];
}

TestHost *
test_pair_host(TestPair *pair)
{
    return pair->host;
}

TestPostfix *
test_pair_postfix(TestPair *pair, gboolean through)
{
    return pair->postfix[through ? 1 : 0];
}

void
test_pair_stop(TestPair *pair)
{
    test_postfix_stop(pair->postfix[0]);
    test_postfix_stop(pair->postfix[1]);
    test_host_stop(pair->host);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        test_obedient_stop(pair->children[i]);
    g_free(pair);
}

/* ---- Dialogues. */

typedef struct Outcome {
    char *replies;
    char *events[TEST_CHILDREN];
    char *mails;
} Outcome;

static char *
submit(TestPostfix *postfix, const char *const *dialogue)
{
    g_autofree char *text = test_dialogue_text(dialogue[1]);
    return g_strdup_printf("exit code %d", test_postfix_submit(postfix, dialogue[0], text));
}

static TestSmtp *
come_in(const TestPostfix *postfix, const char *port, const char *pem)
{
    if (!port)
        return test_smtp_connect(test_postfix_port(postfix));
    if (g_str_has_prefix(port, "tls"))
        return test_smtp_connect_tls(test_postfix_port(postfix),
                                     strcmp(port, "tls-named") == 0 ? pem : NULL);
    guint i = (guint)atoi(port);
    return test_smtp_connect_to(test_postfix_nth_address(postfix, i),
                                test_postfix_nth_port(postfix, i));
}

static char *
hold(TestPostfix *postfix, const TestPairCase *c, const char *pem)
{
    g_autofree char *replies = g_strcmp0(c->port, "sendmail") == 0
                                   ? submit(postfix, c->dialogue)
                                   : test_dialogue_run(come_in(postfix, c->port, pem), c->dialogue);
    return test_mail_normalize(replies);
}

static void
remove_data(char **events)
{
    g_auto(GStrv) lines = g_strsplit(*events, "\n", -1);
    g_autoptr(GString) rest = g_string_new(NULL);
    guint removed = 0;
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, "data "))
            removed++;
        else
            g_string_append_printf(rest, "%s%s", *line, line[1] ? "\n" : "");
    }
    g_assert_cmpuint(removed, >, 0);
    g_free(*events);
    *events = g_string_free(g_steal_pointer(&rest), FALSE);
}

static Outcome
come_through(TestPair *pair, gboolean through, const TestPairCase *c, const char *pem)
{
    Outcome outcome = {NULL};
    for (guint i = 0; i < TEST_CHILDREN; i++)
        test_obedient_plan(pair->children[i], c->plans[i] ? c->plans[i] : "");
    outcome.replies = hold(pair->postfix[through], c, pem);
    outcome.mails = test_postfix_take(pair->postfix[through]);
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *events = test_obedient_events(pair->children[i]);
        outcome.events[i] = test_mail_normalize(events);
        if (through && c->made_up_data)
            remove_data(&outcome.events[i]);
    }
    return outcome;
}

static void
outcome_clear(Outcome *outcome)
{
    g_free(outcome->replies);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        g_free(outcome->events[i]);
    g_free(outcome->mails);
}

static void
print_logs(const TestPair *pair)
{
    for (guint i = 0; i < 2; i++) {
        g_autofree char *log = test_postfix_log(pair->postfix[i]);
        g_printerr("---- log of Postfix, %s:\n%s", i == 0 ? "direct" : "through the host", log);
    }
}

static void
compare(const TestPair *pair, const char *what, const char *direct, const char *through,
        const TestPairCase *c)
{
    if (strcmp(direct, through) == 0)
        return;
    print_logs(pair);
    for (guint i = 0; i < TEST_CHILDREN; i++)
        g_printerr("---- plan of child %u:\n%s", i, c->plans[i] ? c->plans[i] : "\n");
    test_fail("%s, direct:\n%s\n%s, through the host:\n%s", what, direct, what, through);
}

static void
check_part(const TestPair *pair, const char *what, const char *text, const char *part)
{
    if (part ? strstr(text, part) != NULL : *text == '\0')
        return;
    print_logs(pair);
    test_fail("not there: %s, in %s: %s", part ? part : "(nothing)", what, text);
}

void
test_pair_compare(TestPair *pair, const TestPairCase *c, const char *pem)
{
    Outcome direct = come_through(pair, FALSE, c, pem);
    Outcome through = come_through(pair, TRUE, c, pem);
    compare(pair, "replies", direct.replies, through.replies, c);
    for (guint i = 0; i < TEST_CHILDREN; i++) {
        g_autofree char *what = g_strdup_printf("what child %u was shown", i);
        compare(pair, what, direct.events[i], through.events[i], c);
    }
    compare(pair, "the mail", direct.mails, through.mails, c);
    check_part(pair, "the replies", through.replies, c->reply);
    check_part(pair, "the mail", through.mails, c->mail);
    if (c->event)
        check_part(pair, "the events", through.events[TEST_CHILDREN - 1], c->event);
    outcome_clear(&direct);
    outcome_clear(&through);
}
