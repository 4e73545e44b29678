/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/server.h"

#include "base/i18n.h"
#include "tools/escape.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 4096
#define MAIL_SIZE_MAX (1024u * 1024u * 1024u)
#define DEFAULT_HOST "mx.example.net"
#define DEFAULT_CLIENT "inet:50443@192.168.123.123"

/* What the command line gathers before it becomes a message. */
typedef struct Draft {
    MmServerOptions *options;
    MmMail *mail; /* of --envelope-from, --header, --body */
    gboolean has_sender, has_recipient, has_header, has_body;
    char *sender;
    char **recipients, **mail_files;
    char *connect_address;
    int version, threads, sessions;
    gboolean print_version;
} Draft;

static gboolean
usage(GError **error, const char *name, const char *value, const char *allowed)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s: “%s” is not %s"), name,
                value, allowed);
    return FALSE;
}

/* ---- Options with a form of their own. */

static gboolean
take_header(const char *name, const char *value, gpointer data, GError **error)
{
    Draft *draft = data;
    const char *colon = strchr(value, ':');
    if (!colon || colon == value)
        return usage(error, name, value, "NAME:VALUE");
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
    Draft *draft = data;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    if (!mm_escape_read(value, bytes))
        return usage(error, name, value, mm_escape_allowed());
    mm_mail_add_body(draft->mail, bytes->data, bytes->len);
    draft->has_body = TRUE;
    return TRUE;
}

static gboolean
take_color(const char *name, const char *value, gpointer data, GError **error)
{
    static const char *const names[] = {"auto", "yes", "no", NULL};
    Draft *draft = data;
    for (guint i = 0; names[i]; i++) {
        if (strcmp(names[i], value) == 0) {
            draft->options->color = (MmColor)i;
            return TRUE;
        }
    }
    return usage(error, name, value, "yes|no|auto");
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
    Draft *draft = data;
    const char *colon = strchr(value, ':');
    if (!colon || colon == value)
        return usage(error, name, value, "NAME:VALUE");
    for (guint i = 0; i < MM_SERVER_N_STAGES; i++) {
        g_autofree char *option = g_strconcat("--", stage_names[i], "-macro", NULL);
        if (strcmp(option, name) != 0)
            continue;
        g_ptr_array_add(draft->options->macros[i], macro_name(value, (gsize)(colon - value)));
        g_ptr_array_add(draft->options->macros[i], g_strdup(colon + 1));
    }
    return TRUE;
}

/* ---- Messages. */

static void
set_envelope(const Draft *draft, MmMail *mail)
{
    mm_mail_set_sender(mail, draft->sender ? draft->sender : "<sender@example.com>");
    for (char **r = draft->recipients; r && *r; r++)
        mm_mail_add_recipient(mail, *r);
    if (!draft->recipients)
        mm_mail_add_recipient(mail, "<receiver@example.org>");
}

static gboolean
read_all(const char *path, char **text, gsize *size, GError **error)
{
    if (strcmp(path, "-") != 0)
        return g_file_get_contents(path, text, size, error);
    GString *all = g_string_new(NULL);
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
        g_string_append_len(all, chunk, (gssize)n);
    *size = all->len;
    *text = g_string_free(all, FALSE);
    return TRUE;
}

static gboolean
add_mail_file(Draft *draft, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize size;
    if (!read_all(path, &text, &size, error))
        return FALSE;
    if (size > MAIL_SIZE_MAX) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    _("%s: a message may have 1 GiB at most"), path);
        return FALSE;
    }
    MmMail *mail = mm_mail_new();
    set_envelope(draft, mail);
    for (guint i = 0; i < draft->mail->headers->len; i++) {
        const MmMailHeader *header = g_ptr_array_index(draft->mail->headers, i);
        mm_mail_add_header(mail, header->name, header->value);
    }
    mm_mail_parse(mail, text, size);
    g_ptr_array_add(draft->options->mails, mail);
    return TRUE;
}

/* What every real message has. */
static void
add_default_headers(MmMail *mail)
{
    const MmMailAddress *sender = g_ptr_array_index(mail->senders, 0);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format(now, " %d %b %Y %H:%M:%S +0000");
    g_autofree char *from = g_strconcat(" ", sender->address, NULL);
    g_autofree char *id = g_strdup_printf(" <%" G_GINT64_FORMAT ".%d@%s>", g_get_real_time(),
                                          (int)getpid(), g_get_host_name());
    mm_mail_add_header(mail, "From", from);
    for (guint i = 0; i < mail->recipients->len; i++) {
        const MmMailAddress *recipient = g_ptr_array_index(mail->recipients, i);
        g_autofree char *to = g_strconcat(" ", recipient->address, NULL);
        mm_mail_add_header(mail, "To", to);
    }
    mm_mail_add_header(mail, "Subject", " a test message");
    mm_mail_add_header(mail, "Date", date);
    mm_mail_add_header(mail, "Message-Id", id);
}

static void
add_default_mail(Draft *draft)
{
    static const char body[] = "La de da de da 1.\r\nLa de da de da 2.\r\n";
    MmMail *mail = draft->mail;
    set_envelope(draft, mail);
    if (!draft->has_header) {
        add_default_headers(mail);
    }
    if (!draft->has_body)
        mm_mail_add_body(mail, body, sizeof(body) - 1);
    g_ptr_array_add(draft->options->mails, g_steal_pointer(&draft->mail));
}

static gboolean
gather_mails(Draft *draft, GError **error)
{
    for (char **file = draft->mail_files; file && *file; file++) {
        if (!add_mail_file(draft, *file, error))
            return FALSE;
    }
    if (draft->options->mails->len == 0)
        add_default_mail(draft);
    return TRUE;
}

/* ---- Checks. */

/* CONNECT carries an address, never a name. */
static gboolean
complete_client(MmAddress *client, GError **error)
{
    gboolean is_inet = client->family == MM_ADDRESS_INET;
    guint8 room[sizeof(struct in6_addr)];
    if (client->family == MM_ADDRESS_UNIX)
        return TRUE;
    if (!client->host)
        client->host = g_strdup(is_inet ? "127.0.0.1" : "::1");
    if (inet_pton(is_inet ? AF_INET : AF_INET6, client->host, room) == 1)
        return TRUE;
    return usage(error, "--connect-address", client->host,
                 is_inet ? _("an IPv4 address") : _("an IPv6 address"));
}

static MmAddress *
take_address(const char *name, const char *spec, GError **error)
{
    g_autoptr(GError) problem = NULL;
    MmAddress *address = mm_address_parse(spec, &problem);
    if (!address)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: %s", name,
                    problem->message);
    return address;
}

static gboolean
take_addresses(Draft *draft, GError **error)
{
    MmServerOptions *options = draft->options;
    const char *client = draft->connect_address ? draft->connect_address : DEFAULT_CLIENT;
    options->address = take_address("--connection-spec", options->connection_spec, error);
    if (!options->address)
        return FALSE;
    options->connect_address = take_address("--connect-address", client, error);
    return options->connect_address && complete_client(options->connect_address, error);
}

static gboolean
check_number(const char *name, double value, double least, double most, GError **error)
{
    if (value >= least && value <= most)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                _("%s: “%.10g” is not a number from %.10g to %.10g"), name, value, least, most);
    return FALSE;
}

static gboolean
check_numbers(const Draft *draft, GError **error)
{
    const double shortest = 0.001, longest = 1000000;
    const MmMtaTimeouts *t = &draft->options->timeouts;
    return check_number("--negotiate-version", draft->version, MM_PROTOCOL_VERSION_MIN,
                        MM_PROTOCOL_VERSION, error) &&
           check_number("--threads", draft->threads, 1, THREADS_MAX, error) &&
           check_number("--sessions", draft->sessions, 0, G_MAXINT, error) &&
           check_number("--connection-timeout", t->connection, shortest, longest, error) &&
           check_number("--reading-timeout", t->reading, shortest, longest, error) &&
           check_number("--writing-timeout", t->writing, shortest, longest, error) &&
           check_number("--end-of-message-timeout", t->end_of_message, shortest, longest, error);
}

static void
set_defaults(Draft *draft)
{
    MmServerOptions *options = draft->options;
    options->version = (guint32)draft->version;
    options->threads = draft->threads;
    options->sessions = draft->sessions > 0 ? draft->sessions : draft->threads;
    options->is_load = draft->sessions > 0 || draft->threads > 1;
    if (!options->connect_host)
        options->connect_host = g_strdup(DEFAULT_HOST);
    if (!options->helo)
        options->helo = g_strdup(DEFAULT_HOST);
}

static gboolean
check(Draft *draft, GError **error)
{
    if (!draft->options->connection_spec) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                            _("--connection-spec is missing"));
        return FALSE;
    }
    if (draft->has_body && draft->mail_files) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                            _("--body: not together with --mail-file, which has a body"));
        return FALSE;
    }
    if (!check_numbers(draft, error))
        return FALSE;
    set_defaults(draft);
    return take_addresses(draft, error) && gather_mails(draft, error);
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
add_session_entries(GOptionGroup *group, Draft *draft)
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
        {"authenticated-name", 0, 0, G_OPTION_ARG_FILENAME, &o->authenticated_name,
         N_("Name of the SASL login"), N_("NAME")},
        {"authenticated-type", 0, 0, G_OPTION_ARG_FILENAME, &o->authenticated_type,
         N_("SASL mechanism"), N_("TYPE")},
        {"authenticated-author", 0, 0, G_OPTION_ARG_FILENAME, &o->authenticated_author,
         N_("SASL sender"), N_("AUTHOR")},
        {"connection-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &o->timeouts.connection,
         N_("Limit for connecting"), N_("SECONDS")},
        {"reading-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &o->timeouts.reading,
         N_("Limit for an answer"), N_("SECONDS")},
        {"writing-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &o->timeouts.writing,
         N_("Limit for sending"), N_("SECONDS")},
        {"end-of-message-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &o->timeouts.end_of_message,
         N_("Limit for the answer to the end of the message"), N_("SECONDS")},
        G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}

static void
add_message_entries(GOptionGroup *group, Draft *draft)
{
    MmServerOptions *o = draft->options;
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

static gboolean
parse(Draft *draft, int *argc, char ***argv, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("main", NULL, NULL, draft, NULL);
    g_option_context_set_summary(context,
                                 _("Plays the MTA toward a milter and prints the verdict."));
    add_session_entries(group, draft);
    add_message_entries(group, draft);
    add_macro_entries(group, names);
    g_option_group_set_translation_domain(group, GETTEXT_PACKAGE);
    g_option_context_set_main_group(context, group);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (draft->print_version) {
        g_print("milter-test-server %s\n", MM_VERSION);
        exit(EXIT_SUCCESS);
    }
    if (*argc == 1)
        return check(draft, error);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("unexpected argument “%s”"),
                (*argv)[1]);
    return FALSE;
}

static void
draft_clear(Draft *draft)
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
    Draft draft = {.options = options, .version = (int)MM_PROTOCOL_VERSION, .threads = 1};
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
