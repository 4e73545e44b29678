/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of milter-greylist-ctl. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"

#include <stdio.h>
#include <string.h>

#define PAGE 500

/* ---- Showing. */

static char *
next_cursor(JsonObject *answer)
{
    JsonNode *node = json_object_get_member(answer, "next");
    return node && JSON_NODE_HOLDS_VALUE(node) ? g_strdup(json_node_get_string(node)) : NULL;
}

static void
show_entries(const Ctl *ctl, JsonArray *entries)
{
    for (guint i = 0; i < json_array_get_length(entries); i++) {
        JsonNode *node = json_array_get_element(entries, i);
        g_autofree char *json = ctl->json ? json_to_string(node, FALSE) : NULL;
        if (json)
            printf("%s\n", json);
        else
            ctl_print_entry(json_node_get_object(node));
    }
}

static gboolean
list_page(const Ctl *ctl, const CtlOptions *options, gint64 limit, char **cursor, gint64 *n,
          GError **error)
{
    g_autoptr(JsonNode) root = NULL;
    JsonBuilder *arguments = ctl_arguments();
    ctl_add_text(arguments, "kind", options->kind);
    ctl_add_text(arguments, "state", options->state);
    ctl_add_text(arguments, "match", options->match);
    ctl_add_text(arguments, "cursor", *cursor);
    ctl_add_number(arguments, "limit", limit);
    JsonObject *answer = ctl_ask(ctl, "list", arguments, &root, error);
    if (!answer)
        return FALSE;
    JsonArray *entries = json_object_get_array_member(answer, "entries");
    if (!*cursor && !ctl->json)
        ctl_print_entries_head();
    show_entries(ctl, entries);
    *n += json_array_get_length(entries);
    g_free(*cursor);
    *cursor = next_cursor(answer);
    return TRUE;
}

static gboolean
list(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    (void)words;
    g_autofree char *cursor = NULL;
    gint64 n = 0, most = options->limit > 0 ? options->limit : G_MAXINT64;
    do {
        if (!list_page(ctl, options, MIN(most - n, PAGE), &cursor, &n, error))
            return FALSE;
    } while (cursor && n < most);
    return TRUE;
}

static void
print_json(JsonNode *node)
{
    g_autofree char *json = json_to_string(node, FALSE);
    printf("%s\n", json);
}

static gboolean
show_answer(const Ctl *ctl, JsonObject *answer, GError **error)
{
    JsonNode *entry = json_object_get_member(answer, "entry");
    if (!entry || JSON_NODE_HOLDS_NULL(entry)) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, _("there is no such entry"));
        return FALSE;
    }
    if (ctl->json) {
        print_json(entry);
    } else {
        ctl_print_entries_head();
        ctl_print_entry(json_node_get_object(entry));
    }
    return TRUE;
}

/* ---- Entries by their name. */

static void
add_name(JsonBuilder *arguments, const CtlOptions *options, char **words)
{
    const char *const texts[] = {options->source, options->sender, options->recipient};
    static const char *const members[] = {"source", "sender", "recipient"};
    ctl_add_text(arguments, "kind", options->kind);
    for (guint i = 0, word = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *text = texts[i];
        if (!text && words[word])
            text = words[word++];
        ctl_add_text(arguments, members[i], text);
    }
}

static gboolean
call_for_entry(const Ctl *ctl, const char *verb, JsonBuilder *arguments, GError **error)
{
    g_autoptr(JsonNode) root = NULL;
    JsonObject *answer = ctl_ask(ctl, verb, arguments, &root, error);
    return answer && show_answer(ctl, answer, error);
}

static gboolean
show(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    JsonBuilder *arguments = ctl_arguments();
    add_name(arguments, options, words);
    return call_for_entry(ctl, "show", arguments, error);
}

static gboolean
pass(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    JsonBuilder *arguments = ctl_arguments();
    add_name(arguments, options, words);
    return call_for_entry(ctl, "pass", arguments, error);
}

static gboolean
delete_entry(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    g_autoptr(JsonNode) root = NULL;
    JsonBuilder *arguments = ctl_arguments();
    add_name(arguments, options, words);
    JsonObject *answer = ctl_ask(ctl, "delete", arguments, &root, error);
    if (!answer)
        return FALSE;
    gint64 n = json_object_get_int_member(answer, "deleted");
    if (ctl->json)
        print_json(root);
    else if (n > 0)
        printf("%s\n", _("deleted"));
    if (n > 0)
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, _("there is no such entry"));
    return FALSE;
}

static gboolean
why(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    g_autoptr(JsonNode) root = NULL;
    JsonBuilder *arguments = ctl_arguments();
    ctl_add_text(arguments, "address", words[0]);
    ctl_add_text(arguments, "sender", words[1]);
    ctl_add_text(arguments, "recipient", words[2]);
    ctl_add_text(arguments, "name", options->name);
    ctl_add_text(arguments, "helo", options->helo);
    JsonObject *answer = ctl_ask(ctl, "why", arguments, &root, error);
    if (!answer)
        return FALSE;
    if (ctl->json)
        print_json(root);
    else
        ctl_print_why(answer);
    return TRUE;
}

/* ---- Rules. */

static gboolean
put_rule(const Ctl *ctl, const char *verb, const CtlOptions *options, char **words, GError **error)
{
    gint64 seconds = 0;
    guint given = (options->source != NULL) + (options->sender != NULL) +
                  (options->recipient != NULL) + (words[0] != NULL);
    if (given != 1)
        return ctl_usage(error, _("name one of: SOURCE, --sender=ADDRESS, --recipient=ADDRESS"));
    if (options->duration && (!ctl_parse_duration(options->duration, &seconds) || seconds == 0))
        return ctl_usage(error, _("--for takes a time, as in 36d, 12h or 90m"));
    JsonBuilder *arguments = ctl_arguments();
    ctl_add_text(arguments, "source", words[0] ? words[0] : options->source);
    ctl_add_text(arguments, "sender", options->sender);
    ctl_add_text(arguments, "recipient", options->recipient);
    ctl_add_text(arguments, "note", options->note);
    ctl_add_number(arguments, "seconds", seconds);
    return call_for_entry(ctl, verb, arguments, error);
}

static gboolean
allow(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    return put_rule(ctl, "allow", options, words, error);
}

static gboolean
block(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    return put_rule(ctl, "block", options, words, error);
}

/* ---- The whole store. */

static gboolean
stats(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    (void)options;
    (void)words;
    g_autoptr(JsonNode) root = NULL;
    JsonObject *answer = ctl_ask(ctl, "stats", ctl_arguments(), &root, error);
    if (!answer)
        return FALSE;
    if (ctl->json)
        print_json(root);
    else
        ctl_print_stats(answer);
    return TRUE;
}

static gboolean
expire(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    (void)options;
    (void)words;
    g_autoptr(JsonNode) root = NULL;
    JsonObject *answer = ctl_ask(ctl, "expire", ctl_arguments(), &root, error);
    if (!answer)
        return FALSE;
    if (ctl->json)
        print_json(root);
    else
        printf("%s %" G_GINT64_FORMAT "\n", _("removed:"),
               (gint64)json_object_get_int_member(answer, "removed"));
    return TRUE;
}

static gboolean
import(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    return ctl_import(ctl, options, words[0], error);
}

static gboolean export(const Ctl *ctl, const CtlOptions *options, char **words, GError **error)
{
    (void)options;
    return ctl_export(ctl, words[0], error);
}

/* ---- Which there are. */

static const CtlCommand commands[] = {
    {"list", "[--kind=KIND] [--state=STATE] [--match=GLOB]", 0, 0, list, N_("Show entries")},
    {"show", "SOURCE SENDER RECIPIENT", 0, 3, show, N_("Show one entry")},
    {"why", "ADDRESS SENDER RECIPIENT [--name=NAME] [--helo=NAME]", 3, 3, why,
     N_("What would be said to a recipient, and by which rule")},
    {"pass", "SOURCE SENDER RECIPIENT", 0, 3, pass, N_("Let a triplet in")},
    {"delete", "SOURCE SENDER RECIPIENT", 0, 3, delete_entry, N_("Forget an entry")},
    {"allow", "SOURCE | --sender=ADDRESS | --recipient=ADDRESS [--for=TIME] [--note=TEXT]", 0, 1,
     allow, N_("Never delay")},
    {"block", "SOURCE | --sender=ADDRESS | --recipient=ADDRESS [--for=TIME] [--note=TEXT]", 0, 1,
     block, N_("Never let in")},
    {"stats", "", 0, 0, stats, N_("Count the entries")},
    {"import", "FILE", 1, 1, import,
     N_("Take over milter-greylist's dump, postgrey's database or an export")},
    {"export", "[FILE]", 0, 1, export, N_("Write all entries, one JSON object a line")},
    {"expire", "", 0, 0, expire, N_("Remove what has ended, now")},
};

char *
ctl_commands_text(void)
{
    GString *text = g_string_new(_("Commands:"));
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "\n  %s %s\n      %s", commands[i].name, commands[i].arguments,
                               _(commands[i].summary));
    return g_string_free(text, FALSE);
}

static const CtlCommand *
find_command(const char *name)
{
    for (guint i = 0; name && i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

const CtlCommand *
ctl_choose_command(char **words, GError **error)
{
    const CtlCommand *command = find_command(words[0]);
    if (!command) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "%s%s%s",
                    words[0] ? words[0] : _("no command is given"), words[0] ? ": " : "",
                    words[0] ? _("there is no such command") : "");
        return NULL;
    }
    guint n = g_strv_length(words + 1);
    if (n >= command->least && n <= command->most)
        return command;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "%s: %s %s", _("expected"), command->name,
                command->arguments);
    return NULL;
}
