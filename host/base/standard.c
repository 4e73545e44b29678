/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/standard.h"

#include "base/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* From below, so that open() gives the number that is looked at. */
void
mm_standard_begin(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
    }
}

int
mm_standard_end(const char *program, int code)
{
    const char *reason = fflush(stdout) != 0 ? g_strerror(errno) : NULL;
    /* What failed earlier left no reason. */
    if (!reason && ferror(stdout))
        reason = _("not all of it could be written");
    if (!reason)
        return code;
    fprintf(stderr, "%s: %s: %s\n", program, _("standard output"), reason);
    return code == EXIT_SUCCESS ? EXIT_FAILURE : code;
}
