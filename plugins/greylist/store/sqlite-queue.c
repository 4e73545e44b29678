/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be written, in order: from any thread to the writer. */
#include "store/sqlite-private.h"

#include <string.h>

/* An import waits while so many changes are queued. */
#define ROOM_OPS 4000

static GreyWrite *
write_new(const char *source, const char *sender, const char *recipient)
{
    gsize a = strlen(source) + 1, b = strlen(sender) + 1, c = strlen(recipient) + 1;
    GreyWrite *write = g_malloc(sizeof(GreyWrite) + a + b + c);
    *write = (GreyWrite){.next = NULL};
    memcpy(write->texts, source, a);
    memcpy(write->texts + a, sender, b);
    memcpy(write->texts + a + b, recipient, c);
    return write;
}

void
grey_sqlite_write_free(GreyWrite *write)
{
    g_free(write->note);
    g_free(write);
}

static void
enqueue(GreySqlite *sqlite, GreyWrite *write)
{
    g_mutex_lock(&sqlite->lock_writes);
    if (!sqlite->first)
        sqlite->oldest = g_get_monotonic_time();
    *sqlite->last = write;
    sqlite->last = &write->next;
    sqlite->n_waiting++;
    sqlite->sequence++;
    if (sqlite->n_waiting == 1 || sqlite->n_waiting == GREY_SQLITE_GROUP_OPS)
        g_cond_signal(&sqlite->writes_changed);
    g_mutex_unlock(&sqlite->lock_writes);
}

void
grey_sqlite_queue(GreySqlite *sqlite, GreyPart *part, GreySlot *slot, const char *source,
                  const char *sender, const char *recipient)
{
    GreyWrite *write = slot->extra;
    if (!write) {
        gboolean keep =
            grey_store_keeps_text(&sqlite->store) || slot->record.kind == GREY_KIND_PAIR;
        write = keep ? write_new(source, sender, recipient) : write_new("", "", "");
        write->id = slot->id;
        write->part = part;
        write->slot = slot;
        slot->extra = write;
        slot->pins++;
        write->record = slot->record;
        write->remove = slot->record.first == 0;
        enqueue(sqlite, write);
        return;
    }
    write->record = slot->record;
    write->remove = slot->record.first == 0;
}

void
grey_sqlite_queue_rule(GreySqlite *sqlite, const GreyEntry *rule, gboolean remove)
{
    GreyWrite *write = write_new(rule->source, rule->sender, rule->recipient);
    write->record = rule->record;
    write->remove = remove;
    write->note = g_strdup(rule->note);
    enqueue(sqlite, write);
}

gboolean
grey_sqlite_wait(GreySqlite *sqlite)
{
    g_mutex_lock(&sqlite->lock_writes);
    guint64 wanted = sqlite->sequence;
    while (sqlite->sequence_done < wanted && !sqlite->failing) {
        sqlite->hurry = TRUE;
        g_cond_signal(&sqlite->writes_changed);
        g_cond_wait(&sqlite->committed, &sqlite->lock_writes);
    }
    gboolean good = sqlite->sequence_done >= wanted;
    g_mutex_unlock(&sqlite->lock_writes);
    return good;
}

void
grey_sqlite_wait_for_room(GreySqlite *sqlite)
{
    g_mutex_lock(&sqlite->lock_writes);
    while (sqlite->n_waiting > ROOM_OPS && !sqlite->failing)
        g_cond_wait(&sqlite->committed, &sqlite->lock_writes);
    g_mutex_unlock(&sqlite->lock_writes);
}
