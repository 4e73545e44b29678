/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "visit.h"

MmHarness *
visit_configured(const char *store, const char *key, const char *value)
{
    MmHarness *harness = mm_harness_new(GREYLIST);
    g_autofree char *quoted = g_strdup_printf("'%s'", store);
    mm_harness_set(harness, "store", quoted);
    if (key)
        mm_harness_set(harness, key, value);
    if (!mm_harness_configure(harness))
        g_error("%s", mm_harness_problem(harness, 0));
    return harness;
}

MmHarnessSession *
visit_from(MmHarness *harness, const char *name, const char *address)
{
    MmHarnessSession *session = mm_harness_open(harness);
    g_autofree char *bracketed = g_strdup_printf("[%s]", address);
    mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "v", "Postfix 3.7.11");
    mm_harness_set_macro(session, MILTER_EVENT_CONNECT, "j", "mx.example.net");
    mm_harness_connect(session, name ? name : bracketed, address);
    mm_harness_helo(session, name ? name : bracketed);
    return session;
}

int
visit_rcpt(MmHarnessSession *session, const char *recipient)
{
    int verdict = mm_harness_rcpt(session, recipient, NULL);
    return verdict == MM_HARNESS_LATER ? mm_harness_await(session) : verdict;
}

int
visit_data(MmHarnessSession *session)
{
    int verdict = mm_harness_data(session);
    return verdict == MM_HARNESS_LATER ? mm_harness_await(session) : verdict;
}

const char *
visit_word(MmHarness *harness, const char *name, const char *address, const char *sender,
           const char *recipient)
{
    MmHarnessSession *session = visit_from(harness, name, address);
    mm_harness_mail(session, sender, NULL);
    visit_rcpt(session, recipient);
    const char *word = g_intern_string(mm_harness_detail(session));
    mm_harness_close(session);
    return word;
}

const char *
visit_header(MmHarnessSession *session)
{
    for (guint i = 0; i < mm_harness_n_edits(session); i++) {
        if (mm_harness_edit(session, i)->kind == MILTER_EDIT_ADD_HEADER)
            return mm_harness_edit(session, i)->value.data;
    }
    return "";
}
