/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "packet.h"

#include "wire/command.h"
#include "wire/negotiate.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Texts. */

static void
append_u32(GByteArray *data, guint32 value)
{
    const guint8 bytes[4] = {(guint8)(value >> 24), (guint8)(value >> 16), (guint8)(value >> 8),
                             (guint8)value};
    g_byte_array_append(data, bytes, sizeof(bytes));
}

static void
append_plain(GByteArray *data, const char *text, gsize size)
{
    for (gsize i = 0; i < size; i++) {
        guint8 byte = text[i] == '|' ? 0 : (guint8)text[i];
        g_byte_array_append(data, &byte, 1);
    }
}

static void
append_numbers(GByteArray *data, const char *text)
{
    g_auto(GStrv) lists = g_strsplit(text, ";", -1);
    g_auto(GStrv) numbers = g_strsplit(lists[0], ",", 3);
    g_assert_cmpuint(g_strv_length(numbers), ==, 3);
    for (guint i = 0; i < 3; i++)
        append_u32(data, (guint32)g_ascii_strtoull(numbers[i], NULL, 16));
    for (guint i = 1; lists[i]; i++) {
        append_u32(data, (guint32)(lists[i][0] - '0'));
        append_plain(data, lists[i] + 2, strlen(lists[i]) - 2);
        append_plain(data, "|", 1);
    }
}

static void
append_one(MmBuffer *out, const char *text)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    gboolean as_it_stands = *text == '=';
    text += as_it_stands;
    if (*text == 'O' && !as_it_stands) {
        append_numbers(data, text + 1);
    } else if ((*text == 'm' || *text == 'i') && !as_it_stands) {
        char *rest;
        append_u32(data, (guint32)g_ascii_strtoull(text + 1, &rest, 10));
        g_assert_cmpint(*rest, ==, ':');
        append_plain(data, rest + 1, strlen(rest + 1));
    } else {
        append_plain(data, text + 1, strlen(text + 1));
    }
    g_assert_true(mm_frame_append(out, (guint8)*text, data->data, data->len));
}

void
packet_append(MmBuffer *out, const char *texts)
{
    g_auto(GStrv) each = g_strsplit(texts, "~", -1);
    for (guint i = 0; each[i]; i++)
        append_one(out, each[i]);
}

static guint32
get_u32(const guint8 *bytes)
{
    return ((guint32)bytes[0] << 24) | ((guint32)bytes[1] << 16) | ((guint32)bytes[2] << 8) |
           (guint32)bytes[3];
}

static void
print_plain(GString *text, const guint8 *data, gsize size)
{
    for (gsize i = 0; i < size; i++)
        g_string_append_c(text, data[i] ? (char)data[i] : '|');
}

static void
print_numbers(GString *text, const guint8 *data, gsize size)
{
    g_string_append_printf(text, "%x,%x,%x", get_u32(data), get_u32(data + 4), get_u32(data + 8));
    for (gsize at = 12; at + 4 < size;) {
        const char *list = (const char *)data + at + 4;
        g_string_append_printf(text, ";%u=%s", get_u32(data + at), list);
        at += 4 + strlen(list) + 1;
    }
}

char *
packet_text(const MmFrame *frame)
{
    GString *text = g_string_new(NULL);
    g_string_append_c(text, (char)frame->code);
    if (frame->code == 'O' && frame->size >= 12) {
        print_numbers(text, frame->data, frame->size);
    } else if ((frame->code == 'm' || frame->code == 'i') && frame->size >= 4) {
        g_string_append_printf(text, "%u:", get_u32(frame->data));
        print_plain(text, frame->data + 4, frame->size - 4);
    } else {
        print_plain(text, frame->data, frame->size);
    }
    return g_string_free(text, FALSE);
}

/* ---- The socket. */

void
line_init(Line *line, int fd)
{
    line->fd = fd;
    mm_frame_reader_init(&line->reader, 16u * 1024u * 1024u);
}

void
line_close(Line *line)
{
    if (line->fd >= 0)
        close(line->fd);
    line->fd = -1;
    mm_frame_reader_clear(&line->reader);
}

/* FALSE: not in time. */
static gboolean
wait_for(int fd, short events, gint64 until)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    gint64 left = MAX(until - g_get_monotonic_time(), 0);
    return poll(&poll_fd, 1, (int)(left / 1000) + 1) > 0;
}

gboolean
line_send(Line *line, gconstpointer bytes, gsize size)
{
    const guint8 *next = bytes;
    gint64 until = g_get_monotonic_time() + (gint64)(SCRIPT_SECONDS * G_USEC_PER_SEC);
    while (size > 0) {
        if (!wait_for(line->fd, POLLOUT, until))
            return FALSE;
        ssize_t n = send(line->fd, next, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return FALSE;
        next += MAX(n, 0);
        size -= (gsize)MAX(n, 0);
    }
    return TRUE;
}

gboolean
line_send_packets(Line *line, const char *texts)
{
    MmBuffer out;
    mm_buffer_init(&out, 0);
    packet_append(&out, texts);
    gboolean sent = line_send(line, mm_buffer_data(&out), mm_buffer_length(&out));
    mm_buffer_clear(&out);
    return sent;
}

LineResult
line_receive(Line *line, double seconds, MmFrame *frame)
{
    gint64 until = g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
    for (;;) {
        MmFrameResult result = mm_frame_reader_next(&line->reader, frame);
        if (result == MM_FRAME_READY)
            return LINE_PACKET;
        if (result != MM_FRAME_MORE)
            return LINE_END;
        if (!wait_for(line->fd, POLLIN, until))
            return LINE_NOTHING;
        gsize available;
        guint8 *place = mm_frame_reader_reserve(&line->reader, &available);
        ssize_t n = recv(line->fd, place, available, 0);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            return LINE_END;
        mm_frame_reader_commit(&line->reader, (gsize)MAX(n, 0));
    }
}
