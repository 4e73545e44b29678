/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     store.h - where a greylist remembers: one interface for SQLite, Redis and memory
 *
 * DESCRIPTION
 *     A GreyStore is opened by its URI and may be used by any number of threads, each through a
 * GreyDesk of its own. The store knows no milter host: what it needs comes in a GreyEnvironment
 * (clock, log) and, for each desk, a GreyLoop (how to come back to the desk's thread; for Redis
 * also watches and timers). So a tool can open one as well.
 *
 *     Requests never block the desk's thread. All but grey_desk_decide answer through their
 * callback, on the desk's thread, exactly once and never from within the call, unless
 * grey_desk_cancel or grey_desk_free came before: then not at all. What a callback is given is
 * borrowed for the call; what a request is given is copied. A data pointer is the caller's.
 *
 *     URIs:
 *         sqlite:/PATH/FILE                           made if it is not there; its folder must be
 *         redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]  HOST may be [ADDRESS]; port 6379, db 0
 *         redis+unix:/PATH[?db=N]                     (valkey:// and valkey+unix: are the same)
 *         memory:                                     gone with the process; memory:N holds N
 * entries
 *
 *     What a decision is does not depend on the store (decide.h). A decision is one step: no two
 * threads, and with Redis no two hosts, see half of it.
 *
 *     hiredis writes with write(2): a process with a Redis store ignores SIGPIPE, as the host does.
 *
 *     A store that cannot answer says so at once or late; it waits for nobody. Who needs an answer
 * in time sets a timer and cancels (guard.h in the plugin).
 */
#ifndef GREYLIST_STORE_STORE_H
#define GREYLIST_STORE_STORE_H

#include "store/decide.h"

typedef struct GreyStore GreyStore;
typedef struct GreyDesk GreyDesk;
typedef void (*GreyFunction)(void *data);

/* Levels as in the plugin ABI: 0 error, 1 warning, 2 notice, 3 info, 4 debug. */
typedef struct GreyEnvironment {
    void *data;
    /* Microseconds since 1970. Any thread. */
    gint64 (*wall_clock)(void *data);
    /* id and text are constants, text marked for translation; detail may be NULL and never holds a
     * password. Any thread. */
    void (*log)(void *data, guint level, const char *id, const char *text, const char *detail);
} GreyEnvironment;

#define GREY_WATCH_READ 1u
#define GREY_WATCH_WRITE 2u

/* The desk's thread. Borrowed for the life of the desk, data too. */
typedef struct GreyLoop {
    void *data;
    /* Runs function on the desk's thread. Any thread. */
    void (*post)(void *data, GreyFunction function, void *argument);
    /* Redis only, on the desk's thread; the meaning of the ABI's members of these names. NULL where
     * Redis is not used. */
    void *(*watch_add)(void *data, int fd, guint32 events,
                       void (*function)(void *argument, guint32 events), void *argument);
    void (*watch_change)(void *watch, guint32 events);
    void (*watch_remove)(void *watch);
    void *(*timer_add)(void *data, double seconds, GreyFunction function, void *argument);
    void (*timer_remove)(void *timer);
} GreyLoop;

typedef struct GreyStoreOptions {
    const char *uri;
    /* Redis: its first line is the password, read for each connection; NULL or "": none */
    const char *password_file;
    gboolean text;      /* keep the texts of triplets and sources readable */
    gboolean own_clock; /* Redis: this environment's clock instead of the server's (for tests) */
    GreyEnvironment environment;
} GreyStoreOptions;

#define GREY_STORE_ERROR (grey_store_error_quark())
GQuark grey_store_error_quark(void);
typedef enum GreyStoreError {
    GREY_STORE_ERROR_URI,     /* malformed, or of no kind known here */
    GREY_STORE_ERROR_OPEN,    /* cannot be opened or made */
    GREY_STORE_ERROR_CORRUPT, /* not a store, or damaged: left as it is */
    GREY_STORE_ERROR_VERSION, /* written by a newer program: left as it is */
} GreyStoreError;

/* Checks the URI, and looks at the file that it names, if there is one, without changing anything.
 * A folder that is missing is no error here: grey_store_has_folder. */
gboolean grey_store_check(const char *uri, GError **error);
/* FALSE: the URI names a file in a folder that does not exist. */
gboolean grey_store_has_folder(const char *uri);
/* A password in the URI replaced by "***". Free with g_free. */
char *grey_store_safe_uri(const char *uri);
/* NULL with error, which names the file or server. May read and write files; Redis connects only
 * when a desk is made. Starts the store's threads, if it has any. */
GreyStore *grey_store_open(const GreyStoreOptions *options, GError **error);
GreyStore *grey_store_ref(GreyStore *store);
/* The last reference waits until what was asked for is written, and closes. Any thread; no desk is
 * left. */
void grey_store_unref(GreyStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GreyStore, grey_store_unref)
/* As GreyStoreOptions.text, from now on: what is written already stays. Any thread. */
void grey_store_keep_text(GreyStore *store, gboolean text);

/* Called on the thread that loop stands for, as all that follows. Holds a reference to store. */
GreyDesk *grey_desk_new(GreyStore *store, const GreyLoop *loop);
void grey_desk_free(GreyDesk *desk);

/* The answer to a request that is still open will not come. What it does is done all the same. 0 is
 * ignored. */
void grey_desk_cancel(GreyDesk *desk, guint64 request);

/* ---- Deciding. */
typedef void (*GreyAnswerFunction)(void *data, const GreyAnswer *answer);
/* Returns 0 and has filled answer, or the number of the request; then function follows. */
guint64 grey_desk_decide(GreyDesk *desk, const GreyQuestion *question, GreyAnswer *answer,
                         GreyAnswerFunction function, void *data);

/* ---- Administration. error: why it failed, else NULL. */
typedef void (*GreyDoneFunction)(void *data, guint64 n, const char *error);
/* Writes entries over those of the same name; n: how many. At most GREY_BATCH_MAX at a time (more
 * fails), sorted in no particular order. The answer comes when they are on disk. */
#define GREY_BATCH_MAX 1000
/* An entry that is there and lives, and is PASSED, ALLOWED or BLOCKED, stays as it is: for imports.
 */
#define GREY_PUT_KEEP 1u
/* The answer need not wait for the disk. */
#define GREY_PUT_SOON 2u
guint64 grey_desk_put(GreyDesk *desk, const GreyEntry *entries, gsize n, guint32 flags,
                      GreyDoneFunction function, void *data);
/* n: 1, or 0 if there was none of that name. */
guint64 grey_desk_remove(GreyDesk *desk, const GreyEntry *name, GreyDoneFunction function,
                         void *data);
/* Answers when all that was asked for before, on any desk of this process, is on disk. */
guint64 grey_desk_sync(GreyDesk *desk, GreyDoneFunction function, void *data);

typedef struct GreyPage {
    const GreyEntry *entries;
    gsize n;
    const char *next; /* cursor of the next page; NULL: that was the last */
    const char *error;
} GreyPage;
typedef void (*GreyPageFunction)(void *data, const GreyPage *page);
/* The next entries that filter shows; NULL cursor: from the beginning. A page may be short, even
 * empty, without being the last: a slice looks at a bounded number of entries. Entries that change
 * meanwhile may be missed or come twice; those that do not come exactly once (Redis: at least
 * once). limit is cut to GREY_BATCH_MAX. */
guint64 grey_desk_page(GreyDesk *desk, const GreyFilter *filter, const char *cursor, gsize limit,
                       GreyPageFunction function, void *data);
/* The entry of that name: a page with n 1 or 0. */
guint64 grey_desk_get(GreyDesk *desk, const GreyEntry *name, GreyPageFunction function, void *data);
/* Removes entries that have ended, of one slice; n: how many are gone. done_round TRUE when the
 * slice was the last of a round over all. SQLite does this by itself too, slowly. */
typedef void (*GreyExpireFunction)(void *data, guint64 n, gboolean done_round, const char *error);
guint64 grey_desk_expire(GreyDesk *desk, GreyExpireFunction function, void *data);

typedef struct GreyStats {
    guint64 entries[GREY_N_KINDS][GREY_N_STATES];
    guint64 ended;   /* of these, how many have ended but are still there */
    guint64 bytes;   /* of the file or the server's memory; 0: unknown */
    guint64 waiting; /* changes that are not on disk yet */
    const char *error;
} GreyStats;
typedef void (*GreyStatsFunction)(void *data, const GreyStats *stats);
/* Counts all entries, in slices: seconds for millions. */
guint64 grey_desk_stats(GreyDesk *desk, GreyStatsFunction function, void *data);

#endif
