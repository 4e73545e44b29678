/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of milter-greylist-ctl. Texts are bytes, whatever the locale makes of them:
 * FILENAME is GLib's word for it. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"

/* What other greylists have if nothing else is said: milter-greylist's delay and autowhite. */
#define SOURCE_DELAY 1800
#define SOURCE_LIFETIME 86400
/* The defaults of the greylist's keys retry-window and pass-lifetime. */
#define RETRY_WINDOW 86400
#define PASS_LIFETIME 3110400

gboolean
ctl_usage(GError **error, const char *text)
{
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE, text);
    return FALSE;
}

/* ---- The table. */

static void
add_place(GOptionContext *context, CtlOptions *options)
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
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static void
add_choice(GOptionContext *context, CtlOptions *options)
{
    const GOptionEntry entries[] = {
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
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

/* Of why, allow and block. */
static void
add_words(GOptionContext *context, CtlOptions *options)
{
    const GOptionEntry entries[] = {
        {"name", 0, 0, G_OPTION_ARG_FILENAME, &options->name, N_("why: the client's name"),
         N_("NAME")},
        {"helo", 0, 0, G_OPTION_ARG_FILENAME, &options->helo, N_("why: what it said in HELO"),
         N_("NAME")},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &options->duration,
         N_("allow, block: for how long, as in 36d"), N_("TIME")},
        {"note", 0, 0, G_OPTION_ARG_FILENAME, &options->note, N_("allow, block: why"), N_("TEXT")},
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static void
add_import(GOptionContext *context, CtlOptions *options)
{
    const GOptionEntry entries[] = {
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
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static gboolean
parse(CtlOptions *options, int *argc, char ***argv, GError **error)
{
    const GOptionEntry last[] = {{"version", 0, 0, G_OPTION_ARG_NONE, &options->version,
                                  N_("Print the version and exit"), NULL},
                                 G_OPTION_ENTRY_NULL};
    g_autoptr(GOptionContext) context = g_option_context_new(_("COMMAND [ARGUMENT...]"));
    g_autofree char *commands = ctl_commands_text();
    g_option_context_set_summary(context, _("Administers milter-manager's greylist."));
    g_option_context_set_description(context, commands);
    add_place(context, options);
    add_choice(context, options);
    add_words(context, options);
    add_import(context, options);
    g_option_context_add_main_entries(context, last, GETTEXT_PACKAGE);
    return g_option_context_parse(context, argc, argv, error);
}

/* ---- What may stand there. */

static gboolean
check_numbers(const CtlOptions *options, GError **error)
{
    if (options->delay < 0 || options->lifetime < 0 || options->limit < 0)
        return ctl_usage(error, _("--delay, --lifetime and --limit are numbers from 0"));
    if (options->ipv4_prefix < 1 || options->ipv4_prefix > 32)
        return ctl_usage(error, _("--ipv4-prefix is a number from 1 to 32"));
    if (options->ipv6_prefix < 1 || options->ipv6_prefix > 128)
        return ctl_usage(error, _("--ipv6-prefix is a number from 1 to 128"));
    return TRUE;
}

static gboolean
check_word(const char *option, const char *word, const char *allowed, GError **error)
{
    g_auto(GStrv) words = g_strsplit(allowed, ", ", -1);
    if (!word || g_strv_contains((const char *const *)words, word))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, _("%s: “%s” is not one of: %s"), option, word,
                allowed);
    return FALSE;
}

static gboolean
check_words(const CtlOptions *options, GError **error)
{
    return check_word("--kind", options->kind, "triplet, source, pair, rule", error) &&
           check_word("--state", options->state,
                      "pending, passed, counting, allowed, trapped, blocked", error);
}

gboolean
ctl_options_parse(CtlOptions *options, int *argc, char ***argv, GError **error)
{
    *options = (CtlOptions){.delay = SOURCE_DELAY,
                            .lifetime = SOURCE_LIFETIME,
                            .retry_window = RETRY_WINDOW,
                            .pass_lifetime = PASS_LIFETIME,
                            .ipv4_prefix = 24,
                            .ipv6_prefix = 64};
    return parse(options, argc, argv, error) &&
           (options->version || (check_numbers(options, error) && check_words(options, error)));
}

void
ctl_options_clear(CtlOptions *options)
{
    char *const texts[] = {options->socket,        options->stage,   options->store,
                           options->kind,          options->state,   options->match,
                           options->source,        options->sender,  options->recipient,
                           options->name,          options->helo,    options->note,
                           options->password_file, options->duration};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}
