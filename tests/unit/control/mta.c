/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mta.h"

#include <errno.h>
#include <glib.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SECONDS 60

int
mta_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = SECONDS};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), ==, 0);
    if (connect(fd, (const struct sockaddr *)(gpointer)&address, sizeof(address)) != 0)
        g_error("%s: %s", path, g_strerror(errno));
    return fd;
}

static void
say(int fd, char code, const void *data, gsize size)
{
    guint32 length = GUINT32_TO_BE((guint32)size + 1);
    g_assert_cmpint(send(fd, &length, sizeof(length), MSG_NOSIGNAL), ==, sizeof(length));
    g_assert_cmpint(send(fd, &code, 1, MSG_NOSIGNAL), ==, 1);
    if (size > 0)
        g_assert_cmpint(send(fd, data, size, MSG_NOSIGNAL), ==, (gssize)size);
}

/* The code of the next packet. */
static char
hear(int fd)
{
    guint32 length;
    char packet[512];
    g_assert_cmpint(recv(fd, &length, sizeof(length), MSG_WAITALL), ==, sizeof(length));
    length = GUINT32_FROM_BE(length);
    g_assert_cmpuint(length, >, 0);
    g_assert_cmpuint(length, <, sizeof(packet));
    g_assert_cmpint(recv(fd, packet, length, MSG_WAITALL), ==, (gssize)length);
    return packet[0];
}

int
mta_listen(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (const struct sockaddr *)(gpointer)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(fd, 16), ==, 0);
    return fd;
}

int
mta_negotiate(const char *path)
{
    int fd = mta_connect(path);
    const guint32 offer[] = {GUINT32_TO_BE(6u), GUINT32_TO_BE(0u), GUINT32_TO_BE(0u)};
    say(fd, SMFIC_OPTNEG, offer, sizeof(offer));
    return fd;
}

int
mta_open(const char *path)
{
    int fd = mta_negotiate(path);
    g_assert_cmpint(hear(fd), ==, SMFIC_OPTNEG);
    return fd;
}

void
mta_begin_helo(int fd)
{
    say(fd, SMFIC_CONNECT, "host\0U", 6);
    g_assert_cmpint(hear(fd), ==, SMFIR_CONTINUE);
    say(fd, SMFIC_HELO, "helo", 5);
}

void
mta_end_helo(int fd)
{
    g_assert_cmpint(hear(fd), ==, SMFIR_CONTINUE);
}

void
mta_begin_message(int fd)
{
    mta_begin_helo(fd);
    mta_end_helo(fd);
    say(fd, SMFIC_MAIL, "<a@example.org>", 16);
    g_assert_cmpint(hear(fd), ==, SMFIR_CONTINUE);
}

int
mta_end_message(int fd)
{
    say(fd, SMFIC_RCPT, "<b@example.org>", 16);
    g_assert_cmpint(hear(fd), ==, SMFIR_CONTINUE);
    say(fd, SMFIC_EOH, NULL, 0);
    g_assert_cmpint(hear(fd), ==, SMFIR_CONTINUE);
    say(fd, SMFIC_BODYEOB, NULL, 0);
    return hear(fd);
}

void
mta_wait_closed(int fd)
{
    char byte;
    g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0);
    close(fd);
}
