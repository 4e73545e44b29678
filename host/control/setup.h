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
    MmWorker *control;
} MmSetup;

/* FALSE with error: the schemas are not installed. line is borrowed. control may be NULL if nothing
 * will be served. */
gboolean mm_setup_init(MmSetup *setup, const MmCommandLine *line, MmWorker *control,
                       GError **error);
void mm_setup_clear(MmSetup *setup);
/* The file in force: --config, or the default if it is there, or NULL. */
const char *mm_setup_file(const MmSetup *setup);
/* The file and the options alone: what stages say is not known yet. NULL if it cannot be read. */
MmConfig *mm_setup_read(const MmSetup *setup, MmProblems *problems);
/* Reads and checks everything. *snapshot is NULL if there is an error; predecessor may be NULL. */
void mm_setup_load(MmSetup *setup, MmSnapshot *predecessor, MmSnapshot **snapshot,
                   MmProblems *problems);
/* Where the control socket of this [manager] is. Free. */
char *mm_setup_control_path(const MmSettings *manager);
/* The configuration in force in the syntax of its file. Free. */
char *mm_setup_print(const MmSnapshot *snapshot);

#endif
