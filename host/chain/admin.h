/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     admin.h - verbs that plugins register for the control socket
 *
 * DESCRIPTION
 *     Control thread only. A verb "STAGE.VERB" belongs to an instance; the newest instance that
 *     registered it serves it, and it is gone when that instance is discarded.
 */
#ifndef MM_CHAIN_ADMIN_H
#define MM_CHAIN_ADMIN_H

#include "chain/instance.h"

typedef void (*MmAdminReply)(gpointer data, const char *json, const char *error);

MilterResult mm_admin_register(MmInstance *instance, const char *verb, MilterAdminFunction function,
                               void *data);
void mm_admin_forget(MmInstance *instance);
/* Calls the verb; reply follows, now or later, exactly once. FALSE: no such verb (no reply). */
gboolean mm_admin_call(const char *name, const char *arguments, MmAdminReply reply, gpointer data);
/* "STAGE.VERB" of each, sorted; g_strfreev. */
char **mm_admin_names(void);
/* host.h admin_reply. */
void mm_admin_answer(MilterAdminRequest *request, const char *json, const char *error);

#endif
