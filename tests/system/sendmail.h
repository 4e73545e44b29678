/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sendmail.h - a private Sendmail: own configuration, queue and ports
 *
 * DESCRIPTION
 *     The real one, of Debian's packages (get-sendmail), with a sendmail.cf that their m4 files
 * make, so with the H lines and mailers' rules of an ordinary installation. It listens on two
 *     ephemeral ports of 127.0.0.1 which differ in their filters only: the same message can be sent
 * to both. It asks no DNS, takes mail for any address of TEST_DOMAIN, keeps it in its queue, and
 * delivers when it is told to. A mail system of this machine is neither used nor touched. It
 * refuses unknown@TEST_DOMAIN (a rule: filters never hear of it) and nobody.here@TEST_DOMAIN (no
 * such user: filters that ask are shown it) itself.
 *
 *     if (test_skip_without_sendmail())
 *         return;
 *     TestSendmail *sendmail = test_sendmail_start(direct, through, TEST_FILTER);
 *     ... (smtp.h)
 *     char *queue = test_sendmail_queue(sendmail);
 *     GPtrArray *mails = test_sendmail_deliver(sendmail);
 *     test_sendmail_stop(sendmail);
 */
#ifndef MM_TEST_SENDMAIL_H
#define MM_TEST_SENDMAIL_H

#include "postfix.h"

typedef struct TestSendmail TestSendmail;

/* Fetches Sendmail into the build folder, once. TRUE: it cannot be had; the test is skipped and
 * says why. */
gboolean test_skip_without_sendmail(void);

/* What the README says of a filter: 451 when it fails, its timeouts. */
#define TEST_FILTER "F=T, T=C:30s;S:30s;R:30s;E:5m"

/* direct, through: the filters of the two ports, "unix:/PATH", NULL-terminated. equates: what
 * sendmail.cf says of each, such as TEST_FILTER. Returns when a
 * session without a message was held with each port. Ends the test if it cannot be started. */
TestSendmail *test_sendmail_start(const char *const *direct, const char *const *through,
                                  const char *equates);
guint test_sendmail_port(const TestSendmail *sendmail, gboolean through);
/* The same filters on ::1; 0: this machine has no such address. */
guint test_sendmail_port_ipv6(const TestSendmail *sendmail, gboolean through);
/* What is in the queue: for each message its name's first letter ("q"; "h": quarantined), its
 * control file and its body, in the order of their control files. Times, numbers and ids of one
 * message are replaced by words or left out. The caller frees. */
char *test_sendmail_queue(const TestSendmail *sendmail);
/* Runs the queue until nothing is left in it but what is quarantined, which is removed. Returns
 * what was delivered: of char*, each the envelope in a line and the message, as test_sendmail_queue
 * has it, sorted. The caller unrefs. */
GPtrArray *test_sendmail_deliver(TestSendmail *sendmail);
/* Stops all its processes, removes its folder, frees. */
void test_sendmail_stop(TestSendmail *sendmail);

/* Any text of one delivery, an SMTP reply or what a filter printed, without what differs from the
 * next one's: queue ids, dates, ports. The caller frees. */
char *test_sendmail_normalize(const char *text);

#endif
