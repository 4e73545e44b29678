/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/daemon.h"

#include "base/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct MmPidFile {
    char *path;
    int fd;
};

/* Where the child tells its parent; -1: it has none that waits. */
static int ready_fd = -1;

static gboolean
fail(GError **error, const char *what)
{
    int number = errno;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number), "%s: %s", what,
                g_strerror(number));
    return FALSE;
}

/* One byte means that the child serves; the end of the pipe, that it is gone. */
G_NORETURN static void
wait_for_child(int fd)
{
    char byte;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

gboolean
mm_daemon_begin(GError **error)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return fail(error, "pipe");
    pid_t child = fork();
    if (child < 0) {
        close(fds[0]);
        close(fds[1]);
        return fail(error, "fork");
    }
    if (child > 0) {
        close(fds[1]);
        wait_for_child(fds[0]);
    }
    close(fds[0]);
    ready_fd = fds[1];
    setsid();
    return TRUE;
}

void
mm_daemon_ready(void)
{
    if (ready_fd < 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
    if (chdir("/") != 0)
        g_warning("/: %s", g_strerror(errno));
    while (write(ready_fd, "1", 1) < 0 && errno == EINTR)
        continue;
    close(ready_fd);
    ready_fd = -1;
}

/* ---- The file. */

/* A file with another name somewhere is not one that we made: in a folder of the user's we will run
 * as, root would write over whatever he links there. */
static gboolean
is_plain(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink <= 1)
        return TRUE;
    errno = EMLINK;
    return FALSE;
}

static int
open_locked(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        fail(error, path);
        return -1;
    }
    if (!is_plain(fd)) {
        fail(error, path);
        close(fd);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno == EWOULDBLOCK)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, _("%s: a host that runs holds this file"),
                    path);
    else
        fail(error, path);
    close(fd);
    return -1;
}

static gboolean
write_number(int fd)
{
    char text[16];
    int length = g_snprintf(text, sizeof(text), "%d\n", (int)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (gsize)length, 0) == length;
}

MmPidFile *
mm_pid_file_new(const char *path, GError **error)
{
    int fd = open_locked(path, error);
    if (fd < 0)
        return NULL;
    if (!write_number(fd)) {
        fail(error, path);
        close(fd);
        return NULL;
    }
    MmPidFile *file = g_new0(MmPidFile, 1);
    *file = (MmPidFile){g_canonicalize_filename(path, NULL), fd};
    return file;
}

void
mm_pid_file_free(MmPidFile *file)
{
    if (!file)
        return;
    if (unlink(file->path) != 0 && ftruncate(file->fd, 0) != 0)
        g_warning("%s: %s", file->path, g_strerror(errno));
    close(file->fd);
    g_free(file->path);
    g_free(file);
}
