/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sh.h - what variables a shell script would set, found out without running anything
 *
 * DESCRIPTION
 *     An evaluator of the part of sh(1) that rc.conf files, rc.d scripts and files of /etc/default
 *     are written in: words with all kinds of quotes, parameter expansion, assignments, if, case,
 *     for, and/or lists, test, ":", eval, ".", export, readonly, setvar, unset, shift, set, read,
 *     command, exec. It executes no program and writes nothing; it reads the files that "." names,
 *     and answers test -f, through a DetectTree.
 *
 *     What it cannot know it does not guess. A value that depends on the output of a program, on
 *     arithmetic, on a home directory, on the environment, on IFS, on names of files or on another
 *     such value is uncertain; so is a variable that is assigned where it is open whether the line
 *     is reached (a branch after an uncertain test, the body of a while loop or of a function that
 *     is called, what follows a break or return in doubt). So are the arguments in a function. A
 *     variable remembers the file and line that set it and, if uncertain, why. What runs in a
 *     process of its own (a pipe, "( )", "&") changes nothing.
 *
 *     What shells differ in is uncertain, or is read as FreeBSD's sh and dash do. What is not
 *     followed at all (alias, a here-document that sets variables), and an error that ends sh
 *     (${x?}, a readonly variable that is set), is a message with file and line.
 *
 *     Three things are taken for granted: an "exit" in doubt is not reached, after set -e a command
 *     of which the status is not known has not failed, and a text that is not known, evaluated by
 *     eval, sets nothing that is asked for.
 *
 *     Everything is bounded: steps (which also pay for every byte that is produced), nesting of
 *     syntax, of "." and of eval, the length of a value. When a limit is reached evaluation ends,
 *     sh_stopped says so, and every value counts as uncertain.
 *
 *     A file that cannot be read or parsed costs one message. Of a file with an error of syntax
 *     the commands before it count, as in sh.
 *
 * SEE ALSO
 *     POSIX.1-2017, XCU 2 (Shell Command Language).
 */
#ifndef DETECT_SH_H
#define DETECT_SH_H

#include "detect/tree.h"

#define SH_STEPS_MAX 200000u /* one for a command, a word, 64 bytes produced; 100 for a file */
#define SH_VALUE_MAX 65536u  /* bytes */
#define SH_DEPTH_MAX 16u     /* of files and evals */
#define SH_MESSAGES_MAX 32u

typedef struct Sh Sh;

typedef enum ShStatus {
    SH_TRUE,
    SH_FALSE,
    SH_UNKNOWN,
} ShStatus;

/* File and line; file lives as long as the Sh. file NULL: nowhere (set by the caller). */
typedef struct ShPlace {
    const char *file;
    guint line;
} ShPlace;

typedef struct ShVariable {
    char *value;      /* never NULL; what is known of it if it is not certain */
    gboolean certain; /* FALSE: value is not to be used */
    gboolean holes;  /* not certain, but right except for the \001 that stand for what is unknown */
    const char *why; /* not certain: constant, translated text */
    ShPlace place;   /* where it was set last */
} ShVariable;

/* A word after expansion. */
typedef struct ShWord {
    char *text;
    gboolean certain;
    const char *why; /* not certain: constant, translated text, or NULL */
} ShWord;

/* A command that is reached. words is never empty. */
typedef struct ShCall {
    const ShWord *words;
    guint n_words;
    ShPlace place;
    gboolean doubtful; /* it is open whether it is reached */
    GString *output;   /* not NULL: in a command substitution; what it prints is appended */
    ShStatus status;   /* to be set; UNKNOWN before */
    gboolean stop;     /* to be set: nothing is run after this command */
} ShCall;

/* Asked before the commands that are built in. TRUE: it has dealt with the command. */
typedef gboolean (*ShHook)(Sh *sh, ShCall *call, gpointer data);

/* tree is borrowed; NULL: there are no files. hook may be NULL. */
Sh *sh_new(const DetectTree *tree, ShHook hook, gpointer data);
void sh_free(Sh *sh);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sh, sh_free)

void sh_set_hook(Sh *sh, ShHook hook, gpointer data);
/* $0, $1, ...; NULL-terminated, copied. */
void sh_set_arguments(Sh *sh, const char *const *arguments);

/* Runs a text as the contents of file. */
void sh_run(Sh *sh, const char *file, const char *text);
/* Reads and runs a file of the tree. ABSENT is no error; FAILED has left a message. */
DetectRead sh_source(Sh *sh, const char *path);

/* NULL: not set. Valid until the next assignment. */
const ShVariable *sh_get(const Sh *sh, const char *name);
/* The value if it is set and certain, else NULL. */
const char *sh_value(const Sh *sh, const char *name);
/* Sets a certain value; by a hook: uncertain if the call is doubtful. */
void sh_set(Sh *sh, const char *name, const char *value, ShPlace place);
/* The names that are set, sorted; g_free. The names are the Sh's. */
const char **sh_names(const Sh *sh);

/* The words of the first command in text, which is parsed and expanded as eval would; a word with
 * \001 in it is not certain. Elements are ShWord, freed with the array. Never NULL. */
GPtrArray *sh_words(Sh *sh, const char *text);
/* Whether a checkyesno word is yes (TRUE), no (FALSE) or neither (UNKNOWN). */
ShStatus sh_yes_or_no(const char *value);

/* A limit was reached: nothing is certain any more. */
gboolean sh_stopped(const Sh *sh);
/* What went wrong, translated: "FILE:LINE: ...". NULL-terminated, owned by sh. */
const char *const *sh_messages(const Sh *sh);
/* Adds one, unless it is there already or there are too many. place.file NULL: text alone. */
void sh_message(Sh *sh, ShPlace place, const char *text);

#endif
