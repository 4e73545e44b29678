/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     client.h - what milter-test-client was told on its command line
 */
#ifndef MM_TOOLS_CLIENT_H
#define MM_TOOLS_CLIENT_H

#include <glib.h>

/* Stages by the names of the command line. */
typedef enum MmClientStage {
    MM_CLIENT_CONNECT,
    MM_CLIENT_HELO,
    MM_CLIENT_ENVELOPE_FROM,
    MM_CLIENT_ENVELOPE_RECIPIENT,
    MM_CLIENT_DATA,
    MM_CLIENT_UNKNOWN,
    MM_CLIENT_HEADER,
    MM_CLIENT_END_OF_HEADER,
    MM_CLIENT_BODY,
    MM_CLIENT_END_OF_MESSAGE,
} MmClientStage;
#define MM_CLIENT_N_STAGES (MM_CLIENT_END_OF_MESSAGE + 1)

typedef enum MmClientEditKind {
    MM_CLIENT_ADD_HEADER,    /* name, value */
    MM_CLIENT_INSERT_HEADER, /* index, name, value */
    MM_CLIENT_CHANGE_HEADER, /* index, name, value; value NULL deletes */
    MM_CLIENT_REPLACE_BODY,  /* value */
    MM_CLIENT_ADD_RECIPIENT, /* name: address, value: parameters or NULL */
    MM_CLIENT_DELETE_RECIPIENT,
    MM_CLIENT_CHANGE_FROM,
    MM_CLIENT_QUARANTINE, /* value: reason */
} MmClientEditKind;

typedef struct MmClientEdit {
    MmClientEditKind kind;
    int index;
    char *name;
    char *value;
    gsize size; /* of value (REPLACE_BODY may have NULs) */
} MmClientEdit;

#define MM_CLIENT_REPLY_LINES 32 /* libmilter smfi.c:smfi_setmlreply */

typedef struct MmClientReply {
    int status;   /* SMFIS_* */
    char *code;   /* "550"; NULL: no text */
    char *xcode;  /* "5.7.1" or NULL */
    char **lines; /* texts, at most MM_CLIENT_REPLY_LINES */
} MmClientReply;

typedef struct MmClientOptions {
    char *connection_spec;
    gboolean quiet;
    MmClientReply replies[MM_CLIENT_N_STAGES];
    double delays[MM_CLIENT_N_STAGES];
    char *macros[MM_CLIENT_N_STAGES]; /* to request; NULL: the MTA's */
    guint32 no_events;                /* bits 1 << stage */
    guint32 no_replies;
    GPtrArray *edits; /* of MmClientEdit, in the order of the command line */
} MmClientOptions;

/* NULL with error: usage. */
MmClientOptions *mm_client_options_parse(int *argc, char ***argv, GError **error);
void mm_client_options_free(MmClientOptions *options);
const char *mm_client_stage_name(MmClientStage stage);

/* Serves with libmilter until TERM or INT; the exit code of the process. */
int mm_client_run(const MmClientOptions *options);

#endif
