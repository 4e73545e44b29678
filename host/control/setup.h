/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     setup.h - from a command line to a configuration and a snapshot
 */
#ifndef MM_CONTROL_SETUP_H
#define MM_CONTROL_SETUP_H

#include "chain/snapshot.h"
#include "control/options.h"

/* What stays the same over reloads. */
typedef struct MmSetup {
    const MmCommandLine *line;
    MmSchemas *schemas;
    MmRegistry *registry;
    MmWorker *control; /* NULL: nothing is served */
    MmSettings *fixed; /* [manager] as the host was started with; NULL: it is not yet */
} MmSetup;

/* FALSE with error: the schemas are not installed. line is borrowed. */
gboolean mm_setup_init(MmSetup *setup, const MmCommandLine *line, GError **error);
void mm_setup_clear(MmSetup *setup);
/* From now on the keys that only a restart changes keep the values they have in manager: another
 * one in the file is a warning. */
void mm_setup_fix(MmSetup *setup, MmSettings *manager);
/* The file in force: --config, or the default if it is there, or NULL. */
const char *mm_setup_file(const MmSetup *setup);
/* The file and the options alone: what stages say is not known yet. NULL if it cannot be read. */
MmConfig *mm_setup_read(const MmSetup *setup, MmProblems *problems);
/* Searches plugins where the options and [manager] say; mm_setup_build does it itself. */
void mm_setup_use_plugin_path(MmSetup *setup, const MmSettings *manager);
/* What was read, with plugins and detectors. NULL if problems has an error, also one from before;
 * predecessor may be NULL. */
MmSnapshot *mm_setup_build(MmSetup *setup, const MmConfig *config, MmSnapshot *predecessor,
                           MmProblems *problems);
/* Both. *snapshot is NULL if there is an error. */
void mm_setup_load(MmSetup *setup, MmSnapshot *predecessor, MmSnapshot **snapshot,
                   MmProblems *problems);
/* The configuration in force in the syntax of its file. Free. */
char *mm_setup_print(const MmSetup *setup, const MmSnapshot *snapshot);

#endif
