/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     client-options.h - the parts of milter-test-client's command line
 *
 * DESCRIPTION
 *     Each part adds its options to a group whose data is the MmClientOptions, in the order in
 * which
 *     --help shows them. Texts are bytes, whatever the locale makes of them: FILENAME is GLib's
 * word for it.
 */
#ifndef MM_TOOLS_CLIENT_OPTIONS_H
#define MM_TOOLS_CLIENT_OPTIONS_H

#include "tools/client.h"

#define MM_CLIENT_CALLBACK(function)                                                               \
    G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (gpointer)(function)

/* FALSE, with an error that says what the value of an option is not. */
gboolean mm_client_usage(GError **error, const char *option, const char *value,
                         const char *expected);

/* ---- client-stages.c: what the filter says at a stage, and whether it is asked there. */
void mm_client_add_answers(GOptionGroup *group);
void mm_client_add_negotiation(GOptionGroup *group);
void mm_client_reply_clear(MmClientReply *reply);

/* ---- client-edits.c: what it does to the message. */
void mm_client_add_edits(GOptionGroup *group);
void mm_client_edit_free(gpointer edit);

#endif
