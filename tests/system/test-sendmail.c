/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real Sendmail: what its filters get and do behind the host is what they get and do directly. */
#include "twins.h"

#include <string.h>

/* One for all cases, as starting it takes longer than they do. */
static TestTwins *twins;

/* TRUE: the test is skipped. */
static gboolean
without_twins(void)
{
    if (test_skip_without_sendmail())
        return TRUE;
    if (!twins)
        twins = test_twins_start(NULL, TEST_FILTER);
    return FALSE;
}

#define HELLO "EHLO client.example"
#define MAIL "MAIL FROM:<a@" TEST_DOMAIN ">"
#define RCPT "RCPT TO:<b@" TEST_DOMAIN ">"
#define RCPT_2 "RCPT TO:<c@" TEST_DOMAIN ">"

/* ---- The cases: dialogue, plans, and what must be found, so that nothing is the same only because
 * nothing happened. */

#define MOST_LINES 24u

typedef struct Case {
    const char *name;
    const char *dialogue[MOST_LINES];
    const char *plans[TEST_CHILDREN];
    const char *reply; /* a part of the replies */
    const char *mail;  /* a part of what was delivered; NULL: nothing was */
} Case;

#define ONE_MAIL                                                                                   \
    {                                                                                              \
        HELLO, MAIL, RCPT, RCPT_2, "@full"                                                         \
    }
#define BARE_MAIL                                                                                  \
    {                                                                                              \
        HELLO, MAIL, RCPT, "@bare"                                                                 \
    }
#define TAKEN "Message accepted for delivery"

static const Case cases[] = {
    {"nothing", ONE_MAIL, {NULL}, TAKEN, "\nSubject:  two blanks, \303\244 and a\n\tfold\n"},
    {"add",
     ONE_MAIL,
     {"*\tadd\tX-New\tone\n*\tadd\tX-A\tone\n*\tadd\tReceived\tone\n",
      "*\tadd\tX-New\ttwo\n*\tadd\tX-A\t two\n*\tadd\tDate\ttwo\n*\tadd\tX-Fold\tone\\n\\ttwo\n",
      "*\tadd\tX-New\tthree\n*\tadd\tx-a\t\\tthree\n*\tadd\tX-No-Value\t\n"},
     TAKEN,
     "\nX-New: three\nX-New:two\nX-New: one\n"},
    {"add-to-generated",
     BARE_MAIL,
     {"*\tadd\tDate\tone\n*\tadd\tFrom\t<one@client.example>\n",
      "*\tadd\tMessage-Id\t <two@client.example>\n*\tadd\tFull-Name\ttwo\n",
      "*\tadd\tFrom\t<three@client.example>\n*\tchange\t1\tDate\tthree\n"},
     TAKEN,
     "\nMessage-Id: <two@client.example>\n"},
    {"insert",
     ONE_MAIL,
     {"*\tinsert\t0\tX-0\tone\n*\tinsert\t1\tX-1\tone\n*\tinsert\t2\tX-2\tone\n",
      "*\tinsert\t9\tX-9\ttwo\n*\tinsert\t9\tX-9\tagain\n*\tinsert\t12\tX-12\t two\n"
      "*\tinsert\t1000\tX-1000\t two\n",
      "*\tinsert\t8\tX-8\tthree\n*\tinsert\t13\tX-13\tthree\n*\tinsert\t1\tReceived\tthree\n"},
     TAKEN,
     "\nX-1000: two\n"},
    {"change",
     ONE_MAIL,
     {"*\tchange\t1\tX-A\tone\n*\tchange\t0\tx-b\tone\n*\tchange\t9\tX-B\tone\n",
      "*\tchange\t2\tX-A\ttwo\n*\tchange\t3\tX-B\t two\n*\tchange\t1\tX-Other\ttwo\n",
      "*\tchange\t3\tX-A\t three\n*\tchange\t1\tSubject\tthree\n*\tchange\t1\tReceived\tthree\n"},
     TAKEN,
     "\nX-A:two\n"},
    {"delete",
     ONE_MAIL,
     {"*\tchange\t1\tX-A\t\n*\tchange\t1\tX-A\tback\n*\tchange\t2\tX-A\t\n*\tchange\t1\tDate\t\n",
      "*\tchange\t1\tX-A\t\n*\tchange\t1\tX-B\t\n*\tchange\t5\tX-B\t\n",
      "*\tchange\t1\tX-A\tthree\n*\tchange\t1\tX-B\tthree\n*\tadd\tX-A\tthree\n"
      "*\tinsert\t14\tX-14\tthree\n"},
     TAKEN,
     "\nX-A: three\n"},
    {"add-to-deleted",
     ONE_MAIL,
     {"*\tchange\t1\tX-B\t\n*\tchange\t1\tX-Empty\t\n*\tchange\t2\tX-A\t\n",
      "*\tchange\t1\tX-Tab\t\n*\tadd\tX-A\ttwo\n",
      "*\tadd\tX-B\tthree\n*\tadd\tX-Empty\t\n*\tadd\tX-Tab\t three\n*\tchange\t3\tX-A\tthree\n"},
     TAKEN,
     "\nX-Empty: \n"},
    {"body",
     ONE_MAIL,
     {"*\tbody\tone\\r\\n.\\r\\n",
      "*\tbody\ttwo\\r\\n\n*\tadd\tX-Between\ttwo\n*\tbody\t..two\\nbare\\r\\n"},
     TAKEN,
     "\n\ntwo\n..two\nbare\n"},
    {"body-without-end",
     ONE_MAIL,
     {NULL, "*\tbody\tno end\n", "*\tadd\tX-3\t3\n"},
     TAKEN,
     "no end"},
    {"body-emptied", ONE_MAIL, {"*\tbody\t\n"}, TAKEN, "\nX-Empty:\n"},
    {"envelope",
     ONE_MAIL,
     {"*\tadd-recipient\t<d@" TEST_DOMAIN ">\n*\tfrom\t<bounce@" TEST_DOMAIN ">\n",
      "*\tdelete-recipient\t<b@" TEST_DOMAIN ">\n*\tadd-recipient\te@" TEST_DOMAIN "\n",
      "*\tdelete-recipient\tD@" TEST_DOMAIN "\n*\tdelete-recipient\tnobody@" TEST_DOMAIN "\n"},
     TAKEN,
     "from bounce@" TEST_DOMAIN " to e\n"},
    {"sender-removed",
     ONE_MAIL,
     {NULL, NULL, "*\tfrom\t<>\n"},
     TAKEN,
     "\nReturn-Path: <MAILER-DAEMON>\n"},
    {"nobody-left",
     BARE_MAIL,
     {"*\tdelete-recipient\tb@" TEST_DOMAIN "\n", "*\tadd\tX-2\t2\n"},
     TAKEN,
     NULL},
    {"quarantine",
     ONE_MAIL,
     {"*\tquarantine\tthe first says so\n*\tadd\tX-1\t1\n", "*\tquarantine\tthe second too\n",
      "*\tadd\tX-3\t3\n"},
     TAKEN,
     NULL},
    {"quarantine-rejected",
     ONE_MAIL,
     {"*\tquarantine\twhy\n*\tadd\tX-1\t1\n", "*\ttext\tend-of-message\t550\t5.7.1\tNo\n"},
     "550 5.7.1 No",
     NULL},
    {"several-messages",
     {HELLO, MAIL, RCPT, "@full", MAIL, RCPT, RCPT_2, "@bare", MAIL, RCPT, "@header", MAIL, RCPT,
      "@body"},
     {"1\tadd\tX-First\tyes\n", "2\tadd\tX-Second\tyes\n", "*\tinsert\t1\tX-Top\tyes\n"},
     TAKEN,
     "\nX-Second:yes\n"},
    {"reset",
     {HELLO, MAIL, RCPT, "RSET", MAIL, "RSET", "RSET", MAIL, RCPT, "@full", HELLO, MAIL, HELLO,
      MAIL, RCPT, "@bare", "RSET"},
     {"3\tadd\tX-Third\tyes\n"},
     TAKEN,
     "\nX-Third: yes\n"},
    {"no-recipient",
     {HELLO, MAIL, RCPT, RCPT_2, "@full", RCPT, "@full", "RSET", MAIL, RCPT_2, "@bare"},
     {NULL, "1\treply\tenvelope-recipient\treject\n"},
     "550 5.7.1 <b@" TEST_DOMAIN ">... Command rejected",
     "A body.\n"},
    {"unknown-commands",
     {"XYZZY before", HELLO, "XYZZY between", MAIL, "XYZZY inside", RCPT, "XYZZY later", "@bare",
      "XYZZY behind"},
     {"*\ttext\tunknown\t550\t5.5.9\tNo magic here\n"},
     "5.5.9 No magic here",
     "A body.\n"},
    {"refused-recipient",
     {HELLO, MAIL, "RCPT TO:<unknown@" TEST_DOMAIN ">", "@full", RCPT,
      "RCPT TO:<unknown@" TEST_DOMAIN ">", "RCPT TO:<x@elsewhere.example>", "@full"},
     {NULL},
     "5.1.1 <unknown@" TEST_DOMAIN ">... Nobody of that name",
     "With a dot"},
    /* Whatever is said to a recipient that Sendmail has refused, it stays refused, and the others
     * are filtered. */
    {"refused-recipient-answered",
     {HELLO, MAIL, "RCPT TO:<nobody.here@" TEST_DOMAIN ">", RCPT, "@full", "RSET", MAIL, RCPT,
      "RCPT TO:<nobody.here@" TEST_DOMAIN ">", RCPT_2, "@bare"},
     {"*\tadd\tX-First\tyes\n", "*\tadd\tX-Second\tyes\n",
      "1\ttext\tenvelope-recipient\t550\t5.7.9\tNot this one\n*\tadd\tX-Third\tyes\n"},
     "550 5.1.1 <nobody.here@" TEST_DOMAIN ">... User unknown",
     "X-Third: yes"},
    {"ipv6",
     {"@ipv6", HELLO, MAIL, RCPT, "RCPT TO:<unknown@" TEST_DOMAIN ">", "@full", MAIL, RCPT_2,
      "@bare"},
     {"*\tadd\tX-First\tyes\n", NULL, "*\tinsert\t1\tX-Third\tyes\n"},
     TAKEN,
     "IPv6:"},
    {"large",
     {HELLO, MAIL, RCPT, "@large"},
     {"*\tadd\tX-1\t1\n", "*\tadd\tX-2\t2\n"},
     TAKEN,
     "line 20000\n"},
    {"parameters",
     {HELLO, MAIL " SIZE=100 BODY=8BITMIME RET=HDRS ENVID=e1",
      RCPT " NOTIFY=NEVER ORCPT=rfc822;x@y.example", "@full", "MAIL FROM:<>", RCPT, "@bare"},
     {NULL},
     TAKEN,
     "A body.\n"},
};

/* A recipient that Sendmail has refused is shown to the one child that asked, with its macros. */
static void
check_refused(const TestOutcome *outcome)
{
    if (!strstr(outcome->replies, "RCPT TO:<nobody.here@"))
        return;
    g_assert_nonnull(strstr(outcome->events[2], "envelope-recipient <<nobody.here@"));
    g_assert_nonnull(strstr(outcome->events[2], "{rcpt_mailer}=error"));
    g_assert_null(strstr(outcome->events[0], "nobody.here@"));
    g_assert_null(strstr(outcome->events[1], "nobody.here@"));
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    if (without_twins())
        return;
    if (strcmp(c->dialogue[0], "@ipv6") == 0 && !test_has_ipv6()) {
        g_test_skip("this machine has no ::1");
        return;
    }
    TestOutcome outcome = test_twins_compare(twins, c->plans, c->dialogue);
    check_refused(&outcome);
    if (!strstr(outcome.replies, c->reply))
        test_fail("not there: %s, in: %s", c->reply, outcome.replies);
    if (c->mail ? !strstr(outcome.mails, c->mail) : *outcome.mails)
        test_fail("not there: %s, in: %s", c->mail ? c->mail : "(nothing)", outcome.mails);
    test_outcome_clear(&outcome);
}

/* ---- Verdicts: what the second child says to the first of two messages, the first having edited
 * it. (Sendmail forgets its filters when one says discard to CONNECT or HELO; the host does not let
 * that happen.) */

static const char *const stages[] = {
    "connect", "helo",          "envelope-from", "envelope-recipient", "data",
    "header",  "end-of-header", "body",          "end-of-message"};
static const char *const verdicts[] = {"reply\t%s\taccept",          "reply\t%s\treject",
                                       "reply\t%s\ttempfail",        "reply\t%s\tdiscard",
                                       "text\t%s\t550\t5.7.9\t1 no", "text\t%s\t451\t\tLater",
                                       "text\t%s\t421\t4.3.9\tBye"};

typedef struct Verdict {
    const char *stage, *verdict;
} Verdict;

static gboolean
loses_filters(const Verdict *v)
{
    return strstr(v->verdict, "discard") &&
           (strcmp(v->stage, "connect") == 0 || strcmp(v->stage, "helo") == 0);
}

static void
test_verdict(gconstpointer data)
{
    static const char *const dialogue[] = {HELLO,  MAIL, RCPT, RCPT_2,  "@full",
                                           "RSET", MAIL, RCPT, "@bare", NULL};
    const Verdict *v = data;
    if (without_twins())
        return;
    gboolean session = strcmp(v->stage, "connect") == 0 || strcmp(v->stage, "helo") == 0;
    g_autoptr(GString) plan = g_string_new(v->verdict);
    g_string_replace(plan, "%s", v->stage, 1);
    g_string_prepend(plan, session ? "0\t" : "1\t");
    g_string_append(plan, "\n*\tadd\tX-Second\tyes\n");
    const char *const plans[] = {"*\tinsert\t1\tX-First\tyes\n", plan->str,
                                 "*\tadd\tX-Third\tyes\n"};
    TestOutcome outcome = test_twins_compare(twins, plans, dialogue);
    if (!strstr(outcome.events[1], v->stage))
        test_fail("%s was not asked for", v->stage);
    test_outcome_clear(&outcome);
}

static void
add_verdicts(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(stages); i++) {
        for (guint j = 0; j < G_N_ELEMENTS(verdicts); j++) {
            Verdict verdict = {stages[i], verdicts[j]};
            g_autofree char *path = g_strdup_printf("/sendmail/verdict/%s/%u", stages[i], j);
            if (!loses_filters(&verdict))
                g_test_add_data_func_full(path, g_memdup2(&verdict, sizeof(verdict)), test_verdict,
                                          g_free);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/sendmail/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    add_verdicts();
    int status = g_test_run();
    if (twins)
        test_twins_stop(twins);
    return status;
}
