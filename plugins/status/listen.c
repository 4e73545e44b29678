/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listen.h"

#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 32
#define MODE 0660

gboolean
listen_is_local(const MmAddress *address)
{
    struct sockaddr_storage storage;
    socklen_t length;
    if (address->family == MM_ADDRESS_UNIX)
        return TRUE;
    /* Without a host it is all addresses; a name may come to mean any. */
    if (!address->host || !mm_address_to_sockaddr(address, TRUE, &storage, &length))
        return FALSE;
    if (storage.ss_family == AF_INET) {
        const struct sockaddr_in *inet = (const struct sockaddr_in *)(gpointer)&storage;
        return ntohl(inet->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *inet6 = (const struct sockaddr_in6 *)(gpointer)&storage;
    return IN6_IS_ADDR_LOOPBACK(&inet6->sin6_addr) != 0;
}

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

/* A socket file that nobody listens on. */
static gboolean
is_stale(const struct sockaddr_storage *storage, socklen_t length, const char *path)
{
    struct stat status;
    gboolean in_progress;
    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return FALSE;
    int fd = mm_address_connect(storage, length, &in_progress);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    return fd < 0 && reason == ECONNREFUSED;
}

/* The mode is right before anybody can connect: listen comes last. The process's umask is not
 * touched, other threads make files. */
static int
open_unix(const char *path, const struct sockaddr_storage *storage, socklen_t length,
          ListenFile *file, GError **error)
{
    struct stat status;
    if (is_stale(storage, length, path))
        (void)unlink(path);
    int fd = mm_address_socket(AF_UNIX);
    if (fd < 0 || bind(fd, (const struct sockaddr *)storage, length) != 0)
        return fail(fd, path, error);
    if (chmod(path, MODE) != 0 || listen(fd, BACKLOG) != 0 || lstat(path, &status) != 0) {
        fail(fd, path, error);
        (void)unlink(path);
        return -1;
    }
    *file = (ListenFile){g_strdup(path), status.st_dev, status.st_ino};
    return fd;
}

static int
open_inet(const MmAddress *address, const struct sockaddr_storage *storage, socklen_t length,
          GError **error)
{
    g_autofree char *spec = mm_address_to_string(address);
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
listen_open(const MmAddress *address, ListenFile *file, GError **error)
{
    struct sockaddr_storage storage;
    socklen_t length;
    *file = (ListenFile){0};
    if (!mm_address_to_sockaddr(address, TRUE, &storage, &length)) {
        errno = EADDRNOTAVAIL;
        return fail(-1, address->path ? address->path : address->host, error);
    }
    if (address->family == MM_ADDRESS_UNIX)
        return open_unix(address->path, &storage, length, file, error);
    return open_inet(address, &storage, length, error);
}

void
listen_file_remove(ListenFile *file)
{
    struct stat status;
    if (file->path && lstat(file->path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode)
        (void)unlink(file->path);
    g_clear_pointer(&file->path, g_free);
}
