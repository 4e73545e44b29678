/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LENGTH_BYTES 4u

typedef struct Fake {
    const FakeFilter *filter;
    int listener;
    GString *commands;
} Fake;

static void
put_u32(GString *out, guint32 value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        g_string_append_c(out, (char)(guint8)(value >> shift));
}

static gboolean
read_all(int fd, guint8 *place, gsize size)
{
    while (size > 0) {
        ssize_t n = recv(fd, place, size, 0);
        if (n <= 0)
            return FALSE;
        place += n;
        size -= (gsize)n;
    }
    return TRUE;
}

/* The command letter, 0 at the end. */
static char
read_command(int fd)
{
    guint8 head[LENGTH_BYTES + 1];
    if (!read_all(fd, head, sizeof(head)))
        return '\0';
    guint32 size = ((guint32)head[0] << 24 | (guint32)head[1] << 16 | (guint32)head[2] << 8 |
                    (guint32)head[3]) -
                   1;
    g_autofree guint8 *data = g_malloc(size + 1);
    return read_all(fd, data, size) ? (char)head[LENGTH_BYTES] : '\0';
}

static void
write_all(int fd, const char *bytes, gsize size)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        size -= (gsize)n;
    }
}

static void
answer_negotiation(const FakeFilter *filter, int fd)
{
    const guint32 all_actions = 0x1FF;
    g_autoptr(GString) out = g_string_new(NULL);
    put_u32(out, 13);
    g_string_append_c(out, 'O');
    put_u32(out, filter->version ? filter->version : 6);
    put_u32(out, filter->actions ? filter->actions : all_actions);
    put_u32(out, filter->protocol);
    write_all(fd, out->str, out->len);
}

static void
send_packets(const FakeAnswer *answer, int fd)
{
    for (guint i = 0; i < G_N_ELEMENTS(answer->packets) && answer->packets[i].bytes; i++) {
        const FakePacket *packet = &answer->packets[i];
        g_autoptr(GString) out = g_string_new(NULL);
        if (answer->deed == FAKE_ANSWER)
            put_u32(out, (guint32)packet->size);
        g_string_append_len(out, packet->bytes, (gssize)packet->size);
        write_all(fd, out->str, out->len);
    }
}

/* FALSE: it closes. */
static gboolean
answer_command(const FakeFilter *filter, char command, int fd)
{
    for (const FakeAnswer *answer = filter->answers; answer && answer->command; answer++) {
        if (answer->command != command)
            continue;
        send_packets(answer, fd);
        return answer->deed != FAKE_CLOSE;
    }
    if (command == 'O')
        answer_negotiation(filter, fd);
    else if (!strchr("DAQ", command))
        write_all(fd, "\0\0\0\1c", 5);
    return TRUE;
}

static gpointer
serve(gpointer data)
{
    Fake *fake = data;
    char command;
    int fd = accept(fake->listener, NULL, NULL);
    g_assert_cmpint(fd, >=, 0);
    while ((command = read_command(fd)) != '\0') {
        g_string_append_c(fake->commands, command);
        if (!answer_command(fake->filter, command, fd))
            break;
    }
    close(fd);
    return NULL;
}

static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(g_strlcpy(address.sun_path, path, sizeof(address.sun_path)), <,
                    sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}

Run *
fake_run(const FakeFilter *filter, const char *const *options, char **commands)
{
    Stand stand;
    stand_begin_empty(&stand);
    const char *path = stand.spec + strlen("unix:");
    Fake fake = {filter, listen_at(path), g_string_new(NULL)};
    GThread *thread = g_thread_new("filter", serve, &fake);
    Run *run = run_server(stand.spec, options);
    g_thread_join(thread);
    close(fake.listener);
    unlink(path);
    stand_end(&stand);
    *commands = g_string_free(fake.commands, FALSE);
    return run;
}
