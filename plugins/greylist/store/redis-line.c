/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A desk's connection: made, greeted, watched, lost and made again. */
#include "store/redis-private.h"

#include <string.h>

#define CONNECT_SECONDS 5
#define SILENCE_SECONDS 2
#define FIRST_PAUSE 0.1
#define LAST_PAUSE 10.0
/* While a host name is not resolved yet. */
#define RESOLVE_PAUSE 0.1
#define WAITING_MAX 1000

static void begin(void *data);
static void lose(GreyRedisDesk *desk, const char *why);

static GreyRedis *
redis_of(const GreyRedisDesk *desk)
{
    return (GreyRedis *)desk->desk.store;
}

static void
set_timer(GreyRedisDesk *desk, double seconds, GreyFunction function)
{
    const GreyLoop *loop = &desk->desk.loop;
    if (desk->timer)
        loop->timer_remove(desk->timer);
    desk->timer = function ? loop->timer_add(loop->data, seconds, function, desk) : NULL;
}

static void
fail_waiting(GreyRedisDesk *desk, const char *why)
{
    GreyRequest *request;
    while ((request = g_queue_pop_head(&desk->waiting)))
        grey_request_fail(request, why);
}

/* ---- The server's silence. */

static void
check_silence(void *data)
{
    GreyRedisDesk *desk = data;
    desk->timer = NULL;
    gint64 limit =
        (desk->line == GREY_LINE_READY ? SILENCE_SECONDS : CONNECT_SECONDS) * G_TIME_SPAN_SECOND;
    if (desk->busy_since && g_get_monotonic_time() - desk->busy_since >= limit)
        lose(desk, "the server does not answer");
    else
        set_timer(desk, 1.0, check_silence);
}

void
grey_line_asked(GreyRedisDesk *desk)
{
    if (desk->asked++ == 0)
        desk->busy_since = g_get_monotonic_time();
}

void
grey_line_answered(GreyRedisDesk *desk)
{
    desk->asked--;
    desk->busy_since = desk->asked > 0 ? g_get_monotonic_time() : 0;
}

/* ---- Greeting: who we are, which database, the secret. */

static void
log_return(GreyRedisDesk *desk)
{
    GreyRedis *redis = redis_of(desk);
    if (g_atomic_int_compare_and_exchange(&redis->lost, TRUE, FALSE))
        grey_store_log(&redis->store, 2, "greylist-redis-back",
                       N_("The greylist's server answers again"), redis->safe_uri);
}

static void
become_ready(GreyRedisDesk *desk)
{
    desk->line = GREY_LINE_READY;
    desk->was_ready = TRUE;
    desk->pause = FIRST_PAUSE;
    log_return(desk);
    GreyRequest *request;
    while (desk->line == GREY_LINE_READY && (request = g_queue_pop_head(&desk->waiting)))
        grey_redis_send(desk, request);
}

static gboolean
read_secret(const redisReply *reply, GreySecret *secret)
{
    if (reply->type != REDIS_REPLY_STRING || reply->len != 2 * GREY_SECRET_SIZE)
        return FALSE;
    for (guint i = 0; i < GREY_SECRET_SIZE; i++) {
        int high = g_ascii_xdigit_value(reply->str[2 * i]);
        int low = g_ascii_xdigit_value(reply->str[2 * i + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        secret->bytes[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

/* AUTH, SELECT and SET have nothing to say but errors. */
static void
greeted(redisAsyncContext *context, void *data, void *last)
{
    GreyRedisDesk *desk = context->data;
    const redisReply *reply = data;
    if (!desk || desk->context != context)
        return;
    grey_line_answered(desk);
    if (!reply)
        return; /* the connection is lost: told elsewhere */
    if (reply->type == REDIS_REPLY_ERROR)
        lose(desk, reply->str);
    else if (last && !read_secret(reply, &desk->secret))
        lose(desk, "gl1:key holds no secret");
    else if (last)
        become_ready(desk);
}

static void
say(GreyRedisDesk *desk, gboolean last, int n, const char **words)
{
    gsize lengths[4];
    for (int i = 0; i < n; i++)
        lengths[i] = strlen(words[i]);
    if (redisAsyncCommandArgv(desk->context, greeted, last ? desk : NULL, n, words, lengths) ==
        REDIS_OK)
        grey_line_asked(desk);
}

static void
greet(GreyRedisDesk *desk)
{
    const GreyRedis *redis = redis_of(desk);
    const char *user = redis->uri->user;
    const char *with_user[] = {"AUTH", user, desk->password};
    const char *without[] = {"AUTH", desk->password};
    if (desk->password && user && *user)
        say(desk, FALSE, 3, with_user);
    else if (desk->password)
        say(desk, FALSE, 2, without);
    g_clear_pointer(&desk->password, g_free);
    g_autofree char *db = g_strdup_printf("%u", redis->uri->db);
    const char *select[] = {"SELECT", db};
    say(desk, FALSE, 2, select);
    GreySecret secret;
    char hex[2 * GREY_SECRET_SIZE + 1];
    grey_secret_new(&secret);
    for (guint i = 0; i < GREY_SECRET_SIZE; i++)
        g_snprintf(hex + 2 * i, 3, "%02x", secret.bytes[i]);
    const char *set[] = {"SET", "gl1:key", hex, "NX"};
    say(desk, FALSE, 4, set);
    const char *get[] = {"GET", "gl1:key"};
    say(desk, TRUE, 2, get);
}

/* ---- Making it and losing it. */

static void
connected(const redisAsyncContext *context, int status)
{
    GreyRedisDesk *desk = context->data;
    if (!desk || desk->context != context)
        return;
    if (status == REDIS_OK) {
        greet(desk);
        return;
    }
    desk->context = NULL; /* hiredis frees it */
    lose(desk, context->errstr);
}

static void
disconnected(const redisAsyncContext *context, int status)
{
    (void)status;
    GreyRedisDesk *desk = context->data;
    if (!desk || desk->context != context)
        return;
    desk->context = NULL; /* hiredis frees it */
    lose(desk, *context->errstr ? context->errstr : "the server closed the connection");
}

static void
log_loss(GreyRedisDesk *desk, const char *why)
{
    GreyRedis *redis = redis_of(desk);
    if (!g_atomic_int_compare_and_exchange(&redis->lost, FALSE, TRUE))
        return;
    g_autofree char *detail = g_strdup_printf("%s: %s", redis->safe_uri, why);
    grey_store_log(&redis->store, 1, "greylist-redis-lost",
                   N_("The greylist's server cannot be used; it is tried again"), detail);
}

static void
drop_context(GreyRedisDesk *desk)
{
    redisAsyncContext *context = g_steal_pointer(&desk->context);
    if (context)
        redisAsyncFree(context); /* within its own callback hiredis does it afterwards */
}

static void
lose(GreyRedisDesk *desk, const char *why)
{
    log_loss(desk, why);
    desk->line = GREY_LINE_RESTING;
    desk->busy_since = 0;
    desk->asked = 0;
    drop_context(desk);
    fail_waiting(desk, "the server cannot be reached");
    set_timer(desk, desk->pause, begin);
    desk->pause = MIN(desk->pause * 2, LAST_PAUSE);
}

static redisAsyncContext *
make_context(GreyRedisDesk *desk)
{
    GreyRedis *redis = redis_of(desk);
    if (redis->uri->scheme == GREY_SCHEME_REDIS_UNIX)
        return redisAsyncConnectUnix(redis->uri->path);
    g_autofree char *address = grey_redis_address(redis, desk->attempts++);
    return address ? redisAsyncConnect(address, (int)redis->uri->port) : NULL;
}

/* No longer than for a connection: those who ask must not wait for ever. */
static void
wait_for_name(GreyRedisDesk *desk)
{
    gint64 now = g_get_monotonic_time();
    if (desk->busy_since == 0)
        desk->busy_since = now;
    if (now - desk->busy_since >= CONNECT_SECONDS * G_TIME_SPAN_SECOND)
        lose(desk, "the name of its host is not resolved");
    else
        set_timer(desk, RESOLVE_PAUSE, begin);
}

/* Nothing has been said on context yet. */
static void
give_up(GreyRedisDesk *desk, redisAsyncContext *context, const char *problem)
{
    g_autofree char *why = g_strdup(problem);
    redisAsyncFree(context);
    lose(desk, why);
}

static void
begin(void *data)
{
    GreyRedisDesk *desk = data;
    g_autoptr(GError) error = NULL;
    desk->timer = NULL;
    redisAsyncContext *context = make_context(desk);
    if (!context) {
        wait_for_name(desk);
        return;
    }
    if (context->err) {
        give_up(desk, context, context->errstr);
        return;
    }
    g_clear_pointer(&desk->password, g_free);
    if (!grey_redis_password(redis_of(desk), &desk->password, &error)) {
        give_up(desk, context, error->message);
        return;
    }
    desk->context = context;
    context->data = desk;
    desk->line = GREY_LINE_CONNECTING;
    desk->busy_since = g_get_monotonic_time();
    grey_redis_attach(desk);
    redisAsyncSetDisconnectCallback(context, disconnected);
    redisAsyncSetConnectCallback(context, connected);
    set_timer(desk, 1.0, check_silence);
}

void
grey_line_open(GreyDesk *base)
{
    GreyRedisDesk *desk = (GreyRedisDesk *)base;
    g_queue_init(&desk->waiting);
    desk->pause = FIRST_PAUSE;
    begin(desk);
}

void
grey_line_close(GreyDesk *base)
{
    GreyRedisDesk *desk = (GreyRedisDesk *)base;
    set_timer(desk, 0, NULL);
    if (desk->context)
        desk->context->data = NULL;
    drop_context(desk);
    fail_waiting(desk, "the store closes");
    g_clear_pointer(&desk->password, g_free);
}

/* ---- Requests. */

static gboolean
is_no_script(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && g_str_has_prefix(reply->str, "NOSCRIPT");
}

/* What a server that works says when it does not do what it is told; a constant text. NULL: that is
 * no error of the server. */
static const char *
refusal(const redisReply *reply)
{
    static const struct {
        const char *word, *text;
    } known[] = {
        {"OOM", "the server has no memory left (OOM)"},
        {"READONLY", "the server is a replica (READONLY)"},
        {"MISCONF", "the server cannot write to its disk (MISCONF)"},
        {"LOADING", "the server is loading its data (LOADING)"},
        {"BUSY", "the server is busy with a script (BUSY)"},
        {"NOPERM", "the user may not do this on the server (NOPERM)"},
        {"CROSSSLOT", "the server is a cluster, which is not supported (CROSSSLOT)"},
        {"MOVED", "the server is a cluster, which is not supported (MOVED)"},
    };
    if (reply->type != REDIS_REPLY_ERROR)
        return NULL;
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strstr(reply->str, known[i].word))
            return known[i].text;
    }
    return "the server refuses";
}

static void send_command(GreyRedisDesk *desk, GreyRequest *request, gboolean whole_script);

/* context->data is NULL when the desk is closing: what is open then ends without its answer. */
static void
answered(redisAsyncContext *context, void *data, void *argument)
{
    GreyRedisDesk *desk = context->data;
    GreyRequest *request = argument;
    const redisReply *reply = data;
    gboolean again = FALSE;
    if (!desk || !reply) {
        grey_request_fail(request, "the connection to the server was lost");
        return;
    }
    if (desk->context == context)
        grey_line_answered(desk);
    if (is_no_script(reply))
        send_command(desk, request, TRUE);
    else if (refusal(reply))
        grey_request_fail(request, refusal(reply));
    else if (!grey_redis_reply(request, reply, &again))
        grey_request_fail(request, "the server's answer is not understood");
    else if (again)
        send_command(desk, request, FALSE);
    else
        grey_request_complete(request);
}

static void
send_command(GreyRedisDesk *desk, GreyRequest *request, gboolean whole_script)
{
    g_autoptr(GPtrArray) words = grey_redis_command(desk, request, whole_script);
    g_autofree gsize *lengths = g_new(gsize, words->len);
    for (guint i = 0; i < words->len; i++)
        lengths[i] = strlen(g_ptr_array_index(words, i));
    if (desk->context &&
        redisAsyncCommandArgv(desk->context, answered, request, (int)words->len,
                              (const char **)(gpointer)words->pdata, lengths) == REDIS_OK)
        grey_line_asked(desk);
    else
        grey_request_fail(request, "the connection to the server was lost");
}

void
grey_redis_send(GreyRedisDesk *desk, GreyRequest *request)
{
    gboolean first_time = !desk->was_ready && redis_of(desk)->lost == FALSE;
    if (desk->line == GREY_LINE_READY)
        send_command(desk, request, FALSE);
    else if (first_time && desk->waiting.length < WAITING_MAX)
        g_queue_push_tail(&desk->waiting, request);
    else
        grey_request_fail(request, "the server cannot be reached");
}
