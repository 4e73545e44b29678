/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests, their way back to the desk's thread, and the calls that make them. */
#include "store/request.h"

/* Outlives its desk while requests are under way. */
struct GreyMailbox {
    gatomicrefcount references;
    GMutex lock;
    GreyRequest *first, **last; /* answered, to be handed out */
    gboolean posted;            /* the desk's thread has been called */
    gboolean closed;            /* the desk is gone */
    /* On the desk's thread: */
    GreyLoop loop;
    GHashTable *open; /* of GreyRequest, by number */
    guint64 last_number;
};

GreyMailbox *
grey_mailbox_new(const GreyLoop *loop)
{
    GreyMailbox *mailbox = g_new0(GreyMailbox, 1);
    g_atomic_ref_count_init(&mailbox->references);
    g_mutex_init(&mailbox->lock);
    mailbox->last = &mailbox->first;
    mailbox->loop = *loop;
    mailbox->open = g_hash_table_new(g_int64_hash, g_int64_equal);
    return mailbox;
}

static void
mailbox_unref(GreyMailbox *mailbox)
{
    if (!g_atomic_ref_count_dec(&mailbox->references))
        return;
    g_hash_table_unref(mailbox->open);
    g_mutex_clear(&mailbox->lock);
    g_free(mailbox);
}

static void
request_free(GreyRequest *request)
{
    mailbox_unref(request->mailbox);
    g_free(request->question);
    g_clear_pointer(&request->batch, grey_batch_free);
    g_clear_pointer(&request->found, grey_batch_free);
    g_free(request->match);
    g_free(request->cursor);
    g_free(request->error);
    g_free(request->next_cursor);
    g_free(request);
}

GreyRequest *
grey_request_new(GreyMailbox *mailbox, GreyRequestKind kind, gpointer data)
{
    GreyRequest *request = g_new0(GreyRequest, 1);
    g_atomic_ref_count_inc(&mailbox->references);
    request->mailbox = mailbox;
    request->number = ++mailbox->last_number;
    request->kind = kind;
    request->data = data;
    g_hash_table_insert(mailbox->open, &request->number, request);
    return request;
}

void
grey_mailbox_forget(GreyMailbox *mailbox, guint64 number)
{
    g_hash_table_remove(mailbox->open, &number);
}

static void
hand_out_page(GreyRequest *request)
{
    const GreyBatch *found = request->found;
    const GreyPage page = {.entries =
                               found && found->entries->len > 0 ? grey_batch_entry(found, 0) : NULL,
                           .n = found ? found->entries->len : 0,
                           .next = request->next_cursor,
                           .error = request->error};
    request->function.page(request->data, &page);
}

static void
hand_out(GreyRequest *request)
{
    switch (request->kind) {
    case GREY_REQUEST_DECIDE:
        request->function.answer(request->data, &request->answer);
        return;
    case GREY_REQUEST_PAGE:
    case GREY_REQUEST_GET:
        hand_out_page(request);
        return;
    case GREY_REQUEST_EXPIRE:
        request->function.expire(request->data, request->n, request->done_round, request->error);
        return;
    case GREY_REQUEST_STATS:
        request->stats.error = request->error;
        request->function.stats(request->data, &request->stats);
        return;
    default:
        request->function.done(request->data, request->n, request->error);
        return;
    }
}

static GreyRequest *
take_all(GreyMailbox *mailbox)
{
    g_mutex_lock(&mailbox->lock);
    GreyRequest *first = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    mailbox->posted = FALSE;
    g_mutex_unlock(&mailbox->lock);
    return first;
}

/* On the desk's thread. A callback may cancel others, and free the desk. */
static void
deliver(gpointer data)
{
    GreyMailbox *mailbox = data;
    GreyRequest *next = NULL;
    for (GreyRequest *request = take_all(mailbox); request; request = next) {
        next = request->next;
        if (g_hash_table_remove(mailbox->open, &request->number))
            hand_out(request);
        request_free(request);
    }
    mailbox_unref(mailbox);
}

void
grey_request_complete(GreyRequest *request)
{
    GreyMailbox *mailbox = request->mailbox;
    g_mutex_lock(&mailbox->lock);
    if (mailbox->closed) {
        g_mutex_unlock(&mailbox->lock);
        request_free(request);
        return;
    }
    request->next = NULL;
    *mailbox->last = request;
    mailbox->last = &request->next;
    if (!mailbox->posted) {
        mailbox->posted = TRUE;
        g_atomic_ref_count_inc(&mailbox->references);
        mailbox->loop.post(mailbox->loop.data, deliver, mailbox);
    }
    g_mutex_unlock(&mailbox->lock);
}

void
grey_request_fail(GreyRequest *request, const char *error)
{
    g_free(request->error);
    request->error = g_strdup(error ? error : "the store does not answer");
    if (request->kind == GREY_REQUEST_DECIDE)
        request->answer =
            (GreyAnswer){.says = GREY_SAYS_FAILED, .why = g_intern_string(request->error)};
    grey_request_complete(request);
}

/* After this nothing is handed out; what is answered later frees itself. */
void
grey_mailbox_close(GreyMailbox *mailbox)
{
    g_hash_table_remove_all(mailbox->open);
    g_mutex_lock(&mailbox->lock);
    mailbox->closed = TRUE;
    g_mutex_unlock(&mailbox->lock);
    mailbox_unref(mailbox);
}
