/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "smtp.h"

#include "process.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

struct TestSmtp {
    GIOStream *stream;
    GSubprocess *tls; /* what stream belongs to, or NULL */
    GDataInputStream *in;
    GString *reply;
};

/* Reads one reply, of several lines perhaps. */
static int
take_reply(TestSmtp *smtp)
{
    gboolean more = TRUE;
    int code = 0;
    g_string_truncate(smtp->reply, 0);
    while (more) {
        g_autofree char *line = g_data_input_stream_read_line(smtp->in, NULL, NULL, NULL);
        if (!line)
            return 0;
        g_string_append_printf(smtp->reply, "%s%s", smtp->reply->len > 0 ? "\n" : "", line);
        code = atoi(line);
        more = strlen(line) > 3 && line[3] == '-';
    }
    return code;
}

static gboolean
put(TestSmtp *smtp, const char *text, gsize size)
{
    GOutputStream *out = g_io_stream_get_output_stream(smtp->stream);
    return g_output_stream_write_all(out, text, size, NULL, NULL, NULL);
}

/* Takes stream and tls. */
static TestSmtp *
new_session(GIOStream *stream, GSubprocess *tls)
{
    TestSmtp *smtp = g_new0(TestSmtp, 1);
    smtp->stream = stream;
    smtp->tls = tls;
    smtp->in = g_data_input_stream_new(g_io_stream_get_input_stream(stream));
    g_data_input_stream_set_newline_type(smtp->in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    smtp->reply = g_string_new(NULL);
    return smtp;
}

static TestSmtp *
open_session(const char *address, guint port, GError **error)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketAddress) target = g_inet_socket_address_new_from_string(address, port);
    g_socket_client_set_enable_proxy(client, FALSE);
    g_socket_client_set_timeout(client, (guint)TEST_PATIENCE);
    GSocketConnection *connection =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(target), NULL, error);
    if (!connection)
        return NULL;
    TestSmtp *smtp = new_session(G_IO_STREAM(connection), NULL);
    (void)take_reply(smtp);
    return smtp;
}

TestSmtp *
test_smtp_connect_to(const char *address, guint port)
{
    g_autoptr(GError) error = NULL;
    TestSmtp *smtp = open_session(address, port, &error);
    g_assert_no_error(error);
    return smtp;
}

TestSmtp *
test_smtp_connect(guint port)
{
    return test_smtp_connect_to("127.0.0.1", port);
}

TestSmtp *
test_smtp_try(guint port)
{
    return open_session("127.0.0.1", port, NULL);
}

TestSmtp *
test_smtp_connect_tls(guint port, const char *pem)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *server = g_strdup_printf("127.0.0.1:%u", port);
    const char *const argv[] = {"openssl", "s_client", "-quiet", "-starttls",
                                "smtp",    "-connect", server,   pem ? "-cert" : NULL,
                                pem,       NULL};
    GSubprocess *tls = g_subprocess_newv(
        argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | 0, &error);
    g_assert_no_error(error);
    return new_session(
        g_simple_io_stream_new(g_subprocess_get_stdout_pipe(tls), g_subprocess_get_stdin_pipe(tls)),
        tls);
}

int
test_smtp_say(TestSmtp *smtp, const char *format, ...)
{
    g_autoptr(GString) line = g_string_new(NULL);
    va_list arguments;
    va_start(arguments, format);
    g_string_append_vprintf(line, format, arguments);
    va_end(arguments);
    g_string_append(line, "\r\n");
    return put(smtp, line->str, line->len) ? take_reply(smtp) : 0;
}

int
test_smtp_data(TestSmtp *smtp, const char *text)
{
    int code = test_smtp_say(smtp, "DATA");
    if (code != 354)
        return code;
    g_autoptr(GString) whole = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        gsize length = strlen(*line);
        if (length == 0 && !line[1])
            break;
        if (length > 0 && (*line)[length - 1] == '\r')
            (*line)[length - 1] = '\0';
        g_string_append_printf(whole, "%s%s\r\n", **line == '.' ? "." : "", *line);
    }
    g_string_append(whole, ".\r\n");
    return put(smtp, whole->str, whole->len) ? take_reply(smtp) : 0;
}

int
test_smtp_send(TestSmtp *smtp, const char *sender, const char *recipient, const char *text)
{
    int code = test_smtp_say(smtp, "EHLO client.example");
    if (code == 250)
        code = test_smtp_say(smtp, "MAIL FROM:<%s>", sender);
    if (code == 250)
        code = test_smtp_say(smtp, "RCPT TO:<%s>", recipient);
    return code == 250 ? test_smtp_data(smtp, text) : code;
}

const char *
test_smtp_reply(const TestSmtp *smtp)
{
    return smtp->reply->str;
}

void
test_smtp_quit(TestSmtp *smtp)
{
    (void)test_smtp_say(smtp, "QUIT");
    test_smtp_drop(smtp);
}

void
test_smtp_drop(TestSmtp *smtp)
{
    (void)g_io_stream_close(smtp->stream, NULL, NULL);
    if (smtp->tls)
        g_subprocess_force_exit(smtp->tls);
    g_clear_object(&smtp->tls);
    g_object_unref(smtp->in);
    g_object_unref(smtp->stream);
    g_string_free(smtp->reply, TRUE);
    g_free(smtp);
}
