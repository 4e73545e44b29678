/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     visit.h - what the tests of the plugin do with its sessions
 */
#ifndef TESTS_GREYLIST_VISIT_H
#define TESTS_GREYLIST_VISIT_H

#include "harness.h"

/* An instance with a store and one key more (key NULL: none). */
MmHarness *visit_configured(const char *store, const char *key, const char *value);
/* A session of a client, from a Postfix; name NULL: it has none. */
MmHarnessSession *visit_from(MmHarness *harness, const char *name, const char *address);
/* The verdict, waited for. */
int visit_rcpt(MmHarnessSession *session, const char *recipient);
int visit_data(MmHarnessSession *session);
/* One recipient of one message of one client: the word of the verdict. Until the program ends. */
const char *visit_word(MmHarness *harness, const char *name, const char *address,
                       const char *sender, const char *recipient);
/* Value of the header that the message got, or "". */
const char *visit_header(MmHarnessSession *session);

#endif
