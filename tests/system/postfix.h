/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     postfix.h - a private Postfix: own configuration, queue, master and port
 *
 * DESCRIPTION
 *     Listens on ephemeral ports of 127.0.0.1, asks no DNS, and delivers mail for any address in
 *     TEST_DOMAIN into one Maildir. A Postfix of the system is neither used nor touched. Needs root
 *     (test_skip_unless("postfix") says so).
 *
 *     Clients on the loopback may say who they are with XCLIENT, so a test can come from any
 * address with any name:
 *
 *         XCLIENT NAME=mx.example.net ADDR=192.0.2.1
 *
 *         TestPostfix *postfix = test_postfix_start("smtpd_milters = inet:127.0.0.1:1234\n");
 *         guint port = test_postfix_port(postfix);
 *         ... (smtp.h, swaks, smtp-source)
 *         GPtrArray *mails = test_postfix_wait_for_mails(postfix, 1);
 *         ...
 *         test_postfix_stop(postfix);
 */
#ifndef MM_TEST_POSTFIX_H
#define MM_TEST_POSTFIX_H

#include "process.h"

#define TEST_DOMAIN "test.example"

typedef struct TestPostfix TestPostfix;

/* main_cf: more lines for main.cf (they win over those of this file), or NULL. Returns when it
 * accepts connections. Ends the test if it cannot be started. */
TestPostfix *test_postfix_start(const char *main_cf);
guint test_postfix_port(const TestPostfix *postfix);

/* One more port of its smtpd. */
typedef struct TestPostfixPort {
    const char *address; /* NULL: 127.0.0.1; "::1": main_cf must allow for it */
    const char *options; /* of its line in master.cf: "-o milter_protocol=2"; or NULL */
} TestPostfixPort;
#define TEST_POSTFIX_PORTS 8u

/* The same with these, at most TEST_POSTFIX_PORTS. */
TestPostfix *test_postfix_start_ports(const char *main_cf, const TestPostfixPort *ports, guint n);
/* Of the i-th of them; its address without brackets. */
guint test_postfix_nth_port(const TestPostfix *postfix, guint i);
const char *test_postfix_nth_address(const TestPostfix *postfix, guint i);
/* Its folder: main.cf is in etc below it. Borrowed. */
const char *test_postfix_folder(const TestPostfix *postfix);
/* Hands a mail in on this machine: sendmail(1) with these arguments, as a shell reads them. Returns
 * its exit code. */
int test_postfix_submit(TestPostfix *postfix, const char *arguments, const char *text);
/* Waits until Postfix has done what it can do, and takes it away. Returns what was delivered,
 * sorted, and then what is held and what is deferred, by postcat(1): each behind a line "====
 * WORD", normalized. The caller frees. */
char *test_postfix_take(TestPostfix *postfix);
/* Waits until n mails in all were delivered; ends the test with Postfix's log if they do not come.
 * Returns all there are: of char*, whole files, in the order of their names. The caller unrefs. */
GPtrArray *test_postfix_wait_for_mails(TestPostfix *postfix, guint n);
/* Mails delivered up to now. */
guint test_postfix_count_mails(const TestPostfix *postfix);
/* Its log up to now; the caller frees. */
char *test_postfix_log(const TestPostfix *postfix);
/* Stops all its processes, removes its folder, frees. */
void test_postfix_stop(TestPostfix *postfix);

/* A delivered file without what differs from one delivery to the next: queue ids, dates, ports and
 * process numbers are replaced by words. The same for replies and what obedient children write
 * down. The caller frees. */
char *test_mail_normalize(const char *mail);

#endif
