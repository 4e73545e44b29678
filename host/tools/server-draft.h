/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     server-draft.h - what the command line of milter-test-server gathers before it is a message
 *
 * DESCRIPTION
 *     server-options.c reads the options into a draft and owns it, server-check.c looks at what
 * they say, server-mails.c makes the messages.
 */
#ifndef MM_TOOLS_SERVER_DRAFT_H
#define MM_TOOLS_SERVER_DRAFT_H

#include "tools/server.h"

typedef struct MmServerDraft {
    MmServerOptions *options;
    MmMail *mail; /* of --envelope-from, --header, --body */
    gboolean has_header, has_body;
    char *sender;
    char **recipients, **mail_files;
    char *connect_address;
    int version, threads, sessions;
    gboolean print_version;
} MmServerDraft;

/* ---- server-check.c */
/* FALSE, with an error that says what the value of an option is not. */
gboolean mm_server_usage(GError **error, const char *name, const char *value, const char *allowed);
/* Completes the options, all but the messages. FALSE with error (G_OPTION_ERROR). */
gboolean mm_server_draft_check(MmServerDraft *draft, GError **error);

/* ---- server-mails.c */
/* Puts into options->mails: each file of --mail-file, or the one message of the other options.
 * Takes draft->mail in that case. FALSE with error: a file cannot be read, or is too large. */
gboolean mm_server_draft_mails(MmServerDraft *draft, GError **error);

#endif
