/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     private.h - what the stores share
 *
 * DESCRIPTION
 *     A store is a table of four functions. It gets each request as one object, answers it from any
 * thread with grey_request_complete, and has nothing to do with cancelling or with the desk's
 * thread: that is done here (request.c).
 */
#ifndef GREYLIST_STORE_PRIVATE_H
#define GREYLIST_STORE_PRIVATE_H

#include "store/key.h"
#include "store/store.h"

#define N_(text) (text)

typedef enum GreyRequestKind {
    GREY_REQUEST_DECIDE,
    GREY_REQUEST_PUT,
    GREY_REQUEST_REMOVE,
    GREY_REQUEST_SYNC,
    GREY_REQUEST_PAGE,
    GREY_REQUEST_GET,
    GREY_REQUEST_EXPIRE,
    GREY_REQUEST_STATS,
} GreyRequestKind;

/* Entries with texts of their own. */
typedef struct GreyBatch {
    GArray *entries; /* of GreyEntry */
    GStringChunk *texts;
} GreyBatch;
GreyBatch *grey_batch_new(void);
void grey_batch_free(GreyBatch *batch);
/* Usable as a GreyEntryFunction. */
void grey_batch_add(gpointer batch, const GreyEntry *entry);
const GreyEntry *grey_batch_entry(const GreyBatch *batch, guint i);

typedef struct GreyMailbox GreyMailbox;
typedef struct GreyRequest GreyRequest;
struct GreyRequest {
    GreyRequest *next; /* in a mailbox */
    GreyMailbox *mailbox;
    guint64 number;
    GreyRequestKind kind;
    union {
        GreyAnswerFunction answer;
        GreyDoneFunction done;
        GreyPageFunction page;
        GreyExpireFunction expire;
        GreyStatsFunction stats;
    } function;
    gpointer data;

    /* What is asked: DECIDE question; PUT, REMOVE, GET batch; PAGE filter, cursor, limit. */
    GreyQuestion *question;
    GreyBatch *batch;
    gboolean keep, soon;
    GreyFilter filter;
    char *match, *cursor;
    gsize limit;

    /* What is answered. */
    GreyAnswer answer;
    guint64 n;
    gboolean done_round;
    char *error;
    GreyBatch *found;
    char *next_cursor;
    GreyStats stats;

    /* The store's own: of a DECIDE in work. */
    GreyHave have;
    guint32 looked;
};

/* Any thread; the request is no longer the store's. */
void grey_request_complete(GreyRequest *request);
/* The same with an error; text is copied, NULL allowed. */
void grey_request_fail(GreyRequest *request, const char *error);

typedef struct GreyStoreOps {
    void (*free)(GreyStore *store);
    /* A desk with room for what the store needs; its common part is filled afterwards. */
    GreyDesk *(*desk_alloc)(void);
    /* May be NULL, both: when the common part is filled, and before it goes. */
    void (*desk_open)(GreyDesk *desk);
    void (*desk_close)(GreyDesk *desk);
    /* TRUE: answered. FALSE: the question is submitted as a request. May be NULL. */
    gboolean (*decide)(GreyDesk *desk, const GreyQuestion *question, GreyAnswer *answer);
    void (*submit)(GreyDesk *desk, GreyRequest *request);
} GreyStoreOps;

struct GreyStore {
    const GreyStoreOps *ops;
    gatomicrefcount references;
    GreyEnvironment environment;
    gint text; /* atomic: grey_store_keeps_text */
};

struct GreyDesk {
    GreyStore *store;
    GreyLoop loop;
    GreyMailbox *mailbox;
};

/* "s" source, "f" sender or "r" recipient, with the text behind: names a rule. Free with g_free. */
char *grey_rule_key(const GreyEntry *rule);

/* Seconds since 1970. */
/* Whether texts of triplets and sources are kept. Any thread. */
gboolean grey_store_keeps_text(const GreyStore *store);
gint64 grey_store_now(const GreyStore *store);
void grey_store_log(const GreyStore *store, guint level, const char *id, const char *text,
                    const char *detail);

/* ---- uri.c */
typedef enum GreyScheme {
    GREY_SCHEME_SQLITE,
    GREY_SCHEME_REDIS,
    GREY_SCHEME_REDIS_UNIX,
    GREY_SCHEME_MEMORY,
} GreyScheme;
typedef struct GreyUri {
    GreyScheme scheme;
    char *path; /* SQLITE, REDIS_UNIX */
    char *host; /* REDIS */
    char *user, *password;
    guint port, db;
    guint64 capacity; /* MEMORY; 0: the default */
} GreyUri;
GreyUri *grey_uri_parse(const char *text, GError **error);
void grey_uri_free(GreyUri *uri);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GreyUri, grey_uri_free)

/* ---- The stores. uri is taken. */
GreyStore *grey_memory_open(const GreyStoreOptions *options, GreyUri *uri, GError **error);
GreyStore *grey_sqlite_open(const GreyStoreOptions *options, GreyUri *uri, GError **error);
/* Looks at the head of a file, if there is one. */
gboolean grey_sqlite_check(const char *path, GError **error);
GreyStore *grey_redis_open(const GreyStoreOptions *options, GreyUri *uri, GError **error);

/* Whether an entry that is there is kept against one that is imported. */
gboolean grey_record_is_settled(const GreyRecord *record, gint64 now);

#endif
