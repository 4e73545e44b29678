/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face: opens the store that a URI names, makes requests of calls. */
#include "store/request.h"

#include <string.h>

G_DEFINE_QUARK(grey - store - error - quark, grey_store_error)

GreyStore *
grey_store_open(const GreyStoreOptions *options, GError **error)
{
    GreyUri *uri = grey_uri_parse(options->uri, error);
    if (!uri)
        return NULL;
    switch (uri->scheme) {
    case GREY_SCHEME_SQLITE:
        return grey_sqlite_open(options, uri, error);
    case GREY_SCHEME_MEMORY:
        return grey_memory_open(options, uri, error);
    default:
        return grey_redis_open(options, uri, error);
    }
}

gboolean
grey_store_check(const char *text, GError **error)
{
    g_autoptr(GreyUri) uri = grey_uri_parse(text, error);
    return uri && (uri->scheme != GREY_SCHEME_SQLITE || grey_sqlite_check(uri->path, error));
}

gboolean
grey_store_has_folder(const char *text)
{
    g_autoptr(GreyUri) uri = grey_uri_parse(text, NULL);
    if (!uri || uri->scheme != GREY_SCHEME_SQLITE)
        return TRUE;
    g_autofree char *folder = g_path_get_dirname(uri->path);
    return g_file_test(folder, G_FILE_TEST_IS_DIR);
}

GreyStore *
grey_store_ref(GreyStore *store)
{
    g_atomic_ref_count_inc(&store->references);
    return store;
}

void
grey_store_unref(GreyStore *store)
{
    if (g_atomic_ref_count_dec(&store->references))
        store->ops->free(store);
}

void
grey_store_keep_text(GreyStore *store, gboolean text)
{
    __atomic_store_n(&store->text, text, __ATOMIC_RELAXED);
}

gboolean
grey_store_keeps_text(const GreyStore *store)
{
    return __atomic_load_n(&store->text, __ATOMIC_RELAXED) != 0;
}

gint64
grey_store_now(const GreyStore *store)
{
    return store->environment.wall_clock(store->environment.data) / G_USEC_PER_SEC;
}

void
grey_store_log(const GreyStore *store, guint level, const char *id, const char *text,
               const char *detail)
{
    store->environment.log(store->environment.data, level, id, text, detail);
}

gboolean
grey_record_is_settled(const GreyRecord *record, gint64 now)
{
    return grey_record_lives(record, now) &&
           (record->state == GREY_STATE_PASSED || record->state == GREY_STATE_ALLOWED ||
            record->state == GREY_STATE_BLOCKED);
}

GreyDesk *
grey_desk_new(GreyStore *store, const GreyLoop *loop)
{
    GreyDesk *desk = store->ops->desk_alloc();
    desk->store = grey_store_ref(store);
    desk->loop = *loop;
    desk->mailbox = grey_mailbox_new(loop);
    if (store->ops->desk_open)
        store->ops->desk_open(desk);
    return desk;
}

void
grey_desk_free(GreyDesk *desk)
{
    if (!desk)
        return;
    GreyStore *store = desk->store;
    grey_mailbox_close(desk->mailbox);
    if (store->ops->desk_close)
        store->ops->desk_close(desk);
    g_free(desk);
    grey_store_unref(store);
}

void
grey_desk_cancel(GreyDesk *desk, guint64 request)
{
    grey_mailbox_forget(desk->mailbox, request);
}

/* ---- Entries and questions that outlive the call. */

GreyBatch *
grey_batch_new(void)
{
    GreyBatch *batch = g_new(GreyBatch, 1);
    *batch = (GreyBatch){g_array_new(FALSE, FALSE, sizeof(GreyEntry)), g_string_chunk_new(1024)};
    return batch;
}

void
grey_batch_free(GreyBatch *batch)
{
    g_array_unref(batch->entries);
    g_string_chunk_free(batch->texts);
    g_free(batch);
}

static const char *
keep_text(GreyBatch *batch, const char *text)
{
    return *text ? g_string_chunk_insert(batch->texts, text) : "";
}

void
grey_batch_add(gpointer data, const GreyEntry *entry)
{
    GreyBatch *batch = data;
    const GreyEntry copy = {entry->record, keep_text(batch, entry->source),
                            keep_text(batch, entry->sender), keep_text(batch, entry->recipient),
                            keep_text(batch, entry->note)};
    g_array_append_val(batch->entries, copy);
}

const GreyEntry *
grey_batch_entry(const GreyBatch *batch, guint i)
{
    return &g_array_index(batch->entries, GreyEntry, i);
}

/* One block: the question, its rules, its texts. */
typedef struct HeldQuestion {
    GreyQuestion question;
    GreyEntry rules[GREY_RULES_MAX];
    char texts[];
} HeldQuestion;

#define QUESTION_TEXTS (5 + 3 * GREY_RULES_MAX)

/* Where the texts of a question stand. */
static gsize
list_texts(GreyQuestion *question, GreyEntry *rules, const char **places[QUESTION_TEXTS])
{
    gsize n = 0;
    places[n++] = &question->source;
    places[n++] = &question->sender;
    places[n++] = &question->recipient;
    places[n++] = &question->pair_sender;
    places[n++] = &question->pair_recipient;
    for (gsize i = 0; i < question->n_rules; i++) {
        places[n++] = &rules[i].source;
        places[n++] = &rules[i].sender;
        places[n++] = &rules[i].recipient;
    }
    return n;
}

static GreyQuestion *
hold_question(const GreyQuestion *question)
{
    const char **places[QUESTION_TEXTS];
    HeldQuestion scratch = {.question = *question};
    scratch.question.n_rules = MIN(question->n_rules, GREY_RULES_MAX);
    for (gsize i = 0; i < scratch.question.n_rules; i++)
        scratch.rules[i] = question->rules[i];
    gsize n = list_texts(&scratch.question, scratch.rules, places);
    gsize size = 0;
    for (gsize i = 0; i < n; i++)
        size += strlen(*places[i]) + 1;
    HeldQuestion *held = g_malloc(sizeof(HeldQuestion) + size);
    memcpy(held, &scratch, sizeof(scratch));
    n = list_texts(&held->question, held->rules, places);
    char *at = held->texts;
    for (gsize i = 0; i < n; i++) {
        gsize length = strlen(*places[i]) + 1;
        memcpy(at, *places[i], length);
        *places[i] = at;
        at += length;
    }
    held->question.rules = held->rules;
    return &held->question;
}

/* ---- Calls. */

static GreyRequest *
request_new(GreyDesk *desk, GreyRequestKind kind, gpointer data)
{
    return grey_request_new(desk->mailbox, kind, data);
}

/* The request may be gone when this returns. */
static guint64
submit(GreyDesk *desk, GreyRequest *request)
{
    guint64 number = request->number;
    desk->store->ops->submit(desk, request);
    return number;
}

guint64
grey_desk_decide(GreyDesk *desk, const GreyQuestion *question, GreyAnswer *answer,
                 GreyAnswerFunction function, void *data)
{
    const GreyStoreOps *ops = desk->store->ops;
    if (ops->decide && ops->decide(desk, question, answer))
        return 0;
    GreyRequest *request = request_new(desk, GREY_REQUEST_DECIDE, data);
    request->function.answer = function;
    request->question = hold_question(question);
    request->have.rule = -1;
    return submit(desk, request);
}

static const char *
check_batch(const GreyEntry *entries, gsize n)
{
    if (n > GREY_BATCH_MAX)
        return "too many entries at a time";
    for (gsize i = 0; i < n; i++) {
        const char *wrong = grey_entry_check(&entries[i]);
        if (wrong)
            return wrong;
    }
    return NULL;
}

guint64
grey_desk_put(GreyDesk *desk, const GreyEntry *entries, gsize n, guint32 flags,
              GreyDoneFunction function, void *data)
{
    GreyRequest *request = request_new(desk, GREY_REQUEST_PUT, data);
    guint64 number = request->number;
    request->function.done = function;
    const char *wrong = check_batch(entries, n);
    if (wrong) {
        grey_request_fail(request, wrong);
        return number;
    }
    request->keep = (flags & GREY_PUT_KEEP) != 0;
    request->soon = (flags & GREY_PUT_SOON) != 0;
    request->batch = grey_batch_new();
    for (gsize i = 0; i < n; i++)
        grey_batch_add(request->batch, &entries[i]);
    return submit(desk, request);
}

static void
hold_name(GreyRequest *request, const GreyEntry *name)
{
    request->batch = grey_batch_new();
    grey_batch_add(request->batch, name);
}

guint64
grey_desk_remove(GreyDesk *desk, const GreyEntry *name, GreyDoneFunction function, void *data)
{
    GreyRequest *request = request_new(desk, GREY_REQUEST_REMOVE, data);
    request->function.done = function;
    hold_name(request, name);
    return submit(desk, request);
}

guint64
grey_desk_sync(GreyDesk *desk, GreyDoneFunction function, void *data)
{
    GreyRequest *request = request_new(desk, GREY_REQUEST_SYNC, data);
    request->function.done = function;
    return submit(desk, request);
}

guint64
grey_desk_page(GreyDesk *desk, const GreyFilter *filter, const char *cursor, gsize limit,
               GreyPageFunction function, void *data)
{
    GreyRequest *request = request_new(desk, GREY_REQUEST_PAGE, data);
    request->function.page = function;
    request->filter = *filter;
    request->match = g_strdup(filter->match);
    request->filter.match = request->match;
    request->cursor = g_strdup(cursor);
    request->limit = CLAMP(limit, 1, GREY_BATCH_MAX);
    return submit(desk, request);
}

guint64
grey_desk_get(GreyDesk *desk, const GreyEntry *name, GreyPageFunction function, void *data)
{
    GreyRequest *request = request_new(desk, GREY_REQUEST_GET, data);
    request->function.page = function;
    hold_name(request, name);
    return submit(desk, request);
}

guint64
grey_desk_expire(GreyDesk *desk, GreyExpireFunction function, void *data)
{
    GreyRequest *request = request_new(desk, GREY_REQUEST_EXPIRE, data);
    request->function.expire = function;
    return submit(desk, request);
}

guint64
grey_desk_stats(GreyDesk *desk, GreyStatsFunction function, void *data)
{
    GreyRequest *request = request_new(desk, GREY_REQUEST_STATS, data);
    request->function.stats = function;
    return submit(desk, request);
}
