/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/socket-file.h"

#include <sys/stat.h>
#include <unistd.h>

struct MmSocketFile {
    char *path; /* NULL: nothing to remove */
    dev_t device;
    ino_t inode;
};

MmSocketFile *
mm_socket_file_new(const char *path)
{
    struct stat status;
    MmSocketFile *file = g_new0(MmSocketFile, 1);
    if (path && lstat(path, &status) == 0) {
        file->path = g_strdup(path);
        file->device = status.st_dev;
        file->inode = status.st_ino;
    }
    return file;
}

void
mm_socket_file_remove(MmSocketFile *file)
{
    struct stat status;
    if (!file)
        return;
    if (file->path && lstat(file->path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode)
        (void)unlink(file->path);
    g_free(file->path);
    g_free(file);
}
