/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sh-syntax.h - a shell script as a tree
 *
 * DESCRIPTION
 *     sh_parse turns a text into commands. Redirections and the bodies of here-documents are
 *     skipped: they set no variable. Nodes and texts are owned by the program and immutable.
 */
#ifndef DETECT_SH_SYNTAX_H
#define DETECT_SH_SYNTAX_H

#include <glib.h>

#define SH_NESTING_MAX 64u /* of commands and words in one another */

typedef struct Command Command;
typedef struct Word Word;
typedef struct Part Part;

typedef enum PartKind {
    PART_TEXT,
    PART_VARIABLE,
    PART_COMMAND,    /* $(...) and `...` */
    PART_ARITHMETIC, /* $((...)) */
} PartKind;

struct Part {
    Part *next;
    PartKind kind;
    gboolean quoted;
    char *text;       /* TEXT; VARIABLE: its name */
    char operation;   /* VARIABLE: 0, one of - = + ? # %, or L for ${#name} */
    gboolean doubled; /* VARIABLE: ":" before - = + ?, or a second # or % */
    Word *word;       /* VARIABLE: after the operation */
    Command *command; /* COMMAND: a list */
};

struct Word {
    Word *next;
    Part *parts; /* NULL: empty */
    guint line;
};

typedef struct Assignment {
    struct Assignment *next;
    char *name;
    Word *value;
    guint line;
} Assignment;

typedef struct CaseItem {
    struct CaseItem *next;
    Word *patterns;
    Command *body;
} CaseItem;

typedef enum CommandKind {
    COMMAND_SIMPLE,
    COMMAND_IF,       /* first: test, second: then, third: else (a list; elif is an if in it) */
    COMMAND_CASE,     /* words: the subject; items */
    COMMAND_FOR,      /* name, words, first: body; over_arguments: no "in" */
    COMMAND_WHILE,    /* first: test, second: body; until too */
    COMMAND_GROUP,    /* first */
    COMMAND_FUNCTION, /* name, first: body */
    COMMAND_AND,      /* first && second */
    COMMAND_OR,       /* first || second */
    COMMAND_NOT,      /* first */
    COMMAND_APART,    /* a subshell, a pipe or "&": changes nothing here */
} CommandKind;

struct Command {
    Command *next; /* in a list */
    CommandKind kind;
    guint line;
    Assignment *assignments;
    Word *words;
    char *name;
    gboolean over_arguments;
    CaseItem *items;
    Command *first, *second, *third;
};

typedef struct ShProgram {
    Command *commands; /* a list; NULL: empty */
    char *error;       /* NULL, or what is wrong at error_line; translated */
    guint error_line;
    gboolean has_functions;
    GPtrArray *nodes;
} ShProgram;

/* Never NULL. line: number of the first line. */
ShProgram *sh_parse(const char *text, guint line);
void sh_program_free(ShProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShProgram, sh_program_free)

/* ---- What the parser's files share. */

typedef struct ShParser {
    const char *at;
    guint line;
    guint nesting;
    GPtrArray *nodes;
    GPtrArray *documents; /* of char *: ends of here-documents to come; '-' before those of <<- */
    gboolean has_functions;
    char *error;
    guint error_line;
} ShParser;

gpointer sh_parser_node(ShParser *parser, gsize size);
char *sh_parser_text(ShParser *parser, const char *text, gsize length);
/* The first error stays; the parser stands at the end of the text afterwards. */
void sh_parser_fail(ShParser *parser, const char *text);
/* FALSE: too deep, and failed. */
gboolean sh_parser_enter(ShParser *parser);
void sh_parser_leave(ShParser *parser);
gboolean sh_is_name_start(char c);
gboolean sh_is_name_char(char c);
/* Ends a word: a blank, an operator, the end. */
gboolean sh_is_delimiter(char c);

/* sh-parse-word.c */
/* A word at the parser's place, which is no delimiter. */
Word *sh_parse_word(ShParser *parser);
/* An empty word. */
Word *sh_parse_no_word(ShParser *parser);
/* sh-parse.c: a list up to ")" (which is left) or the end. */
Command *sh_parse_list(ShParser *parser);

#endif
