/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/i18n.h"
#include "base/standard.h"
#include "tools/escape.h"
#include "tools/server-draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Options with a form of their own. */

static gboolean
take_header(const char *name, const char *value, gpointer data, GError **error)
{
    MmServerDraft *draft = data;
    const char *colon = strchr(value, ':');
    if (!colon || colon == value)
        return mm_server_usage(error, name, value, "NAME:VALUE");
    g_autofree char *header = g_strndup(value, (gsize)(colon - value));
    g_autofree char *text = colon[1] == ' ' || colon[1] == '\t' ? g_strdup(colon + 1)
                                                                : g_strconcat(" ", colon + 1, NULL);
    mm_mail_add_header(draft->mail, header, text);
    draft->has_header = TRUE;
    return TRUE;
}

static gboolean
take_body(const char *name, const char *value, gpointer data, GError **error)
{
    MmServerDraft *draft = data;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    if (!mm_escape_read(value, bytes))
        return mm_server_usage(error, name, value, mm_escape_allowed());
    mm_mail_add_body(draft->mail, bytes->data, bytes->len);
    draft->has_body = TRUE;
    return TRUE;
}

static gboolean
take_color(const char *name, const char *value, gpointer data, GError **error)
{
    static const char *const names[] = {"auto", "yes", "no", NULL};
    MmServerDraft *draft = data;
    for (guint i = 0; names[i]; i++) {
        if (strcmp(names[i], value) == 0) {
            draft->options->color = (MmColor)i;
            return TRUE;
        }
    }
    return mm_server_usage(error, name, value, "yes|no|auto");
}

static const char *const stage_names[MM_SERVER_N_STAGES] = {
    "connect", "helo",          "envelope-from", "envelope-recipient",
    "data",    "end-of-header", "end-of-message"};

/* Longer names than a letter stand in braces on the wire. */
static char *
macro_name(const char *name, gsize length)
{
    gboolean bare = length == 1 || name[0] == '{';
    return g_strdup_printf(bare ? "%.*s" : "{%.*s}", (int)length, name);
}

/* name is "--STAGE-macro". */
static gboolean
take_macro(const char *name, const char *value, gpointer data, GError **error)
{
    MmServerDraft *draft = data;
    const char *colon = strchr(value, ':');
    if (!colon || colon == value)
        return mm_server_usage(error, name, value, "NAME:VALUE");
    for (guint i = 0; i < MM_SERVER_N_STAGES; i++) {
        g_autofree char *option = g_strconcat("--", stage_names[i], "-macro", NULL);
        if (strcmp(option, name) != 0)
            continue;
        g_ptr_array_add(draft->options->macros[i], macro_name(value, (gsize)(colon - value)));
        g_ptr_array_add(draft->options->macros[i], g_strdup(colon + 1));
    }
    return TRUE;
}

/* ---- The table. Texts are bytes, whatever the locale makes of them: FILENAME is GLib's word for
 * it. */

#define BYTES G_OPTION_FLAG_FILENAME

static void
add_macro_entries(GOptionGroup *group, GPtrArray *names)
{
    for (guint i = 0; i < MM_SERVER_N_STAGES; i++) {
        char *name = g_strconcat(stage_names[i], "-macro", NULL);
        g_ptr_array_add(names, name);
        const GOptionEntry entries[] = {{name, 0, BYTES, G_OPTION_ARG_CALLBACK,
                                         (gpointer)take_macro, N_("Send this macro at the stage"),
                                         N_("NAME:VALUE")},
                                        G_OPTION_ENTRY_NULL};
        g_option_group_add_entries(group, entries);
    }
}

static void
add_session_entries(GOptionGroup *group, MmServerDraft *draft)
{
    MmServerOptions *o = draft->options;
    const GOptionEntry entries[] = {
        {"connection-spec", 's', 0, G_OPTION_ARG_FILENAME, &o->connection_spec,
         N_("Connect to SPEC: unix:PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]"), N_("SPEC")},
        {"negotiate-version", 0, 0, G_OPTION_ARG_INT, &draft->version,
         N_("Speak version N of the protocol (2 to 6)"), N_("N")},
        {"connect-host", 0, 0, G_OPTION_ARG_FILENAME, &o->connect_host,
         N_("Name of the SMTP client"), N_("NAME")},
        {"connect-address", 0, 0, G_OPTION_ARG_FILENAME, &draft->connect_address,
         N_("Address of the SMTP client"), N_("SPEC")},
        {"helo-fqdn", 0, 0, G_OPTION_ARG_FILENAME, &o->helo, N_("Name given with HELO"),
         N_("NAME")},
        {"unknown", 0, 0, G_OPTION_ARG_FILENAME, &o->unknown, N_("Send an unknown SMTP command"),
         N_("COMMAND")},
        G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}

static void
add_login_entries(GOptionGroup *group, MmServerOptions *o)
{
    const GOptionEntry entries[] = {{"authenticated-name", 0, 0, G_OPTION_ARG_FILENAME,
                                     &o->authenticated_name, N_("Name of the SASL login"),
                                     N_("NAME")},
                                    {"authenticated-type", 0, 0, G_OPTION_ARG_FILENAME,
                                     &o->authenticated_type, N_("SASL mechanism"), N_("TYPE")},
                                    {"authenticated-author", 0, 0, G_OPTION_ARG_FILENAME,
                                     &o->authenticated_author, N_("SASL sender"), N_("AUTHOR")},
                                    G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}

static void
add_timeout_entries(GOptionGroup *group, MmMtaTimeouts *timeouts)
{
    const GOptionEntry entries[] = {
        {"connection-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &timeouts->connection,
         N_("Limit for connecting"), N_("SECONDS")},
        {"reading-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &timeouts->reading,
         N_("Limit for an answer"), N_("SECONDS")},
        {"writing-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &timeouts->writing, N_("Limit for sending"),
         N_("SECONDS")},
        {"end-of-message-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &timeouts->end_of_message,
         N_("Limit for the answer to the end of the message"), N_("SECONDS")},
        G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}

static void
add_message_entries(GOptionGroup *group, MmServerDraft *draft)
{
    const GOptionEntry entries[] = {
        {"envelope-from", 'f', 0, G_OPTION_ARG_FILENAME, &draft->sender, N_("Sender"),
         N_("ADDRESS")},
        {"envelope-recipient", 'r', 0, G_OPTION_ARG_FILENAME_ARRAY, &draft->recipients,
         N_("Recipient; may be given several times"), N_("ADDRESS")},
        {"header", 'h', BYTES, G_OPTION_ARG_CALLBACK, (gpointer)take_header,
         N_("Header; may be given several times"), N_("NAME:VALUE")},
        {"body", 'b', BYTES, G_OPTION_ARG_CALLBACK, (gpointer)take_body,
         N_("Part of the body; may be given several times"), N_("CHUNK")},
        {"mail-file", 'm', 0, G_OPTION_ARG_FILENAME_ARRAY, &draft->mail_files,
         N_("Message to send; several go over one connection"), N_("FILE|-")},
        G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}

static void
add_run_entries(GOptionGroup *group, MmServerDraft *draft)
{
    MmServerOptions *o = draft->options;
    const GOptionEntry entries[] = {
        {"output-message", 0, 0, G_OPTION_ARG_NONE, &o->output_message,
         N_("Print the message as changed"), NULL},
        {"color", 0, BYTES, G_OPTION_ARG_CALLBACK, (gpointer)take_color, N_("Color the changes"),
         "yes|no|auto"},
        {"threads", 't', 0, G_OPTION_ARG_INT, &draft->threads, N_("Sessions at once"), N_("N")},
        {"sessions", 0, 0, G_OPTION_ARG_INT, &draft->sessions,
         N_("Sessions in all; prints rate and latency"), N_("N")},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose, N_("Print every packet"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &draft->print_version,
         N_("Print the version and exit"), NULL},
        G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}

/* names: keeps what the table points to. */
static GOptionContext *
context_new(MmServerDraft *draft, GPtrArray *names)
{
    GOptionContext *context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("main", NULL, NULL, draft, NULL);
    g_option_context_set_summary(context,
                                 _("Plays the MTA toward a milter and prints the verdict."));
    add_session_entries(group, draft);
    add_login_entries(group, draft->options);
    add_timeout_entries(group, &draft->options->timeouts);
    add_message_entries(group, draft);
    add_run_entries(group, draft);
    add_macro_entries(group, names);
    g_option_group_set_translation_domain(group, GETTEXT_PACKAGE);
    g_option_context_set_main_group(context, group);
    return context;
}

static gboolean
parse(MmServerDraft *draft, int *argc, char ***argv, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GOptionContext) context = context_new(draft, names);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (draft->print_version) {
        printf("milter-test-server %s\n", MM_VERSION);
        exit(mm_standard_end("milter-test-server", EXIT_SUCCESS));
    }
    if (*argc == 1)
        return mm_server_draft_check(draft, error) && mm_server_draft_mails(draft, error);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("unexpected argument “%s”"),
                (*argv)[1]);
    return FALSE;
}

static void
draft_clear(MmServerDraft *draft)
{
    mm_mail_free(draft->mail);
    g_free(draft->sender);
    g_strfreev(draft->recipients);
    g_strfreev(draft->mail_files);
    g_free(draft->connect_address);
}

MmServerOptions *
mm_server_options_parse(int *argc, char ***argv, GError **error)
{
    MmServerOptions *options = g_new0(MmServerOptions, 1);
    MmServerDraft draft = {.options = options, .version = (int)MM_PROTOCOL_VERSION, .threads = 1};
    draft.mail = mm_mail_new();
    options->timeouts = (MmMtaTimeouts){10, 10, 10, 300};
    options->mails = g_ptr_array_new_with_free_func((GDestroyNotify)mm_mail_free);
    for (guint i = 0; i < MM_SERVER_N_STAGES; i++)
        options->macros[i] = g_ptr_array_new_with_free_func(g_free);
    gboolean good = parse(&draft, argc, argv, error);
    draft_clear(&draft);
    if (good)
        return options;
    mm_server_options_free(options);
    return NULL;
}

void
mm_server_options_free(MmServerOptions *options)
{
    if (!options)
        return;
    mm_address_free(options->address);
    mm_address_free(options->connect_address);
    for (guint i = 0; i < MM_SERVER_N_STAGES; i++)
        g_ptr_array_unref(options->macros[i]);
    g_ptr_array_unref(options->mails);
    g_free(options->connection_spec);
    g_free(options->connect_host);
    g_free(options->helo);
    g_free(options->authenticated_name);
    g_free(options->authenticated_type);
    g_free(options->authenticated_author);
    g_free(options->unknown);
    g_free(options);
}
