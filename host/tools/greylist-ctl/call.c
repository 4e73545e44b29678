/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests and answers in JSON. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"

G_DEFINE_QUARK(ctl - error - quark, ctl_error)

JsonBuilder *
ctl_arguments(void)
{
    JsonBuilder *builder = json_builder_new();
    json_builder_begin_object(builder);
    return builder;
}

void
ctl_add_text(JsonBuilder *builder, const char *member, const char *text)
{
    if (!text)
        return;
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, valid);
}

void
ctl_add_number(JsonBuilder *builder, const char *member, gint64 number)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, number);
}

static char *
take_text(JsonBuilder *builder)
{
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_object_unref(builder);
    return json_to_string(root, FALSE);
}

JsonObject *
ctl_ask(const Ctl *ctl, const char *verb, JsonBuilder *arguments, JsonNode **root, GError **error)
{
    g_autofree char *text = take_text(arguments);
    g_autoptr(GError) cause = NULL;
    g_autofree char *answer = ctl->call(ctl->data, verb, text, &cause);
    if (!answer) { /* a host says what is wrong in English: who asks has a language of his own */
        const char *said = *cause->message ? _(cause->message) : "";
        g_set_error_literal(error, cause->domain, cause->code, said);
        return NULL;
    }
    g_autoptr(JsonNode) node = json_from_string(answer, NULL);
    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED,
                            _("the answer is not a JSON object"));
        return NULL;
    }
    *root = g_steal_pointer(&node);
    return json_node_get_object(*root);
}
