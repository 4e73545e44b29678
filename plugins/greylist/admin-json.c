/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries and arguments in JSON. */
#include "admin.h"

#include "normal.h"

#include <string.h>

static JsonNode *
member_of(JsonObject *object, const char *member, GType type)
{
    JsonNode *node = json_object_get_member(object, member);
    if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != type)
        return NULL;
    return node;
}

static const char *
text_of(JsonObject *object, const char *member, const char *preset)
{
    JsonNode *node = member_of(object, member, G_TYPE_STRING);
    return node ? json_node_get_string(node) : preset;
}

static gint64
number_of(JsonObject *object, const char *member, gint64 preset)
{
    JsonNode *node = member_of(object, member, G_TYPE_INT64);
    return node ? json_node_get_int(node) : preset;
}

const char *
admin_text(const AdminCall *call, const char *member, const char *preset)
{
    return text_of(call->arguments, member, preset);
}

gint64
admin_number(const AdminCall *call, const char *member, gint64 preset)
{
    return number_of(call->arguments, member, preset);
}

gboolean
admin_truth(const AdminCall *call, const char *member, gboolean preset)
{
    JsonNode *node = member_of(call->arguments, member, G_TYPE_BOOLEAN);
    return node ? json_node_get_boolean(node) : preset;
}

/* ---- Writing. */

void
admin_write_text(JsonBuilder *builder, const char *member, const char *text)
{
    json_builder_set_member_name(builder, member);
    if (!text) {
        json_builder_add_null_value(builder);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    json_builder_add_string_value(builder, valid);
}

void
admin_write_number(JsonBuilder *builder, const char *member, gint64 number)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, number);
}

static void
write_senders(JsonBuilder *builder, const GreyRecord *record)
{
    json_builder_set_member_name(builder, "senders");
    json_builder_begin_array(builder);
    for (guint i = 0; i < record->n_senders; i++)
        json_builder_add_int_value(builder, record->senders[i]);
    json_builder_end_array(builder);
}

void
admin_write_entry(JsonBuilder *builder, const GreyEntry *entry)
{
    const GreyRecord *record = &entry->record;
    json_builder_begin_object(builder);
    admin_write_text(builder, "kind", grey_kind_name(record->kind));
    admin_write_text(builder, "state", grey_state_name(record->state));
    admin_write_text(builder, "source", entry->source);
    admin_write_text(builder, "sender", entry->sender);
    admin_write_text(builder, "recipient", entry->recipient);
    admin_write_number(builder, "first", record->first);
    admin_write_number(builder, "last", record->last);
    admin_write_number(builder, "until", record->until);
    admin_write_number(builder, "tries", record->tries);
    if (record->kind == GREY_KIND_SOURCE)
        write_senders(builder, record);
    if (record->kind == GREY_KIND_RULE)
        admin_write_text(builder, "note", entry->note);
    json_builder_end_object(builder);
}

/* ---- Reading. */

static const char *
keep(JsonObject *object, const char *member, GStringChunk *texts)
{
    const char *text = text_of(object, member, "");
    return *text ? g_string_chunk_insert(texts, text) : "";
}

/* Addresses are in lower case in the store, but for the word in a recipient's place: normal.h. */
static const char *
keep_lower(JsonObject *object, const char *member, GStringChunk *texts)
{
    g_autofree char *text = normal_lower(text_of(object, member, ""));
    return *text ? g_string_chunk_insert(texts, text) : "";
}

/* "d:", "s:", "n:" or "a:" before the rest; "a::1" is an address, "a:::1" has a letter. */
static gboolean
has_letter(const char *text)
{
    return *text && strchr("dsna", text[0]) && text[1] == ':' && text[2] &&
           (text[2] != ':' || text[3] == ':');
}

/* As the greylist itself writes a source, however it was typed: else it would never be found. */
static char *
plain_source(char letter, const char *rest)
{
    NetAddress address;
    NetPrefix prefix;
    if (letter != 'n' && net_address_parse(&address, rest)) {
        g_autofree char *text = net_address_text(&address);
        return g_strconcat("a:", text, NULL);
    }
    if (strchr(rest, '/') && !net_prefix_parse(&prefix, rest)) {
        g_autofree char *text = net_address_text(&prefix.address);
        return g_strdup_printf("n:%s/%u", text, prefix.bits);
    }
    g_autofree char *lower = g_ascii_strdown(rest, -1);
    return g_strdup_printf("%c:%s", letter ? letter : 'd', lower);
}

const char *
admin_source(const char *text, GStringChunk *texts)
{
    gboolean lettered = has_letter(text);
    if (!*text)
        return "";
    g_autofree char *source = plain_source(lettered ? *text : '\0', lettered ? text + 2 : text);
    return g_string_chunk_insert(texts, source);
}

static void
read_senders(JsonObject *object, GreyRecord *record)
{
    JsonNode *node = json_object_get_member(object, "senders");
    JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
    guint n = array ? json_array_get_length(array) : 0;
    for (guint i = 0; i < MIN(n, GREY_SENDERS_MAX); i++) {
        JsonNode *number = json_array_get_element(array, i);
        if (JSON_NODE_HOLDS_VALUE(number))
            record->senders[record->n_senders++] = (guint32)json_node_get_int(number);
    }
}

const char *
admin_read_entry(JsonObject *object, GStringChunk *texts, GreyEntry *entry)
{
    GreyKind kind = GREY_KIND_TRIPLET;
    GreyState state = GREY_STATE_PASSED;
    *entry = (GreyEntry){.note = ""};
    if (!grey_kind_from_name(text_of(object, "kind", "triplet"), &kind))
        return N_("its kind is not known");
    if (!grey_state_from_name(text_of(object, "state", "passed"), &state))
        return N_("its state is not known");
    entry->source = admin_source(keep(object, "source", texts), texts);
    entry->sender = keep_lower(object, "sender", texts);
    entry->recipient = keep_lower(object, "recipient", texts);
    entry->note = keep(object, "note", texts);
    entry->record = (GreyRecord){
        .kind = (guint8)kind,
        .state = (guint8)state,
        .first = number_of(object, "first", 0),
        .last = number_of(object, "last", 0),
        .until = number_of(object, "until", 0),
        .tries = (guint32)CLAMP(number_of(object, "tries", 1), 0, (gint64)G_MAXUINT32)};
    if (kind == GREY_KIND_SOURCE)
        read_senders(object, &entry->record);
    return NULL;
}
