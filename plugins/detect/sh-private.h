/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sh-private.h - what the files of the evaluator share
 */
#ifndef DETECT_SH_PRIVATE_H
#define DETECT_SH_PRIVATE_H

#include "detect/sh-syntax.h"
#include "detect/sh.h"

/* Why the commands after this one are not run. */
typedef enum Flow {
    FLOW_ON,
    FLOW_BREAK,
    FLOW_CONTINUE,
    FLOW_RETURN, /* from a function or a file */
    FLOW_EXIT,
} Flow;

struct Sh {
    const DetectTree *tree;
    ShHook hook;
    gpointer data;
    GHashTable *variables; /* name -> ShVariable */
    GHashTable *constants; /* names that are readonly */
    GHashTable *functions; /* name -> GPtrArray of Command, of a program in programs: the bodies
                              that it may have */
    GHashTable *files;     /* names of files, for places */
    GPtrArray *programs;   /* ShProgram: functions live in them */
    GPtrArray *arguments;  /* char *: $0, $1, ... */
    GPtrArray *messages;   /* char *, the last one NULL */
    const char *file;      /* that is being run */
    guint steps;
    guint depth;             /* of files and evals */
    guint doubt;             /* > 0: it is open whether this is reached */
    guint changes;           /* how often a variable became uncertain */
    guint in_functions;      /* around what is run */
    guint in_loops;          /* around what is run */
    guint leaves_loops;      /* FLOW_BREAK, FLOW_CONTINUE: so many loops */
    guint may_leave;         /* loops that a break in doubt may leave */
    guint guarded;           /* > 0: set -e does not count: the status is asked for */
    gboolean ends_on_error;  /* set -e */
    gboolean ends_on_unset;  /* set -u */
    gboolean arguments_open; /* what $1 and the others are is not known */
    Flow flow;
    gboolean stopped;
    gboolean substituted; /* a $(...) was expanded in this command */
    ShStatus status;      /* of the last command: $? */
};

/* A text that is being put together. */
typedef struct ShText {
    GString *text;
    gboolean certain;
    const char *why; /* constant, translated; not certain only */
} ShText;

void sh_text_init(ShText *text);
void sh_text_clear(ShText *text);
void sh_text_doubt(ShText *text, const char *why);

/* Pays; FALSE: the limit is reached. */
gboolean sh_pay(Sh *sh, gsize bytes);
/* A name of a file that lives as long as the Sh. */
const char *sh_keep_name(Sh *sh, const char *file);
/* Sets a variable to text, in doubt if the place is. */
void sh_assign(Sh *sh, const char *name, const ShText *text, ShPlace place);
void sh_unset(Sh *sh, const char *name, ShPlace place);
/* What it is now counts no more: it may have been set otherwise. */
void sh_make_uncertain(Sh *sh, const char *name, const char *why, ShPlace place);
ShPlace sh_place(const Sh *sh, guint line);
/* An error that ends sh. In doubt it is taken that it is not reached. */
void sh_end(Sh *sh, ShPlace place, const char *text);

/* ---- sh-expand.c */

/* Where the characters go. fields NULL: one text, nothing is split. */
typedef struct Out {
    Sh *sh;
    ShText current;
    GPtrArray *fields;
    guint line;
    guint operands;    /* around: what stands there is split as a value is */
    gboolean begun;    /* current is a field, be it empty */
    gboolean brackets; /* fields: a "[" of a pattern is open */
    gboolean patterns; /* quoted characters get a backslash */
} Out;

void sh_put_text(Out *out, const char *text, gboolean quoted);
void sh_put_unknown(Out *out, const char *why);
/* What stands after the operation of "${ }". */
void sh_put_operand(Out *out, const Word *word);
void sh_end_field(Out *out);

/* As the value of an assignment: no splitting. */
void sh_expand_value(Sh *sh, const Word *word, ShText *out);
/* With the characters that were quoted marked by backslashes: for sh_match. */
void sh_expand_pattern(Sh *sh, const Word *word, ShText *out);
/* All words, split; elements are ShWord. declares: words that begin with NAME= are values. */
GPtrArray *sh_expand_words(Sh *sh, const Word *words, gboolean declares);
void sh_word_clear(gpointer word);

/* ---- sh-parameter.c */
/* "$name" and "${name...}". */
void sh_put_variable(Out *out, const Part *part);
/* "$(( ))" may set variables. */
void sh_doubt_arithmetic(Sh *sh, const char *text, guint line);
/* IFS is what it is at the beginning. */
gboolean sh_splits_as_usual(const Sh *sh);

/* ---- sh-pattern.c */
/* Whether all of text matches. Pays by what it looks at; FALSE if that is too much. */
gboolean sh_match(Sh *sh, const char *pattern, const char *text, gsize length);
/* Removes the smallest or largest prefix (suffix) that matches: ${v#p} and its like. */
void sh_trim(Sh *sh, GString *text, const char *pattern, gboolean suffix, gboolean largest);

/* ---- sh-run.c */
void sh_run_list(Sh *sh, const Command *list);
/* What is run here may or may not be reached: how it ends is of no account. */
void sh_run_in_doubt(Sh *sh, const Command *list);
/* Parses text and runs it: file is its name. */
void sh_run_text(Sh *sh, const char *file, guint line, const char *text);

/* ---- sh-simple.c */
void sh_run_simple(Sh *sh, const Command *command);
/* "/usr/local/sbin/x -p y &": changes nothing here, but the hook sees which program is started. */
void sh_run_apart(Sh *sh, const Command *command);
/* The output of a command substitution: "$(...)". FALSE: it is not known. */
gboolean sh_run_for_output(Sh *sh, const Command *list, GString *output);
/* words: of ShWord, the command first. */
void sh_call(Sh *sh, const ShWord *words, guint n, ShPlace place);

/* ---- sh-loop.c */
void sh_run_for(Sh *sh, const Command *command);
void sh_run_while(Sh *sh, const Command *command);
/* break and continue: flow out of so many loops. */
void sh_leave_loops(Sh *sh, Flow flow, guint loops);

/* ---- sh-builtin.c, sh-declare.c, sh-test.c */
/* TRUE: it is a command that is built in, and was run; sh->status is set. */
gboolean sh_builtin(Sh *sh, ShCall *call);
/* export, readonly, local. */
gboolean sh_is_declaring(const char *command);
void sh_do_declare(Sh *sh, ShCall *call);
void sh_do_setvar(Sh *sh, ShCall *call);
void sh_do_unset(Sh *sh, ShCall *call);
void sh_do_read(Sh *sh, ShCall *call);
void sh_do_getopts(Sh *sh, ShCall *call);
void sh_do_set(Sh *sh, ShCall *call);
void sh_do_shift(Sh *sh, ShCall *call);
ShStatus sh_test(const Sh *sh, const ShWord *words, guint n);
ShStatus sh_not(ShStatus status);

#endif
