/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     rc-conf.h - the milters that FreeBSD's rc.conf enables
 *
 * DESCRIPTION
 *     Of each record the scripts are looked for in the startup directories and evaluated as
 *     rc.subr would (rc-subr.h). A milter whose script is not there is not installed, whatever
 *     rc.conf says of it, and not found. Enabled is what checkyesno says of the script's rcvar;
 *     what is uncertain is not enabled, with a warning.
 */
#ifndef RC_CONF_H
#define RC_CONF_H

#include "detect/detect.h"
#include "detect/rc-subr.h"

extern const DetectRecord rc_conf_table[];
extern const gsize rc_conf_table_size;

/* Adds to report. files: in place of $rc_conf_files; milters: names that are wanted; both may be
 * empty. */
void rc_conf_find(const DetectTree *tree, const char *const *files, const char *const *milters,
                  const DetectRecords *records, DetectReport *report);

/* enable.c: whether rc.subr would start it. profile may be NULL. Fills enabled and its origin. */
void rc_conf_decide(const RcScript *script, const DetectRecord *record, const char *profile,
                    DetectFound *found, DetectReport *report);

#endif
