/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sasl.h - who may log in: what Dovecot is to Postfix (smtpd_sasl_type = dovecot)
 *
 * DESCRIPTION
 *     A unix socket that speaks version 1 of Dovecot's authentication protocol (doc/auth-protocol)
 * as far as Postfix does, in a thread. AUTH PLAIN alone; anybody may log in whose password is
 * TEST_SASL_PASSWORD.
 */
#ifndef MM_TEST_SASL_H
#define MM_TEST_SASL_H

#include <glib.h>

#define TEST_SASL_PASSWORD "secret"

typedef struct TestSasl TestSasl;

TestSasl *test_sasl_start(void);
/* Lines of main.cf. Borrowed. */
const char *test_sasl_main_cf(const TestSasl *sasl);
/* When Postfix is stopped. Frees. */
void test_sasl_stop(TestSasl *sasl);
/* "AUTH PLAIN ..." for a user. The caller frees. */
char *test_sasl_command(const char *user, const char *password);

#endif
