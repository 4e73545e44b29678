/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"

#include "base/i18n.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

G_DEFINE_QUARK(mm - address - error - quark, mm_address_error)

static gboolean
path_fits(const char *spec, const char *path, GError **error)
{
    const gsize room = sizeof(((struct sockaddr_un *)NULL)->sun_path);
    if (strlen(path) < room)
        return TRUE;
    g_set_error(error, MM_ADDRESS_ERROR, MM_ADDRESS_ERROR_PATH,
                _("“%s”: the path is longer than the %u bytes that a socket's may have"), spec,
                (guint)room - 1);
    return FALSE;
}

static MmAddress *
parse_path(const char *spec, const char *path, GError **error)
{
    if (*path != '/') {
        g_set_error(error, MM_ADDRESS_ERROR, MM_ADDRESS_ERROR_PATH,
                    _("“%s”: the path of a unix socket must begin with “/”"), spec);
        return NULL;
    }
    if (!path_fits(spec, path, error))
        return NULL;
    MmAddress *address = g_new0(MmAddress, 1);
    address->family = MM_ADDRESS_UNIX;
    address->path = g_strdup(path);
    return address;
}

gboolean
mm_address_move_below(MmAddress *address, const char *root, GError **error)
{
    if (address->family != MM_ADDRESS_UNIX || strcmp(root, "/") == 0)
        return TRUE;
    g_autofree char *path = g_build_filename(root, address->path, NULL);
    if (!path_fits(path, path, error))
        return FALSE;
    g_free(address->path);
    address->path = g_steal_pointer(&path);
    return TRUE;
}

static gboolean
parse_port(const char *spec, const char *text, gsize length, guint16 *port, GError **error)
{
    guint64 value = 0;
    gboolean digits = length > 0 && length <= 5;
    for (gsize i = 0; i < length && digits; i++) {
        digits = g_ascii_isdigit(text[i]);
        value = value * 10 + (guint64)(text[i] - '0');
    }
    if (!digits || value == 0 || value > G_MAXUINT16) {
        g_set_error(error, MM_ADDRESS_ERROR, MM_ADDRESS_ERROR_PORT,
                    _("“%s”: the port must be a number from 1 to 65535"), spec);
        return FALSE;
    }
    *port = (guint16)value;
    return TRUE;
}

/* "[ADDRESS]" or anything without blanks; NULL if it is neither. */
static char *
parse_host(const char *text)
{
    gsize length = strlen(text);
    if (*text == '[') {
        if (length < 3 || text[length - 1] != ']')
            return NULL;
        return g_strndup(text + 1, length - 2);
    }
    return length > 0 && !strpbrk(text, " \t[]@") ? g_strdup(text) : NULL;
}

static gboolean
host_fits(MmAddressFamily family, const char *host)
{
    guint8 room[16];
    if (family == MM_ADDRESS_INET)
        return inet_pton(AF_INET6, host, room) != 1;
    return inet_pton(AF_INET, host, room) != 1;
}

static MmAddress *
parse_inet(const char *spec, MmAddressFamily family, const char *rest, GError **error)
{
    const char *at = strchr(rest, '@');
    guint16 port;
    if (!parse_port(spec, rest, at ? (gsize)(at - rest) : strlen(rest), &port, error))
        return NULL;
    g_autofree char *host = at ? parse_host(at + 1) : NULL;
    if (at && (!host || !host_fits(family, host))) {
        g_set_error(error, MM_ADDRESS_ERROR, MM_ADDRESS_ERROR_HOST,
                    _("“%s”: after “@” a host name, an address of that family or [ADDRESS] is "
                      "expected"),
                    spec);
        return NULL;
    }
    MmAddress *address = g_new0(MmAddress, 1);
    address->family = family;
    address->port = port;
    address->host = g_steal_pointer(&host);
    return address;
}

MmAddress *
mm_address_parse(const char *spec, GError **error)
{
    if (*spec == '/')
        return parse_path(spec, spec, error);
    if (g_str_has_prefix(spec, "unix:"))
        return parse_path(spec, spec + 5, error);
    if (g_str_has_prefix(spec, "local:"))
        return parse_path(spec, spec + 6, error);
    if (g_str_has_prefix(spec, "inet:"))
        return parse_inet(spec, MM_ADDRESS_INET, spec + 5, error);
    if (g_str_has_prefix(spec, "inet6:"))
        return parse_inet(spec, MM_ADDRESS_INET6, spec + 6, error);
    g_set_error(error, MM_ADDRESS_ERROR, MM_ADDRESS_ERROR_SCHEME,
                _("“%s”: expected unix:PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]"), spec);
    return NULL;
}

void
mm_address_free(MmAddress *address)
{
    if (!address)
        return;
    g_free(address->path);
    g_free(address->host);
    g_free(address);
}

char *
mm_address_to_string(const MmAddress *address)
{
    if (address->family == MM_ADDRESS_UNIX)
        return g_strdup_printf("unix:%s", address->path);
    const char *scheme = address->family == MM_ADDRESS_INET ? "inet" : "inet6";
    if (!address->host)
        return g_strdup_printf("%s:%u", scheme, address->port);
    gboolean brackets = strchr(address->host, ':') != NULL;
    return g_strdup_printf("%s:%u@%s%s%s", scheme, address->port, brackets ? "[" : "",
                           address->host, brackets ? "]" : "");
}

gboolean
mm_address_equal(const MmAddress *a, const MmAddress *b)
{
    return a->family == b->family && a->port == b->port && g_strcmp0(a->path, b->path) == 0 &&
           g_strcmp0(a->host, b->host) == 0;
}

static gboolean
fill_unix(const char *path, struct sockaddr_storage *storage, socklen_t *length)
{
    struct sockaddr_un *un = (struct sockaddr_un *)storage;
    if (strlen(path) >= sizeof(un->sun_path))
        return FALSE;
    un->sun_family = AF_UNIX;
    g_strlcpy(un->sun_path, path, sizeof(un->sun_path));
    *length = (socklen_t)sizeof(*un);
    return TRUE;
}

gboolean
mm_address_fill(const MmAddress *address, const char *numeric, struct sockaddr_storage *storage,
                socklen_t *length)
{
    memset(storage, 0, sizeof(*storage));
    if (address->family == MM_ADDRESS_UNIX)
        return fill_unix(address->path, storage, length);
    if (address->family == MM_ADDRESS_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        *length = (socklen_t)sizeof(*in);
        return inet_pton(AF_INET, numeric, &in->sin_addr) == 1;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    *length = (socklen_t)sizeof(*in6);
    return inet_pton(AF_INET6, numeric, &in6->sin6_addr) == 1;
}

gboolean
mm_address_to_sockaddr(const MmAddress *address, gboolean listening,
                       struct sockaddr_storage *storage, socklen_t *length)
{
    const char *numeric = address->host;
    if (!numeric && address->family == MM_ADDRESS_INET)
        numeric = listening ? "0.0.0.0" : "127.0.0.1";
    if (!numeric && address->family == MM_ADDRESS_INET6)
        numeric = listening ? "::" : "::1";
    return mm_address_fill(address, numeric, storage, length);
}

int
mm_address_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && family != AF_UNIX) {
        const int one = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    return fd;
}

int
mm_address_connect(const struct sockaddr_storage *storage, socklen_t length, gboolean *in_progress)
{
    int fd = mm_address_socket(storage->ss_family);
    if (fd < 0)
        return -1;
    *in_progress = FALSE;
    if (connect(fd, (const struct sockaddr *)storage, length) == 0)
        return fd;
    if (errno == EINPROGRESS || errno == EINTR) {
        *in_progress = TRUE;
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}
