/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "s25r.h"

#include <json-glib/json-glib.h>
#include <libintl.h>

/* The member's text; "" if there is none, NULL: it is no text. Borrowed. */
static const char *
text_member(JsonObject *object, const char *member)
{
    JsonNode *node = json_object_get_member(object, member);
    if (!node)
        return "";
    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

static void
add_text(JsonBuilder *builder, const char *member, const char *text)
{
    json_builder_set_member_name(builder, member);
    if (text)
        json_builder_add_string_value(builder, text);
    else
        json_builder_add_null_value(builder);
}

static void
add_boolean(JsonBuilder *builder, const char *member, gboolean value)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_boolean_value(builder, value);
}

static void
add_reasons(JsonBuilder *builder, const S25rJudgement *judgement)
{
    g_auto(GStrv) reasons = g_strsplit(judgement->reasons->str, ",", -1);
    json_builder_set_member_name(builder, "reasons");
    json_builder_begin_array(builder);
    for (guint i = 0; reasons[i]; i++)
        json_builder_add_string_value(builder, reasons[i]);
    json_builder_end_array(builder);
}

/* Rule 0 is that there is no name. */
static void
add_rules(JsonBuilder *builder, const S25rName *name)
{
    guint rules = s25r_rules(name);
    json_builder_set_member_name(builder, "rules");
    json_builder_begin_array(builder);
    for (guint rule = 0; rule < S25R_N_RULES; rule++) {
        if (rules & 1u << rule)
            json_builder_add_int_value(builder, rule);
    }
    json_builder_end_array(builder);
}

/* The signs, whether or not the mode in use goes by them. */
static void
add_signs(JsonBuilder *builder, const S25rName *name, const NetAddress *address)
{
    S25rEvidence evidence = {0};
    if (!s25r_name_is_none(name))
        s25r_evidence(&evidence, name, address);
    add_rules(builder, name);
    add_text(builder, "word", evidence.word);
    json_builder_set_member_name(builder, "octets");
    json_builder_add_int_value(builder, evidence.octets);
    add_text(builder, "shape", evidence.shape);
    add_boolean(builder, "mail-name", evidence.mailish);
    add_boolean(builder, "dynamic", evidence.dynamic);
}

static char *
explanation(const S25r *s25r, const char *text, const NetAddress *address)
{
    S25rName name;
    S25rJudgement judgement;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    s25r_name_init(&name, *text ? text : "unknown");
    s25r_judge(s25r, s25r_name_is_none(&name) ? S25R_NONE : S25R_VERIFIED, text, address,
               &judgement);
    json_builder_begin_object(builder);
    add_text(builder, "name", name.text);
    add_text(builder, "mode", s25r->classic ? "classic" : "evidence");
    add_boolean(builder, "hit", judgement.hit);
    add_reasons(builder, &judgement);
    add_text(builder, "allowed-by", judgement.allowed);
    add_text(builder, "blocked-by", judgement.blocked);
    add_signs(builder, &name, address);
    json_builder_end_object(builder);
    s25r_judgement_clear(&judgement);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

/* NULL with *problem set. */
static char *
answer(const S25r *s25r, const char *arguments, const char **problem)
{
    NetAddress address = {0};
    g_autoptr(JsonNode) node = json_from_string(arguments ? arguments : "null", NULL);
    *problem = N_("the arguments are an object with name and, if it is known, address");
    if (!node || !JSON_NODE_HOLDS_OBJECT(node))
        return NULL;
    JsonObject *object = json_node_get_object(node);
    const char *name = text_member(object, "name");
    const char *text = text_member(object, "address");
    if (!name || !text || !g_utf8_validate(name, -1, NULL))
        return NULL;
    *problem = N_("this is no address");
    if (*text && !net_address_parse(&address, text))
        return NULL;
    return explanation(s25r, name, &address);
}

void
s25r_explain(void *data, MilterAdminRequest *request, const char *arguments)
{
    const S25r *s25r = data;
    const char *problem;
    g_autofree char *json = answer(s25r, arguments, &problem);
    s25r->host->admin_reply(request, json, json ? NULL : dgettext("milter-manager", problem));
}
