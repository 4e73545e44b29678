/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     private.h - the state of a session, which its files share
 *
 * DESCRIPTION
 *     Nobody else includes it. On the way in:
 *
 *         session.c    a session's life, and the loop that takes frames
 *         commands.h   one command; those of the connection
 *         message.h    the commands of a message
 *         event.h      what all of them do
 *
 *     and on the way out:
 *
 *         verdict.h    the chain's verdict on what was asked
 *         answer.h     that on a message, with the edits
 *         summary.c    the line of the log, and the report to the stages
 */
#ifndef MM_SESSION_PRIVATE_H
#define MM_SESSION_PRIVATE_H

#include "session/conn.h"
#include "session/macros.h"
#include "session/session.h"
#include "session/upstream.h"

/* What became of a message, as counted. */
typedef enum MmOutcome {
    MM_OUTCOME_ACCEPT,
    MM_OUTCOME_REJECT,
    MM_OUTCOME_TEMPFAIL,
    MM_OUTCOME_DISCARD,
    MM_OUTCOME_ABORT,
} MmOutcome;
#define MM_N_OUTCOMES 5

struct MmSessions {
    MmCrew *crew;
    MmSession *first;
    guint count;
    gboolean draining;
    MmWorkFunction ended;
    gpointer data;
    MilterCounter *messages[MM_N_OUTCOMES];
};

/* A CONNECT or HELO kept for stages that connect late. */
typedef struct MmPast {
    char *raw; /* NULL: there was none */
    MilterEvent event;
} MmPast;

/* What the summary of a message tells. */
typedef struct MmSummary {
    gboolean open; /* MAIL came and nothing was logged yet */
    char *sender;
    char *queue_id;
    guint recipients;          /* accepted */
    MilterVerdictKind refused; /* of the last recipient or of DATA: TEMPFAIL or REJECT */
    gboolean data_refused;
    gint64 asked_at;     /* END_OF_MESSAGE came */
    GPtrArray *accepted; /* of char*, if a stage has report */
} MmSummary;

struct MmSession {
    MmSessions *sessions;
    MmSession *next, *previous;
    MmCrew *crew;
    MmReactor *reactor;
    MmConn *conn;
    MmChain *chain;
    MmMacros *macros;
    guint64 number;
    char *client; /* "mx.example.org[192.0.2.1]" for the log; NULL before CONNECT */

    MmOptions offer;
    MmOptions answer;
    MilterOffer offered; /* as stages see it */
    gboolean negotiated;
    gboolean again; /* after QUIT_NC: negotiates with the stages only */

    gboolean taking;  /* the loop over frames is on the stack */
    gboolean waiting; /* a question is open, or its answer half given: no frame is taken */
    gboolean over;
    gboolean fed;      /* content was handed over since the last feed */
    MilterEvent event; /* of the open question */
    MilterSlice *args;
    gsize n_args_room;

    MmPast connect, helo;
    gboolean connected, in_mail, discarded, data_seen, content, rejected_early;
    MmVerdict early; /* of a DATA we made up; given at END_OF_MESSAGE */
    char *early_reply;
    gboolean has_held; /* a frame waits for the made-up DATA */
    MmCommand held;
    MmSummary summary;
    MmSpool *body; /* a new body of which a part is still to be said; NULL: there is none */
    MmSpoolCursor body_at;
    MmVerdict passed; /* what is said behind it */

    MmTimer progress;
    MmTimer idle;
    gint64 last_activity;
    MmDeferred farewell;
};

/* session.c */
void mm_session_end(MmSession *session);
MmChain *mm_session_new_chain(MmSession *session);

/* summary.c */
void mm_summary_begin(MmSession *session, MilterSlice sender);
void mm_summary_recipient(MmSession *session, MilterSlice recipient, const MmVerdict *verdict);
/* Of DATA: a refusal is the message's end, unless the MTA goes on. */
void mm_summary_data(MmSession *session, const MmVerdict *verdict);
/* The line, and the report to the stages. */
void mm_summary_end(MmSession *session, const MmVerdict *verdict);
/* The message is gone without a verdict for it. */
void mm_summary_abort(MmSession *session);
/* "accept", ...: the word of the line, and the counter "messages.WORD". */
const char *mm_outcome_word(MmOutcome outcome);
void mm_summary_clear(MmSession *session);
gsize mm_session_describe(gpointer session, MmField *fields);
char *mm_session_client_text(const MmCommand *connect);

#endif
