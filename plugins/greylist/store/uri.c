/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a store is: the forms that store.h lists. */
#include "store/private.h"

#include <libintl.h>
#include <string.h>
#include <sys/un.h>

#define REDIS_PORT 6379

void
grey_uri_free(GreyUri *uri)
{
    g_free(uri->path);
    g_free(uri->host);
    g_free(uri->user);
    g_free(uri->password);
    g_free(uri);
}

static const char *
after(const char *text, const char *const *prefixes)
{
    for (guint i = 0; prefixes[i]; i++) {
        if (g_str_has_prefix(text, prefixes[i]))
            return text + strlen(prefixes[i]);
    }
    return NULL;
}

static gboolean
read_number(const char *text, guint64 max, guint64 *number)
{
    return g_ascii_string_to_unsigned(text, 10, 0, max, number, NULL);
}

static const char *
read_memory(GreyUri *uri, const char *rest)
{
    uri->scheme = GREY_SCHEME_MEMORY;
    if (*rest && (!read_number(rest, 1u << 28, &uri->capacity) || uri->capacity == 0))
        return N_("the number of entries after memory: is not one");
    return NULL;
}

static const char *
read_sqlite(GreyUri *uri, const char *rest)
{
    uri->scheme = GREY_SCHEME_SQLITE;
    if (g_str_has_prefix(rest, "///"))
        rest += 2;
    if (*rest != '/')
        return N_("sqlite: needs an absolute path");
    uri->path = g_strdup(rest);
    return NULL;
}

static const char *
read_unix(GreyUri *uri, const char *rest)
{
    uri->scheme = GREY_SCHEME_REDIS_UNIX;
    const char *query = strchr(rest, '?');
    guint64 db = 0;
    if (query && (!g_str_has_prefix(query, "?db=") || !read_number(query + 4, 65535, &db)))
        return N_("after the path only ?db=N may stand");
    uri->db = (guint)db;
    uri->path = query ? g_strndup(rest, query - rest) : g_strdup(rest);
    if (*uri->path != '/')
        return N_("redis+unix: needs an absolute path");
    if (strlen(uri->path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return N_("the socket's path is too long");
    return NULL;
}

static const char *
read_user(GreyUri *uri, const char *text, const char *at)
{
    const char *colon = memchr(text, ':', at - text);
    uri->user = g_uri_unescape_segment(text, colon ? colon : at, NULL);
    if (colon)
        uri->password = g_uri_unescape_segment(colon + 1, at, NULL);
    if (!uri->user || (colon && !uri->password))
        return N_("user or password has a wrong %XX");
    return NULL;
}

/* HOST[:PORT] of text, which is changed. */
static const char *
read_host(GreyUri *uri, char *text)
{
    char *port = NULL;
    guint64 number = REDIS_PORT;
    if (*text == '[') {
        char *end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return N_("the address after redis:// is not closed by ]");
        *end = '\0';
        port = end[1] ? end + 2 : NULL;
        text++;
    } else {
        port = strchr(text, ':');
        if (port)
            *port++ = '\0';
    }
    if (!*text)
        return N_("redis:// needs a host");
    if (port && (!read_number(port, 65535, &number) || number == 0))
        return N_("the port is not a number from 1 to 65535");
    uri->host = g_strdup(text);
    uri->port = (guint)number;
    return NULL;
}

static const char *
read_redis(GreyUri *uri, const char *rest)
{
    uri->scheme = GREY_SCHEME_REDIS;
    guint64 db = 0;
    const char *slash = strchr(rest, '/');
    const char *end = slash ? slash : rest + strlen(rest);
    if (slash && slash[1] && !read_number(slash + 1, 65535, &db))
        return N_("the database after the host is not a number");
    uri->db = (guint)db;
    const char *at = g_strrstr_len(rest, end - rest, "@");
    const char *wrong = at ? read_user(uri, rest, at) : NULL;
    if (wrong)
        return wrong;
    const char *from = at ? at + 1 : rest;
    g_autofree char *host = g_strndup(from, end - from);
    return read_host(uri, host);
}

static const char *
read_uri(GreyUri *uri, const char *text)
{
    static const char *const memory[] = {"memory:", NULL}, *const sqlite[] = {"sqlite:", NULL};
    static const char *const over_unix[] = {"redis+unix:", "valkey+unix:", NULL};
    static const char *const redis[] = {"redis://", "valkey://", NULL};
    const char *rest = after(text, memory);
    if (rest)
        return read_memory(uri, rest);
    if ((rest = after(text, sqlite)))
        return read_sqlite(uri, rest);
    if ((rest = after(text, over_unix)))
        return read_unix(uri, rest);
    if ((rest = after(text, redis)))
        return read_redis(uri, rest);
    return N_("a store is sqlite:PATH, redis://HOST[:PORT][/DB], redis+unix:/PATH or memory:");
}

GreyUri *
grey_uri_parse(const char *text, GError **error)
{
    GreyUri *uri = g_new0(GreyUri, 1);
    const char *wrong = read_uri(uri, text);
    if (!wrong)
        return uri;
    g_autofree char *safe = grey_store_safe_uri(text);
    g_set_error(error, GREY_STORE_ERROR, GREY_STORE_ERROR_URI, "“%s”: %s", safe,
                dgettext(GETTEXT_PACKAGE, wrong));
    grey_uri_free(uri);
    return NULL;
}

char *
grey_store_safe_uri(const char *uri)
{
    const char *start = strstr(uri, "://");
    if (!start)
        return g_strdup(uri);
    start += 3;
    const char *at = strrchr(start, '@'); /* also where a password has a slash, which is wrong */
    const char *colon = at ? memchr(start, ':', at - start) : NULL;
    if (!colon)
        return g_strdup(uri);
    g_autofree char *before = g_strndup(uri, colon - uri);
    return g_strconcat(before, ":***", at, NULL);
}
