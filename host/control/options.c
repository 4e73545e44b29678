/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/options.h"

#include "base/address.h"
#include "base/i18n.h"
#include "base/log.h"
#include "config/value.h"
#include "control/check.h"

/* Of the schema. */
#define WORKERS_MAX 1024

/* Where GOption puts what it read: bytes, whatever the locale makes of them. */
typedef struct Raw {
    char *config, *connection_spec, *user_name, *group_name, *socket_group, *socket_mode;
    char *pid_file, *root, *inspect, *log_level, *log_target, *workers;
    char **plugin_path;
    gboolean daemon, no_daemon, show, check, list, verbose, quiet, status, watch, version;
} Raw;

static void
raw_clear(Raw *raw)
{
    char **const texts[] = {
        &raw->config,       &raw->connection_spec, &raw->user_name,  &raw->group_name,
        &raw->socket_group, &raw->socket_mode,     &raw->pid_file,   &raw->root,
        &raw->inspect,      &raw->log_level,       &raw->log_target, &raw->workers};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(*texts[i]);
    g_strfreev(raw->plugin_path);
}

/* ---- The table. */

static void
add_service(GOptionContext *context, Raw *raw)
{
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &raw->config,
         N_("Read the configuration from FILE"), N_("FILE")},
        {"connection-spec", 's', 0, G_OPTION_ARG_FILENAME, &raw->connection_spec,
         N_("Listen on SPEC: unix:PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]"), N_("SPEC")},
        {"user-name", 'u', 0, G_OPTION_ARG_FILENAME, &raw->user_name,
         N_("Become USER when started as root"), N_("USER")},
        {"group-name", 'g', 0, G_OPTION_ARG_FILENAME, &raw->group_name,
         N_("Become GROUP when started as root"), N_("GROUP")},
        {"socket-group-name", 0, 0, G_OPTION_ARG_FILENAME, &raw->socket_group,
         N_("Give the unix socket to GROUP"), N_("GROUP")},
        {"unix-socket-mode", 0, 0, G_OPTION_ARG_FILENAME, &raw->socket_mode,
         N_("Mode of the unix socket, octal"), N_("MODE")},
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static void
add_process(GOptionContext *context, Raw *raw)
{
    const GOptionEntry entries[] = {
        {"daemon", 0, 0, G_OPTION_ARG_NONE, &raw->daemon, N_("Go into the background"), NULL},
        {"no-daemon", 0, 0, G_OPTION_ARG_NONE, &raw->no_daemon, N_("Stay in the foreground"), NULL},
        {"pid-file", 0, 0, G_OPTION_ARG_FILENAME, &raw->pid_file,
         N_("Write the process number to FILE"), N_("FILE")},
        {"workers", 0, 0, G_OPTION_ARG_FILENAME, &raw->workers, N_("Use N worker threads"),
         N_("N")},
        {"plugin-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->plugin_path,
         N_("Search plugins in DIR first"), N_("DIR")},
        {"root", 0, 0, G_OPTION_ARG_FILENAME, &raw->root,
         N_("Look for installed milters under DIR"), N_("DIR")},
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static void
add_actions(GOptionContext *context, Raw *raw)
{
    const GOptionEntry entries[] = {{"show-config", 0, 0, G_OPTION_ARG_NONE, &raw->show,
                                     N_("Print the configuration in force and exit"), NULL},
                                    {"check-config", 0, 0, G_OPTION_ARG_NONE, &raw->check,
                                     N_("Check the configuration and exit"), NULL},
                                    {"list-plugins", 0, 0, G_OPTION_ARG_NONE, &raw->list,
                                     N_("List the plugins and exit"), NULL},
                                    {"inspect-plugin", 0, 0, G_OPTION_ARG_FILENAME, &raw->inspect,
                                     N_("Print what the plugin FILE says of itself and exit"),
                                     N_("FILE")},
                                    G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static void
add_log(GOptionContext *context, Raw *raw)
{
    const GOptionEntry entries[] = {
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &raw->verbose, N_("Log everything"), NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &raw->quiet, N_("Log warnings and errors only"), NULL},
        {"log-level", 0, 0, G_OPTION_ARG_FILENAME, &raw->log_level,
         N_("Log up to LEVEL: error, warning, notice, info or debug"), N_("LEVEL")},
        {"log-target", 0, 0, G_OPTION_ARG_FILENAME, &raw->log_target,
         N_("Log to auto, stdout, syslog or journal"), N_("TARGET")},
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static void
add_questions(GOptionContext *context, Raw *raw)
{
    const GOptionEntry entries[] = {
        {"status", 0, 0, G_OPTION_ARG_NONE, &raw->status, N_("Print the state of the running host"),
         NULL},
        {"watch", 0, 0, G_OPTION_ARG_NONE, &raw->watch,
         N_("Print the state of the running host again and again"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &raw->version, N_("Print the version and exit"), NULL},
        G_OPTION_ENTRY_NULL};
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
}

static gboolean
parse(Raw *raw, int *argc, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, _("Passes an MTA's mail through a chain of milters."));
    add_service(context, raw);
    add_process(context, raw);
    add_actions(context, raw);
    add_log(context, raw);
    add_questions(context, raw);
    return g_option_context_parse(context, argc, argv, error);
}

/* ---- What it means. */

/* The words are the command line's; value is printed so that the loader reads back the same. */
static void
override(MmCommandLine *line, const char *key, GVariant *value, const char *origin)
{
    g_autoptr(GVariant) owned = g_variant_ref_sink(value);
    char *text = mm_value_print(owned);
    const MmOverride entry = {key, text, origin};
    g_ptr_array_add(line->words, text);
    g_array_append_val(line->overrides, entry);
}

static void
override_string(MmCommandLine *line, const char *key, const char *value, const char *origin)
{
    if (value)
        override(line, key, g_variant_new_string(value), origin);
}

static void
take_overrides(MmCommandLine *line, const Raw *raw)
{
    override_string(line, "connection-spec", raw->connection_spec, "--connection-spec");
    override_string(line, "user", raw->user_name, "--user-name");
    override_string(line, "group", raw->group_name, "--group-name");
    override_string(line, "unix-socket-group", raw->socket_group, "--socket-group-name");
    override_string(line, "unix-socket-mode", raw->socket_mode, "--unix-socket-mode");
    override_string(line, "pid-file", raw->pid_file, "--pid-file");
    override_string(line, "log-target", raw->log_target, "--log-target");
    if (raw->daemon || raw->no_daemon)
        override(line, "daemon", g_variant_new_boolean(raw->daemon && !raw->no_daemon),
                 raw->no_daemon ? "--no-daemon" : "--daemon");
    if (raw->workers)
        override(line, "workers",
                 g_variant_new_uint32((guint32)g_ascii_strtoull(raw->workers, NULL, 10)),
                 "--workers");
    if (raw->log_level)
        override_string(line, "log-level", raw->log_level, "--log-level");
    else if (raw->verbose)
        override_string(line, "log-level", "debug", "--verbose");
    else if (raw->quiet)
        override_string(line, "log-level", "warning", "--quiet");
}

static MmAction
action_of(const Raw *raw)
{
    if (raw->version)
        return MM_ACTION_VERSION;
    if (raw->show)
        return MM_ACTION_SHOW_CONFIG;
    if (raw->check)
        return MM_ACTION_CHECK_CONFIG;
    if (raw->list)
        return MM_ACTION_LIST_PLUGINS;
    if (raw->inspect)
        return MM_ACTION_INSPECT_PLUGIN;
    if (raw->watch) /* --status --watch too */
        return MM_ACTION_WATCH;
    return raw->status ? MM_ACTION_STATUS : MM_ACTION_SERVE;
}

static gboolean
bad_value(const char *option, const char *value, const char *allowed, GError **error)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s: “%s” is not allowed (%s)"),
                option, value, allowed);
    return FALSE;
}

static gboolean
check_log_options(const Raw *raw, GError **error)
{
    static const char *const targets[] = {"auto", "stdout", "syslog", "journal", NULL};
    MmLogLevel level;
    if (raw->log_level && !mm_log_level_from_name(raw->log_level, &level))
        return bad_value("--log-level", raw->log_level,
                         _("one of: error, warning, notice, info, debug"), error);
    if (raw->log_target && !g_strv_contains(targets, raw->log_target))
        return bad_value("--log-target", raw->log_target,
                         _("one of: auto, stdout, syslog, journal"), error);
    return TRUE;
}

/* What becomes a value of the configuration is text as in its file. */
static gboolean
check_texts(const Raw *raw, GError **error)
{
    const struct {
        const char *option, *value;
    } texts[] = {{"--connection-spec", raw->connection_spec},
                 {"--user-name", raw->user_name},
                 {"--group-name", raw->group_name},
                 {"--socket-group-name", raw->socket_group},
                 {"--unix-socket-mode", raw->socket_mode},
                 {"--pid-file", raw->pid_file},
                 {"--log-level", raw->log_level},
                 {"--log-target", raw->log_target},
                 {"--workers", raw->workers}};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (!texts[i].value || g_utf8_validate(texts[i].value, -1, NULL))
            continue;
        g_autofree char *shown = g_utf8_make_valid(texts[i].value, -1);
        return bad_value(texts[i].option, shown, _("text in UTF-8"), error);
    }
    return TRUE;
}

static gboolean
check_values(const Raw *raw, GError **error)
{
    if (raw->workers && !g_ascii_string_to_unsigned(raw->workers, 10, 0, WORKERS_MAX, NULL, NULL))
        return bad_value("--workers", raw->workers, _("a number from 0 to 1024"), error);
    if (raw->root && !g_file_test(raw->root, G_FILE_TEST_IS_DIR))
        return bad_value("--root", raw->root, _("a folder"), error);
    if (raw->socket_mode && !mm_check_mode(raw->socket_mode, NULL))
        return bad_value("--unix-socket-mode", raw->socket_mode,
                         _("three octal digits, as in 0660"), error);
    if (raw->connection_spec) {
        g_autoptr(MmAddress) address = mm_address_parse(raw->connection_spec, error);
        if (!address)
            return FALSE;
    }
    return check_log_options(raw, error);
}

static gboolean
check_one_action(const Raw *raw, GError **error)
{
    int actions = raw->version + raw->show + raw->check + raw->list + (raw->inspect != NULL) +
                  (raw->status || raw->watch);
    if (actions <= 1)
        return TRUE;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        _("only one of --version, --show-config, --check-config, --list-plugins, "
                          "--inspect-plugin and --status can be done at a time"));
    return FALSE;
}

static gboolean
check(const Raw *raw, int argc, char **argv, GError **error)
{
    if (argc > 1)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("unexpected argument “%s”"),
                    argv[1]);
    else if (raw->daemon && raw->no_daemon)
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                            _("--daemon and --no-daemon exclude each other"));
    else
        return check_texts(raw, error) && check_values(raw, error) && check_one_action(raw, error);
    return FALSE;
}

MmCommandLine *
mm_command_line_parse(int *argc, char ***argv, GError **error)
{
    Raw raw = {0};
    if (!parse(&raw, argc, argv, error) || !check(&raw, *argc, *argv, error)) {
        raw_clear(&raw);
        return NULL;
    }
    MmCommandLine *line = g_new0(MmCommandLine, 1);
    line->overrides = g_array_new(FALSE, FALSE, sizeof(MmOverride));
    line->words = g_ptr_array_new_with_free_func(g_free);
    line->action = action_of(&raw);
    line->config = g_strdup(raw.config);
    line->inspect = g_strdup(raw.inspect);
    line->root = g_strdup(raw.root ? raw.root : "/");
    line->plugin_path = g_steal_pointer(&raw.plugin_path);
    take_overrides(line, &raw);
    raw_clear(&raw);
    return line;
}

static void
make_absolute(char **path)
{
    char *whole = *path ? g_canonicalize_filename(*path, NULL) : NULL;
    g_free(*path);
    *path = whole;
}

void
mm_command_line_make_absolute(MmCommandLine *line)
{
    make_absolute(&line->config);
    make_absolute(&line->root);
    for (char **path = line->plugin_path; path && *path; path++)
        make_absolute(path);
}

void
mm_command_line_free(MmCommandLine *line)
{
    if (!line)
        return;
    g_free(line->config);
    g_free(line->inspect);
    g_free(line->root);
    g_strfreev(line->plugin_path);
    g_array_unref(line->overrides);
    g_ptr_array_unref(line->words);
    g_free(line);
}
