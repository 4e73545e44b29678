/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     private.h - what the files of the chain share; nobody else includes it
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

struct MilterSession {
    MmCrew *crew;
    MmRoster *roster;
    MmSnapshot *snapshot;
    const MmChainOps *ops;
    gpointer owner;
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

/* turn.c: one question to one member. */
typedef enum MmAsked {
    MM_ASKED_ANSWERED, /* member->answer is filled */
    MM_ASKED_LATER,
} MmAsked;
MmAsked mm_turn_ask(MmMember *member, const MilterEvent *event);
void mm_turn_negotiate(MmMember *member);
/* Drops an open question: its answer will be ignored. */
void mm_turn_cancel(MmMember *member);
void mm_turn_deadline(MmMember *member, double seconds, const char *label);
/* What was asked before the MTA began to wait must end within what it grants. */
void mm_turn_cut(MmMember *member);
void mm_turn_finish(MmMember *member, const MilterVerdict *verdict);
void mm_turn_finish_negotiation(MmMember *member, const MilterNegotiation *negotiation,
                                const char *detail);
void mm_answer_set(MmAnswer *answer, MilterVerdictKind kind, const char *reply, const char *detail);
void mm_answer_clear(MmAnswer *answer);

/* walk.c */
void mm_walk_run(MmChain *chain);
/* The member that was asked has answered. */
void mm_walk_resume(MmChain *chain, MmMember *member);
/* Ends the walk with a verdict; hand_up then tells the owner, if there is one to tell. */
void mm_walk_decide(MmChain *chain, MilterVerdictKind kind, const char *reply,
                    const MmMember *decider);
void mm_walk_hand_up(MmChain *chain);
const char *mm_verdict_word(MilterVerdictKind kind);
/* A negotiation ended that the walk may wait for. */
void mm_walk_negotiated(MmChain *chain, MmMember *member);
/* chain.c: a negotiation ended before the answer upstream. */
void mm_chain_check_negotiated(MmChain *chain);

/* content.c */
void mm_content_resume(MmChain *chain, MmMember *member);
void mm_content_reset(MmChain *chain);

/* wave.c: the wave has passed. FALSE with error: the message is not what it should be, and cannot
 * be shown to later waves; stages of the wave whose edits come behind have failed. */
gboolean mm_wave_commit(MmChain *chain, GError **error);

/* member.c: admission and failure. */
gboolean mm_member_is_admitted(MmMember *member, MilterEventKind kind, guint32 flags);
/* The stage is tripped and this session does not probe it. While negotiating: for the whole
 * session, as it was not negotiated with. */
gboolean mm_member_is_held_off(MmMember *member);
/* A condition of the stage is false now. */
gboolean mm_member_is_shut_out(MmMember *member);
/* Counts and logs the failure in member->answer, then falls back. */
void mm_member_fail(MmMember *member, MilterEventKind kind);
/* Fills member->answer with what the fallback means at this event; its part in the message ends. */
void mm_member_fall_back(MmMember *member, MilterEventKind kind, const char *detail);
/* TRUE, once: its negotiation failed, and member->answer says so instead of what it is to be asked.
 */
gboolean mm_member_has_not_negotiated(MmMember *member);
void mm_member_succeed(MmMember *member);
/* The message is over for the member without its END_OF_MESSAGE answered. */
void mm_member_abort(MmMember *member);
/* It stays out of the message it is in, and what it has done to it does not count. Before its edits
 * are taken. */
void mm_member_shut_out(MmMember *member);
void mm_member_new_message(MmMember *member);
void mm_member_close(MmMember *member);
void mm_member_set_word(MmMember *member, const char *word);

/* facts.c */
void mm_facts_set(MmChain *chain, MilterFactScope scope, const char *name, const char *value);
/* As seen by the stage at position stage. */
MilterFactState mm_facts_get(MmChain *chain, guint fact, guint stage, const char **value);
void mm_facts_new_event(MmChain *chain);
void mm_facts_new_message(MmChain *chain);
void mm_facts_clear(MmChain *chain);

/* Logs with the fields that name session and stage, then those given. */
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
