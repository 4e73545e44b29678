/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     twins.h - the same dialogue with Sendmail, its filters direct and behind the host
 *
 * DESCRIPTION
 *     Three obedient children (obedient.h) are the filters of one port of a private Sendmail; the
 * host, with the same three, is the one filter of the other. The second child asked for leading
 * space, the third for the recipients that Sendmail refuses. A dialogue is held with both ports in
 * turn; the replies, what each child was shown, the queue and what is delivered from it must be the
 * same.
 */
#ifndef MM_TEST_TWINS_H
#define MM_TEST_TWINS_H

#include "host.h"
#include "obedient.h"
#include "sendmail.h"

#define TEST_CHILDREN 3u

typedef struct TestTwins TestTwins;

/* Sendmail must be there (test_skip_without_sendmail). setting: a line of each stage of the host,
 * or NULL; equates: of each filter of Sendmail (TEST_FILTER). */
TestTwins *test_twins_start(const char *setting, const char *equates);
TestSendmail *test_twins_sendmail(TestTwins *twins);
TestObedient *test_twins_child(TestTwins *twins, guint i);
void test_twins_stop(TestTwins *twins);

/* What came of a dialogue, the queue ids, dates and ports of it replaced by words. */
typedef struct TestOutcome {
    char *replies;               /* the client's lines too, behind "> " */
    char *events[TEST_CHILDREN]; /* what the children wrote down */
    char *queue;                 /* test_sendmail_queue */
    char *mails;                 /* test_sendmail_deliver, one after the other */
} TestOutcome;

/* Holds a dialogue (dialogue.h) with a port; normalized. The caller frees. */
char *test_dialogue_hold(guint port, const char *const *dialogue);

/* The same, with one port; by ::1 if the first line is "@ipv6". plans: one a child, NULL is empty.
 * The caller clears. */
TestOutcome test_twins_hold(TestTwins *twins, gboolean through, const char *const *plans,
                            const char *const *dialogue);
void test_outcome_clear(TestOutcome *outcome);
/* Holds it with both; ends the test with the plans and what differs if there is anything. The
 * outcome of both; the caller clears. */
TestOutcome test_twins_compare(TestTwins *twins, const char *const *plans,
                               const char *const *dialogue);

#endif
