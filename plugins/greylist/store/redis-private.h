/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     redis-private.h - the store on a Redis or Valkey server, shared by several hosts
 *
 * DESCRIPTION
 *     Keys, all with the prefix "gl1:" (S: 16 hex digits of the source's hash, H: 32 of an
 * entry's):
 *
 *         gl1:key         the secret of the hashes, made by the first host that comes
 *         gl1:{S}:H       a triplet
 *         gl1:{S}:w       a source
 *         gl1:p:H         a pair
 *         gl1:rules       a hash of rules by grey_rule_key
 *
 *     A value is "state first last until tries senders source sender recipient", tabs between,
 * times in seconds, senders as eight hex digits each; a rule's "state first last until note". The
 * server's expiry removes what has ended. Decisions are one Lua script, with the server's clock, so
 * hosts need not agree on theirs.
 *
 *     Each desk has one connection, pipelined. What is asked before it stands for the first time
 * waits; while it is lost everything fails at once, and it is tried again with growing pauses. A
 * server that answers nothing for SILENCE_SECONDS counts as lost.
 */
#ifndef GREYLIST_STORE_REDIS_PRIVATE_H
#define GREYLIST_STORE_REDIS_PRIVATE_H

#include "store/private.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

typedef struct GreyRedis {
    GreyStore store;
    GreyUri *uri;
    char *safe_uri;      /* for the log */
    char *password_file; /* or NULL */
    gboolean own_clock;
    gint lost; /* atomic: the loss is logged, the return is not yet */

    GMutex lock; /* of what follows: numeric addresses of the host */
    GPtrArray *addresses;
    gboolean resolving;
    gint64 resolved_at; /* monotonic; 0: never */
} GreyRedis;

typedef enum GreyLine {
    GREY_LINE_RESTING,    /* until the timer */
    GREY_LINE_CONNECTING, /* and greeting */
    GREY_LINE_READY,
} GreyLine;

typedef struct GreyRedisDesk {
    GreyDesk desk;
    redisAsyncContext *context;
    char *password; /* of the connection that is being made; or NULL */
    GreyLine line;
    gboolean was_ready;
    double pause;
    guint attempts;
    void *timer; /* RESTING: to connect; else to watch the server's silence */
    gint64
        busy_since; /* monotonic, when the server last answered or was first asked; 0: not asked */
    guint asked;    /* commands without an answer yet */
    GQueue waiting; /* of GreyRequest: before the first connection stands */
    GreySecret secret;
} GreyRedisDesk;

/* ---- redis.c */
/* The server's password, NULL: none. The file is read each time: what stands in it may change while
 * the host runs. FALSE with error, which names the file. */
gboolean grey_redis_password(const GreyRedis *redis, char **password, GError **error);

/* ---- redis-line.c: the connection. */
void grey_line_open(GreyDesk *desk);
void grey_line_close(GreyDesk *desk);
/* Counts a command that was sent; and its answer. */
void grey_line_asked(GreyRedisDesk *desk);
void grey_line_answered(GreyRedisDesk *desk);
/* Sends, or answers with an error. */
void grey_redis_send(GreyRedisDesk *desk, GreyRequest *request);

/* ---- redis-events.c: hiredis on the desk's loop. */
gboolean grey_redis_attach(GreyRedisDesk *desk);

/* ---- redis-resolve.c: host names, on a thread of their own. */
/* A numeric address, the attempt-th in turn, or NULL: none is known yet; asks for it. Free with
 * g_free. */
char *grey_redis_address(GreyRedis *redis, guint attempt);

/* ---- redis-script.c */
typedef enum GreyScript {
    GREY_SCRIPT_DECIDE,
    GREY_SCRIPT_PUT,
    GREY_SCRIPT_PAGE,
    GREY_SCRIPT_RULES,
    GREY_SCRIPT_COUNT,
    GREY_SCRIPT_EXPIRE,
} GreyScript;
#define GREY_N_SCRIPTS 6
const char *grey_script_text(GreyScript script);
const char *grey_script_sha(GreyScript script);

/* ---- redis-command.c: requests to commands. */
/* Words of a command; a script's begin with EVALSHA. Free with g_ptr_array_unref. */
GPtrArray *grey_redis_command(const GreyRedisDesk *desk, const GreyRequest *request,
                              gboolean whole_script);

/* ---- redis-reply.c: replies to answers. */
/* FALSE: it is not what was expected. *again: the request is to be sent once more, from its cursor.
 */
gboolean grey_redis_reply(GreyRequest *request, const redisReply *reply, gboolean *again);

#endif
