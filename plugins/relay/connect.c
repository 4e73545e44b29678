/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a child gets its connection: the name, its addresses one after the other, the queue. */
#include "relay.h"

#include <errno.h>
#include <sys/socket.h>

/* An address has at least so long to answer, however many there are. */
#define LEAST_SHARE 0.25
/* Before another try where the queue is full: the first pause, and the longest. */
#define FIRST_PAUSE 0.005
#define LONGEST_PAUSE 0.16
/* How long an address that failed comes behind the others. */
#define LAST_SECONDS 60

static const MilterHost *
host_of(const Child *child)
{
    return child->bench->relay->host;
}

/* ---- Addresses that failed. */

static gboolean
is_past(gpointer address, gpointer when, gpointer now)
{
    (void)address;
    return *(const gint64 *)now - *(const gint64 *)when > LAST_SECONDS * G_USEC_PER_SEC;
}

static void
forget_old(Bench *bench)
{
    gint64 now = bench->relay->host->now();
    g_hash_table_foreach_remove(bench->failed, is_past, &now);
}

/* The address of the name that is tried answered, or it did not. */
static void
note(const Child *child, gboolean answered)
{
    GHashTable *failed = child->bench->failed;
    if (!child->addresses)
        return;
    const char *address = child->addresses[child->address];
    if (answered) {
        g_hash_table_remove(failed, address);
        return;
    }
    gint64 now = host_of(child)->now();
    g_hash_table_replace(failed, g_strdup(address), g_memdup2(&now, sizeof(now)));
}

/* ---- One after the other. */

/* Seconds until connection-timeout is over. */
static double
time_left(const Child *child)
{
    return (double)(child->until - host_of(child)->now()) / G_USEC_PER_SEC;
}

static void
stop_attempt(Child *child)
{
    host_of(child)->timer_remove(child->attempt);
    child->attempt = NULL;
}

void
connect_end(Child *child)
{
    stop_attempt(child);
    if (child->query)
        host_of(child)->resolve_cancel(child->bench->worker, child->query);
    child->query = 0;
    g_clear_pointer(&child->addresses, g_strfreev);
}

static void
connected(Child *child)
{
    note(child, TRUE);
    connect_end(child);
    child_connected(child);
}

static void
fail(Child *child, int error)
{
    const char *reason = error == EAGAIN ? "its queue of connections is full" : g_strerror(error);
    g_autofree char *why =
        child->addresses ? g_strconcat(child->addresses[child->address], ": ", reason, NULL) : NULL;
    child_die(child, why ? why : reason, FALSE);
}

/* Addresses behind the one that is tried. */
static guint
others_left(const Child *child)
{
    return child->addresses ? g_strv_length(child->addresses + child->address) - 1 : 0;
}

static gboolean
fill(const Child *child, struct sockaddr_storage *storage, socklen_t *length)
{
    const MmAddress *address = child->bench->relay->address;
    if (child->addresses)
        return mm_address_fill(address, child->addresses[child->address], storage, length);
    return mm_address_to_sockaddr(address, FALSE, storage, length);
}

/* 0: made, or on its way; else why not. */
static int
begin_one(Child *child)
{
    struct sockaddr_storage storage;
    socklen_t length;
    gboolean in_progress;
    if (!fill(child, &storage, &length))
        return EAFNOSUPPORT;
    child->fd = mm_address_connect(&storage, length, &in_progress);
    if (child->fd < 0)
        return errno;
    child->state = CHILD_CONNECTING;
    child->watched = in_progress ? MILTER_WATCH_WRITE : MILTER_WATCH_READ;
    child->watch = host_of(child)->watch_add(child->bench->worker, child->fd, child->watched,
                                             child_event, child);
    if (!child->watch)
        return errno ? errno : ENOMEM;
    if (!in_progress)
        connected(child);
    return 0;
}

static void try_on(Child *child, int error);

static void
share_is_over(void *data)
{
    Child *child = data;
    child->attempt = NULL;
    try_on(child, ETIMEDOUT);
}

static void try_this(Child *child);

static void
try_again(void *data)
{
    Child *child = data;
    child->attempt = NULL;
    try_this(child);
}

/* A unix socket whose queue is full says so at once instead of letting the caller wait (Linux):
 * the child is there, only busy. FALSE: there is no time left to wait. */
static gboolean
wait_for_room(Child *child)
{
    double pause = child->pause > 0 ? MIN(child->pause * 2, LONGEST_PAUSE) : FIRST_PAUSE;
    if (pause >= time_left(child))
        return FALSE;
    child->pause = pause;
    child->attempt = host_of(child)->timer_add(child->bench->worker, pause, try_again, child);
    return TRUE;
}

static void
try_this(Child *child)
{
    int error = begin_one(child);
    if (error == EAGAIN && wait_for_room(child))
        return;
    guint others = others_left(child);
    if (error != 0) {
        try_on(child, error);
    } else if (child->state == CHILD_CONNECTING && others > 0) {
        double share = MAX(time_left(child) / (others + 1), LEAST_SHARE);
        child->attempt =
            host_of(child)->timer_add(child->bench->worker, share, share_is_over, child);
    }
}

/* The one that was tried did not work; there are 64 at most (dns-answer.h), so this may nest. */
static void
try_on(Child *child, int error)
{
    child_close_socket(child);
    note(child, FALSE);
    if (others_left(child) == 0) {
        fail(child, error);
        return;
    }
    child->address++;
    try_this(child);
}

void
connect_check(Child *child)
{
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(child->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    stop_attempt(child);
    if (error)
        try_on(child, error);
    else
        connected(child);
}

/* ---- The name. */

static const char *
problem_of(const MilterResolveAnswer *answer)
{
    switch (answer->status) {
    case MILTER_RESOLVED:
        return "the host name has no address of the family";
    case MILTER_RESOLVE_NONE:
        return "the host name does not exist";
    default:
        return "the host name was not resolved";
    }
}

/* Adds those of the spec's family that failed lately, or those that did not, in the order in which
 * the system wants them tried. */
static void
add_usable(GStrvBuilder *builder, const Bench *bench, const MilterResolveAnswer *answer,
           gboolean failed)
{
    struct sockaddr_storage storage;
    socklen_t length;
    for (size_t i = 0; answer->status == MILTER_RESOLVED && i < answer->n_values; i++) {
        if (g_hash_table_contains(bench->failed, answer->values[i]) == failed &&
            mm_address_fill(bench->relay->address, answer->values[i], &storage, &length))
            g_strv_builder_add(builder, answer->values[i]);
    }
}

static char **
usable(Bench *bench, const MilterResolveAnswer *answer)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    forget_old(bench);
    add_usable(builder, bench, answer, FALSE);
    add_usable(builder, bench, answer, TRUE);
    return g_strv_builder_end(builder);
}

static void
resolved(void *data, const MilterResolveAnswer *answer)
{
    Child *child = data;
    child->query = 0;
    child->addresses = usable(child->bench, answer);
    if (child->addresses[0])
        try_this(child);
    else
        child_die(child, problem_of(answer), FALSE);
}

void
connect_begin(Child *child)
{
    const Relay *relay = child->bench->relay;
    struct sockaddr_storage storage;
    socklen_t length;
    child->until = host_of(child)->now() + (int64_t)(relay->connection_timeout * G_USEC_PER_SEC);
    if (relay->unreachable)
        child_die(child, "the path is longer than a socket's may be", FALSE);
    else if (mm_address_to_sockaddr(relay->address, FALSE, &storage, &length))
        try_this(child);
    else
        child->query = relay->host->resolve(child->bench->worker, MILTER_RESOLVE_HOST,
                                            relay->address->host, resolved, child);
}
