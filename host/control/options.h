/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     options.h - the command line of milter-manager
 */
#ifndef MM_CONTROL_OPTIONS_H
#define MM_CONTROL_OPTIONS_H

#include "config/config.h"

typedef enum MmAction {
    MM_ACTION_SERVE,
    MM_ACTION_SHOW_CONFIG,
    MM_ACTION_CHECK_CONFIG,
    MM_ACTION_LIST_PLUGINS,
    MM_ACTION_INSPECT_PLUGIN,
    MM_ACTION_STATUS,
    MM_ACTION_WATCH,
    MM_ACTION_VERSION,
} MmAction;

typedef struct MmCommandLine {
    MmAction action;
    char *config;       /* NULL: the default file, if it is there */
    char *inspect;      /* INSPECT_PLUGIN */
    char *root;         /* "/" without --root */
    char **plugin_path; /* NULL: none; searched first */
    GArray *overrides;  /* of MmOverride; strings owned by words */
    GPtrArray *words;
} MmCommandLine;

/* NULL with error (G_OPTION_ERROR): usage. --help prints and exits. */
MmCommandLine *mm_command_line_parse(int *argc, char ***argv, GError **error);
/* Paths go on to mean the same after a change of the working directory. */
void mm_command_line_make_absolute(MmCommandLine *line);
void mm_command_line_free(MmCommandLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmCommandLine, mm_command_line_free)

#endif
