/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     rc-subr.h - what FreeBSD's rc.subr makes of a script: its variables and its command line
 *
 * DESCRIPTION
 *     A script of rc.d is evaluated (sh.h) up to load_rc_config NAME; there the files are read that
 *     rc.subr reads, in its order, the later winning:
 *
 *         /etc/defaults/rc.conf, which reads /etc/defaults/vendor.conf
 *         the files of $rc_conf_files, then those that these added to it
 *         rc.conf.d/NAME, a file or a directory, in /etc and beside each directory of
 * $local_startup
 *
 *     then the rest of the script, as far as run_rc_command. Without /etc/defaults/rc.conf only
 *     /etc/rc.conf is read. NAME is what the script says, not the name of its file. The command
 *     line is "$command $NAME_flags $command_args", expanded once more, as rc.subr does by eval.
 *
 *     The script is evaluated as if called with "start", and with a profile as the second argument
 *     if one is given: so the scripts' own code finds a profile's values.
 *
 *     A script that has an rcvar but does not load its configuration gets what rc has loaded at
 * boot: the files without rc.conf.d. One that does not use rc.subr at all is evaluated the same
 * way; its command line is the first call of one of the programs that are asked for.
 *
 * SEE ALSO
 *     rc.subr(8), rc.conf(5), FreeBSD libexec/rc/rc.subr.
 */
#ifndef DETECT_RC_SUBR_H
#define DETECT_RC_SUBR_H

#include "detect/sh.h"

typedef struct RcSystem RcSystem;

/* tree is borrowed. files: in place of $rc_conf_files; NULL or empty: as rc.subr. */
RcSystem *rc_system_new(const DetectTree *tree, const char *const *files);
void rc_system_free(RcSystem *system);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RcSystem, rc_system_free)
const DetectTree *rc_system_tree(const RcSystem *system);
/* The variables of the files that all services read. */
Sh *rc_system_shell(const RcSystem *system);
/* Directories with scripts: /etc/rc.d, $local_startup (/usr/local/etc/rc.d if that is not set). */
const char *const *rc_system_startup(const RcSystem *system);

typedef struct RcScript {
    const RcSystem *system; /* borrowed */
    char *path;
    Sh *sh;                /* all variables, as they are when the service would be started */
    char *name;            /* NAME; NULL: it has none that is certain */
    char *rcvar;           /* the variable that enables it; NULL: none that is certain */
    gboolean loaded;       /* it calls load_rc_config */
    gboolean uses_rc_subr; /* it does, or leaves that to rc at boot */
    GPtrArray *words;      /* of ShWord: the command line; empty: not known */
} RcScript;

/* programs: names of files, for scripts without rc.subr; NULL: none. profile: NULL: none. Never
 * returns NULL: a script that cannot be read has a message in sh and nothing else. */
RcScript *rc_script_new(const RcSystem *system, const char *path, const char *profile,
                        const char *const *programs);
void rc_script_free(RcScript *script);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RcScript, rc_script_free)

#endif
