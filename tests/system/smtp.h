/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     smtp.h - an SMTP client that sends what it is told and shows each reply
 *
 * DESCRIPTION
 *     Blocking. A reply is its code and its lines, joined by a LF, as they came without line ends.
 *     No answer within TEST_PATIENCE ends the test.
 */
#ifndef MM_TEST_SMTP_H
#define MM_TEST_SMTP_H

#include <glib.h>

typedef struct TestSmtp TestSmtp;

/* Connects to 127.0.0.1 and takes the greeting. */
TestSmtp *test_smtp_connect(guint port);
/* The same; NULL: nothing listens there. */
TestSmtp *test_smtp_try(guint port);
/* Connects to a numeric address: "::1". */
TestSmtp *test_smtp_connect_to(const char *address, guint port);
/* Connects to 127.0.0.1 and goes on behind STARTTLS (openssl s_client; EHLO is the next to be
 * said). pem: a file with the client's certificate and key, or NULL. No reply was taken. */
TestSmtp *test_smtp_connect_tls(guint port, const char *pem);
/* Sends a command (formats as printf, CRLF is added) and returns the code of the reply; 0: the
 * connection was closed. */
int test_smtp_say(TestSmtp *smtp, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* DATA, the text (lines may end in LF; dots are doubled), the dot. Returns the code of the last
 * reply. */
int test_smtp_data(TestSmtp *smtp, const char *text);
/* EHLO, MAIL, RCPT, DATA: what most tests need. Returns the code of the first refusal or of the
 * last reply. */
int test_smtp_send(TestSmtp *smtp, const char *sender, const char *recipient, const char *text);
/* The last reply; borrowed until the next command. */
const char *test_smtp_reply(const TestSmtp *smtp);
/* QUIT, closes, frees. */
void test_smtp_quit(TestSmtp *smtp);
/* Closes without a word, frees. */
void test_smtp_drop(TestSmtp *smtp);

#endif
