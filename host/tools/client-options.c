/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/client.h"

#include "base/address.h"
#include "base/i18n.h"
#include "base/text.h"
#include "tools/escape.h"

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
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s: “%s” is not %s"), option,
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

#define BIT(stage) (1u << (stage))
#define ALL_STAGES (BIT(MM_CLIENT_N_STAGES) - 1)
/* Stages with a list of macros of their own (mfapi.h SMFIM_*). */
#define MACRO_STAGES                                                                               \
    (ALL_STAGES & ~(BIT(MM_CLIENT_UNKNOWN) | BIT(MM_CLIENT_HEADER) | BIT(MM_CLIENT_BODY)))
/* Stages that can be declined, or left without an answer. */
#define OPTIONAL_STAGES (ALL_STAGES & ~BIT(MM_CLIENT_END_OF_MESSAGE))

/* "not STAGE..., where STAGE is connect, helo, ...", the stages of allowed. */
static gboolean
stage_usage(GError **error, const char *option, const char *value, const char *form,
            guint32 allowed)
{
    GString *expected = g_string_new(form);
    const char *before = _(", STAGE one of ");
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        if (!(allowed & BIT(i)))
            continue;
        g_string_append_printf(expected, "%s%s", before, stage_names[i]);
        before = ", ";
    }
    usage(error, option, value, expected->str);
    g_string_free(expected, TRUE);
    return FALSE;
}

/* "STAGE=REST", a stage of allowed. */
static const char *
split_stage(const char *value, guint32 allowed, MmClientStage *stage)
{
    const char *equals = strchr(value, '=');
    if (!equals || !stage_from_name(value, (gsize)(equals - value), stage) ||
        !(allowed & BIT(*stage)))
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

/* The reply as it goes over the wire: libmilter drops one it does not like without a word. */
static gboolean
is_valid(const MmClientReply *reply)
{
    g_autoptr(GString) wire = g_string_new(NULL);
    for (guint i = 0; reply->lines[i]; i++)
        g_string_append_printf(wire, "%s%s%c%s%s%s", i > 0 ? "\r\n" : "", reply->code,
                               reply->lines[i + 1] ? '-' : ' ', reply->xcode ? reply->xcode : "",
                               reply->xcode ? " " : "", reply->lines[i]);
    return mm_text_reply_check(wire->str, wire->len) != MM_REPLY_INVALID;
}

static void
reply_clear(MmClientReply *reply)
{
    g_free(reply->code);
    g_free(reply->xcode);
    g_strfreev(reply->lines);
    *reply = (MmClientReply){.status = SMFIS_CONTINUE};
}

/* "550 5.7.1 text\nsecond line": a written "\n" separates lines. */
static gboolean
parse_text_reply(const char *text, MmClientReply *reply)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    if ((text[0] != '4' && text[0] != '5') || strlen(text) < 4 || text[3] != ' ' ||
        !mm_escape_read(text + 4, bytes))
        return FALSE;
    g_autofree char *plain = g_strndup((const char *)bytes->data, bytes->len);
    g_auto(GStrv) words = g_strsplit(plain, " ", 2);
    gboolean enhanced = words[0] && is_enhanced_code(words[0]);
    reply->code = g_strndup(text, 3);
    reply->xcode = enhanced ? g_strdup(words[0]) : NULL;
    const char *rest = enhanced ? (words[1] ? words[1] : "") : plain;
    reply->lines = g_strsplit(rest, "\n", -1);
    reply->status = text[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
    return g_strv_length(reply->lines) > 0 && is_valid(reply);
}

static gboolean
take_reply(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *action = split_stage(value, ALL_STAGES, &stage);
    if (!action)
        return stage_usage(error, name, value, "STAGE=ACTION", ALL_STAGES);
    MmClientReply *reply = &options->replies[stage];
    reply_clear(reply);
    if (status_from_word(action, &reply->status) || parse_text_reply(action, reply))
        return TRUE;
    return usage(
        error, name, value,
        _("STAGE=ACTION, ACTION one of continue, accept, reject, tempfail, discard, skip or "
          "an SMTP reply as “550 5.7.1 text”"));
}

static gboolean
take_delay(const char *name, const char *value, gpointer data, GError **error)
{
    const double longest = 86400;
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *number = split_stage(value, ALL_STAGES, &stage);
    if (!number)
        return stage_usage(error, name, value, "STAGE=SECONDS", ALL_STAGES);
    char *end;
    double seconds = g_ascii_strtod(number, &end);
    if (!*number || *end || !(seconds >= 0 && seconds <= longest))
        return usage(error, name, value, _("STAGE=SECONDS, SECONDS from 0 to 86400"));
    options->delays[stage] = seconds;
    return TRUE;
}

static gboolean
take_macros(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *list = split_stage(value, MACRO_STAGES, &stage);
    if (!list)
        return stage_usage(error, name, value, "STAGE=LIST", MACRO_STAGES);
    g_free(options->macros[stage]);
    options->macros[stage] = g_strdup(list);
    return TRUE;
}

static gboolean
take_stages(const char *name, const char *value, guint32 *bits, GError **error)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    if (!words[0])
        return stage_usage(error, name, value, "STAGE,STAGE,...", OPTIONAL_STAGES);
    for (char **word = words; *word; word++) {
        MmClientStage stage;
        if (!stage_from_name(*word, strlen(*word), &stage) || !(OPTIONAL_STAGES & BIT(stage)))
            return stage_usage(error, name, value, "STAGE,STAGE,...", OPTIONAL_STAGES);
        *bits |= BIT(stage);
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
    *edit = (MmClientEdit){kind, index, g_strdup(name), g_strdup(value), value ? strlen(value) : 0};
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
    MmClientOptions *options = data;
    GByteArray *bytes = g_byte_array_new();
    if (!mm_escape_read(value, bytes)) {
        g_byte_array_unref(bytes);
        return usage(error, name, value, mm_escape_allowed());
    }
    MmClientEdit *edit = g_new0(MmClientEdit, 1);
    edit->kind = MM_CLIENT_REPLACE_BODY;
    edit->size = bytes->len;
    edit->value = (char *)g_byte_array_free(bytes, FALSE);
    g_ptr_array_add(options->edits, edit);
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
    if (!*value)
        return usage(error, name, value, _("a reason"));
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
        reply_clear(&options->replies[i]);
        g_free(options->macros[i]);
    }
    g_ptr_array_unref(options->edits);
    g_free(options->connection_spec);
    g_free(options);
}

static gboolean
parse(MmClientOptions *options, gboolean *version, int *argc, char ***argv, GError **error)
{
/* Texts are bytes, whatever the locale makes of them: FILENAME is GLib's word for it. */
#define CALLBACK(function) G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (gpointer)(function)
    const GOptionEntry entries[] = {
        {"connection-spec", 's', 0, G_OPTION_ARG_FILENAME, &options->connection_spec,
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

/* extra: an argument that is no option. */
static gboolean
check(const MmClientOptions *options, const char *extra, GError **error)
{
    if (extra) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("unexpected argument “%s”"),
                    extra);
        return FALSE;
    }
    if (!options->connection_spec) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                            _("--connection-spec is missing"));
        return FALSE;
    }
    g_autoptr(GError) problem = NULL;
    g_autoptr(MmAddress) address = mm_address_parse(options->connection_spec, &problem);
    if (!address)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--connection-spec: %s",
                    problem->message);
    return address != NULL;
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
        if (check(options, *argc > 1 ? (*argv)[1] : NULL, error))
            return options;
    }
    mm_client_options_free(options);
    return NULL;
}
