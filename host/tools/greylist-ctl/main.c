/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-greylist-ctl: the greylist's administration. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"

#include <errno.h>
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 500
/* What other greylists have if nothing else is said: milter-greylist's delay and autowhite. */
#define SOURCE_DELAY 1800
#define SOURCE_LIFETIME 86400
/* The defaults of the greylist's keys retry-window and pass-lifetime. */
#define RETRY_WINDOW 86400
#define PASS_LIFETIME 3110400

typedef gboolean (*CommandFunction)(const Ctl *ctl, const CtlOptions *options, char **words,
                                    GError **error);

typedef struct Command {
    const char *name;
    const char *arguments; /* for the usage */
    guint least, most;     /* words */
    CommandFunction function;
    const char *summary;
} Command;

static gboolean
usage(GError **error, const char *text)
{
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE, text);
    return FALSE;
}

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
    if (!ctl->json)
        ctl_print_entries_head();
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
        return usage(error, _("name one of: SOURCE, --sender=ADDRESS, --recipient=ADDRESS"));
    if (options->duration && (!ctl_parse_duration(options->duration, &seconds) || seconds == 0))
        return usage(error, _("--for takes a time, as in 36d, 12h or 90m"));
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

static const Command commands[] = {
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

/* ---- The command line. */

static char *
description(void)
{
    GString *text = g_string_new(_("Commands:"));
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "\n  %s %s\n      %s", commands[i].name, commands[i].arguments,
                               _(commands[i].summary));
    return g_string_free(text, FALSE);
}

/* Texts are bytes, whatever the locale makes of them: FILENAME is GLib's word for it. */
static gboolean
parse_options(CtlOptions *options, gboolean *version, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"socket", 's', 0, G_OPTION_ARG_FILENAME, &options->socket,
         N_("Control socket of the running host"), N_("PATH")},
        {"stage", 0, 0, G_OPTION_ARG_FILENAME, &options->stage,
         N_("Name of the greylist's stage (greylist)"), N_("NAME")},
        {"store", 0, 0, G_OPTION_ARG_FILENAME, &options->store,
         N_("Work on this store, of a stopped host or on Redis"), N_("URI")},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &options->password_file,
         N_("File with the password of the store"), N_("FILE")},
        {"no-store-text", 0, 0, G_OPTION_ARG_NONE, &options->store_text_off,
         N_("With --store: keep no readable texts"), NULL},
        {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json, N_("Answers as JSON"), NULL},
        {"kind", 0, 0, G_OPTION_ARG_FILENAME, &options->kind, N_("triplet, source, pair or rule"),
         N_("KIND")},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &options->state,
         N_("pending, passed, counting, allowed, trapped or blocked"), N_("STATE")},
        {"match", 0, 0, G_OPTION_ARG_FILENAME, &options->match,
         N_("Only entries of which a text matches"), N_("GLOB")},
        {"limit", 0, 0, G_OPTION_ARG_INT, &options->limit, N_("Show N entries at most"), N_("N")},
        {"source", 0, 0, G_OPTION_ARG_FILENAME, &options->source,
         N_("Address, network or domain of the client"), N_("SOURCE")},
        {"sender", 0, 0, G_OPTION_ARG_FILENAME, &options->sender, N_("Sender, or @DOMAIN"),
         N_("ADDRESS")},
        {"recipient", 0, 0, G_OPTION_ARG_FILENAME, &options->recipient, N_("Recipient, or @DOMAIN"),
         N_("ADDRESS")},
        {"name", 0, 0, G_OPTION_ARG_FILENAME, &options->name, N_("why: the client's name"),
         N_("NAME")},
        {"helo", 0, 0, G_OPTION_ARG_FILENAME, &options->helo, N_("why: what it said in HELO"),
         N_("NAME")},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &options->duration,
         N_("allow, block: for how long, as in 36d"), N_("TIME")},
        {"note", 0, 0, G_OPTION_ARG_FILENAME, &options->note, N_("allow, block: why"), N_("TEXT")},
        {"overwrite", 0, 0, G_OPTION_ARG_NONE, &options->overwrite,
         N_("import: also over entries that let in already"), NULL},
        {"delay", 0, 0, G_OPTION_ARG_INT64, &options->delay,
         N_("import: seconds the other greylist delayed for (1800)"), N_("SECONDS")},
        {"lifetime", 0, 0, G_OPTION_ARG_INT64, &options->lifetime,
         N_("import: seconds it remembered for (86400)"), N_("SECONDS")},
        {"ipv4-prefix", 0, 0, G_OPTION_ARG_INT, &options->ipv4_prefix,
         N_("import: bits of an IPv4 network (24)"), N_("BITS")},
        {"ipv6-prefix", 0, 0, G_OPTION_ARG_INT, &options->ipv6_prefix,
         N_("import: bits of an IPv6 network (64)"), N_("BITS")},
        {"version", 0, 0, G_OPTION_ARG_NONE, version, N_("Print the version and exit"), NULL},
        G_OPTION_ENTRY_NULL};
    g_autoptr(GOptionContext) context = g_option_context_new(_("COMMAND [ARGUMENT...]"));
    g_autofree char *text = description();
    g_option_context_set_summary(context, _("Administers milter-manager's greylist."));
    g_option_context_set_description(context, text);
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
    return g_option_context_parse(context, argc, argv, error);
}

static gboolean
check_numbers(const CtlOptions *options, GError **error)
{
    if (options->delay < 0 || options->lifetime < 0 || options->limit < 0)
        return usage(error, _("--delay, --lifetime and --limit are numbers from 0"));
    if (options->ipv4_prefix < 1 || options->ipv4_prefix > 32)
        return usage(error, _("--ipv4-prefix is a number from 1 to 32"));
    if (options->ipv6_prefix < 1 || options->ipv6_prefix > 128)
        return usage(error, _("--ipv6-prefix is a number from 1 to 128"));
    return TRUE;
}

static const Command *
find_command(const char *name)
{
    for (guint i = 0; name && i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static const Command *
choose_command(char **words, GError **error)
{
    const Command *command = find_command(words[0]);
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

static gboolean
run(const Command *command, const CtlOptions *options, char **words, GError **error)
{
    Ctl ctl = {.json = options->json};
    ctl.data = options->store ? ctl_local_open(options, error) : ctl_remote_open(options, error);
    if (!ctl.data)
        return FALSE;
    ctl.call = options->store ? ctl_local_call : ctl_remote_call;
    gboolean good = command->function(&ctl, options, words, error);
    if (options->store)
        ctl_local_close(ctl.data);
    else
        ctl_remote_close(ctl.data);
    return good;
}

/* FALSE: not all of what was printed has arrived. */
static gboolean
end_output(GError **error)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, g_strerror(errno));
    return FALSE;
}

static void
options_clear(CtlOptions *options)
{
    char *const texts[] = {options->socket,        options->stage,   options->store,
                           options->kind,          options->state,   options->match,
                           options->source,        options->sender,  options->recipient,
                           options->name,          options->helo,    options->note,
                           options->password_file, options->duration};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}

static int
complain(const GError *error)
{
    gboolean is_usage =
        error->domain == G_OPTION_ERROR || g_error_matches(error, CTL_ERROR, CTL_ERROR_USAGE);
    fprintf(stderr, "milter-greylist-ctl: %s\n", error->message);
    if (is_usage)
        fprintf(stderr, "%s\n", _("milter-greylist-ctl --help shows what there is."));
    return is_usage ? 2 : 1;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    gboolean version = FALSE;
    CtlOptions options = {.delay = SOURCE_DELAY,
                          .lifetime = SOURCE_LIFETIME,
                          .retry_window = RETRY_WINDOW,
                          .pass_lifetime = PASS_LIFETIME,
                          .ipv4_prefix = 24,
                          .ipv6_prefix = 64};
    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, MM_LOCALE_DIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    gboolean good = parse_options(&options, &version, &argc, &argv, &error);
    if (good && version) {
        printf("milter-greylist-ctl %s\n", MM_VERSION);
    } else if (good) {
        const Command *command =
            check_numbers(&options, &error) ? choose_command(argv + 1, &error) : NULL;
        good = command && run(command, &options, argv + 2, &error) && end_output(&error);
    }
    options_clear(&options);
    return good ? EXIT_SUCCESS : complain(error);
}
