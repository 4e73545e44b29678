/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect/spec.h"

#include "detect/text.h"

#include <string.h>
#include <sys/un.h>

#define HOST_MAX 255u

static char *
refuse(const char *written, char **why)
{
    g_autofree char *shown = g_utf8_make_valid(written, -1);
    *why = g_strdup_printf(_("“%s” is no socket that can be connected to"), shown);
    return NULL;
}

/* A text without control characters and quotes: it will stand in a configuration and in the log. */
static gboolean
is_clean(const char *text)
{
    for (const char *c = text; *c; c++)
        if (g_ascii_iscntrl(*c) || strchr("'\"\\", *c))
            return FALSE;
    return g_utf8_validate(text, -1, NULL);
}

static const char *
skip(const char *text, const char *prefix)
{
    return g_str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

static const char *
without_unix(const char *text)
{
    for (;;) {
        const char *rest = skip(text, "local:");
        if (!rest)
            rest = skip(text, "unix:");
        if (!rest)
            return text;
        text = rest;
    }
}

static gboolean
is_port(const char *text, gsize length)
{
    guint64 port = 0;
    if (length == 0 || length > 5)
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isdigit(text[i]))
            return FALSE;
        port = port * 10 + (guint64)(text[i] - '0');
    }
    return port > 0 && port <= 65535;
}

static gboolean
means_all(const char *host)
{
    static const char *const all[] = {"", "*", "0.0.0.0", "[0.0.0.0]", "::", "[::]"};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        if (strcmp(host, all[i]) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
is_host(const char *host)
{
    gsize length = strlen(host);
    if (*host == '[')
        return length > 2 && strspn(host + 1, "0123456789abcdefABCDEF:.") == length - 2 &&
               host[length - 1] == ']';
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(host[i]) && !strchr(".-_:", host[i]))
            return FALSE;
    return length <= HOST_MAX;
}

/* PORT[@HOST] */
static char *
normalise_inet(const char *written, const char *scheme, const char *rest, char **why)
{
    const char *at = strchr(rest, '@');
    gsize length = at ? (gsize)(at - rest) : strlen(rest);
    const char *host = at && !means_all(at + 1) ? at + 1 : "localhost";
    if (!is_port(rest, length) || !is_host(host))
        return refuse(written, why);
    gboolean bare_v6 = *host != '[' && strchr(host, ':') != NULL;
    if (strchr(host, ':'))
        scheme = "inet6";
    else if (host[strspn(host, "[].0123456789")] == '\0')
        scheme = "inet";
    return g_strdup_printf("%s:%.*s@%s%s%s", scheme, (int)length, rest, bare_v6 ? "[" : "", host,
                           bare_v6 ? "]" : "");
}

static char *
normalise_path(const char *written, const char *path, char **why)
{
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path) || !is_clean(path))
        return refuse(written, why);
    return g_strconcat("unix:", path, NULL);
}

char *
detect_spec_normalise(const char *written, char **why)
{
    g_autofree char *text = g_strstrip(g_strdup(written));
    const char *rest = without_unix(text);
    *why = NULL;
    if (*rest == '/')
        return normalise_path(written, rest, why);
    if (rest != text)
        return refuse(written, why);
    if ((rest = skip(text, "inet6:")))
        return normalise_inet(written, "inet6", rest, why);
    rest = skip(text, "inet:");
    return normalise_inet(written, "inet", rest ? rest : text, why);
}
