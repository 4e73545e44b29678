/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     host.h - the services a plugin gets from the host
 *
 * DESCRIPTION
 *     One table of functions, handed to configure and expand; it lives as long as the process. A
 *     plugin calls a member only if it lies within size: those of the first version always do, for
 *     later ones see MILTER_HOST_HAS. Unless a line says
 *     otherwise a function is called on the worker that the session or worker handle belongs to,
 *     and strings that are returned live as long as the handle they were asked of.
 *
 *     Times are in seconds as double where people configure them, in microseconds as int64_t where
 *     a clock is read. Texts are copied if the host needs them longer than the call, unless a line
 * calls them constant: those must live as long as the process. Handles that are returned are never
 * NULL, unless a line says so.
 */
#ifndef MILTER_MANAGER_HOST_H
#define MILTER_MANAGER_HOST_H

#include <milter-manager/stage.h>

/* Results of functions that can fail. */
typedef enum MilterResult {
    MILTER_OK = 0,
    MILTER_ERROR_STATE = -1,   /* not allowed now: the ticket is not open, too late for an edit */
    MILTER_ERROR_RIGHTS = -2,  /* the right was not negotiated, or the MTA did not offer it */
    MILTER_ERROR_INVALID = -3, /* an argument is malformed */
    MILTER_ERROR_FULL = -4,    /* a limit is reached: spool, descriptors, queue */
} MilterResult;

typedef enum MilterLogLevel {
    MILTER_LOG_ERROR = 0,
    MILTER_LOG_WARNING = 1,
    MILTER_LOG_NOTICE = 2,
    MILTER_LOG_INFO = 3,
    MILTER_LOG_DEBUG = 4,
} MilterLogLevel;

/* One key=value of a log line; NULL values are left out. */
typedef struct MilterField {
    const char *key;
    const char *value;
} MilterField;

/* Macro as the MTA sent it: single letters may stand bare or in braces. */
typedef struct MilterMacro {
    const char *name;
    const char *value;
} MilterMacro;

typedef enum MilterFactState {
    MILTER_FACT_UNKNOWN = 0, /* its setter has not spoken yet */
    MILTER_FACT_FALSE = 1,
    MILTER_FACT_TRUE = 2,
} MilterFactState;

typedef enum MilterFactScope {
    MILTER_FACT_SESSION = 0,
    MILTER_FACT_MESSAGE = 1, /* reset at the next MAIL */
} MilterFactScope;

typedef enum MilterWatchEvents {
    MILTER_WATCH_READ = 1u << 0,
    MILTER_WATCH_WRITE = 1u << 1,
    MILTER_WATCH_HANGUP = 1u << 2, /* reported always, need not be asked for */
} MilterWatchEvents;

typedef struct MilterWatch MilterWatch;
typedef struct MilterTimer MilterTimer;
typedef struct MilterCounter MilterCounter;
typedef struct MilterHistogram MilterHistogram;
typedef struct MilterAdminRequest MilterAdminRequest;

typedef void (*MilterWatchFunction)(void *data, uint32_t events);
typedef void (*MilterFunction)(void *data);
/* Runs on the control thread; answer with admin_reply, now or later, exactly once. arguments is the
 * JSON text of the request's "arguments" member, or NULL. */
typedef void (*MilterAdminFunction)(void *data, MilterAdminRequest *request, const char *arguments);

typedef enum MilterResolveKind {
    MILTER_RESOLVE_HOST = 0, /* addresses of a host name, as the system resolves names */
    MILTER_RESOLVE_A = 1,
    MILTER_RESOLVE_AAAA = 2,
    MILTER_RESOLVE_PTR = 3, /* name: an address in text form */
    MILTER_RESOLVE_TXT = 4,
    MILTER_RESOLVE_MX = 5, /* "PREFERENCE NAME" */
} MilterResolveKind;

typedef enum MilterResolveStatus {
    MILTER_RESOLVED = 0,
    MILTER_RESOLVE_NONE = 1,      /* the name or the record does not exist: an authoritative no */
    MILTER_RESOLVE_TEMPORARY = 2, /* no answer in time, or the server failed */
} MilterResolveStatus;

typedef struct MilterResolveAnswer {
    uint32_t size;
    uint32_t status; /* MilterResolveStatus */
    const char *const *values;
    size_t n_values;
    uint32_t ttl; /* seconds, of the shortest record; 0: unknown */
} MilterResolveAnswer;

/* answer is borrowed during the call. Never called from within resolve. */
typedef void (*MilterResolveFunction)(void *data, const MilterResolveAnswer *answer);

typedef enum MilterFigureKind {
    MILTER_FIGURE_COUNTER = 0,   /* only grows, from 0 at the start of the host */
    MILTER_FIGURE_GAUGE = 1,     /* as it is now */
    MILTER_FIGURE_HISTOGRAM = 2, /* of seconds */
} MilterFigureKind;

typedef struct MilterFigure {
    uint32_t size;
    uint32_t kind;     /* MilterFigureKind; leave out those you do not know */
    const char *stage; /* NULL: one of the host's own */
    /* Of a stage: [a-z0-9-]+, as its plugin or the host made it ("asked", "failed", "answered",
     * "verdict-reject", ...). The host's own: "sessions.now", "messages.accept",
     * "manager.started", ...; times in them are seconds since 1970-01-01 UTC. */
    const char *name;
    uint64_t value; /* a histogram: how many values were observed */
    /* Histograms only. */
    double sum;             /* of what was observed */
    const double *bounds;   /* n_bounds upper bounds, growing */
    const uint64_t *counts; /* n_bounds + 1: values up to each bound and over the one before; the
                               last: over all bounds. Their sum is value. */
    size_t n_bounds;
} MilterFigure;

/* figure and all it points to are borrowed during the call. */
typedef void (*MilterFigureFunction)(void *data, const MilterFigure *figure);

struct MilterHost {
    uint32_t size; /* sizeof (MilterHost) of the host */
    uint32_t abi;  /* MILTER_PLUGIN_ABI of the host */

    /* --- Settings: control thread in configure and expand, later from any thread. key must be in
     * the plugin's or the common schema, with that type (s, b, u, t, d, as in the order below):
     * else the plugin is at fault and the getter returns the empty value, with an error in the log.
     * Values are checked against the schema before the plugin sees them. */
    const char *(*instance_name)(MilterInstance *self);
    const char *(*get_string)(MilterInstance *self, const char *key);
    bool (*get_boolean)(MilterInstance *self, const char *key);
    uint32_t (*get_unsigned)(MilterInstance *self, const char *key);
    uint64_t (*get_uint64)(MilterInstance *self, const char *key);
    double (*get_double)(MilterInstance *self, const char *key);
    /* NULL-terminated. */
    const char *const *(*get_strings)(MilterInstance *self, const char *key);
    /* configure, expand: refuses the configuration because of key (NULL: of the whole group).
     * problem and allowed (or NULL) are shown as FILE:LINE: [GROUP] KEY: problem (allowed), both
     * translated through the plugin's text domain. May be called for several keys. */
    void (*problem)(MilterInstance *self, const char *key, const char *problem,
                    const char *allowed);
    /* The same as a warning: the configuration is taken. */
    void (*warn)(MilterInstance *self, const char *key, const char *problem, const char *allowed);
    /* Where detectors look: the directory of --root, "/" without. */
    const char *(*root)(MilterInstance *self);

    /* --- Expansion: control thread, in expand. origin says where a value was found
     * ("rc-conf: /etc/rc.conf:12"); it is shown by --show-config. value is in GVariant text form.
     */
    MilterResult (*expand_stage)(MilterExpansion *expansion, const char *name, const char *plugin,
                                 const char *origin);
    /* Sets a key of the stage emitted last. ERROR_STATE if there is none, or if the last one was
     * refused. */
    MilterResult (*expand_set)(MilterExpansion *expansion, const char *key, const char *value,
                               const char *origin);

    /* --- Log: any thread. id is stable and never translated; text is a constant that is translated
     * through the plugin's text domain: no formats in it, what varies is in the fields. session may
     * be NULL, and must be off the session's worker; with it the line carries session, queue id and
     * client. A line has 24 fields at most, these included; more are left out. */
    void (*log)(MilterInstance *self, MilterSession *session, MilterLogLevel level, const char *id,
                const char *text, const MilterField *fields, size_t n_fields);
    bool (*log_enabled)(MilterLogLevel level);

    /* --- Answers to MILTER_LATER. A ticket that is not open is ignored and reported. verdict and
     * negotiation are borrowed during the call. Before finish returns the host may ask this stage
     * the next question, or close the session: touch the session's data before it, not after. From
     * within event it is allowed too; the host takes it when event has returned MILTER_LATER. */
    void (*finish)(MilterWorker *worker, MilterTicket ticket, const MilterVerdict *verdict);
    /* negotiation NULL: the stage failed, detail says why. */
    void (*finish_negotiation)(MilterWorker *worker, MilterTicket ticket,
                               const MilterNegotiation *negotiation, const char *detail);
    /* Gives the ticket a new deadline, seconds from now, and a label for the log line should it
     * pass ("reading the reply to MAIL"); label is a constant string. The host cuts it to what the
     * MTA grants. A stage that never calls it has 60 seconds. Also how a stage says that it is
     * alive (SMFIR_PROGRESS). */
    void (*deadline)(MilterWorker *worker, MilterTicket ticket, double seconds, const char *label);

    /* --- Edits: collected for the stage of the ticket, applied when its END_OF_MESSAGE is answered
     * CONTINUE or ACCEPT, dropped if it fails. Allowed during END_OF_MESSAGE, and during MAIL to
     * DATA by stages that negotiated EDITS_BY_DATA. Only while the ticket is open (that is: also
     * within event). ERROR_STATE: not now. ERROR_RIGHTS: not among the rights of the stage.
     * ERROR_INVALID: no such kind, a NUL in a text, a header name that is empty or has line breaks.
     * ERROR_FULL: the spool cannot take the new body, or there are too many edits; a stage that
     * lets the message pass all the same has failed. */
    MilterResult (*edit)(MilterWorker *worker, MilterTicket ticket, const MilterEdit *edit);

    /* --- Session. */
    const MilterOffer *(*offer)(MilterSession *session);
    /* The macros that came with the last command of that event, in the MTA's order. Valid until the
     * session gets the next event. Returns how many. */
    size_t (*macros)(MilterSession *session, MilterEventKind kind, const MilterMacro **macros);
    /* Value of a macro as libmilter's smfi_getsymval finds it: the latest stage first; "i" and
     * "{i}" are the same. NULL if there is none. Valid until the session gets the next event. */
    const char *(*macro)(MilterSession *session, const char *name);
    /* The CONNECT or HELO event of this session, for stages that connect late; NULL if there was
     * none. Valid until the next event. */
    const MilterEvent *(*past_event)(MilterSession *session, MilterEventKind kind);
    uint64_t (*session_number)(MilterSession *session);
    /* Makes a fact TRUE; name is one of the stage's descriptor. value: short text or NULL for none.
     * One that is not set when it is settled is FALSE. */
    void (*set_fact)(MilterSession *session, MilterFactScope scope, const char *name,
                     const char *value);
    /* A fact that any stage sets; FALSE if none does. value may be NULL; *value is NULL unless the
     * state is TRUE, and valid until the next event. */
    MilterFactState (*fact)(MilterSession *session, const char *name, const char **value);
    /* Checks the text of an SMTP reply as the host will ("550 5.7.1 text"). Any thread. */
    bool (*reply_is_valid)(MilterSlice reply);

    /* --- Watches and timers on the worker's reactor. The function may remove any watch or timer,
     * its own too. fd must be non-blocking, may have one watch at a time, and stays the stage's:
     * remove the watch before closing it. NULL with errno if the system refuses. */
    MilterWatch *(*watch_add)(MilterWorker *worker, int fd, uint32_t events,
                              MilterWatchFunction function, void *data);
    void (*watch_change)(MilterWatch *watch, uint32_t events);
    void (*watch_remove)(MilterWatch *watch);
    /* Runs once; the timer is freed before function runs. seconds 0: in the next round. */
    MilterTimer *(*timer_add)(MilterWorker *worker, double seconds, MilterFunction function,
                              void *data);
    void (*timer_remove)(MilterTimer *timer); /* NULL is allowed; not one that has run */

    /* --- Threads. post: from any thread, runs function on the worker (NULL: the control thread),
     * in the order of posting from one thread. job: runs function in a pool of threads, then done
     * (or NULL) on the worker that asked; for what blocks. label, a constant, for the log. function
     * may call what is marked "any thread" only. A session may be closed meanwhile, so data must
     * not be the session's own; the instance that worker was given to leaves it and is discarded
     * only after done. */
    void (*post)(MilterWorker *worker, MilterFunction function, void *data);
    void (*job)(MilterWorker *worker, const char *label, MilterFunction function,
                MilterFunction done, void *data);

    /* --- Names: asynchronous, cached, bounded: TEMPORARY after the key dns-timeout, or if 1024
     * look-ups of the worker are open. Returns an id for resolve_cancel, 0 never. After
     * resolve_cancel function does not run. */
    uint64_t (*resolve)(MilterWorker *worker, MilterResolveKind kind, const char *name,
                        MilterResolveFunction function, void *data);
    void (*resolve_cancel)(MilterWorker *worker, uint64_t query);

    /* --- Statistics: made in configure (control thread), counted from any thread. name:
     * [a-z0-9-]+, shown as STAGE.NAME. Asked for again it is the same, also after a reload: it
     * lives as long as the process. observe: seconds. */
    MilterCounter *(*counter)(MilterInstance *self, const char *name);
    void (*count)(MilterCounter *counter, uint64_t n);
    MilterHistogram *(*histogram)(MilterInstance *self, const char *name);
    void (*observe)(MilterHistogram *histogram, double value);

    /* --- Administration: a verb of the control socket, "STAGE.VERB"; made in configure, gone with
     * discard. ERROR_INVALID: no verb or no function. */
    MilterResult (*admin_verb)(MilterInstance *self, const char *verb, MilterAdminFunction function,
                               void *data);
    /* json: one JSON value in text form, or NULL with error, a text for the administrator. Control
     * thread. */
    void (*admin_reply)(MilterAdminRequest *request, const char *json, const char *error);

    /* --- Clocks, in microseconds: monotonic, and since 1970-01-01 UTC. Any thread. */
    int64_t (*now)(void);
    int64_t (*wall_clock)(void);

    /* --- Whether the chain that is being made has an enabled stage of that name, wherever it
     * stands. In configure. */
    bool (*stage_enabled)(MilterInstance *self, const char *name);

    /* --- Figures: calls function for every counter, gauge and histogram of the host and of all
     * stages, also those that a reload has taken out of the chain. Any thread; function runs in it,
     * before figures returns, and must not make or ask for figures itself. Not of one moment: they
     * are counted on meanwhile. */
    void (*figures)(MilterFigureFunction function, void *data);
};

/* Size of the table in the first version of this interface. Every host has these members, so they
 * need no question; one behind them is asked for with MILTER_HOST_HAS before it is called. */
#define MILTER_HOST_SIZE_1                                                                         \
    (offsetof(MilterHost, wall_clock) + sizeof(((const MilterHost *)NULL)->wall_clock))

/* Whether the host has a member (it may be older than these headers). */
#define MILTER_HOST_HAS(host, member)                                                              \
    ((host)->size >= offsetof(MilterHost, member) + sizeof((host)->member) &&                      \
     (host)->member != NULL)

#endif
