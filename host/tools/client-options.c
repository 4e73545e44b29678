/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/client-options.h"

#include "base/address.h"
#include "base/i18n.h"
#include "base/standard.h"

#include <stdio.h>
#include <stdlib.h>

gboolean
mm_client_usage(GError **error, const char *option, const char *value, const char *expected)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s: “%s” is not %s"), option,
                value, expected);
    return FALSE;
}

static gboolean
parse(MmClientOptions *options, gboolean *version, int *argc, char ***argv, GError **error)
{
    const GOptionEntry first[] = {
        {"connection-spec", 's', 0, G_OPTION_ARG_FILENAME, &options->connection_spec,
         N_("Listen on SPEC: unix:PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]"), N_("SPEC")},
        G_OPTION_ENTRY_NULL};
    const GOptionEntry last[] = {
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("Print nothing"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, version, N_("Print the version and exit"), NULL},
        G_OPTION_ENTRY_NULL};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("main", NULL, NULL, options, NULL);
    g_option_context_set_summary(context, _("A child milter to test with."));
    g_option_group_add_entries(group, first);
    mm_client_add_answers(group);
    mm_client_add_edits(group);
    mm_client_add_negotiation(group);
    g_option_group_add_entries(group, last);
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

void
mm_client_options_free(MmClientOptions *options)
{
    if (!options)
        return;
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        mm_client_reply_clear(&options->replies[i]);
        g_free(options->macros[i]);
    }
    g_ptr_array_unref(options->edits);
    g_free(options->connection_spec);
    g_free(options);
}

MmClientOptions *
mm_client_options_parse(int *argc, char ***argv, GError **error)
{
    MmClientOptions *options = g_new0(MmClientOptions, 1);
    gboolean version = FALSE;
    options->edits = g_ptr_array_new_with_free_func(mm_client_edit_free);
    if (parse(options, &version, argc, argv, error)) {
        if (version) {
            printf("milter-test-client %s\n", MM_VERSION);
            exit(mm_standard_end("milter-test-client", EXIT_SUCCESS));
        }
        if (check(options, *argc > 1 ? (*argv)[1] : NULL, error))
            return options;
    }
    mm_client_options_free(options);
    return NULL;
}
