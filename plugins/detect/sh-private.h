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
    GHashTable *functions; /* name -> Command, of a program in programs */
    GHashTable *files;     /* names of files, for places */
    GPtrArray *programs;   /* ShProgram: functions live in them */
    GPtrArray *arguments;  /* char *: $0, $1, ... */
    GPtrArray *messages;   /* char *, the last one NULL */
    const char *file;      /* that is being run */
    guint steps;
    guint depth; /* of files and evals */
    guint doubt; /* > 0: it is open whether this is reached */
    Flow flow;
    gboolean stopped;
    gboolean substituted; /* a $(...) was expanded since this was cleared */
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
void sh_unset(Sh *sh, const char *name);
ShPlace sh_place(const Sh *sh, guint line);

/* ---- sh-expand.c */
/* As the value of an assignment: no splitting. */
void sh_expand_value(Sh *sh, const Word *word, ShText *out);
/* With the characters that were quoted marked by backslashes: for sh_match. */
void sh_expand_pattern(Sh *sh, const Word *word, ShText *out);
/* All words, split; elements are ShWord. */
GPtrArray *sh_expand_words(Sh *sh, const Word *words);
void sh_word_clear(gpointer word);
/* The words of a command substitution's output: "$(...)". FALSE: they are not known. */
gboolean sh_run_for_output(Sh *sh, const Command *list, GString *output);

/* ---- sh-pattern.c */
/* Whether all of text matches. Pays by what it looks at; FALSE if that is too much. */
gboolean sh_match(Sh *sh, const char *pattern, const char *text, gsize length);
/* Removes the smallest or largest prefix (suffix) that matches: ${v#p} and its like. */
void sh_trim(Sh *sh, GString *text, const char *pattern, gboolean suffix, gboolean largest);

/* ---- sh-run.c */
void sh_run_list(Sh *sh, const Command *list);
/* Parses text and runs it: file is its name. */
void sh_run_text(Sh *sh, const char *file, guint line, const char *text);

/* ---- sh-builtin.c, sh-test.c */
/* TRUE: it is a command that is built in, and was run; sh->status is set. */
gboolean sh_builtin(Sh *sh, ShCall *call);
ShStatus sh_test(const Sh *sh, const ShWord *words, guint n);
ShStatus sh_not(ShStatus status);

#endif
