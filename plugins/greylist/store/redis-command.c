/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests as commands of the server. */
#include "store/redis-private.h"

#define RULES_KEY "gl1:rules"

static void
add(GPtrArray *words, const char *word)
{
    g_ptr_array_add(words, g_strdup(word));
}

G_GNUC_PRINTF(2, 3)
static void
addf(GPtrArray *words, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    g_ptr_array_add(words, g_strdup_vprintf(format, list));
    va_end(list);
}

static void
add_script(GPtrArray *words, GreyScript script, gboolean whole, guint n_keys)
{
    add(words, whole ? "EVAL" : "EVALSHA");
    add(words, whole ? grey_script_text(script) : grey_script_sha(script));
    addf(words, "%u", n_keys);
}

/* The clock that a script takes: "0" is the server's own. */
static void
add_now(GPtrArray *words, const GreyRedisDesk *desk)
{
    const GreyRedis *redis = (const GreyRedis *)desk->desk.store;
    gint64 now = redis->own_clock ? grey_store_now(&redis->store) : 0;
    addf(words, "%" G_GINT64_FORMAT, now);
}

static void
add_key(GPtrArray *words, const GreyRedisDesk *desk, const GreyEntry *name)
{
    const GreyId id = grey_id_of(&desk->secret, name);
    guint64 source = grey_place_of(&desk->secret, name);
    switch (name->record.kind) {
    case GREY_KIND_TRIPLET:
        addf(words,
             "gl1:{%016" G_GINT64_MODIFIER "x}:%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER
             "x",
             source, id.a, id.b);
        return;
    case GREY_KIND_SOURCE:
        addf(words, "gl1:{%016" G_GINT64_MODIFIER "x}:w", source);
        return;
    case GREY_KIND_PAIR:
        addf(words, "gl1:p:%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", id.a, id.b);
        return;
    default:
        add(words, RULES_KEY);
        return;
    }
}

static void
add_texts(GPtrArray *words, const GreyRedisDesk *desk, const char *source, const char *sender,
          const char *recipient)
{
    if (grey_store_keeps_text(desk->desk.store))
        addf(words, "\t%s\t%s\t%s", source, sender, recipient);
    else
        add(words, "\t\t\t");
}

static void
decide(GPtrArray *words, const GreyRedisDesk *desk, const GreyRequest *request, gboolean whole)
{
    const GreyQuestion *question = request->question;
    const GreyEntry source = {{.kind = GREY_KIND_SOURCE}, question->source, "", "", ""};
    const GreyEntry triplet = {
        {.kind = GREY_KIND_TRIPLET}, question->source, question->sender, question->recipient, ""};
    const GreyEntry pair = {
        {.kind = GREY_KIND_PAIR}, "", question->pair_sender, question->pair_recipient, ""};
    add_script(words, GREY_SCRIPT_DECIDE, whole, 4);
    add_key(words, desk, &source);
    add_key(words, desk, &triplet);
    if (*question->pair_sender)
        add_key(words, desk, &pair);
    else
        add(words, "");
    add(words, RULES_KEY);
    add_now(words, desk);
    addf(words, "%u", question->flags);
    addf(words, "%u", question->delay);
    addf(words, "%u", question->retry_window);
    addf(words, "%u", question->pass_lifetime);
    addf(words, "%u", question->auto_allow);
    addf(words, "%08x", grey_sender_number(question->sender));
    add_texts(words, desk, question->source, "", "");
    add_texts(words, desk, question->source, question->sender, question->recipient);
    for (gsize i = 0; i < question->n_rules; i++)
        g_ptr_array_add(words, grey_rule_key(&question->rules[i]));
}

static void
add_value(GPtrArray *words, const GreyRedisDesk *desk, const GreyEntry *entry)
{
    const GreyRecord *record = &entry->record;
    g_autoptr(GString) value = g_string_new(NULL);
    g_string_printf(value, "%u\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\t",
                    record->state, record->first, record->last, record->until);
    if (record->kind == GREY_KIND_RULE) {
        g_string_append(value, entry->note);
    } else {
        g_string_append_printf(value, "%u\t", record->tries);
        for (guint i = 0; i < record->n_senders; i++)
            g_string_append_printf(value, "%08x", record->senders[i]);
        gboolean keep = grey_store_keeps_text(desk->desk.store) || record->kind == GREY_KIND_PAIR;
        if (keep)
            g_string_append_printf(value, "\t%s\t%s\t%s", entry->source, entry->sender,
                                   entry->recipient);
        else
            g_string_append(value, "\t\t\t");
    }
    add(words, value->str);
}

static void
put(GPtrArray *words, const GreyRedisDesk *desk, const GreyRequest *request, gboolean whole)
{
    const GreyBatch *batch = request->batch;
    add_script(words, GREY_SCRIPT_PUT, whole, batch->entries->len);
    for (guint i = 0; i < batch->entries->len; i++)
        add_key(words, desk, grey_batch_entry(batch, i));
    add_now(words, desk);
    add(words, request->keep ? "1" : "0");
    for (guint i = 0; i < batch->entries->len; i++) {
        const GreyEntry *entry = grey_batch_entry(batch, i);
        gboolean rule = entry->record.kind == GREY_KIND_RULE;
        add_value(words, desk, entry);
        addf(words, "%" G_GINT64_FORMAT, entry->record.until);
        g_ptr_array_add(words, rule ? grey_rule_key(entry) : g_strdup(""));
    }
}

static void
by_name(GPtrArray *words, const GreyRedisDesk *desk, const GreyRequest *request,
        const char *command, const char *command_of_rules)
{
    const GreyEntry *name = grey_batch_entry(request->batch, 0);
    gboolean rule = name->record.kind == GREY_KIND_RULE;
    add(words, rule ? command_of_rules : command);
    add_key(words, desk, name);
    if (rule)
        g_ptr_array_add(words, grey_rule_key(name));
}

/* Cursors: "r" and HSCAN's, then "e" and SCAN's. */
static void
page(GPtrArray *words, const GreyRequest *request, gboolean whole)
{
    const char *cursor = request->cursor ? request->cursor : "r0";
    gboolean in_rules = *cursor == 'r';
    add_script(words, in_rules ? GREY_SCRIPT_RULES : GREY_SCRIPT_PAGE, whole, in_rules ? 1 : 0);
    if (in_rules)
        add(words, RULES_KEY);
    add(words, *cursor ? cursor + 1 : "");
    addf(words, "%" G_GSIZE_FORMAT, request->limit);
}

#define COUNT_STEP "1000"

GPtrArray *
grey_redis_command(const GreyRedisDesk *desk, const GreyRequest *request, gboolean whole_script)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    switch (request->kind) {
    case GREY_REQUEST_DECIDE:
        decide(words, desk, request, whole_script);
        break;
    case GREY_REQUEST_PUT:
        put(words, desk, request, whole_script);
        break;
    case GREY_REQUEST_REMOVE:
        by_name(words, desk, request, "DEL", "HDEL");
        break;
    case GREY_REQUEST_GET:
        by_name(words, desk, request, "GET", "HGET");
        break;
    case GREY_REQUEST_PAGE:
        page(words, request, whole_script);
        break;
    case GREY_REQUEST_STATS:
        add_script(words, GREY_SCRIPT_COUNT, whole_script, 0);
        add(words, request->cursor ? request->cursor : "0");
        add(words, COUNT_STEP);
        break;
    case GREY_REQUEST_EXPIRE:
        add_script(words, GREY_SCRIPT_EXPIRE, whole_script, 1);
        add(words, RULES_KEY);
        add_now(words, desk);
        break;
    default: /* SYNC: the server has what it was sent before */
        add(words, "PING");
        break;
    }
    return words;
}
