/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/line.h"

#include "base/control-client.h"
#include "base/i18n.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define NESTING_MAX 64u
/* Bytes of a refusal's text, each of which may be six in JSON: some quote what was asked. */
#define REFUSAL_MAX 65536u

/* ---- Requests. */

/* The parser calls itself for each level: a line may not make it do so without end. */
static gboolean
is_nested_too_deep(const char *text)
{
    guint depth = 0;
    gboolean in_string = FALSE;
    for (; *text; text++) {
        if (in_string) {
            if (*text == '\\' && text[1])
                text++;
            else if (*text == '"')
                in_string = FALSE;
        } else if (*text == '"') {
            in_string = TRUE;
        } else if (*text == '[' || *text == '{') {
            if (++depth > NESTING_MAX)
                return TRUE;
        } else if ((*text == ']' || *text == '}') && depth > 0) {
            depth--;
        }
    }
    return FALSE;
}

static JsonObject *
parse_object(JsonParser *parser, const char *line, gsize length)
{
    if (!g_utf8_validate(line, (gssize)length, NULL) || is_nested_too_deep(line) ||
        !json_parser_load_from_data(parser, line, (gssize)length, NULL))
        return NULL;
    JsonNode *root = json_parser_get_root(parser);
    return root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
}

const char *
mm_control_line_parse(const char *line, gsize length, char **verb, char **arguments)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonObject *object = parse_object(parser, line, length);
    if (!object)
        return _("this is not a line of JSON: {\"verb\":\"NAME\",\"arguments\":…}");
    JsonNode *name = json_object_get_member(object, "verb");
    if (!name || !JSON_NODE_HOLDS_VALUE(name) || json_node_get_value_type(name) != G_TYPE_STRING)
        return _("the request names no verb");
    JsonNode *node = json_object_get_member(object, "arguments");
    *verb = json_node_dup_string(name);
    *arguments = node ? json_to_string(node, FALSE) : NULL;
    return NULL;
}

/* ---- Answers. */

char *
mm_control_line_refusal(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, REFUSAL_MAX));
    g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), valid);
    g_autofree char *quoted = json_to_string(node, FALSE);
    return g_strdup_printf("{\"ok\":false,\"error\":%s}\n", quoted);
}

char *
mm_control_line_answer(const char *json)
{
    static const char begin[] = "{\"ok\":true,\"result\":";
    static const char finish[] = "}\n";
    if (strlen(json) > MM_CONTROL_ANSWER_MAX - sizeof(begin) - sizeof(finish))
        return mm_control_line_refusal(_("the answer is too long: ask for less"));
    g_autofree char *plain = g_strdelimit(g_strdup(json), "\r\n", ' ');
    return g_strconcat(begin, plain, finish, NULL);
}
