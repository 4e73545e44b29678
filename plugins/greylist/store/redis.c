/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store on a server: opening and closing. */
#include "store/redis-private.h"

#include <libintl.h>
#include <string.h>

static void
redis_submit(GreyDesk *desk, GreyRequest *request)
{
    grey_redis_send((GreyRedisDesk *)desk, request);
}

static GreyDesk *
redis_desk(void)
{
    GreyRedisDesk *desk = g_new0(GreyRedisDesk, 1);
    return &desk->desk;
}

static void
redis_free(GreyStore *store)
{
    GreyRedis *redis = (GreyRedis *)store;
    g_ptr_array_unref(redis->addresses);
    g_mutex_clear(&redis->lock);
    g_free(redis->safe_uri);
    g_free(redis->password_file);
    grey_uri_free(redis->uri);
    g_free(redis);
}

static const GreyStoreOps redis_ops = {
    .free = redis_free,
    .desk_alloc = redis_desk,
    .desk_open = grey_line_open,
    .desk_close = grey_line_close,
    .submit = redis_submit,
};

/* The file's first line wins over the URI's password. */
gboolean
grey_redis_password(const GreyRedis *redis, char **password, GError **error)
{
    const char *file = redis->password_file;
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;
    *password = NULL;
    if (!file) {
        *password = g_strdup(redis->uri->password);
        return TRUE;
    }
    if (!g_file_get_contents(file, &text, NULL, &problem)) {
        g_set_error_literal(error, GREY_STORE_ERROR, GREY_STORE_ERROR_OPEN, problem->message);
        return FALSE;
    }
    text[strcspn(text, "\r\n")] = '\0';
    if (*text) {
        *password = g_steal_pointer(&text);
        return TRUE;
    }
    g_set_error(error, GREY_STORE_ERROR, GREY_STORE_ERROR_OPEN,
                dgettext(GETTEXT_PACKAGE, N_("%s: its first line is empty")), file);
    return FALSE;
}

GreyStore *
grey_redis_open(const GreyStoreOptions *options, GreyUri *uri, GError **error)
{
    GreyRedis *redis = g_new0(GreyRedis, 1);
    redis->store =
        (GreyStore){.ops = &redis_ops, .environment = options->environment, .text = options->text};
    g_atomic_ref_count_init(&redis->store.references);
    g_mutex_init(&redis->lock);
    redis->uri = uri;
    redis->safe_uri = grey_store_safe_uri(options->uri);
    redis->own_clock = options->own_clock;
    redis->addresses = g_ptr_array_new_with_free_func(g_free);
    if (options->password_file && *options->password_file)
        redis->password_file = g_strdup(options->password_file);
    g_autofree char *password = NULL;
    if (grey_redis_password(redis, &password, error))
        return &redis->store;
    redis_free(&redis->store);
    return NULL;
}
