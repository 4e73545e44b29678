/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each verb does, on the worker. */
#include "admin.h"

#include "normal.h"

#include <string.h>

#define LIST_LIMIT 100
/* A hundred years: what is longer is a mistake. */
#define RULE_SECONDS_MAX 3153600000

static gint64
now_of(const AdminCall *call)
{
    return call->greylist->host->wall_clock() / G_USEC_PER_SEC;
}

static JsonBuilder *
begin(AdminCall *call)
{
    call->builder = json_builder_new();
    json_builder_begin_object(call->builder);
    return call->builder;
}

static void
finish(AdminCall *call)
{
    json_builder_end_object(call->builder);
    admin_answer(call, call->builder);
}

static void
answer_entry(AdminCall *call, const GreyEntry *entry)
{
    JsonBuilder *builder = begin(call);
    json_builder_set_member_name(builder, "entry");
    if (entry)
        admin_write_entry(builder, entry);
    else
        json_builder_add_null_value(builder);
    finish(call);
}

/* ---- list, export-page. */

static void
on_page(void *data, const GreyPage *page)
{
    AdminCall *call = data;
    gboolean all = call->n == 0; /* list: also those that have ended */
    if (page->error) {
        admin_fail(call, page->error);
        return;
    }
    JsonBuilder *builder = begin(call);
    json_builder_set_member_name(builder, "entries");
    json_builder_begin_array(builder);
    for (gsize i = 0; i < page->n; i++) {
        if (all || grey_record_lives(&page->entries[i].record, now_of(call)))
            admin_write_entry(builder, &page->entries[i]);
    }
    json_builder_end_array(builder);
    admin_write_text(builder, "next", page->next);
    finish(call);
}

static const char *
read_filter(const AdminCall *call, GreyFilter *filter)
{
    const char *kind_name = admin_text(call, "kind", NULL);
    const char *state_name = admin_text(call, "state", NULL);
    GreyKind kind = GREY_KIND_TRIPLET;
    GreyState state = GREY_STATE_PENDING;
    if (kind_name && !grey_kind_from_name(kind_name, &kind))
        return N_("kind is triplet, source, pair or rule");
    if (state_name && !grey_state_from_name(state_name, &state))
        return N_("state is pending, passed, counting, allowed, trapped or blocked");
    *filter = (GreyFilter){.kinds = kind_name ? 1u << kind : 0,
                           .states = state_name ? 1u << state : 0,
                           .match = admin_text(call, "match", NULL)};
    return NULL;
}

static void
list(AdminCall *call)
{
    GreyFilter filter;
    const char *wrong = read_filter(call, &filter);
    gint64 limit = CLAMP(admin_number(call, "limit", LIST_LIMIT), 1, GREY_BATCH_MAX);
    if (wrong)
        admin_fail(call, wrong);
    else
        grey_desk_page(call->seat->desk, &filter, admin_text(call, "cursor", NULL), (gsize)limit,
                       on_page, call);
}

static void
export_page(AdminCall *call)
{
    const GreyFilter all = {0, 0, NULL};
    gint64 limit = CLAMP(admin_number(call, "limit", GREY_BATCH_MAX), 1, GREY_BATCH_MAX);
    call->n = 1;
    grey_desk_page(call->seat->desk, &all, admin_text(call, "cursor", NULL), (gsize)limit, on_page,
                   call);
}

/* ---- show, delete, pass. */

static void
on_found(void *data, const GreyPage *page)
{
    AdminCall *call = data;
    if (page->error)
        admin_fail(call, page->error);
    else
        answer_entry(call, page->n > 0 ? &page->entries[0] : NULL);
}

/* The name of an entry; FALSE: the call has failed. */
static gboolean
read_name(AdminCall *call)
{
    const char *wrong = admin_read_entry(call->arguments, call->texts, &call->entry);
    if (wrong)
        admin_fail(call, wrong);
    return !wrong;
}

static void
show(AdminCall *call)
{
    if (read_name(call))
        grey_desk_get(call->seat->desk, &call->entry, on_found, call);
}

static void
on_deleted(void *data, guint64 n, const char *error)
{
    AdminCall *call = data;
    if (error) {
        admin_fail(call, error);
        return;
    }
    admin_write_number(begin(call), "deleted", (gint64)n);
    finish(call);
}

static void
delete_entry(AdminCall *call)
{
    if (read_name(call))
        grey_desk_remove(call->seat->desk, &call->entry, on_deleted, call);
}

static void
on_written(void *data, guint64 n, const char *error)
{
    AdminCall *call = data;
    (void)n;
    if (error)
        admin_fail(call, error);
    else
        answer_entry(call, &call->entry);
}

static void
write_entry(AdminCall *call)
{
    const char *wrong = grey_entry_check(&call->entry);
    if (wrong)
        admin_fail(call, wrong);
    else
        grey_desk_put(call->seat->desk, &call->entry, 1, 0, on_written, call);
}

static void
pass(AdminCall *call)
{
    gint64 now = now_of(call);
    if (!read_name(call))
        return;
    call->entry.record = (GreyRecord){.kind = GREY_KIND_TRIPLET,
                                      .state = GREY_STATE_PASSED,
                                      .tries = 1,
                                      .first = now,
                                      .last = now,
                                      .until = now + call->greylist->pass_lifetime};
    write_entry(call);
}

/* ---- allow, block. */

static const char *
lower(AdminCall *call, const char *member)
{
    const char *text = admin_text(call, member, "");
    g_autofree char *address = normal_address(text, strlen(text));
    return g_string_chunk_insert(call->texts, address);
}

/* Of networks only the one of the configured length is looked for: a rule for another would never
 * apply. */
static const char *
check_network(const AdminCall *call, const char *network)
{
    const Greylist *greylist = call->greylist;
    NetPrefix prefix;
    const char *wrong = net_prefix_parse(&prefix, network);
    if (wrong)
        return wrong;
    guint bits = prefix.address.size == 4 ? greylist->ipv4_prefix : greylist->ipv6_prefix;
    if (bits == 0 || prefix.bits == bits) /* 0: a store without a host */
        return NULL;
    return N_(
        "a network must be as long as ipv4-prefix or ipv6-prefix says, else no client is found "
        "in it; allow-clients in the configuration takes any");
}

/* No name of a host ends in a number: "300.1.2.3" is an address mistyped. */
static gboolean
is_host_domain(const char *text)
{
    const char *dot = strrchr(text, '.');
    const char *last = dot ? dot + 1 : text;
    return net_domain_is_valid(text) && g_utf8_validate(text, -1, NULL) &&
           strspn(last, "0123456789") < strlen(last);
}

/* A source that no client can have, as it was mistyped, would be a rule that does nothing. */
static const char *
check_source(const AdminCall *call)
{
    const char *source = call->entry.source;
    NetAddress address;
    if (!*source)
        return NULL;
    if (source[0] == 'n' || strchr(source, '/'))
        return check_network(call, source + 2);
    gboolean good =
        source[0] == 'a' ? net_address_parse(&address, source + 2) : is_host_domain(source + 2);
    return good ? NULL : N_("a source is an address, a network or a domain");
}

static void
put_rule(AdminCall *call, GreyState state)
{
    gint64 now = now_of(call), seconds = admin_number(call, "seconds", 0);
    if (seconds > RULE_SECONDS_MAX) {
        admin_fail(call, N_("a rule lasts a hundred years at most; without a time it stays"));
        return;
    }
    gint64 until = admin_number(call, "until", seconds > 0 ? now + seconds : 0);
    if (seconds < 0 || (until != 0 && until <= now)) {
        admin_fail(call, N_("the rule would have ended already"));
        return;
    }
    const char *note = admin_text(call, "note", "");
    call->entry = (GreyEntry){
        .record = {.kind = GREY_KIND_RULE,
                   .state = (guint8)state,
                   .first = now,
                   .last = now,
                   .until = until},
        .source = admin_source(g_string_chunk_insert(call->texts, admin_text(call, "source", "")),
                               call->texts),
        .sender = lower(call, "sender"),
        .recipient = lower(call, "recipient"),
        .note = g_string_chunk_insert(call->texts, note)};
    const char *wrong = check_source(call);
    if (wrong)
        admin_fail(call, wrong);
    else
        write_entry(call);
}

static void
allow(AdminCall *call)
{
    put_rule(call, GREY_STATE_ALLOWED);
}

static void
block(AdminCall *call)
{
    put_rule(call, GREY_STATE_BLOCKED);
}

/* ---- import-batch. */

static void
on_imported(void *data, guint64 n, const char *error)
{
    AdminCall *call = data;
    if (error) {
        admin_fail(call, error);
        return;
    }
    json_builder_end_array(call->builder);
    admin_write_number(call->builder, "written", (gint64)n);
    finish(call);
}

static void
refuse(JsonBuilder *builder, guint index, const char *error)
{
    json_builder_begin_object(builder);
    admin_write_number(builder, "index", index);
    admin_write_text(builder, "error", error);
    json_builder_end_object(builder);
}

static void
import_array(AdminCall *call, JsonArray *array)
{
    guint n = json_array_get_length(array);
    g_autoptr(GArray) entries = g_array_sized_new(FALSE, FALSE, sizeof(GreyEntry), n);
    JsonBuilder *builder = begin(call);
    json_builder_set_member_name(builder, "refused");
    json_builder_begin_array(builder);
    for (guint i = 0; i < n; i++) {
        GreyEntry entry;
        JsonNode *node = json_array_get_element(array, i);
        const char *wrong = JSON_NODE_HOLDS_OBJECT(node) ? NULL : N_("it is not an object");
        if (!wrong)
            wrong = admin_read_entry(json_node_get_object(node), call->texts, &entry);
        if (!wrong)
            wrong = grey_entry_check(&entry);
        if (wrong)
            refuse(builder, i, wrong);
        else
            g_array_append_val(entries, entry);
    }
    grey_desk_put(call->seat->desk, (const GreyEntry *)(gpointer)entries->data, entries->len,
                  admin_truth(call, "keep", TRUE) ? GREY_PUT_KEEP : 0, on_imported, call);
}

static void
import_batch(AdminCall *call)
{
    JsonNode *node = json_object_get_member(call->arguments, "entries");
    if (!node || !JSON_NODE_HOLDS_ARRAY(node))
        admin_fail(call, N_("entries is not an array"));
    else if (json_array_get_length(json_node_get_array(node)) > GREY_BATCH_MAX)
        admin_fail(call, N_("too many entries at a time"));
    else
        import_array(call, json_node_get_array(node));
}

/* ---- stats, expire. */

static void
on_stats(void *data, const GreyStats *stats)
{
    AdminCall *call = data;
    if (stats->error) {
        admin_fail(call, stats->error);
        return;
    }
    JsonBuilder *builder = begin(call);
    json_builder_set_member_name(builder, "entries");
    json_builder_begin_object(builder);
    for (guint kind = 0; kind < GREY_N_KINDS; kind++) {
        json_builder_set_member_name(builder, grey_kind_name(kind));
        json_builder_begin_object(builder);
        for (guint state = 0; state < GREY_N_STATES; state++) {
            if (grey_state_fits((GreyKind)kind, (GreyState)state))
                admin_write_number(builder, grey_state_name(state),
                                   (gint64)stats->entries[kind][state]);
        }
        json_builder_end_object(builder);
    }
    json_builder_end_object(builder);
    admin_write_number(builder, "ended", (gint64)stats->ended);
    admin_write_number(builder, "bytes", (gint64)stats->bytes);
    admin_write_number(builder, "waiting", (gint64)stats->waiting);
    json_builder_set_member_name(builder, "available");
    json_builder_add_boolean_value(builder, !g_atomic_int_get(&call->greylist->failing));
    finish(call);
}

static void
stats(AdminCall *call)
{
    grey_desk_stats(call->seat->desk, on_stats, call);
}

/* A whole round, wherever the store's own had come to: to the second end. */
static void
on_expired(void *data, guint64 n, gboolean done_round, const char *error)
{
    AdminCall *call = data;
    call->n += n;
    call->rounds += done_round ? 1 : 0;
    if (error) {
        admin_fail(call, error);
    } else if (call->rounds < 2) {
        grey_desk_expire(call->seat->desk, on_expired, call);
    } else {
        admin_write_number(begin(call), "removed", (gint64)call->n);
        finish(call);
    }
}

static void
expire(AdminCall *call)
{
    grey_desk_expire(call->seat->desk, on_expired, call);
}

const AdminName admin_verbs[] = {
    {"list", list},
    {"export-page", export_page},
    {"show", show},
    {"why", admin_why},
    {"pass", pass},
    {"delete", delete_entry},
    {"allow", allow},
    {"block", block},
    {"import-batch", import_batch},
    {"stats", stats},
    {"expire", expire},
    {NULL, NULL},
};
