/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     private.h - what the files of the harness share
 */
#ifndef MM_HARNESS_PRIVATE_H
#define MM_HARNESS_PRIVATE_H

#include "harness.h"

#include "plugin/loader.h"
#include "plugin/stage-table.h"

/* Memory lent to the stage: overwritten and taken away when it has to give it back. */
typedef struct Loan {
    GPtrArray *blocks; /* NULL: none yet */
} Loan;
/* size bytes of zeros, exactly: the byte behind them is not the stage's. */
gpointer loan_take(Loan *loan, gsize size);
/* A copy with a NUL behind it. */
char *loan_text(Loan *loan, const char *text, gsize size);
MilterSlice loan_slice(Loan *loan, const char *text, gsize size);
void loan_end(Loan *loan);
/* Frees what loan_end keeps so that its poison can be seen. */
void loan_bury(void);

struct MilterWorker {
    MmHarness *harness;
    GThread *thread;
};

struct MilterInstance {
    MmHarness *harness;
    MmSettings *settings;
    void *data, *in_worker;
    gboolean entered;
    guint n_sessions;
    gboolean configuring, expanding;
    gboolean has_problem;
    GPtrArray *verbs; /* of Verb */
};

struct MilterExpansion {
    MmHarness *harness;
    GPtrArray *stages; /* of MmRawStage */
};

struct MilterWatch {
    int fd;
    guint32 events;
    MilterWatchFunction function;
    void *data;
};

struct MilterTimer {
    gint64 due;
    guint64 number; /* order of those due at once */
    MilterFunction function;
    void *data;
};

typedef struct Query {
    guint64 id;
    MilterResolveKind kind;
    char *name;
    gint64 due;
    MilterResolveFunction function;
    void *data;
} Query;

typedef struct Names Names; /* names.c: the table */

struct MmHarness {
    const MmPlugin *plugin;
    const MilterStage *stage;
    MmSchemas *schemas;
    char *name, *root;
    MmRawStage *wanted; /* keys for the next configure */
    MilterHost *table;
    gsize table_size;
    MilterWorker worker;
    MilterInstance *instance; /* the newest that was configured, or NULL */
    GPtrArray *instances;     /* all that are not discarded */
    GPtrArray *sessions;
    GPtrArray *stages; /* of MmRawStage: what expand emitted */
    GPtrArray *problems, *warnings;
    GPtrArray *log;        /* of LogLine */
    GPtrArray *violations; /* of char* */
    MilterOffer offer;
    gboolean hold, threads, grow;

    GPtrArray *timers, *watches, *queries;
    GPtrArray *jobs; /* of Job: those that wait to run inline */
    guint n_jobs;    /* not done, in threads too */
    GMutex lock;     /* guards posts, counters and log */
    GArray *posts;   /* of Post */
    int wake[2];     /* a post from another thread writes a byte */
    GThreadPool *pool;
    guint64 last_timer, last_query, last_session;
    gboolean pumping;                  /* a function of the stage is called by the loop */
    gboolean in_post;                  /* that is a post, or what follows a job */
    GArray *tickets;                   /* of TicketInfo, by number less FIRST_TICKET */
    GHashTable *counters, *histograms; /* by name */
    Names *names;
};

#define FIRST_TICKET 1001u

typedef struct TicketInfo {
    guint64 session;
    enum { TICKET_OPEN, TICKET_ANSWERED, TICKET_CANCELLED } state;
    gboolean session_closed;
} TicketInfo;

typedef enum Turn {
    TURN_NONE,
    TURN_NEGOTIATE,
    TURN_EVENT,
} Turn;

typedef enum Part {
    PART_NONE,
    PART_IN,
    PART_DONE,
} Part;

typedef struct Answer {
    int kind; /* MilterVerdictKind or MM_HARNESS_LATER */
    char *reply, *detail;
    gboolean was_asked, timed_out;
} Answer;

typedef struct FactValue {
    MilterFactState state;
    MilterFactScope scope;
    char *value;
} FactValue;

struct MilterSession {
    MmHarness *harness;
    MilterInstance *instance;
    guint64 number;
    void *data;
    MilterOffer *offer;
    gboolean left; /* accepted the session: closed */

    Turn turn;
    MilterTicket ticket;
    MilterEventKind turn_event;
    gboolean asking, early;
    gint64 asked_at, deadline; /* deadline 0: none was given */
    const char *label;
    Loan question; /* until the answer */
    Loan borrowed; /* until the next event */
    Answer answer;
    void (*answered)(MmHarnessSession *session, gpointer data);
    gpointer answered_data;

    int negotiation;                /* CONTINUE, FAILED or LATER */
    MilterNegotiation *negotiating; /* lent to the stage */
    MilterNegotiation negotiated;

    Part part;
    gboolean sits_out; /* failed before MAIL */
    guint32 skipped, flags;
    gboolean in_message; /* between MAIL and its end, for the order of calls */
    MilterEventKind reached;
    GPtrArray *macros[MILTER_N_EVENTS]; /* of Macro */
    GHashTable *facts;
    const MilterEvent *past[2]; /* CONNECT, HELO; in lasting */
    Loan lasting;               /* until close */
    GArray *edits;              /* of MilterEdit; texts in edit_texts */
    Loan edit_texts;
    GString *body;
    char *quarantine;
};

/* ---- harness.c */
extern MmHarness *harness_current;
/* Names a broken rule; any thread. */
void harness_violation(MmHarness *harness, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* FALSE after a violation: what is called from the wrong thread. */
gboolean harness_on_thread(MmHarness *harness, const char *function);
MilterInstance *harness_instance_ref(MmHarness *harness);
/* A session of it was closed. */
void harness_instance_unref(MilterInstance *instance);
/* How an event is called in a message. */
const char *harness_event_name(MilterEventKind kind);

/* ---- The tables of the services, by file. */
void harness_fill_instance(MilterHost *table);
void harness_fill_record(MilterHost *table);
void harness_fill_turn(MilterHost *table);
void harness_fill_session(MilterHost *table);
void harness_fill_loop(MilterHost *table);
void harness_fill_names(MilterHost *table);

/* ---- loop.c */
void loop_init(MmHarness *harness);
/* Lets jobs end and posts run. */
void loop_drain(MmHarness *harness);
/* Complains about what is left and takes it away. */
void loop_clear(MmHarness *harness);
gint64 loop_now(void);
/* Complains if a watch, timer or query has data. */
void loop_check_owner(MmHarness *harness, const void *data, const char *owner);
/* Is there anything that could bring an answer? */
gboolean loop_has_pending(const MmHarness *harness);

/* ---- names.c */
Names *names_new(void);
void names_free(Names *names);
/* Answers what is due; TRUE if something was. */
gboolean names_pump(MmHarness *harness);
/* When the next falls due, G_MAXINT64: never. */
gint64 names_due(const MmHarness *harness);
void names_query_free(gpointer query);

/* ---- record.c */
void record_init(MmHarness *harness);
void record_clear(MmHarness *harness);
void record_verbs_clear(MilterInstance *instance);

/* ---- turn.c */
void turn_negotiate(MmHarnessSession *session);
/* Asks; the answer is in session->answer. */
void turn_ask(MmHarnessSession *session, MilterEvent *event);
/* Drops an open question. */
void turn_cancel(MmHarnessSession *session);
/* When the open question's time is up, G_MAXINT64: none is open. */
gint64 turn_due(const MmHarnessSession *session);
/* Its time is up. */
void turn_time_out(MmHarnessSession *session);
void turn_answer_set(Answer *answer, int kind, const char *reply, const char *detail);
void turn_answer_clear(Answer *answer);

/* ---- session.c: the stage's part. */
gboolean session_is_of_message(MilterEventKind kind);
/* Is the stage asked? At MAIL its part begins. */
gboolean session_is_shown(MmHarnessSession *session, MilterEventKind kind);
/* The answer to the event is there: what it means. */
void session_take_answer(MmHarnessSession *session);
void session_end_message(MmHarnessSession *session, int answer);
void session_abort(MmHarnessSession *session);
void session_close_stage(MmHarnessSession *session);
void session_clear_edits(MmHarnessSession *session);

/* ---- lookup.c */
void lookup_init(MmHarnessSession *session);
void lookup_clear(MmHarnessSession *session);
/* Forgets the facts of the message before. */
void lookup_new_message(MmHarnessSession *session);
/* CONNECT or HELO. */
MilterEvent *lookup_copy_event(Loan *loan, const MilterEvent *event);

/* ---- cases.c, extremes.c: the standard cases. */
typedef struct Case {
    char *file;
    MmHarnessPrepare prepare;
    gpointer data;
} Case;
/* Prepared, not configured. */
MmHarness *cases_harness(const Case *one);
void cases_add(const Case *one, const char *name, GTestDataFunc function);
void extremes_add(const Case *one, gboolean has_sessions, gboolean expands);

#endif
