/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     pair.h - the same mail given to two Postfix, one with filters, one with the host before them
 *
 * DESCRIPTION
 *     Three obedient children (obedient.h) are the filters of one private Postfix; the host, with
 * the same three, is the one filter of the other. A dialogue is held with both in turn; the
 * replies, what each child was shown and what became of the mail must be the same. (twins.h is the
 * same with Sendmail, which has one daemon for both.)
 */
#ifndef MM_TEST_PAIR_H
#define MM_TEST_PAIR_H

#include "host.h"
#include "obedient.h"
#include "postfix.h"

#define TEST_CHILDREN 3u

typedef struct TestPair TestPair;

/* All may be NULL or 0. Strings and lists must outlive the pair. */
typedef struct TestPairSetting {
    const char *const *words[TEST_CHILDREN]; /* of the children's command lines */
    const char *stage;                       /* a line of each stage of the host */
    const char *main_cf;                     /* more of both Postfix */
    const TestPostfixPort *ports;            /* and more of their ports */
    guint n_ports;
    gboolean inet6; /* host and children are on ::1, not on unix sockets */
} TestPairSetting;

TestPair *test_pair_start(const TestPairSetting *setting);
TestObedient *test_pair_child(TestPair *pair, guint i);
TestHost *test_pair_host(TestPair *pair);
TestPostfix *test_pair_postfix(TestPair *pair, gboolean through);
void test_pair_stop(TestPair *pair);

/* A dialogue, and the way it comes in. */
typedef struct TestPairCase {
    const char *name;
    const char *port; /* NULL: the usual; "1": ports[1]; "tls", "tls-named": the usual behind
                         STARTTLS, the client without and with a certificate; "sendmail": handed in
                         by sendmail(1), the first line has its arguments, the second is the text */
    const char *dialogue[24]; /* dialogue.h */
    const char *plans[TEST_CHILDREN];
    const char *reply;     /* a part of the replies */
    const char *event;     /* a part of what the last child was shown, or NULL */
    const char *mail;      /* a part of what test_postfix_take has; NULL: there was none */
    gboolean made_up_data; /* the host shows DATA, which Postfix does not send (README, Limits) */
} TestPairCase;

/* Holds it with both; ends the test with the plans and what differs if anything does, or if one of
 * the parts is not there. pem: of "tls-named", or NULL. */
void test_pair_compare(TestPair *pair, const TestPairCase *c, const char *pem);

#endif
