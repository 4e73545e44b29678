/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#define PATIENCE 60u

void
answer_free(Answer *answer)
{
    g_free(answer->head);
    g_free(answer->body);
    g_free(answer);
}

GSocketAddress *
http_unix(const char *path)
{
    return g_unix_socket_address_new(path);
}

GSocketAddress *
http_inet(const char *host, guint16 port)
{
    return g_inet_socket_address_new_from_string(host, port);
}

guint16
http_free_port(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketListener) listener = g_socket_listener_new();
    g_autoptr(GSocketAddress) any = http_inet("127.0.0.1", 0);
    g_autoptr(GSocketAddress) got = NULL;
    g_socket_listener_add_address(listener, any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                  &got, &error);
    g_assert_no_error(error);
    return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(got));
}

GSocketConnection *
http_connect(GSocketAddress *address)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_socket_client_set_timeout(client, PATIENCE);
    return g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
}

void
http_write(GSocketConnection *connection, const char *bytes, gsize size)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    /* The other side may have seen enough already: what matters is its answer. */
    g_output_stream_write_all(out, bytes, size, NULL, NULL, NULL);
}

Answer *
http_read(GSocketConnection *connection)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) all = g_string_new(NULL);
    char buffer[4096];
    gssize n;
    while ((n = g_input_stream_read(in, buffer, sizeof(buffer), NULL, &error)) > 0)
        g_string_append_len(all, buffer, n);
    g_assert_false(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
    Answer *answer = g_new0(Answer, 1);
    const char *end = strstr(all->str, "\r\n\r\n");
    if (g_str_has_prefix(all->str, "HTTP/1.") && end) {
        answer->status = (int)g_ascii_strtoll(all->str + strlen("HTTP/1.1 "), NULL, 10);
        answer->head = g_strndup(all->str, (gsize)(end + 2 - all->str));
        answer->body = g_strdup(end + 4);
    }
    return answer;
}

Answer *
http_ask(GSocketAddress *address, const char *request)
{
    g_autoptr(GSocketConnection) connection = http_connect(address);
    g_assert_nonnull(connection);
    http_write(connection, request, strlen(request));
    return http_read(connection);
}

Answer *
http_get(GSocketAddress *address, const char *path)
{
    g_autofree char *request =
        g_strdup_printf("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    return http_ask(address, request);
}
