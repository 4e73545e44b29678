/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or with "@" in front a name in Linux's abstract space. 0: it fits no address. */
static socklen_t
fill(struct sockaddr_un *address, const char *name)
{
    gsize length = strlen(name);
    if ((*name != '/' && *name != '@') || length >= sizeof(address->sun_path))
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (*name == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static void
tell(const char *text)
{
    const char *name = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t length = name ? fill(&address, name) : 0;
    if (length == 0)
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, length);
    close(fd);
}

void
mm_notify_ready(const char *status)
{
    g_autofree char *text =
        g_strdup_printf("READY=1\nMAINPID=%d\nSTATUS=%s", (int)getpid(), status);
    tell(text);
}

void
mm_notify_reloading(void)
{
    g_autofree char *text =
        g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
    tell(text);
}

void
mm_notify_stopping(void)
{
    tell("STOPPING=1");
}
