/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the server says, as answers. Nothing it sends is trusted to be well-formed. */
#include "store/redis-private.h"

#include <stdlib.h>
#include <string.h>

static gboolean
read_number(char **at, guint64 max, guint64 *number)
{
    char *end = NULL;
    if (!g_ascii_isdigit(**at))
        return FALSE;
    *number = g_ascii_strtoull(*at, &end, 10);
    if (*number > max || (*end && *end != '\t'))
        return FALSE;
    *at = *end ? end + 1 : end;
    return TRUE;
}

static gboolean
read_senders(char **at, GreyRecord *record)
{
    while (g_ascii_isxdigit(**at) && record->n_senders < GREY_SENDERS_MAX) {
        char digits[9];
        g_strlcpy(digits, *at, sizeof(digits));
        if (strlen(digits) != 8)
            return FALSE;
        record->senders[record->n_senders++] = (guint32)g_ascii_strtoull(digits, NULL, 16);
        *at += 8;
    }
    if (**at == '\t')
        (*at)++;
    return TRUE;
}

/* Cuts a value up; entry points into it. */
static gboolean
read_value(char *value, GreyKind kind, GreyEntry *entry)
{
    GreyRecord *record = &entry->record;
    guint64 state = 0, first = 0, last = 0, until = 0, tries = 0;
    *record = (GreyRecord){.kind = (guint8)kind};
    if (!read_number(&value, GREY_N_STATES - 1, &state) ||
        !read_number(&value, G_MAXINT64, &first) || !read_number(&value, G_MAXINT64, &last) ||
        !read_number(&value, G_MAXINT64, &until))
        return FALSE;
    record->state = (guint8)state;
    record->first = (gint64)first;
    record->last = (gint64)last;
    record->until = (gint64)until;
    if (kind == GREY_KIND_RULE) {
        entry->note = value;
        return TRUE;
    }
    if (!read_number(&value, G_MAXUINT32, &tries) || !read_senders(&value, record))
        return FALSE;
    record->tries = (guint32)tries;
    const char **texts[] = {&entry->source, &entry->sender, &entry->recipient};
    for (guint i = 0; i < 3; i++) {
        char *tab = strchr(value, '\t');
        *texts[i] = value;
        if (!tab)
            break;
        *tab = '\0';
        value = tab + 1;
    }
    return TRUE;
}

static gboolean
read_record(const redisReply *reply, GreyKind kind, GreyRecord *record)
{
    GreyEntry entry = {.source = "", .sender = "", .recipient = "", .note = ""};
    if (reply->type != REDIS_REPLY_STRING)
        return FALSE;
    *record = (GreyRecord){.first = 0};
    if (reply->len == 0)
        return TRUE;
    g_autofree char *value = g_strdup(reply->str);
    if (!read_value(value, kind, &entry))
        return FALSE;
    *record = entry.record;
    return TRUE;
}

static gboolean
read_answer(GreyRequest *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 7)
        return FALSE;
    guint64 numbers[5];
    for (guint i = 0; i < 5; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER || reply->element[i]->integer < 0)
            return FALSE;
        numbers[i] = (guint64)reply->element[i]->integer;
    }
    GreyAnswer *answer = &request->answer;
    if (numbers[0] < GREY_SAYS_NEW || numbers[0] > GREY_SAYS_BY_RULE)
        return FALSE;
    if (numbers[4] >= MAX(request->question->n_rules, 1))
        return FALSE;
    *answer = (GreyAnswer){.says = (GreySays)numbers[0],
                           .tries = (guint32)MIN(numbers[1], G_MAXUINT32),
                           .waited = (gint64)numbers[2],
                           .remain = (guint32)MIN(numbers[3], G_MAXINT32),
                           .rule = (guint32)numbers[4]};
    return read_record(reply->element[5], GREY_KIND_SOURCE, &answer->source) &&
           read_record(reply->element[6], GREY_KIND_TRIPLET, &answer->triplet);
}

/* ---- Entries. */

static gboolean
kind_of_key(const char *key, GreyKind *kind)
{
    if (g_str_has_prefix(key, "gl1:p:"))
        *kind = GREY_KIND_PAIR;
    else if (g_str_has_prefix(key, "gl1:{"))
        *kind = g_str_has_suffix(key, "}:w") ? GREY_KIND_SOURCE : GREY_KIND_TRIPLET;
    else
        return FALSE;
    return TRUE;
}

/* A rule's key is the field: its first letter says which text. */
static gboolean
name_rule(const char *field, GreyEntry *entry)
{
    const char **text = *field == 's'   ? &entry->source
                        : *field == 'f' ? &entry->sender
                        : *field == 'r' ? &entry->recipient
                                        : NULL;
    if (text)
        *text = field + 1;
    return text != NULL;
}

static void
add_found(GreyRequest *request, const redisReply *key, const redisReply *value, gboolean rule)
{
    GreyEntry entry = {.source = "", .sender = "", .recipient = "", .note = ""};
    GreyKind kind = GREY_KIND_RULE;
    if (key->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING)
        return;
    if (rule ? !name_rule(key->str, &entry) : !kind_of_key(key->str, &kind))
        return;
    g_autofree char *copy = g_strdup(value->str);
    if (read_value(copy, kind, &entry) && grey_filter_matches(&request->filter, &entry))
        grey_batch_add(request->found, &entry);
}

static gboolean
read_page(GreyRequest *request, const redisReply *reply)
{
    const char *cursor = request->cursor ? request->cursor : "r0";
    gboolean in_rules = *cursor == 'r';
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 1 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return FALSE;
    request->found = grey_batch_new();
    for (gsize i = 1; i + 1 < reply->elements; i += 2)
        add_found(request, reply->element[i], reply->element[i + 1], in_rules);
    const char *next = reply->element[0]->str;
    if (strcmp(next, "0") != 0)
        request->next_cursor = g_strconcat(in_rules ? "r" : "e", next, NULL);
    else if (in_rules)
        request->next_cursor = g_strdup("e0");
    return TRUE;
}

static gboolean
read_get(GreyRequest *request, const redisReply *reply)
{
    GreyEntry entry = *grey_batch_entry(request->batch, 0);
    request->found = grey_batch_new();
    if (reply->type == REDIS_REPLY_NIL)
        return TRUE;
    if (reply->type != REDIS_REPLY_STRING)
        return FALSE;
    GreyEntry read = {.source = "", .sender = "", .recipient = "", .note = ""};
    g_autofree char *copy = g_strdup(reply->str);
    if (!read_value(copy, entry.record.kind, &read))
        return FALSE;
    entry.record = read.record;
    entry.note = read.note;
    grey_batch_add(request->found, &entry);
    return TRUE;
}

static gboolean
read_count(GreyRequest *request, const redisReply *reply, gboolean *again)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return FALSE;
    const char *pair = reply->element[1]->str;
    for (; pair[0] && pair[1]; pair += 2) {
        int kind = pair[0] - '0', state = pair[1] - '0';
        if (kind >= 0 && kind < GREY_N_KINDS && state >= 0 && state < GREY_N_STATES)
            request->stats.entries[kind][state]++;
    }
    *again = strcmp(reply->element[0]->str, "0") != 0;
    g_free(request->cursor);
    request->cursor = g_strdup(reply->element[0]->str);
    return TRUE;
}

static gboolean
read_n(GreyRequest *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0)
        return FALSE;
    request->n = (guint64)reply->integer;
    request->done_round = TRUE;
    return TRUE;
}

gboolean
grey_redis_reply(GreyRequest *request, const redisReply *reply, gboolean *again)
{
    switch (request->kind) {
    case GREY_REQUEST_DECIDE:
        return read_answer(request, reply);
    case GREY_REQUEST_PAGE:
        return read_page(request, reply);
    case GREY_REQUEST_GET:
        return read_get(request, reply);
    case GREY_REQUEST_STATS:
        return read_count(request, reply, again);
    case GREY_REQUEST_SYNC:
        return reply->type == REDIS_REPLY_STATUS;
    default:
        return read_n(request, reply);
    }
}
