/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     server.h - milter-test-server: one session of an MTA, and what came of it
 */
#ifndef MM_TOOLS_SERVER_H
#define MM_TOOLS_SERVER_H

#include "tools/mail.h"
#include "tools/mta.h"

/* Stages with macros of their own on the command line. */
typedef enum MmServerStage {
    MM_SERVER_CONNECT,
    MM_SERVER_HELO,
    MM_SERVER_ENVELOPE_FROM,
    MM_SERVER_ENVELOPE_RECIPIENT,
    MM_SERVER_DATA,
    MM_SERVER_END_OF_HEADER,
    MM_SERVER_END_OF_MESSAGE,
} MmServerStage;
#define MM_SERVER_N_STAGES (MM_SERVER_END_OF_MESSAGE + 1)

typedef enum MmColor {
    MM_COLOR_AUTO,
    MM_COLOR_YES,
    MM_COLOR_NO,
} MmColor;

typedef struct MmServerOptions {
    MmAddress *address;
    char *connection_spec;
    guint32 version;
    char *connect_host;
    MmAddress *connect_address; /* NULL: the default client */
    char *helo;
    GPtrArray *macros[MM_SERVER_N_STAGES]; /* name, value, name, value */
    char *authenticated_name, *authenticated_type, *authenticated_author;
    char *unknown;
    GPtrArray *mails; /* of MmMail, at least one */
    gboolean output_message, verbose;
    MmColor color;
    MmMtaTimeouts timeouts;
    int threads, sessions;
    gboolean is_load; /* several sessions: rate and latency instead of the message */
} MmServerOptions;

/* NULL with error (G_OPTION_ERROR: usage; others: a mail file). --version prints and exits. */
MmServerOptions *mm_server_options_parse(int *argc, char ***argv, GError **error);
void mm_server_options_free(MmServerOptions *options);

typedef enum MmStatus {
    MM_STATUS_PASS,
    MM_STATUS_ACCEPT,
    MM_STATUS_REJECT,
    MM_STATUS_TEMPORARY_FAILURE,
    MM_STATUS_DISCARD,
    MM_STATUS_QUARANTINE,
    MM_STATUS_ERROR,
} MmStatus;
const char *mm_status_name(MmStatus status);
/* The exit code that stands for it. */
int mm_status_exit_code(MmStatus status);

/* What came of one message. */
typedef struct MmOutcome {
    MmStatus status;
    char *reply;        /* SMTP text, or NULL */
    char *problem;      /* ERROR: what happened */
    double elapsed;     /* seconds; the first message's begin with the connection */
    GPtrArray *refused; /* of char *: "ADDRESS STATUS [CODE]<...>(...)", recipients turned down */
    MmMail *mail;       /* as changed */
} MmOutcome;
void mm_outcome_free(gpointer outcome);
/* "reject [550]<5.7.1>(text)": the status, and the reply (NULL: none) on one line. */
char *mm_status_text(MmStatus status, const char *reply);

/* Gathers the macros of a stage as an MTA does: the filter's list if it sent one, else Postfix's
 * defaults and those of the command line. mail: NULL before MAIL; recipient: NULL except at RCPT.
 */
void mm_server_append_macros(const MmServerOptions *options, MmMta *mta, MmServerStage stage,
                             const MmMail *mail, const char *recipient);

/* One connection with all mails of the options. Returns MmOutcome, one for each mail that was begun
 * (at least one, unless the connection failed: NULL with error). */
GPtrArray *mm_server_session(const MmServerOptions *options, GError **error);
/* The first lines, and the message if asked for. */
void mm_server_print(const MmServerOptions *options, const MmOutcome *outcome);
/* Load: all sessions over the threads; prints rate and percentiles. The exit code. */
int mm_server_load(const MmServerOptions *options);

#endif
