/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/milter-main.h"

#include "base/i18n.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Tried before libmilter does it. A name is not: NULL then. */
static const char *
inet_obstacle(const MmAddress *address)
{
    struct sockaddr_storage storage;
    socklen_t length;
    const int one = 1;
    if (!mm_address_to_sockaddr(address, TRUE, &storage, &length))
        return NULL;
    int fd = mm_address_socket(storage.ss_family);
    if (fd < 0)
        return g_strerror(errno);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    int number = bind(fd, (struct sockaddr *)&storage, length) == 0 ? 0 : errno;
    close(fd);
    return number ? g_strerror(number) : NULL;
}

/* libmilter tells syslog alone why it cannot listen, and would remove whatever stands at the path.
 */
static const char *
obstacle(const MmAddress *address)
{
    struct stat status;
    if (address->family != MM_ADDRESS_UNIX)
        return inet_obstacle(address);
    g_autofree char *folder = g_path_get_dirname(address->path);
    if (access(folder, W_OK | X_OK) != 0)
        return g_strerror(errno);
    if (lstat(address->path, &status) == 0 && !S_ISSOCK(status.st_mode))
        return _("there is something that is no socket");
    return NULL;
}

gboolean
mm_milter_listen(const MmAddress *address, GError **error)
{
    g_autofree char *spec = mm_address_to_string(address);
    const char *reason = obstacle(address);
    if (!reason && smfi_setconn(spec) == MI_SUCCESS && smfi_opensocket(TRUE) == MI_SUCCESS)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, _("cannot listen on %s: %s"), spec,
                reason ? reason : _("see the system's log"));
    return FALSE;
}

static gpointer
serve(gpointer data)
{
    int *result = data;
    *result = smfi_main();
    /* If it ended by itself, the main thread still waits. */
    kill(getpid(), SIGTERM);
    return NULL;
}

/* ours: as it was when it was made; another program may have made its own since. */
static void
remove_socket(const MmAddress *address, const struct stat *ours)
{
    struct stat now;
    if (address->family == MM_ADDRESS_UNIX && lstat(address->path, &now) == 0 &&
        now.st_dev == ours->st_dev && now.st_ino == ours->st_ino)
        unlink(address->path);
}

void
mm_milter_main(const MmAddress *address)
{
    struct stat ours = {0};
    sigset_t signals;
    int number;
    int result = MI_SUCCESS;
    if (address->family == MM_ADDRESS_UNIX && lstat(address->path, &ours) != 0)
        exit(EXIT_FAILURE);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    g_thread_unref(g_thread_new("libmilter", serve, &result));
    sigwait(&signals, &number);
    remove_socket(address, &ours);
    exit(result == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE);
}

char *
mm_milter_address_text(const struct sockaddr *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (!address)
        return g_strdup("unknown");
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        return g_strdup_printf("inet:%u@%s", ntohs(in->sin_port), host);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        return g_strdup_printf("inet6:%u@[%s]", ntohs(in6->sin6_port), host);
    }
    return g_strdup_printf("unix:%s", ((const struct sockaddr_un *)address)->sun_path);
}
