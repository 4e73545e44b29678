/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/control-client.h"

#include "base/address.h"
#include "base/buffer.h"
#include "base/i18n.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SUFFIX ".sock"
#define DEFAULT_MAIN MM_RUN_DIR "/milter-manager" SUFFIX
static const char good[] = "{\"ok\":true,\"result\":";
static const char bad[] = "{\"ok\":false,\"error\":\"";

struct MmControlClient {
    int fd;
    char *path;
    MmBuffer in;
};

G_DEFINE_QUARK(mm - control - error - quark, mm_control_error)

char *
mm_control_path_beside(const char *main_path)
{
    const char *path = main_path ? main_path : DEFAULT_MAIN;
    gsize length = strlen(path);
    if (!g_str_has_suffix(path, SUFFIX))
        return g_strconcat(path, "-control", NULL);
    return g_strdup_printf("%.*s-control" SUFFIX, (int)(length - strlen(SUFFIX)), path);
}

static gboolean
fail(GError **error, MmControlError code, const MmControlClient *client, const char *text)
{
    g_set_error(error, MM_CONTROL_ERROR, (gint)code, "%s: %s", client->path, text);
    return FALSE;
}

static gint64
deadline_after(double seconds)
{
    return g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
}

static gboolean
wait_for(MmControlClient *client, short events, gint64 deadline, GError **error)
{
    for (;;) {
        gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;
        if (left <= 0)
            return fail(error, MM_CONTROL_ERROR_TIMEOUT, client,
                        _("the host did not answer in time"));
        struct pollfd poll_fd = {.fd = client->fd, .events = events};
        int n = poll(&poll_fd, 1, (int)MIN(left, G_MAXINT));
        if (n > 0)
            return TRUE;
        if (n < 0 && errno != EINTR)
            return fail(error, MM_CONTROL_ERROR_PROTOCOL, client, g_strerror(errno));
    }
}

static void
explain_connect(MmControlClient *client, int number, GError **error)
{
    g_autofree char *text = NULL;
    MmControlError code = MM_CONTROL_ERROR_PROTOCOL;
    if (number == ENOENT || number == ECONNREFUSED || number == ENOTDIR) {
        code = MM_CONTROL_ERROR_NOT_RUNNING;
        text = g_strdup_printf(_("no host is running there (%s)"), g_strerror(number));
    } else if (number == EACCES || number == EPERM) {
        code = MM_CONTROL_ERROR_PERMISSION;
        text = g_strdup_printf(
            _("%s: only root and the user the host runs as may use the control socket"),
            g_strerror(number));
    }
    fail(error, code, client, text ? text : g_strerror(number));
}

/* A full queue of the listener: connect to a unix socket says EAGAIN and is tried again. */
static gboolean
connect_before(MmControlClient *client, gint64 deadline, GError **error)
{
    struct sockaddr_storage storage;
    socklen_t length;
    gboolean in_progress;
    const MmAddress address = {.family = MM_ADDRESS_UNIX, .path = client->path};
    mm_address_to_sockaddr(&address, FALSE, &storage, &length);
    for (;;) {
        client->fd = mm_address_connect(&storage, length, &in_progress);
        if (client->fd >= 0)
            return TRUE;
        int number = errno;
        if (number != EAGAIN) {
            explain_connect(client, number, error);
            return FALSE;
        }
        if (g_get_monotonic_time() >= deadline)
            return fail(error, MM_CONTROL_ERROR_TIMEOUT, client,
                        _("the host did not answer in time"));
        g_usleep(20000);
    }
}

MmControlClient *
mm_control_connect(const char *path, double seconds, GError **error)
{
    g_autoptr(GError) invalid = NULL;
    g_autofree char *spec = g_strconcat("unix:", path, NULL);
    g_autoptr(MmAddress) address = mm_address_parse(spec, &invalid);
    if (!address) { /* too long for the system */
        g_set_error_literal(error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_NOT_RUNNING,
                            invalid->message);
        return NULL;
    }
    MmControlClient *client = g_new0(MmControlClient, 1);
    client->path = g_strdup(path);
    mm_buffer_init(&client->in, MM_CONTROL_ANSWER_MAX);
    if (connect_before(client, deadline_after(seconds), error))
        return client;
    mm_control_close(client);
    return NULL;
}

void
mm_control_close(MmControlClient *client)
{
    if (!client)
        return;
    if (client->fd >= 0)
        close(client->fd);
    mm_buffer_clear(&client->in);
    g_free(client->path);
    g_free(client);
}

static gboolean
send_all(MmControlClient *client, const char *text, gsize size, gint64 deadline, GError **error)
{
    while (size > 0) {
        ssize_t n = send(client->fd, text, size, MSG_NOSIGNAL);
        if (n >= 0) {
            text += n;
            size -= (gsize)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(client, POLLOUT, deadline, error))
                return FALSE;
        } else if (errno != EINTR) {
            return fail(error, MM_CONTROL_ERROR_PROTOCOL, client, g_strerror(errno));
        }
    }
    return TRUE;
}

static gboolean
read_some(MmControlClient *client, gint64 deadline, GError **error)
{
    gsize size;
    guint8 *room = mm_buffer_reserve(&client->in, 1, &size);
    if (!room)
        return fail(error, MM_CONTROL_ERROR_PROTOCOL, client, _("the answer is too long"));
    if (!wait_for(client, POLLIN, deadline, error))
        return FALSE;
    ssize_t n = recv(client->fd, room, size, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return TRUE;
    if (n < 0)
        return fail(error, MM_CONTROL_ERROR_PROTOCOL, client, g_strerror(errno));
    if (n == 0)
        return fail(error, MM_CONTROL_ERROR_PROTOCOL, client,
                    _("the host closed the connection without an answer"));
    mm_buffer_commit(&client->in, (gsize)n);
    return TRUE;
}

/* The line without its end, or NULL with error. Free. */
static char *
read_line(MmControlClient *client, gint64 deadline, GError **error)
{
    gsize searched = 0;
    for (;;) {
        const char *data = (const char *)mm_buffer_data(&client->in);
        gsize length = mm_buffer_length(&client->in);
        const char *end =
            length > searched ? memchr(data + searched, '\n', length - searched) : NULL;
        if (end) {
            char *line = g_strndup(data, (gsize)(end - data));
            mm_buffer_consume(&client->in, (gsize)(end - data) + 1);
            return line;
        }
        searched = length;
        if (!read_some(client, deadline, error))
            return NULL;
    }
}

/* Four hexadecimal digits at text, or -1. */
static gint
hex4(const char *text)
{
    gint value = 0;
    for (guint i = 0; i < 4; i++) {
        gint digit = g_ascii_xdigit_value(text[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The character of "\uXXXX" (or of a surrogate pair) behind the backslash; moves text on to its
 * last character. */
static gunichar
unescape_unicode(const char **text)
{
    gint high = hex4(*text + 1);
    if (high < 0)
        return 0xfffd;
    *text += 4;
    if (high < 0xd800 || high > 0xdfff)
        return (gunichar)high;
    gint low = (*text)[1] == '\\' && (*text)[2] == 'u' ? hex4(*text + 3) : -1;
    if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *text += 6;
    return 0x10000u + (((guint)high - 0xd800u) << 10) + ((guint)low - 0xdc00u);
}

/* The text of a JSON string whose opening quote is behind us. Free. */
static char *
unescape(const char *text)
{
    static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
    GString *out = g_string_new(NULL);
    for (; *text && *text != '"'; text++) {
        if (*text != '\\') {
            g_string_append_c(out, *text);
            continue;
        }
        if (!*++text)
            break;
        const char *escape = strchr(escapes, *text);
        if (*text == 'u')
            g_string_append_unichar(out, unescape_unicode(&text));
        else
            g_string_append_c(out, escape ? meant[escape - escapes] : *text);
    }
    return g_string_free(out, FALSE);
}

/* The host writes its envelope always in the same form. */
static char *
open_answer(MmControlClient *client, const char *line, GError **error)
{
    gsize length = strlen(line);
    if (g_str_has_prefix(line, good) && line[length - 1] == '}')
        return g_strndup(line + sizeof(good) - 1, length - sizeof(good));
    if (g_str_has_prefix(line, bad)) {
        g_autofree char *text = unescape(line + sizeof(bad) - 1);
        g_set_error_literal(error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_REFUSED, text);
    } else {
        fail(error, MM_CONTROL_ERROR_PROTOCOL, client, _("what came is no answer of a host"));
    }
    return NULL;
}

static gboolean
is_verb(const char *verb)
{
    static const char allowed[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-";
    return *verb && strspn(verb, allowed) == strlen(verb);
}

char *
mm_control_call(MmControlClient *client, const char *verb, const char *arguments, double seconds,
                GError **error)
{
    if (!is_verb(verb) || (arguments && strchr(arguments, '\n'))) {
        fail(error, MM_CONTROL_ERROR_PROTOCOL, client, _("this is not a request"));
        return NULL;
    }
    g_autofree char *request =
        arguments ? g_strdup_printf("{\"verb\":\"%s\",\"arguments\":%s}\n", verb, arguments)
                  : g_strdup_printf("{\"verb\":\"%s\"}\n", verb);
    gsize size = strlen(request);
    if (size > MM_CONTROL_REQUEST_MAX) {
        fail(error, MM_CONTROL_ERROR_PROTOCOL, client, _("the request is too long"));
        return NULL;
    }
    gint64 deadline = deadline_after(seconds);
    if (!send_all(client, request, size, deadline, error))
        return NULL;
    g_autofree char *line = read_line(client, deadline, error);
    return line ? open_answer(client, line, error) : NULL;
}
