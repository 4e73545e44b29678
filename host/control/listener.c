/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/listener.h"

#include "base/i18n.h"
#include "base/log.h"

#include <errno.h>
#include <gio/gio.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 1024
/* When descriptors ran out: how long until the next try. */
#define RETRY_SECONDS 0.25

struct MmListener {
    MmReactor *reactor;
    int fd;
    MmWatch *watch;
    MmTimer retry;
    gboolean paused;
    gboolean starved;
    MmArrivalFunction arrivals;
    gpointer data;
};

static int
fail(int fd, const char *what, GError **error)
{
    int number = errno;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number), "%s: %s", what,
                g_strerror(number));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* "Address already in use" is said of a file that is no socket, too: nobody would look for that. */
static int
fail_to_bind(int fd, const char *path, GError **error)
{
    int number = errno;
    struct stat status;
    gboolean other = number == EADDRINUSE && lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode);
    errno = number;
    if (!other)
        return fail(fd, path, error);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, "%s: %s", path,
                _("there is something that is no socket"));
    close(fd);
    return -1;
}

/* A socket file that is left over from a host that died. */
static gboolean
is_stale(const struct sockaddr_storage *storage, socklen_t length, const char *path)
{
    struct stat status;
    gboolean in_progress;
    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return FALSE;
    int fd = mm_address_connect(storage, length, &in_progress);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == ECONNREFUSED;
}

static gboolean
give(const char *path, uid_t owner, const char *name, GError **error)
{
    const struct group *group = name && *name ? getgrnam(name) : NULL;
    if (name && *name && !group) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("there is no group “%s”"), name);
        return FALSE;
    }
    if (lchown(path, geteuid() == 0 ? owner : (uid_t)-1, group ? group->gr_gid : (gid_t)-1) != 0) {
        fail(-1, path, error);
        return FALSE;
    }
    return TRUE;
}

static int
bind_unix(const MmListenerOptions *options, const struct sockaddr_storage *storage,
          socklen_t length, GError **error)
{
    const char *path = options->address->path;
    if (is_stale(storage, length, path))
        (void)unlink(path);
    int fd = mm_address_socket(AF_UNIX);
    if (fd < 0)
        return fail(fd, "socket", error);
    /* Nobody connects before mode and group are right: listen comes last. The folder may be the
     * user's we will run as, and what stands there after bind another file by then, or a link to
     * one: the mode is made by bind, and lchown follows no link. */
    mode_t before = umask(0777 & ~(mode_t)options->mode);
    int bound = bind(fd, (const struct sockaddr *)storage, length);
    (void)umask(before);
    if (bound != 0)
        return fail_to_bind(fd, path, error);
    if (!give(path, options->owner, options->group, error)) {
        close(fd);
        (void)unlink(path);
        return -1;
    }
    if (listen(fd, BACKLOG) != 0)
        return fail(fd, path, error);
    return fd;
}

static int
bind_inet(const MmListenerOptions *options, const struct sockaddr_storage *storage,
          socklen_t length, GError **error)
{
    g_autofree char *spec = mm_address_to_string(options->address);
    const int one = 1;
    int fd = mm_address_socket(storage->ss_family);
    if (fd < 0)
        return fail(fd, spec, error);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (storage->ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)storage, length) != 0 || listen(fd, BACKLOG) != 0)
        return fail(fd, spec, error);
    return fd;
}

int
mm_listener_bind(const MmListenerOptions *options, GError **error)
{
    struct sockaddr_storage storage;
    socklen_t length;
    if (!mm_address_to_sockaddr(options->address, TRUE, &storage, &length)) {
        g_autofree char *spec = mm_address_to_string(options->address);
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    _("%s: to listen, an address is needed, not a name"), spec);
        return -1;
    }
    if (options->address->family == MM_ADDRESS_UNIX)
        return bind_unix(options, &storage, length, error);
    return bind_inet(options, &storage, length, error);
}

static void
update_watch(MmListener *listener)
{
    gboolean accepting = !listener->paused && !listener->starved;
    mm_watch_change(listener->watch, accepting ? MM_WATCH_READ : 0);
}

static void
try_again(gpointer data)
{
    MmListener *listener = data;
    listener->starved = FALSE;
    update_watch(listener);
}

static void
starve(MmListener *listener)
{
    MM_LOG(MM_LOG_WARNING, "accept-paused",
           N_("No connection can be accepted now: trying again soon"),
           MM_STR("reason", g_strerror(errno)));
    listener->starved = TRUE;
    update_watch(listener);
    mm_timer_start(listener->reactor, &listener->retry, RETRY_SECONDS, try_again, listener);
}

static void
ready(gpointer data, guint32 events)
{
    MmListener *listener = data;
    (void)events;
    listener->arrivals(listener->data);
}

MmListener *
mm_listener_new(MmReactor *reactor, int fd, MmArrivalFunction arrivals, gpointer data)
{
    MmListener *listener = g_new0(MmListener, 1);
    listener->reactor = reactor;
    listener->fd = fd;
    listener->arrivals = arrivals;
    listener->data = data;
    listener->watch = mm_watch_add(reactor, fd, MM_WATCH_READ, ready, listener);
    if (listener->watch)
        return listener;
    g_free(listener);
    return NULL;
}

void
mm_listener_free(MmListener *listener)
{
    if (!listener)
        return;
    mm_timer_stop(listener->reactor, &listener->retry);
    mm_watch_remove(listener->watch);
    close(listener->fd);
    g_free(listener);
}

int
mm_listener_accept(MmListener *listener)
{
    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            return fd;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            starve(listener);
        if (errno != EINTR && errno != ECONNABORTED)
            return -1;
    }
}

void
mm_listener_set_paused(MmListener *listener, gboolean paused)
{
    if (listener->paused == paused)
        return;
    listener->paused = paused;
    update_watch(listener);
}
