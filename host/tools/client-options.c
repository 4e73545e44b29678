/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/client.h"

#include "base/i18n.h"
#include "base/text.h"

#include <libmilter/mfapi.h>
#include <stdlib.h>
#include <string.h>

static const char *const stage_names[MM_CLIENT_N_STAGES] = {
    "connect", "helo",          "envelope-from", "envelope-recipient", "data", "unknown",
    "header",  "end-of-header", "body",          "end-of-message"};

const char *
mm_client_stage_name(MmClientStage stage)
{
    return stage_names[stage];
}

static gboolean
usage(GError **error, const char *option, const char *value, const char *expected)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s %s: expected %s"), option,
                value, expected);
    return FALSE;
}

static gboolean
stage_from_name(const char *name, gsize length, MmClientStage *stage)
{
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        if (strlen(stage_names[i]) == length && strncmp(stage_names[i], name, length) == 0) {
            *stage = (MmClientStage)i;
            return TRUE;
        }
    }
    return FALSE;
}

/* "STAGE=REST". */
static const char *
split_stage(const char *value, MmClientStage *stage)
{
    const char *equals = strchr(value, '=');
    if (!equals || !stage_from_name(value, (gsize)(equals - value), stage))
        return NULL;
    return equals + 1;
}

/* ---- Replies. */

static gboolean
status_from_word(const char *word, int *status)
{
    static const struct {
        const char *word;
        int status;
    } words[] = {{"continue", SMFIS_CONTINUE},
                 {"accept", SMFIS_ACCEPT},
                 {"reject", SMFIS_REJECT},
                 {"tempfail", SMFIS_TEMPFAIL},
                 {"temporary-failure", SMFIS_TEMPFAIL},
                 {"discard", SMFIS_DISCARD},
                 {"skip", SMFIS_SKIP}};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i].word, word) == 0) {
            *status = words[i].status;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean
is_enhanced_code(const char *text)
{
    guint dots = 0;
    for (; *text; text++) {
        if (*text == '.')
            dots++;
        else if (!g_ascii_isdigit(*text))
            return FALSE;
    }
    return dots == 2;
}

/* "550 5.7.1 text\nsecond line": lines may be separated by a line end or by a written "\n". */
static gboolean
parse_text_reply(const char *text, MmClientReply *reply)
{
    if ((text[0] != '4' && text[0] != '5') || strlen(text) < 4 || text[3] != ' ')
        return FALSE;
    g_autofree char *plain = g_strcompress(text + 4);
    g_auto(GStrv) words = g_strsplit(plain, " ", 2);
    gboolean enhanced = words[0] && is_enhanced_code(words[0]);
    reply->code = g_strndup(text, 3);
    reply->xcode = enhanced ? g_strdup(words[0]) : NULL;
    const char *rest = enhanced ? (words[1] ? words[1] : "") : plain;
    reply->lines = g_strsplit(rest, "\n", 32);
    reply->status = text[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
    return TRUE;
}

static gboolean
take_reply(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *action = split_stage(value, &stage);
    if (!action)
        return usage(error, name, value, "STAGE=ACTION");
    MmClientReply *reply = &options->replies[stage];
    if (status_from_word(action, &reply->status) || parse_text_reply(action, reply))
        return TRUE;
    return usage(error, name, value,
                 "continue, accept, reject, tempfail, discard, skip or \"550 5.7.1 text\"");
}

static gboolean
take_delay(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *number = split_stage(value, &stage);
    char *end = NULL;
    double seconds = number ? g_ascii_strtod(number, &end) : -1;
    if (!number || !*number || *end || seconds < 0)
        return usage(error, name, value, "STAGE=SECONDS");
    options->delays[stage] = seconds;
    return TRUE;
}

static gboolean
take_macros(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *list = split_stage(value, &stage);
    if (!list)
        return usage(error, name, value, "STAGE=LIST");
    g_free(options->macros[stage]);
    options->macros[stage] = g_strdup(list);
    return TRUE;
}

static gboolean
take_stages(const char *name, const char *value, guint32 *bits, GError **error)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    for (char **word = words; *word; word++) {
        MmClientStage stage;
        if (!stage_from_name(*word, strlen(*word), &stage))
            return usage(error, name, value, "STAGE,STAGE,...");
        *bits |= 1u << stage;
    }
    return TRUE;
}

static gboolean
take_no_events(const char *name, const char *value, gpointer data, GError **error)
{
    return take_stages(name, value, &((MmClientOptions *)data)->no_events, error);
}

static gboolean
take_no_replies(const char *name, const char *value, gpointer data, GError **error)
{
    return take_stages(name, value, &((MmClientOptions *)data)->no_replies, error);
}

/* ---- Edits. */

static void
add_edit(MmClientOptions *options, MmClientEditKind kind, int index, const char *name,
         const char *value)
{
    MmClientEdit *edit = g_new0(MmClientEdit, 1);
    *edit = (MmClientEdit){kind, index, g_strdup(name), g_strdup(value)};
    g_ptr_array_add(options->edits, edit);
}

static gboolean
parse_index(const char *text, int *index)
{
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &value, NULL))
        return FALSE;
    *index = (int)value;
    return TRUE;
}

static gboolean
take_add_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 2);
    if (g_strv_length(parts) != 2 || !*parts[0])
        return usage(error, name, value, "NAME:VALUE");
    add_edit(data, MM_CLIENT_ADD_HEADER, 0, parts[0], parts[1]);
    return TRUE;
}

static gboolean
take_insert_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 3);
    int index;
    if (g_strv_length(parts) != 3 || !parse_index(parts[0], &index) || !*parts[1])
        return usage(error, name, value, "INDEX:NAME:VALUE");
    add_edit(data, MM_CLIENT_INSERT_HEADER, index, parts[1], parts[2]);
    return TRUE;
}

static gboolean
take_change_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 3);
    int index;
    if (g_strv_length(parts) != 3 || !parse_index(parts[1], &index) || !*parts[0])
        return usage(error, name, value, "NAME:INDEX:VALUE");
    add_edit(data, MM_CLIENT_CHANGE_HEADER, index, parts[0], parts[2]);
    return TRUE;
}

static gboolean
take_delete_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 2);
    int index = 1;
    if (!*parts[0] || (parts[1] && !parse_index(parts[1], &index)))
        return usage(error, name, value, "NAME[:INDEX]");
    add_edit(data, MM_CLIENT_CHANGE_HEADER, index, parts[0], NULL);
    return TRUE;
}

static gboolean
take_replace_body(const char *name, const char *value, gpointer data, GError **error)
{
    (void)name;
    (void)error;
    g_autofree char *text = g_strcompress(value);
    add_edit(data, MM_CLIENT_REPLACE_BODY, 0, NULL, text);
    return TRUE;
}

/* "ADDRESS" or "ADDRESS PARAMETERS". */
static gboolean
take_address(MmClientEditKind kind, const char *name, const char *value, gpointer data,
             GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, " ", 2);
    if (!parts[0] || !*parts[0])
        return usage(error, name, value, "ADDRESS");
    add_edit(data, kind, 0, parts[0], parts[1]);
    return TRUE;
}

static gboolean
take_add_recipient(const char *name, const char *value, gpointer data, GError **error)
{
    return take_address(MM_CLIENT_ADD_RECIPIENT, name, value, data, error);
}

static gboolean
take_delete_recipient(const char *name, const char *value, gpointer data, GError **error)
{
    return take_address(MM_CLIENT_DELETE_RECIPIENT, name, value, data, error);
}

static gboolean
take_change_from(const char *name, const char *value, gpointer data, GError **error)
{
    return take_address(MM_CLIENT_CHANGE_FROM, name, value, data, error);
}

static gboolean
take_quarantine(const char *name, const char *value, gpointer data, GError **error)
{
    (void)name;
    (void)error;
    add_edit(data, MM_CLIENT_QUARANTINE, 0, NULL, value);
    return TRUE;
}

static void
edit_free(gpointer data)
{
    MmClientEdit *edit = data;
    g_free(edit->name);
    g_free(edit->value);
    g_free(edit);
}

void
mm_client_options_free(MmClientOptions *options)
{
    if (!options)
        return;
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        g_free(options->replies[i].code);
        g_free(options->replies[i].xcode);
        g_strfreev(options->replies[i].lines);
        g_free(options->macros[i]);
    }
    g_ptr_array_unref(options->edits);
    g_free(options->connection_spec);
    g_free(options);
}

static gboolean
parse(MmClientOptions *options, gboolean *version, int *argc, char ***argv, GError **error)
{
#define CALLBACK(function) 0, G_OPTION_ARG_CALLBACK, (gpointer)(function)
    const GOptionEntry entries[] = {
        {"connection-spec", 's', 0, G_OPTION_ARG_STRING, &options->connection_spec,
         N_("Listen on SPEC: unix:PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]"), N_("SPEC")},
        {"reply", 0, CALLBACK(take_reply),
         N_("Answer STAGE with ACTION: continue, accept, reject, tempfail, discard, skip or a "
            "reply as “550 5.7.1 text”"),
         N_("STAGE=ACTION")},
        {"delay", 0, CALLBACK(take_delay), N_("Wait before answering STAGE"), N_("STAGE=SECONDS")},
        {"add-header", 0, CALLBACK(take_add_header), N_("Add a header"), N_("NAME:VALUE")},
        {"insert-header", 0, CALLBACK(take_insert_header), N_("Insert a header"),
         N_("INDEX:NAME:VALUE")},
        {"change-header", 0, CALLBACK(take_change_header),
         N_("Change the INDEX-th header NAME, counted from 1"), N_("NAME:INDEX:VALUE")},
        {"delete-header", 0, CALLBACK(take_delete_header), N_("Delete a header"),
         N_("NAME[:INDEX]")},
        {"replace-body", 0, CALLBACK(take_replace_body),
         N_("Replace the body; \\r and \\n are line ends"), N_("TEXT")},
        {"add-recipient", 0, CALLBACK(take_add_recipient), N_("Add a recipient"),
         N_("ADDRESS [PARAMETERS]")},
        {"delete-recipient", 0, CALLBACK(take_delete_recipient), N_("Delete a recipient"),
         N_("ADDRESS")},
        {"change-from", 0, CALLBACK(take_change_from), N_("Change the sender"),
         N_("ADDRESS [PARAMETERS]")},
        {"quarantine", 0, CALLBACK(take_quarantine), N_("Quarantine the message"), N_("REASON")},
        {"request-macros", 0, CALLBACK(take_macros), N_("Ask for these macros at STAGE"),
         N_("STAGE=LIST")},
        {"no-events", 0, CALLBACK(take_no_events), N_("Decline these events"), N_("STAGE,...")},
        {"no-reply", 0, CALLBACK(take_no_replies), N_("Answer these events with nothing"),
         N_("STAGE,...")},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("Print nothing"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, version, N_("Print the version and exit"), NULL},
        G_OPTION_ENTRY_NULL};
#undef CALLBACK
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("main", NULL, NULL, options, NULL);
    g_option_context_set_summary(context, _("A child milter to test with."));
    g_option_group_add_entries(group, entries);
    g_option_group_set_translation_domain(group, GETTEXT_PACKAGE);
    g_option_context_set_main_group(context, group);
    return g_option_context_parse(context, argc, argv, error);
}

MmClientOptions *
mm_client_options_parse(int *argc, char ***argv, GError **error)
{
    MmClientOptions *options = g_new0(MmClientOptions, 1);
    gboolean version = FALSE;
    options->edits = g_ptr_array_new_with_free_func(edit_free);
    if (parse(options, &version, argc, argv, error)) {
        if (version) {
            g_print("milter-test-client %s\n", MM_VERSION);
            exit(EXIT_SUCCESS);
        }
        if (*argc == 1 && options->connection_spec)
            return options;
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                            *argc > 1 ? _("unexpected argument")
                                      : _("--connection-spec is missing"));
    }
    mm_client_options_free(options);
    return NULL;
}
