/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     private.h - a session's chain and its stages: the state that the files of the chain share
 *
 * DESCRIPTION
 *     Nobody else includes it. Each file says in a header of its own what it does with the state;
 *     they call downwards only:
 *
 *         chain.h      a session's chain: made, negotiated, asked, freed
 *         content.h    the content, as the session hands it over
 *         wave.h       the stages fed side by side; the next when they have answered
 *         commit.h     the edits of those that have answered
 *         feed.h       one stage and the content
 *         walk.h       the envelope: one stage after the other
 *         verdict.h    what the chain says in the end
 *         member.h     one stage: whether it is asked, and what its failure means
 *         turn.h       one question to one stage
 *         facts.h      what stages say of the session and the message to those behind them
 *
 *     What comes back up goes by functions that were given before: a stage's answer by turn_ends,
 *     the verdict by ops.
 */
#ifndef MM_CHAIN_PRIVATE_H
#define MM_CHAIN_PRIVATE_H

#include "chain/chain.h"

/* Seconds kept back of what the MTA grants, for the answer to get there in time. */
#define MM_BUDGET_MARGIN 1.0
/* Header bytes of one message; more is treated as a full spool. Each header counts for what it
 * takes to keep it as well: a large message of nothing but empty headers takes sixteen times its
 * size. */
#define MM_HEADERS_MAX (16u * 1024u * 1024u)
#define MM_HEADER_COST 64u

/* A member's part in the session as a whole. */
typedef enum MmStanding {
    MM_STANDING_NEGOTIATING,
    MM_STANDING_READY,
    MM_STANDING_LEFT, /* accepted the session at CONNECT or HELO: closed */
} MmStanding;

/* Its part in the message. */
typedef enum MmPart {
    MM_PART_NONE, /* has not seen MAIL */
    MM_PART_IN,
    MM_PART_DONE, /* answered for the whole message, was shut out, or failed */
} MmPart;

typedef enum MmTurnKind {
    MM_TURN_NONE,
    MM_TURN_NEGOTIATE,
    MM_TURN_EVENT,
} MmTurnKind;

/* What a member answered, owned. */
typedef struct MmAnswer {
    MilterVerdictKind kind;
    char *reply;  /* REPLY */
    char *detail; /* or NULL */
} MmAnswer;

/* How far a member has been fed. */
typedef struct MmFeed {
    guint header;
    gboolean end_of_headers;
    MmSpoolCursor body;
    gsize lent; /* body bytes in the open question */
    gboolean asked_end;
    gboolean answered; /* its answer for the content stands */
} MmFeed;

/* One stage in one session. */
struct MmMember {
    MmChain *chain;
    MmInstance *instance;
    void *data; /* of open; NULL: not open */
    guint32 slot;
    MmStanding standing;
    guint32 events, rights, flags;
    const char *macros[MILTER_N_MACRO_STAGES];

    gboolean sits_out; /* failed before MAIL: not asked again until then */
    gboolean probing;  /* admitted while tripped */
    gboolean held_off; /* tripped when the session began: not in it */
    MmPart part;
    guint32 skipped;   /* events it needs no more of in this message */
    MmAnswer refusal;  /* answer to repeat at DATA and END_OF_MESSAGE; CONTINUE: none */
    gboolean discards; /* fallback "discard" before MAIL, to be given there */

    char *not_negotiated; /* why its negotiation failed; NULL: it has not, or that was taken */

    MmTurnKind turn;
    MilterTicket ticket;
    MilterEventKind turn_event;
    MilterEvent shown; /* the content event it was asked about: borrowed until its answer */
    gboolean asking;   /* its function is on the stack */
    gboolean answered_early;
    gboolean edits_lost; /* there was no room for one of this turn */
    gint64 asked_at;
    MmTimer deadline;
    gint64 deadline_at;
    gint64 share_ends; /* of this turn in the budget; 0: not known yet */
    const char *label;
    MilterNegotiation negotiation; /* while negotiating */

    gboolean takes_content; /* took part when the content began, or refuses it */
    gboolean answer_waits;  /* answer came while others were fed, and is still to be taken */
    guint wave;
    MmFeed feed;
    MmAnswer answer;
    MmEdits *edits; /* NULL: none yet */
    gint64 spent;   /* microseconds of waiting for it at the end of the message */
    char *word;     /* for the summary; NULL: was not asked */
};

typedef struct MmFactValue {
    gboolean set;
    MilterFactScope scope;
    char *value;
} MmFactValue;

typedef enum MmWalk {
    MM_WALK_IDLE,
    MM_WALK_ENVELOPE, /* a question of the MTA is open */
    MM_WALK_CONTENT,  /* content is being fed, or its answers awaited */
} MmWalk;

/* Where a turn's end is told, when the stage did not answer from within the question. */
typedef struct MmTurnEnds {
    void (*answered)(MmMember *member);   /* member->answer is filled */
    void (*negotiated)(MmMember *member); /* or it has failed to */
} MmTurnEnds;

struct MilterSession {
    MmCrew *crew;
    MmRoster *roster;
    MmSnapshot *snapshot;
    const MmChainOps *ops;
    gpointer owner;
    const MmTurnEnds *turn_ends;
    MmMember *members;
    guint n_members;
    MilterOffer offer;

    gboolean negotiating;
    MmTimer negotiation_limit;

    MmMtaKind mta;
    double command_limit, content_limit;
    gint64 budget; /* monotonic: when the answer must be there */

    MmWalk walk;
    const MilterEvent *event;
    guint at;         /* member asked, or to ask next */
    gboolean decided; /* verdict waits to be handed up */
    MmVerdict verdict;
    gboolean running;        /* the walker's loop is on the stack */
    gboolean resumed;        /* an answer came while it was: some member waits to be fed again */
    MilterEventKind reached; /* of the session or message, for facts */
    MmFactValue *facts;
    GSList
        *past_values; /* of facts that were set anew since the last event: stages may have them */

    MmMessage *message;
    gboolean end_of_headers, end_of_message;
    gboolean content_started;
    guint64 headers_size, body_size; /* as the MTA sent them */
    guint wave, n_waves;
    GPtrArray *committed; /* of MmEdits, borrowed from members */
    char *quarantine;
    GString *scratch; /* reply of the verdict handed up */
};

/* log.c: logs with the fields that name session and stage, then those given. */
void mm_chain_log(MmChain *chain, MmMember *member, MmLogLevel level, const char *id,
                  const char *text, const MmField *fields, gsize n);
#define MM_CHAIN_LOG(chain, member, level, id, text, ...)                                          \
    G_STMT_START                                                                                   \
    {                                                                                              \
        if (mm_log_enabled(level)) {                                                               \
            const MmField mm_chain_fields_[] = {__VA_ARGS__};                                      \
            mm_chain_log((chain), (member), (level), (id), (text), mm_chain_fields_,               \
                         G_N_ELEMENTS(mm_chain_fields_));                                          \
        }                                                                                          \
    }                                                                                              \
    G_STMT_END

#endif
