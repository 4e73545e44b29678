/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open stores: one for each URI, whoever uses it, over reloads. */
#include "greylist.h"

#include <string.h>

/* A store that could not be opened is tried again after so long. */
#define RETRY_SECONDS 5

struct Holder {
    guint references;
    char *uri, *password_file;
    GPtrArray *users; /* of Greylist: the newest one's name stands in the log */
    GreyStore *store;
    gint64 next_try; /* monotonic microseconds */
    gboolean failed; /* and that is logged */
    const MilterHost *host;
};

/* Of the holders and what is in them. Held while a store is opened: others would have to wait for
 * that anyway; and while a line is logged, so that the instance in it stays. */
static GMutex lock;
static GMutex users_lock;
static GPtrArray *holders;

static gint64
wall_clock(void *data)
{
    const Holder *holder = data;
    return holder->host->wall_clock();
}

static void
log_line(void *data, guint level, const char *id, const char *text, const char *detail)
{
    const Holder *holder = data;
    const MilterField field = {"detail", detail};
    g_mutex_lock(&users_lock);
    if (holder->users->len > 0) {
        const Greylist *user = g_ptr_array_index(holder->users, holder->users->len - 1);
        holder->host->log(user->self, NULL, (MilterLogLevel)level, id, text, &field, 1);
    }
    g_mutex_unlock(&users_lock);
}

GreyEnvironment
holder_environment(Holder *holder)
{
    return (GreyEnvironment){holder, wall_clock, log_line};
}

/* Only a server has a password. A file can be open once only: it has one holder in any case. */
static gboolean
is_same(const Holder *holder, const char *uri, const char *password_file)
{
    gboolean server = g_str_has_prefix(uri, "redis") || g_str_has_prefix(uri, "valkey");
    return strcmp(holder->uri, uri) == 0 &&
           (!server || strcmp(holder->password_file, password_file) == 0);
}

static Holder *
find(const char *uri, const char *password_file)
{
    for (guint i = 0; holders && i < holders->len; i++) {
        Holder *holder = g_ptr_array_index(holders, i);
        if (is_same(holder, uri, password_file))
            return holder;
    }
    return NULL;
}

Holder *
holder_get(Greylist *greylist, Holder *before, const char *uri, const char *password_file)
{
    g_mutex_lock(&lock);
    Holder *holder = NULL;
    if (before && is_same(before, uri, password_file))
        holder = before;
    else if (!g_str_has_prefix(uri, "memory:"))
        holder = find(uri, password_file);
    if (!holder) {
        holder = g_new0(Holder, 1);
        holder->uri = g_strdup(uri);
        holder->password_file = g_strdup(password_file);
        holder->users = g_ptr_array_new();
        if (!holders)
            holders = g_ptr_array_new();
        g_ptr_array_add(holders, holder);
    }
    holder->host = greylist->host;
    holder->references++;
    g_mutex_lock(&users_lock);
    g_ptr_array_add(holder->users, greylist);
    g_mutex_unlock(&users_lock);
    g_mutex_unlock(&lock);
    return holder;
}

void
holder_retire(Holder *holder, Greylist *greylist)
{
    g_mutex_lock(&users_lock);
    g_ptr_array_remove(holder->users, greylist);
    g_mutex_unlock(&users_lock);
}

void
holder_put(Holder *holder)
{
    g_mutex_lock(&lock);
    gboolean last = --holder->references == 0;
    if (last) {
        g_ptr_array_remove(holders, holder);
        if (holders->len == 0)
            g_clear_pointer(&holders, g_ptr_array_unref);
        /* Within the lock: who opens the same file again waits until it is closed. */
        if (holder->store)
            grey_store_unref(holder->store);
    }
    g_mutex_unlock(&lock);
    if (!last)
        return;
    g_ptr_array_unref(holder->users);
    g_free(holder->uri);
    g_free(holder->password_file);
    g_free(holder);
}

static void
note_outcome(Holder *holder, const GError *error)
{
    if (error && !holder->failed)
        log_line(holder, MILTER_LOG_ERROR, "greylist-store-open",
                 N_("The greylist's store cannot be opened; it is tried again"), error->message);
    else if (!error && holder->failed)
        log_line(holder, MILTER_LOG_NOTICE, "greylist-store-opened",
                 N_("The greylist's store is open"), NULL);
    holder->failed = error != NULL;
}

GreyStore *
holder_open(Holder *holder, gboolean text)
{
    g_autoptr(GError) error = NULL;
    GreyStore *store = NULL;
    g_mutex_lock(&lock);
    gint64 now = g_get_monotonic_time();
    if (!holder->store && now >= holder->next_try) {
        const GreyStoreOptions options = {.uri = holder->uri,
                                          .password_file = holder->password_file,
                                          .text = text,
                                          .environment = holder_environment(holder)};
        holder->store = grey_store_open(&options, &error);
        holder->next_try = now + RETRY_SECONDS * G_USEC_PER_SEC;
        note_outcome(holder, error);
    }
    if (holder->store) {
        store = grey_store_ref(holder->store);
        grey_store_keep_text(store, text);
    }
    g_mutex_unlock(&lock);
    return store;
}
