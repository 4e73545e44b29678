/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sasl.h"

#include "process.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

struct TestSasl {
    char *folder, *main_cf;
    GSocketListener *listener;
    GCancellable *end;
    GThread *thread;
    GPtrArray *clients; /* of GThread; the listening thread's until it ends */
};

/* What the line's response, "resp=BASE64", says, or NULL: NAME, the user, the password, each behind
 * a NUL but the first. */
static char **
read_response(const char *line)
{
    const char *response = strstr(line, "\tresp=");
    gsize size;
    if (!response)
        return NULL;
    g_autofree guchar *bytes = g_base64_decode(response + strlen("\tresp="), &size);
    for (gsize i = 0; i < size; i++)
        bytes[i] = bytes[i] ? bytes[i] : '\n';
    g_autofree char *text = g_strndup((const char *)bytes, size);
    return g_strsplit(text, "\n", -1);
}

/* "AUTH", the request's number, the mechanism, ... */
static char *
answer(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, "\t", 4);
    g_auto(GStrv) parts = read_response(line);
    if (g_strv_length(words) < 3 || strcmp(words[0], "AUTH") != 0)
        return g_strdup("");
    if (parts && g_strv_length(parts) == 3 && strcmp(parts[2], TEST_SASL_PASSWORD) == 0)
        return g_strdup_printf("OK\t%s\tuser=%s\n", words[1], parts[1]);
    return g_strdup_printf("FAIL\t%s\n", words[1]);
}

static gboolean
put(TestSasl *sasl, GIOStream *stream, const char *text)
{
    GOutputStream *out = g_io_stream_get_output_stream(stream);
    return g_output_stream_write_all(out, text, strlen(text), NULL, sasl->end, NULL);
}

typedef struct Client {
    TestSasl *sasl;
    GIOStream *stream;
} Client;

static gpointer
serve_client(gpointer data)
{
    static const char greeting[] = "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
                                   "COOKIE\t0123456789abcdef0123456789abcdef\nDONE\n";
    Client *client = data;
    g_autoptr(GDataInputStream) in =
        g_data_input_stream_new(g_io_stream_get_input_stream(client->stream));
    gboolean going = put(client->sasl, client->stream, greeting);
    while (going) {
        g_autofree char *line = g_data_input_stream_read_line(in, NULL, client->sasl->end, NULL);
        g_autofree char *text = line ? answer(line) : NULL;
        going = text && put(client->sasl, client->stream, text);
    }
    g_object_unref(client->stream);
    g_free(client);
    return NULL;
}

static gpointer
serve(gpointer data)
{
    TestSasl *sasl = data;
    GSocketConnection *connection;
    while ((connection = g_socket_listener_accept(sasl->listener, NULL, sasl->end, NULL))) {
        Client *client = g_new(Client, 1);
        *client = (Client){sasl, G_IO_STREAM(connection)};
        g_ptr_array_add(sasl->clients, g_thread_new("sasl-client", serve_client, client));
    }
    return NULL;
}

TestSasl *
test_sasl_start(void)
{
    g_autoptr(GError) error = NULL;
    TestSasl *sasl = g_new0(TestSasl, 1);
    sasl->folder = test_folder_new();
    g_autofree char *path = g_build_filename(sasl->folder, "auth", NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    sasl->main_cf = g_strdup_printf("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n"
                                    "smtpd_sasl_path = unix:%s\n",
                                    path);
    sasl->listener = g_socket_listener_new();
    g_socket_listener_add_address(sasl->listener, address, G_SOCKET_TYPE_STREAM,
                                  G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_chmod(path, 0666), ==, 0);
    sasl->end = g_cancellable_new();
    sasl->clients = g_ptr_array_new();
    sasl->thread = g_thread_new("sasl", serve, sasl);
    return sasl;
}

const char *
test_sasl_main_cf(const TestSasl *sasl)
{
    return sasl->main_cf;
}

void
test_sasl_stop(TestSasl *sasl)
{
    g_cancellable_cancel(sasl->end);
    g_thread_join(sasl->thread);
    for (guint i = 0; i < sasl->clients->len; i++)
        g_thread_join(g_ptr_array_index(sasl->clients, i));
    g_ptr_array_unref(sasl->clients);
    g_object_unref(sasl->listener);
    g_object_unref(sasl->end);
    test_folder_remove(sasl->folder);
    g_free(sasl->folder);
    g_free(sasl->main_cf);
    g_free(sasl);
}

char *
test_sasl_command(const char *user, const char *password)
{
    g_autoptr(GByteArray) response = g_byte_array_new();
    g_byte_array_append(response, (const guint8 *)"", 1);
    g_byte_array_append(response, (const guint8 *)user, (guint)strlen(user) + 1);
    g_byte_array_append(response, (const guint8 *)password, (guint)strlen(password));
    g_autofree char *text = g_base64_encode(response->data, response->len);
    return g_strconcat("AUTH PLAIN ", text, NULL);
}
