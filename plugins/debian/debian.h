/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     debian.h - what the files of the debian plugin share
 *
 * DESCRIPTION
 *     A milter of a Debian package is started by a unit of systemd or by a script of init.d. Where
 *     systemd is the system's manager a unit hides a script of the same name, and a script without
 *     one is started through it (systemd-sysv-generator(8)): links in rcN.d enable it. Without
 *     systemd scripts alone count.
 */
#ifndef DEBIAN_DEBIAN_H
#define DEBIAN_DEBIAN_H

#include "detect/detect.h"

/* The table of milters. */
const DetectRecord *debian_table(gsize *n);

/* How a service is started. */
typedef struct Service {
    gboolean there; /* FALSE: it is not installed */
    gboolean enabled;
    char *origin;         /* the file that says whether it is enabled */
    Sh *sh;               /* its variables, or NULL */
    GPtrArray *words;     /* of ShWord: the command line, the program first; or NULL */
    char *command_origin; /* "FILE:LINE" of words */
} Service;

/* Looks for a unit, then for a script, of one of the record's names. Problems go to report. */
void service_find(const DetectTree *tree, const DetectRecord *record, Service *service,
                  DetectReport *report);
void service_clear(Service *service);
/* Whether systemd manages the system in the tree. */
gboolean service_has_systemd(const DetectTree *tree);
/* The link in rc2.d to rc5.d that enables a script; NULL: there is none. Free. */
char *service_run_level_link(const DetectTree *tree, const char *name);

#endif
