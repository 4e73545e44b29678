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
        twins = test_twins_start();
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
    {"unknown-commands",
     {"XYZZY before", HELLO, "XYZZY between", MAIL, "XYZZY inside", RCPT, "XYZZY later", "@bare",
      "XYZZY behind"},
     {"*\ttext\tunknown\t550\t5.5.9\tNo magic here\n"},
     "5.5.9 No magic here",
     "A body.\n"},
};

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    if (without_twins())
        return;
    TestOutcome outcome = test_twins_compare(twins, c->plans, c->dialogue);
    if (!strstr(outcome.replies, c->reply))
        test_fail("not there: %s, in: %s", c->reply, outcome.replies);
    if (c->mail ? !strstr(outcome.mails, c->mail) : *outcome.mails)
        test_fail("not there: %s, in: %s", c->mail ? c->mail : "(nothing)", outcome.mails);
    test_outcome_clear(&outcome);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/sendmail/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    int status = g_test_run();
    if (twins)
        test_twins_stop(twins);
    return status;
}
