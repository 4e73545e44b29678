/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mta.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OFFER "O6,1ff,1fffff"

void
mta_open(Mta *mta, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_assert_cmpuint(strlen(path), <, sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    *mta = (Mta){0};
    line_init(&mta->line, fd);
}

static void
send_bytewise(Mta *mta, const char *packets)
{
    MmBuffer out;
    mm_buffer_init(&out, 0);
    packet_append(&out, packets);
    const guint8 *bytes = mm_buffer_data(&out);
    for (gsize i = 0; i < mm_buffer_length(&out); i++)
        g_assert_true(line_send(&mta->line, bytes + i, 1));
    mm_buffer_clear(&out);
}

/* Whether END OF MESSAGE is among the packets. */
static gboolean
ends_message(const char *packets)
{
    return *packets == 'E' || strstr(packets, "~E") != NULL;
}

void
mta_send(Mta *mta, const char *packets)
{
    if (*packets) {
        mta->at_end = ends_message(packets);
        mta->body_begun = FALSE;
    }
    if (strcmp(packets, "!eof") == 0)
        mta_drop(mta);
    else if (g_str_has_prefix(packets, "!bytes"))
        send_bytewise(mta, packets + strlen("!bytes"));
    else if (*packets)
        g_assert_true(line_send_packets(&mta->line, strcmp(packets, "O") == 0 ? OFFER : packets));
}

/* Items 159, 125 and 120: nothing else is ever said to an MTA; no sign of life before the end of a
 * message, which Sendmail takes for an error, nor within a body, which Postfix does. */
static void
check_code(Mta *mta, char code)
{
    g_assert_nonnull(strchr("Ocartdyphimb+2-eq", code));
    if (code == 'p')
        g_assert_true(mta->at_end && !mta->body_begun);
    if (code == 'b')
        mta->body_begun = TRUE;
}

static char *
receive_any(Mta *mta)
{
    MmFrame frame;
    switch (line_receive(&mta->line, SCRIPT_SECONDS, &frame)) {
    case LINE_PACKET:
        check_code(mta, frame.code);
        return packet_text(&frame);
    case LINE_END:
        return g_strdup("EOF");
    case LINE_NOTHING:
        break;
    }
    return g_strdup("(nothing)");
}

char *
mta_receive(Mta *mta)
{
    char *text = receive_any(mta);
    while (strcmp(text, "p") == 0) {
        g_free(text);
        text = receive_any(mta);
    }
    return text;
}

static void
check(const char *got, const char *expected)
{
    gsize length = strlen(expected);
    if (length > 0 && expected[length - 1] == '*') {
        g_autofree char *beginning = g_strndup(got, MIN(length - 1, strlen(got)));
        g_autofree char *wanted = g_strndup(expected, length - 1);
        g_assert_cmpstr(beginning, ==, wanted);
        return;
    }
    g_assert_cmpstr(got, ==, expected);
}

void
mta_expect(Mta *mta, const char *packets)
{
    g_auto(GStrv) each = g_strsplit(packets, "~", -1);
    for (guint i = 0; each[i] && *packets; i++) {
        g_autofree char *got = strcmp(each[i], "p") == 0 ? receive_any(mta) : mta_receive(mta);
        check(got, each[i]);
    }
}

void
mta_step(Mta *mta, const char *send, const char *expect)
{
    mta_send(mta, send);
    mta_expect(mta, expect);
}

void
mta_dialog(Mta *mta, const Step *steps)
{
    for (; steps->send; steps++)
        mta_step(mta, steps->send, steps->expect);
}

void
mta_finish(Mta *mta)
{
    if (mta->line.fd < 0)
        return;
    (void)line_send_packets(&mta->line, "Q");
    mta_expect(mta, "EOF");
    mta_drop(mta);
}

void
mta_drop(Mta *mta)
{
    line_close(&mta->line);
}
