/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control socket and its client, each on its own thread. */
#include "base/control-client.h"
#include "control/listener.h"
#include "control/socket.h"
#include "loop/worker.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SECONDS 20.0

typedef struct Fixture {
    char *directory, *path;
    MmWorker *worker;
    MmControlSocket *control;
    MmRequest *kept; /* of the verb "keep" */
    guint asked;
} Fixture;

static void
verb(gpointer data, MmRequest *request, const char *name, const char *arguments)
{
    Fixture *fixture = data;
    fixture->asked++;
    if (strcmp(name, "echo") == 0) {
        mm_request_answer(request, arguments ? arguments : "null");
    } else if (strcmp(name, "lines") == 0) {
        mm_request_answer(request, "[1,\r\n 2]");
    } else if (strcmp(name, "keep") == 0) {
        fixture->kept = request;
    } else if (strcmp(name, "long") == 0) {
        g_autofree char *zeros = g_strnfill(MM_CONTROL_ANSWER_MAX, '0');
        mm_request_answer(request, zeros);
    } else if (strcmp(name, "large") == 0) {
        g_autofree char *zeros = g_strnfill(MM_CONTROL_ANSWER_MAX - 64, '1');
        mm_request_answer(request, zeros);
    } else if (strcmp(name, "endless") == 0) {
        g_autofree char *text = g_strnfill(MM_CONTROL_REQUEST_MAX, '\177');
        mm_request_refuse(request, text);
    } else {
        mm_request_refuse(request, "no \"verb\"\tär\xff");
    }
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    (void)data;
    fixture->directory = g_dir_make_tmp("mm-control-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->directory, "c.sock", NULL);
    fixture->worker = mm_worker_new_here(0, &error);
    g_assert_no_error(error);
    MmAddress address = {.family = MM_ADDRESS_UNIX, .path = fixture->path};
    const MmListenerOptions options = {.address = &address, .mode = 0600, .owner = geteuid()};
    int fd = mm_listener_bind(&options, &error);
    g_assert_no_error(error);
    fixture->control =
        mm_control_socket_new(mm_worker_reactor(fixture->worker), fd, fixture->path, verb, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    mm_control_socket_free(fixture->control);
    mm_worker_free(fixture->worker);
    g_assert_cmpint(g_access(fixture->path, F_OK), !=, 0);
    g_assert_cmpint(g_rmdir(fixture->directory), ==, 0);
    g_free(fixture->path);
    g_free(fixture->directory);
}

/* A file of somebody's is neither replaced nor called an address in use. */
static void
test_other_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = g_dir_make_tmp("mm-control-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *path = g_build_filename(directory, "c.sock", NULL);
    g_assert_true(g_file_set_contents(path, "mine", -1, &error));
    MmAddress address = {.family = MM_ADDRESS_UNIX, .path = path};
    const MmListenerOptions options = {.address = &address, .mode = 0600, .owner = geteuid()};
    g_assert_cmpint(mm_listener_bind(&options, &error), ==, -1);
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS);
    g_assert_nonnull(strstr(error->message, path));
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "mine");
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

/* ---- A client on a thread of its own, while the fixture's context runs here. */

typedef struct Client {
    const Fixture *fixture;
    const char *verb, *arguments;
    char *result;
    GError *error;
    gint over; /* atomic */
} Client;

static gpointer
call(gpointer data)
{
    Client *client = data;
    g_autoptr(MmControlClient) connection =
        mm_control_connect(client->fixture->path, SECONDS, &client->error);
    if (connection)
        client->result =
            mm_control_call(connection, client->verb, client->arguments, SECONDS, &client->error);
    g_atomic_int_set(&client->over, 1);
    g_main_context_wakeup(mm_worker_context(client->fixture->worker));
    return NULL;
}

static void
run_until(const Fixture *fixture, gint *over)
{
    while (!g_atomic_int_get(over))
        g_main_context_iteration(mm_worker_context(fixture->worker), TRUE);
}

static void
ask(const Fixture *fixture, Client *client, const char *name, const char *arguments)
{
    *client = (Client){.fixture = fixture, .verb = name, .arguments = arguments};
    GThread *thread = g_thread_new("client", call, client);
    run_until(fixture, &client->over);
    g_thread_join(thread);
}

static void
client_clear(Client *client)
{
    g_free(client->result);
    g_clear_error(&client->error);
}

static void
test_answers(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const struct {
        const char *verb, *arguments, *result;
    } cases[] = {{"echo", NULL, "null"},
                 {"echo", "{\"a\":[1,\"\\u00fc\\n\"]}", "{\"a\":[1,\"ü\\n\"]}"},
                 {"lines", NULL, "[1,   2]"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Client client;
        ask(fixture, &client, cases[i].verb, cases[i].arguments);
        g_assert_no_error(client.error);
        g_assert_cmpstr(client.result, ==, cases[i].result);
        client_clear(&client);
    }
}

static void
test_refusal(Fixture *fixture, gconstpointer data)
{
    (void)data;
    Client client;
    ask(fixture, &client, "nothing", NULL);
    g_assert_error(client.error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_REFUSED);
    g_assert_cmpstr(client.error->message, ==, "no \"verb\"\tär\xef\xbf\xbd");
    client_clear(&client);
}

/* A name of a verb may be as long as a request, and each byte of it six in the answer. */
static void
test_long_refusal(Fixture *fixture, gconstpointer data)
{
    (void)data;
    Client client;
    ask(fixture, &client, "endless", NULL);
    g_assert_error(client.error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_REFUSED);
    g_assert_true(g_str_has_prefix(client.error->message, "\177\177"));
    client_clear(&client);
}

static void
test_sizes(Fixture *fixture, gconstpointer data)
{
    (void)data;
    Client client;
    ask(fixture, &client, "large", NULL);
    g_assert_no_error(client.error);
    g_assert_cmpuint(strlen(client.result), ==, MM_CONTROL_ANSWER_MAX - 64);
    client_clear(&client);
    ask(fixture, &client, "long", NULL);
    g_assert_error(client.error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_REFUSED);
    client_clear(&client);

    g_autofree char *text = g_strnfill(MM_CONTROL_REQUEST_MAX - 128, 'x');
    g_autofree char *quoted = g_strdup_printf("\"%s\"", text);
    ask(fixture, &client, "echo", quoted);
    g_assert_no_error(client.error);
    g_assert_cmpstr(client.result, ==, quoted);
    client_clear(&client);
}

static void
test_client_refuses(Fixture *fixture, gconstpointer data)
{
    (void)data;
    Client client;
    g_autofree char *text = g_strnfill(MM_CONTROL_REQUEST_MAX, '1');
    const char *const verbs[] = {"a\"b", "", "echo", "echo"};
    const char *const arguments[] = {NULL, NULL, "1\n2", text};
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
        ask(fixture, &client, verbs[i], arguments[i]);
        g_assert_error(client.error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_PROTOCOL);
        client_clear(&client);
    }
    g_assert_cmpuint(fixture->asked, ==, 0);
}

static void
test_later(Fixture *fixture, gconstpointer data)
{
    (void)data;
    Client client = {.fixture = fixture, .verb = "keep"};
    GThread *thread = g_thread_new("client", call, &client);
    while (!fixture->kept)
        g_main_context_iteration(mm_worker_context(fixture->worker), TRUE);
    mm_request_answer(g_steal_pointer(&fixture->kept), "\"late\"");
    run_until(fixture, &client.over);
    g_thread_join(thread);
    g_assert_no_error(client.error);
    g_assert_cmpstr(client.result, ==, "\"late\"");
    client_clear(&client);
}

/* ---- A raw connection, all on this thread. */

static int
connect_raw(const Fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);
    g_strlcpy(address.sun_path, fixture->path, sizeof(address.sun_path));
    g_assert_cmpint(connect(fd, (const struct sockaddr *)(gpointer)&address, sizeof(address)), ==,
                    0);
    return fd;
}

static void
say(int fd, const char *text, gsize size)
{
    g_assert_cmpint(send(fd, text, size, MSG_NOSIGNAL), ==, (gssize)size);
}

/* All that comes until the host closes. Free. */
static char *
hear(const Fixture *fixture, int fd)
{
    GString *heard = g_string_new(NULL);
    for (;;) {
        char piece[4096];
        ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (n > 0)
            g_string_append_len(heard, piece, n);
        else if (n == 0)
            return g_string_free(heard, FALSE);
        else
            g_main_context_iteration(mm_worker_context(fixture->worker), FALSE);
    }
}

/* What the host answers to text, the client's side closed behind it. */
static char *
exchange(const Fixture *fixture, const char *text, gsize size)
{
    int fd = connect_raw(fixture);
    say(fd, text, size);
    shutdown(fd, SHUT_WR);
    char *heard = hear(fixture, fd);
    close(fd);
    return heard;
}

static void
test_lines(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const char text[] = "{\"verb\":\"echo\",\"arguments\":1}\n"
                               "{\"verb\":\"echo\"}\r\n{\"verb\":\"echo\",\"arguments\":3}";
    g_autofree char *heard = exchange(fixture, text, strlen(text));
    g_assert_cmpstr(heard, ==, "{\"ok\":true,\"result\":1}\n{\"ok\":true,\"result\":null}\n");
}

static void
assert_refused(const Fixture *fixture, const char *text, gsize size)
{
    g_autofree char *heard = exchange(fixture, text, size);
    g_assert_true(g_str_has_prefix(heard, "{\"ok\":false,\"error\":\""));
    g_assert_true(g_str_has_suffix(heard, "\"}\n"));
    g_assert_cmpuint(fixture->asked, ==, 0);
}

static void
test_malformed(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const char *const lines[] = {"\n",
                                        "{\n",
                                        "[]\n",
                                        "{\"verb\":1}\n",
                                        "{}\n",
                                        "x\n",
                                        "{\"verb\":null}\n",
                                        "{\"verb\":\"\xff\"}\n"};
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        assert_refused(fixture, lines[i], strlen(lines[i]));
    assert_refused(fixture, "{\"verb\":\"echo\"}\0\n", 17);
}

static void
test_nesting(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autofree char *brackets = g_strnfill(100000, '[');
    g_autofree char *line = g_strdup_printf("{\"verb\":\"echo\",\"arguments\":%s}\n", brackets);
    assert_refused(fixture, line, strlen(line));
    g_autofree char *in_string =
        g_strdup_printf("{\"verb\":\"echo\",\"arguments\":\"\\\"%s\"}\n", brackets);
    g_autofree char *heard = exchange(fixture, in_string, strlen(in_string));
    g_assert_true(g_str_has_prefix(heard, "{\"ok\":true"));
}

/* A line that never ends: what was sent is refused and the connection closed. */
static void
test_endless_line(Fixture *fixture, gconstpointer data)
{
    (void)data;
    int fd = connect_raw(fixture);
    g_autofree char *text = g_strnfill(65536, 'x');
    for (;;) {
        ssize_t n = send(fd, text, 65536, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EPIPE)
            break;
        g_main_context_iteration(mm_worker_context(fixture->worker), FALSE);
    }
    char answer[64] = "";
    g_assert_cmpint(recv(fd, answer, sizeof(answer) - 1, 0), >, 0);
    g_assert_true(g_str_has_prefix(answer, "{\"ok\":false"));
    close(fd);
}

/* The client goes while its request is open: the answer is dropped. */
static void
test_client_gone(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const char text[] = "{\"verb\":\"keep\"}\n";
    int fd = connect_raw(fixture);
    say(fd, text, strlen(text));
    while (!fixture->kept)
        g_main_context_iteration(mm_worker_context(fixture->worker), TRUE);
    close(fd);
    mm_request_answer(g_steal_pointer(&fixture->kept), "1");
    g_autofree char *heard = exchange(fixture, "{\"verb\":\"echo\"}\n", 16);
    g_assert_cmpstr(heard, ==, "{\"ok\":true,\"result\":null}\n");
}

/* The socket is closed while a request is open. */
static void
test_socket_gone(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const char text[] = "{\"verb\":\"keep\"}\n";
    int fd = connect_raw(fixture);
    say(fd, text, strlen(text));
    while (!fixture->kept)
        g_main_context_iteration(mm_worker_context(fixture->worker), TRUE);
    g_clear_pointer(&fixture->control, mm_control_socket_free);
    mm_request_refuse(g_steal_pointer(&fixture->kept), "late");
    g_autofree char *heard = hear(fixture, fd);
    g_assert_cmpstr(heard, ==, "");
    close(fd);
}

/* More connections than are served at once: all are answered in the end. */
static void
test_many(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const char text[] = "{\"verb\":\"echo\",\"arguments\":7}\n";
    int fds[40];
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = connect_raw(fixture);
        say(fds[i], text, strlen(text));
    }
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
        shutdown(fds[i], SHUT_WR);
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        g_autofree char *heard = hear(fixture, fds[i]);
        g_assert_cmpstr(heard, ==, "{\"ok\":true,\"result\":7}\n");
        close(fds[i]);
    }
}

static void
test_mode(Fixture *fixture, gconstpointer data)
{
    (void)data;
    struct stat status;
    g_assert_cmpint(stat(fixture->path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
}

static void
test_no_socket(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = g_dir_make_tmp("mm-control-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "c.sock", NULL);
    g_assert_null(mm_control_connect(path, SECONDS, &error));
    g_assert_error(error, MM_CONTROL_ERROR, MM_CONTROL_ERROR_NOT_RUNNING);
    g_assert_nonnull(strstr(error->message, path));
    g_rmdir(directory);
}

static void
test_path(void)
{
    static const struct {
        const char *main_path, *control;
    } cases[] = {{"/run/a/b.sock", "/run/a/b-control.sock"},
                 {"/run/socket", "/run/socket-control"},
                 {"/.sock", "/-control.sock"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = mm_control_path_beside(cases[i].main_path);
        g_assert_cmpstr(path, ==, cases[i].control);
    }
    g_autofree char *path = mm_control_path_beside(NULL);
    g_assert_true(g_str_has_suffix(path, "/milter-manager-control.sock"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/control/socket/" name, Fixture, NULL, set_up, function, tear_down)
    ADD("answers", test_answers);
    ADD("refusal", test_refusal);
    ADD("long-refusal", test_long_refusal);
    ADD("sizes", test_sizes);
    ADD("client-refuses", test_client_refuses);
    ADD("later", test_later);
    ADD("lines", test_lines);
    ADD("malformed", test_malformed);
    ADD("nesting", test_nesting);
    ADD("endless-line", test_endless_line);
    ADD("client-gone", test_client_gone);
    ADD("socket-gone", test_socket_gone);
    ADD("many", test_many);
    ADD("mode", test_mode);
    g_test_add_func("/control/socket/no-socket", test_no_socket);
    g_test_add_func("/control/socket/other-file", test_other_file);
    g_test_add_func("/control/socket/path", test_path);
    return g_test_run();
}
