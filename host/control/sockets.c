/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/sockets.h"

#include "base/control-client.h"
#include "base/i18n.h"
#include "control/check.h"
#include "control/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_PASSED_FD 3
#define CONTROL_MODE 0600u

/* ---- Sockets of the service manager. */

/* How many it passed, for us and nobody else; told once. */
static gint64
take_passed(void)
{
    const char *pid = g_getenv("LISTEN_PID");
    const char *count = g_getenv("LISTEN_FDS");
    gint64 n = 0;
    if (pid && count && g_ascii_strtoll(pid, NULL, 10) == getpid())
        n = g_ascii_strtoll(count, NULL, 10);
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    return n;
}

/* FALSE with error: it is no listening stream socket. */
static gboolean
adopt_passed(int fd, GError **error)
{
    int listening = 0, kind = 0;
    socklen_t length = sizeof(int), kind_length = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &kind_length) != 0 || !listening ||
        kind != SOCK_STREAM) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    _("LISTEN_FDS: descriptor %d is not a listening stream socket"), fd);
        return FALSE;
    }
    int flags = fcntl(fd, F_GETFL);
    (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return TRUE;
}

/* ---- Our own. */

/* "/run/NAME" or "/var/run/NAME", below root, one level. */
static gboolean
is_volatile(const char *folder, const char *root)
{
    static const char *const parents[] = {"/run", "/var/run"};
    g_autofree char *parent = g_path_get_dirname(folder);
    for (guint i = 0; i < G_N_ELEMENTS(parents); i++) {
        g_autofree char *below = g_build_filename(root, parents[i], NULL);
        if (strcmp(parent, below) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
make_folder(const char *path, const char *root, const MmIdentity *identity, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (!is_volatile(folder, root) || g_file_test(folder, G_FILE_TEST_EXISTS))
        return TRUE;
    if (mkdir(folder, 0755) == 0 &&
        (geteuid() != 0 || lchown(folder, identity->uid, identity->gid) == 0))
        return TRUE;
    int number = errno;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number), "%s: %s", folder,
                g_strerror(number));
    return FALSE;
}

static int
open_unix_or_inet(const MmListenerOptions *options, const char *root, const MmIdentity *identity,
                  GError **error)
{
    const char *path = options->address->path;
    if (path && !make_folder(path, root, identity, error))
        return -1;
    return mm_listener_bind(options, error);
}

static gboolean
open_main(MmSockets *sockets, const MmSettings *manager, const char *root,
          const MmIdentity *identity, GError **error)
{
    g_autoptr(MmAddress) address =
        mm_address_parse(mm_settings_get_string(manager, "connection-spec"), error);
    if (!address || !mm_address_move_below(address, root, error))
        return FALSE;
    g_autofree char *group = mm_privileges_socket_group(manager);
    MmListenerOptions options = {.address = address, .group = group, .owner = identity->uid};
    mm_check_mode(mm_settings_get_string(manager, "unix-socket-mode"), &options.mode);
    sockets->main = open_unix_or_inet(&options, root, identity, error);
    sockets->main_path = sockets->main >= 0 ? g_strdup(address->path) : NULL;
    return sockets->main >= 0;
}

static gboolean
open_control(MmSockets *sockets, const MmSettings *manager, const char *root,
             const MmIdentity *identity, GError **error)
{
    g_autofree char *path = mm_sockets_control_path(manager, root);
    g_autofree char *spec = g_strconcat("unix:", path, NULL);
    g_autoptr(MmAddress) address = mm_address_parse(spec, error);
    if (!address)
        return FALSE;
    const MmListenerOptions options = {
        .address = address, .mode = CONTROL_MODE, .owner = identity->uid};
    sockets->control = open_unix_or_inet(&options, root, identity, error);
    sockets->control_path = sockets->control >= 0 ? g_steal_pointer(&path) : NULL;
    return sockets->control >= 0;
}

char *
mm_sockets_control_path(const MmSettings *manager, const char *root)
{
    const char *path = mm_settings_get_string(manager, "control-socket");
    g_autoptr(MmAddress) address =
        mm_address_parse(mm_settings_get_string(manager, "connection-spec"), NULL);
    g_autofree char *chosen =
        *path ? g_strdup(path) : mm_control_path_beside(address ? address->path : NULL);
    return g_build_filename(root, chosen, NULL);
}

gboolean
mm_sockets_open(MmSockets *sockets, const MmSettings *manager, const char *root,
                const MmIdentity *identity, GError **error)
{
    gint64 passed = take_passed();
    *sockets = (MmSockets){.main = -1, .control = -1};
    if (passed >= 1) {
        if (!adopt_passed(FIRST_PASSED_FD, error))
            return FALSE;
        sockets->main = FIRST_PASSED_FD;
    }
    if (passed >= 2) {
        if (!adopt_passed(FIRST_PASSED_FD + 1, error))
            return FALSE;
        sockets->control = FIRST_PASSED_FD + 1;
    }
    if ((sockets->main >= 0 || open_main(sockets, manager, root, identity, error)) &&
        (sockets->control >= 0 || open_control(sockets, manager, root, identity, error)))
        return TRUE;
    mm_sockets_clear(sockets);
    return FALSE;
}

static void
clear(int *fd, char **path)
{
    if (*path)
        (void)unlink(*path);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    g_clear_pointer(path, g_free);
}

void
mm_sockets_clear(MmSockets *sockets)
{
    clear(&sockets->main, &sockets->main_path);
    clear(&sockets->control, &sockets->control_path);
}
