/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the MTA's side gets its connection: the name, its addresses one after the other, the queue.
 */
#include "base/i18n.h"
#include "tools/mta.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <unistd.h>

/* An address has at least so many seconds to answer, if there are so many left. */
#define LEAST_SHARE 0.25

G_DEFINE_QUARK(mm - mta - error - quark, mm_mta_error)

/* ---- Waiting. */

gint64
mm_mta_deadline(double seconds)
{
    return g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
}

gboolean
mm_mta_wait(int fd, short events, gint64 deadline, const char *what, GError **error)
{
    for (;;) {
        gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;
        struct pollfd entry = {.fd = fd, .events = events};
        int n = poll(&entry, 1, (int)CLAMP(left, 0, G_MAXINT));
        if (n > 0)
            return TRUE;
        if (n < 0 && errno == EINTR)
            continue;
        g_set_error(error, MM_MTA_ERROR, MM_MTA_ERROR_TIMEOUT, _("timed out while %s"), what);
        return FALSE;
    }
}

/* ---- The name. */

/* A look-up that can be given up: GResolver's own, on a context of ours with a timer. */
typedef struct Lookup {
    GMainContext *context;
    GCancellable *cancellable;
    GList *found;
    GError *error;
    gboolean is_done, is_late;
} Lookup;

static gboolean
look_up_is_late(gpointer data)
{
    Lookup *lookup = data;
    lookup->is_late = TRUE;
    g_cancellable_cancel(lookup->cancellable);
    return G_SOURCE_REMOVE;
}

static void
looked_up(GObject *resolver, GAsyncResult *result, gpointer data)
{
    Lookup *lookup = data;
    lookup->found = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, &lookup->error);
    lookup->is_done = TRUE;
}

static void
look_up_until(Lookup *lookup, const char *host, gint64 deadline)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    GSource *timer = g_timeout_source_new(0);
    g_source_set_ready_time(timer, deadline);
    g_source_set_callback(timer, look_up_is_late, lookup, NULL);
    g_source_attach(timer, lookup->context);
    g_main_context_push_thread_default(lookup->context);
    g_resolver_lookup_by_name_async(resolver, host, lookup->cancellable, looked_up, lookup);
    while (!lookup->is_done)
        g_main_context_iteration(lookup->context, TRUE);
    g_main_context_pop_thread_default(lookup->context);
    g_source_destroy(timer);
    g_source_unref(timer);
}

/* The name's addresses as text, in the system's order; NULL with error. */
static GPtrArray *
look_up(const char *host, gint64 deadline, GError **error)
{
    Lookup lookup = {.context = g_main_context_new(), .cancellable = g_cancellable_new()};
    GPtrArray *texts = NULL;
    look_up_until(&lookup, host, deadline);
    if (lookup.is_late && lookup.error) {
        g_set_error(error, MM_MTA_ERROR, MM_MTA_ERROR_TIMEOUT, _("timed out while %s"),
                    _("looking up the name"));
        g_clear_error(&lookup.error);
    } else if (lookup.error) {
        g_propagate_error(error, lookup.error);
    } else {
        texts = g_ptr_array_new_with_free_func(g_free);
        for (const GList *entry = lookup.found; entry; entry = entry->next)
            g_ptr_array_add(texts, g_inet_address_to_string(entry->data));
    }
    g_resolver_free_addresses(lookup.found);
    g_object_unref(lookup.cancellable);
    g_main_context_unref(lookup.context);
    return texts;
}

/* ---- One address. */

/* A unix socket whose queue is full answers EAGAIN: tried again until the deadline. */
static int
connect_before(const struct sockaddr_storage *storage, socklen_t length, gint64 deadline,
               gboolean *in_progress)
{
    const gulong pause = 1000;
    for (;;) {
        int fd = mm_address_connect(storage, length, in_progress);
        if (fd >= 0 || errno != EAGAIN || g_get_monotonic_time() >= deadline)
            return fd;
        g_usleep(pause);
    }
}

static gboolean
finish_connect(int fd, gint64 deadline, GError **error)
{
    int number = 0;
    socklen_t length = sizeof(number);
    if (!mm_mta_wait(fd, POLLOUT, deadline, _("connecting"), error))
        return FALSE;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0 && number == 0)
        return TRUE;
    g_set_error_literal(error, MM_MTA_ERROR, MM_MTA_ERROR_CONNECT, g_strerror(number));
    return FALSE;
}

static int
try_one(const struct sockaddr_storage *storage, socklen_t length, gint64 deadline, GError **error)
{
    gboolean in_progress = FALSE;
    int fd = connect_before(storage, length, deadline, &in_progress);
    if (fd < 0) {
        g_set_error_literal(error, MM_MTA_ERROR, MM_MTA_ERROR_CONNECT, g_strerror(errno));
    } else if (in_progress && !finish_connect(fd, deadline, error)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* ---- All of them. */

static gint64
share_of(gint64 deadline, guint others)
{
    double left = (double)(deadline - g_get_monotonic_time()) / G_USEC_PER_SEC;
    return MIN(deadline, mm_mta_deadline(MAX(left / (others + 1), LEAST_SHARE)));
}

/* Adds to reasons why not. */
static int
try_text(const MmAddress *address, const char *text, gint64 deadline, GString *reasons)
{
    struct sockaddr_storage storage;
    socklen_t length;
    g_autoptr(GError) error = NULL;
    mm_address_fill(address, text, &storage, &length);
    int fd = try_one(&storage, length, deadline, &error);
    if (fd < 0)
        g_string_append_printf(reasons, "%s%s: %s", reasons->len > 0 ? ", " : "", text,
                               error->message);
    return fd;
}

static int
try_all(const MmAddress *address, const GPtrArray *texts, gint64 deadline, GError **error)
{
    g_autoptr(GString) reasons = g_string_new(NULL);
    for (guint i = 0; i < texts->len; i++) {
        gint64 until = share_of(deadline, texts->len - i - 1);
        int fd = try_text(address, g_ptr_array_index(texts, i), until, reasons);
        if (fd >= 0)
            return fd;
    }
    if (reasons->len == 0)
        g_string_printf(reasons, _("%s has no address of that family"), address->host);
    g_set_error_literal(error, MM_MTA_ERROR, MM_MTA_ERROR_CONNECT, reasons->str);
    return -1;
}

/* Leaves those of the spec's family. */
static void
drop_others(const MmAddress *address, GPtrArray *texts)
{
    struct sockaddr_storage storage;
    socklen_t length;
    for (guint i = texts->len; i-- > 0;) {
        if (!mm_address_fill(address, g_ptr_array_index(texts, i), &storage, &length))
            g_ptr_array_remove_index(texts, i);
    }
}

int
mm_mta_open(const MmAddress *address, double seconds, GError **error)
{
    struct sockaddr_storage storage;
    socklen_t length;
    gint64 deadline = mm_mta_deadline(seconds);
    if (mm_address_to_sockaddr(address, FALSE, &storage, &length))
        return try_one(&storage, length, deadline, error);
    g_autoptr(GPtrArray) texts = look_up(address->host, deadline, error);
    if (!texts)
        return -1;
    drop_others(address, texts);
    return try_all(address, texts, deadline, error);
}
