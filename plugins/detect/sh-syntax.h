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
    PART_UNKNOWN,
} PartKind;

struct Part {
    Part *next;
    PartKind kind;
    gboolean quoted;
    char *text;       /* TEXT, ARITHMETIC; VARIABLE: its name */
    char operation;   /* VARIABLE: 0, one of - = + ? # %, or L for ${#name} */
    gboolean doubled; /* VARIABLE: ":" before - = + ?, or a second # or % */
    Word *word;       /* VARIABLE: after the operation */
    Command *command; /* COMMAND: a list */
    const char *why;  /* UNKNOWN: constant, translated */
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
    COMMAND_WHILE,    /* first: test, second: body; until has a COMMAND_NOT */
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
    /* of char *: ends of here-documents to come. Before them "<"; "-" for <<-; if the end is
     * quoted "'", "~". */
    GPtrArray *documents;
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

/* sh-parse.c */
Command *sh_command_new(ShParser *parser, CommandKind kind);
/* Comments and continued lines are blanks, too. */
void sh_skip_blanks(ShParser *parser);
void sh_skip_lines(ShParser *parser);
/* Whether the parser is at the reserved word. */
gboolean sh_is_at(const ShParser *parser, const char *reserved);
/* Lines before it are skipped in any case; FALSE: it is not there. */
gboolean sh_take_reserved(ShParser *parser, const char *reserved);
/* Fails if it is not there. */
void sh_expect(ShParser *parser, const char *reserved);
/* A list up to ")" (which is left) or the end. */
Command *sh_parse_list(ShParser *parser);

/* sh-parse-command.c */
/* All but "!", "|", "&&", "||", ";", "&" between commands. Fails if there is none. */
Command *sh_parse_command(ShParser *parser);

/* sh-parse-document.c */
/* TRUE: there was one, and it is skipped. */
gboolean sh_skip_redirection(ShParser *parser);
/* At the beginning of a line; end is one of parser->documents. */
void sh_skip_document(ShParser *parser, const char *end);

/* sh-parse-word.c */
/* A word at the parser's place, which is no delimiter. */
Word *sh_parse_word(ShParser *parser);
/* An empty word. */
Word *sh_parse_no_word(ShParser *parser);

#endif
