/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How milter-test-server gets its connection: a name with many addresses, and none that answers. */
#include "tools/mta.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* ---- A resolver with the names of these tests. */

typedef struct Names {
    GResolver parent;
} Names;
typedef struct NamesClass {
    GResolverClass parent_class;
} NamesClass;
GType names_get_type(void);
G_DEFINE_TYPE(Names, names, G_TYPE_RESOLVER)

/* Seconds: what is waited for comes at once. */
#define PATIENCE 60.0
#define NAME "filter.example"
static const char *const *known; /* NAME's addresses; NULL: no answer comes */

static gboolean
given_up(GCancellable *cancellable, gpointer task)
{
    (void)cancellable;
    g_task_return_error_if_cancelled(task);
    return G_SOURCE_REMOVE;
}

static void
look_up(GResolver *resolver, const char *name, GCancellable *cancellable,
        GAsyncReadyCallback callback, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(resolver, cancellable, callback, data);
    GList *addresses = NULL;
    if (!known) {
        g_autoptr(GSource) source = g_cancellable_source_new(cancellable);
        g_task_attach_source(task, source, G_SOURCE_FUNC(given_up));
        return;
    }
    if (strcmp(name, NAME) != 0) {
        g_task_return_new_error(task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no %s", name);
        return;
    }
    for (const char *const *text = known; *text; text++)
        addresses = g_list_append(addresses, g_inet_address_new_from_string(*text));
    g_task_return_pointer(task, addresses, NULL);
}

static GList *
look_up_end(GResolver *resolver, GAsyncResult *result, GError **error)
{
    (void)resolver;
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void
names_class_init(NamesClass *class)
{
    GResolverClass *resolver = G_RESOLVER_CLASS(class);
    resolver->lookup_by_name_async = look_up;
    resolver->lookup_by_name_finish = look_up_end;
}

static void
names_init(Names *names)
{
    (void)names;
}

/* ---- Who listens. */

/* A listener with room for so many, or (-1) a socket that only keeps the port from others. *port 0:
 * any. */
static int
take(const char *numeric, guint16 *port, int queue)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t length = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(inet_pton(AF_INET, numeric, &in.sin_addr), ==, 1);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&in, length), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&in, &length), ==, 0);
    if (queue >= 0)
        g_assert_cmpint(listen(fd, queue), ==, 0);
    *port = ntohs(in.sin_port);
    return fd;
}

/* FALSE: there is no room in the listener's queue any more. */
static gboolean
call(int listener)
{
    struct sockaddr_in in;
    socklen_t length = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    g_assert_cmpint(getsockname(listener, (struct sockaddr *)&in, &length), ==, 0);
    gboolean made = connect(fd, (struct sockaddr *)&in, length) == 0 ||
                    (errno == EINPROGRESS && poll(&poll_fd, 1, 50) == 1);
    close(fd); /* what is in the queue stays there */
    return made;
}

#define GOOD "127.0.0.1"
#define REFUSED "127.0.0.2"
#define ALSO_REFUSED "127.0.0.3"
#define SILENT "127.0.0.4" /* its queue is full: a connection stays on its way */

typedef struct Fixture {
    guint16 port;
    int good, refused, also_refused, silent;
    MmAddress *address;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    guint callers = 0;
    fixture->port = 0;
    fixture->good = take(GOOD, &fixture->port, 8);
    fixture->refused = take(REFUSED, &fixture->port, -1);
    fixture->also_refused = take(ALSO_REFUSED, &fixture->port, -1);
    fixture->silent = take(SILENT, &fixture->port, 0);
    while (call(fixture->silent))
        g_assert_cmpuint(++callers, <, 64);
    g_autofree char *spec = g_strdup_printf("inet:%u@" NAME, fixture->port);
    fixture->address = mm_address_parse(spec, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    close(fixture->good);
    close(fixture->refused);
    close(fixture->also_refused);
    close(fixture->silent);
    mm_address_free(fixture->address);
}

#define ADDRESSES(...) (known = (const char *const[]){__VA_ARGS__, NULL})

static void
reach(const Fixture *fixture, double seconds)
{
    struct sockaddr_in in;
    socklen_t length = sizeof(in);
    g_autoptr(GError) error = NULL;
    int fd = mm_mta_open(fixture->address, seconds, &error);
    g_assert_no_error(error);
    g_assert_cmpint(getpeername(fd, (struct sockaddr *)&in, &length), ==, 0);
    g_assert_cmpuint(ntohl(in.sin_addr.s_addr), ==, INADDR_LOOPBACK);
    g_assert_cmpuint(ntohs(in.sin_port), ==, fixture->port);
    close(fd);
}

static void
fail(const Fixture *fixture, double seconds, const char *why)
{
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(mm_mta_open(fixture->address, seconds, &error), ==, -1);
    g_assert_nonnull(error);
    g_assert_cmpstr(error->message, ==, why);
}

/* ---- */

static void
test_next(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(GOOD, REFUSED);
    reach(fixture, PATIENCE);
    ADDRESSES(REFUSED, ALSO_REFUSED, GOOD);
    reach(fixture, PATIENCE);
    ADDRESSES("::1", "255.255.255.255", "2001:db8::25", GOOD);
    reach(fixture, PATIENCE);
}

/* Who is silent has his share of the time, the next gets what is left. */
static void
test_silent(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(SILENT, GOOD);
    reach(fixture, 2);
}

static void
test_none(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    ADDRESSES(REFUSED);
    fail(fixture, PATIENCE, REFUSED ": Connection refused");
    ADDRESSES(REFUSED, SILENT, ALSO_REFUSED);
    fail(fixture, 0.2,
         REFUSED ": Connection refused, " SILENT ": timed out while connecting, " ALSO_REFUSED
                 ": Connection refused");
    ADDRESSES("::1");
    fail(fixture, PATIENCE, NAME " has no address of that family");
}

static void
test_name(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    known = NULL;
    fail(fixture, 0.1, "timed out while looking up the name");
    ADDRESSES(GOOD);
    g_free(fixture->address->host);
    fixture->address->host = g_strdup("other.example");
    fail(fixture, PATIENCE, "no other.example");
}

/* Nothing is looked up for these. */
static void
test_numeric(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    known = NULL;
    g_free(fixture->address->host);
    fixture->address->host = NULL;
    reach(fixture, PATIENCE);
    fixture->address->host = g_strdup(REFUSED);
    fail(fixture, PATIENCE, "Connection refused");
    g_free(fixture->address->host);
    fixture->address->host = g_strdup(SILENT);
    fail(fixture, 0.1, "timed out while connecting");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    GResolver *names = g_object_new(names_get_type(), NULL);
    g_resolver_set_default(names);
    g_object_unref(names);
#define ADD(path, function)                                                                        \
    g_test_add("/tools/connect/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("next", test_next);
    ADD("silent", test_silent);
    ADD("none", test_none);
    ADD("name", test_name);
    ADD("numeric", test_numeric);
    return g_test_run();
}
