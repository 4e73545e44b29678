/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words: quotes and expansions. */
#include "detect/sh-syntax.h"

#include "detect/text.h"

#include <string.h>

/* Where a word ends. */
typedef enum Mode {
    MODE_PLAIN,        /* at a delimiter */
    MODE_QUOTED,       /* at the closing double quote */
    MODE_BRACE,        /* at "}" */
    MODE_BRACE_QUOTED, /* at "}", within double quotes: ' is a character as others */
} Mode;

typedef struct Scan {
    ShParser *parser;
    Mode mode;
    gboolean quoted;
    gboolean operand; /* of "${ }" */
    Word *word;
    Part **tail;
    GString *text; /* of the part that is being read */
} Scan;

static void scan(Scan *scan);

gboolean
sh_is_name_start(char c)
{
    return g_ascii_isalpha(c) || c == '_';
}

gboolean
sh_is_name_char(char c)
{
    return g_ascii_isalnum(c) || c == '_';
}

gboolean
sh_is_delimiter(char c)
{
    return c == '\0' || strchr(" \t\n;&|<>()", c) != NULL;
}

static Part *
add_part(Scan *s, PartKind kind, gboolean quoted)
{
    Part *part = sh_parser_node(s->parser, sizeof(Part));
    part->kind = kind;
    part->quoted = quoted;
    *s->tail = part;
    s->tail = &part->next;
    return part;
}

/* What was gathered becomes a part. even_empty: "" is a word, too. */
static void
end_text(Scan *s, gboolean quoted, gboolean even_empty)
{
    if (s->text->len > 0 || even_empty) {
        Part *part = add_part(s, PART_TEXT, quoted);
        part->text = sh_parser_text(s->parser, s->text->str, s->text->len);
    }
    g_string_truncate(s->text, 0);
}

static void
take(Scan *s)
{
    if (*s->parser->at == '\n')
        s->parser->line++;
    g_string_append_c(s->text, *s->parser->at++);
}

static void
scan_single(Scan *s)
{
    end_text(s, FALSE, FALSE);
    s->parser->at++;
    while (*s->parser->at && *s->parser->at != '\'')
        take(s);
    if (!*s->parser->at) {
        sh_parser_fail(s->parser, _("a ' has no end"));
        return;
    }
    s->parser->at++;
    end_text(s, TRUE, TRUE);
}

/* Parts of another mode, added to the same word. */
static void
scan_inside(Scan *s, Mode mode, gboolean quoted)
{
    if (!sh_parser_enter(s->parser))
        return;
    Mode before = s->mode;
    gboolean was_quoted = s->quoted;
    s->mode = mode;
    s->quoted = quoted;
    scan(s);
    s->mode = before;
    s->quoted = was_quoted;
    sh_parser_leave(s->parser);
}

static void
scan_double(Scan *s)
{
    end_text(s, s->quoted, FALSE);
    s->parser->at++;
    scan_inside(s, MODE_QUOTED, TRUE);
    end_text(s, TRUE, TRUE);
    if (*s->parser->at == '"')
        s->parser->at++;
    else
        sh_parser_fail(s->parser, _("a \" has no end"));
}

static Word *
scan_operand(Scan *outer, gboolean quoted)
{
    ShParser *parser = outer->parser;
    Word *word = sh_parse_no_word(parser);
    Scan inner = {.parser = parser,
                  .mode = quoted ? MODE_BRACE_QUOTED : MODE_BRACE,
                  .quoted = quoted,
                  .operand = TRUE,
                  .word = word,
                  .tail = &word->parts,
                  .text = g_string_new(NULL)};
    if (sh_parser_enter(parser)) {
        scan(&inner);
        end_text(&inner, quoted, FALSE);
        sh_parser_leave(parser);
    }
    g_string_free(inner.text, TRUE);
    return word;
}

/* The name of a parameter, moved over; NULL: there is none. */
static char *
scan_name(ShParser *parser)
{
    const char *start = parser->at;
    if (sh_is_name_start(*start)) {
        while (sh_is_name_char(*parser->at))
            parser->at++;
        if (strncmp(parser->at, "\\\n", 2) == 0 && sh_is_name_char(parser->at[2])) {
            sh_parser_fail(parser, _("a name goes on in the next line"));
            return NULL;
        }
    } else if (g_ascii_isdigit(*start)) {
        while (g_ascii_isdigit(*parser->at))
            parser->at++;
    } else if (*start && strchr("@*#?-$!", *start)) {
        parser->at++;
    } else {
        return NULL;
    }
    return sh_parser_text(parser, start, (gsize)(parser->at - start));
}

static void
scan_operation(Scan *s, Part *part)
{
    ShParser *parser = s->parser;
    if (*parser->at == ':') {
        part->doubled = TRUE;
        parser->at++;
    }
    if (!*parser->at || !strchr(part->doubled ? "-=+?" : "-=+?#%", *parser->at)) {
        sh_parser_fail(parser, _("this ${ } is not known"));
        return;
    }
    part->operation = *parser->at++;
    gboolean pattern = part->operation == '#' || part->operation == '%';
    if (pattern && *parser->at == part->operation) {
        part->doubled = TRUE;
        parser->at++;
    }
    part->word = scan_operand(s, s->quoted && !pattern);
}

/* After "${". */
static void
scan_braced(Scan *s)
{
    ShParser *parser = s->parser;
    Part *part = add_part(s, PART_VARIABLE, s->quoted);
    if (*parser->at == '#' && parser->at[1] != '}') {
        parser->at++;
        part->operation = 'L';
    }
    part->text = scan_name(parser);
    if (!part->text) {
        sh_parser_fail(parser, _("after ${ a name is expected"));
        return;
    }
    if (*parser->at != '}' && part->operation != 'L')
        scan_operation(s, part);
    if (*parser->at == '}')
        parser->at++;
    else
        sh_parser_fail(parser, _("a ${ has no end"));
}

/* After "$((". Its value is never known, so only its end is looked for. */
static void
scan_arithmetic(Scan *s)
{
    ShParser *parser = s->parser;
    const char *start = parser->at;
    guint depth = 2;
    Part *part = add_part(s, PART_ARITHMETIC, s->quoted);
    while (*parser->at && depth > 0) {
        if (*parser->at == '(')
            depth++;
        else if (*parser->at == ')')
            depth--;
        else if (*parser->at == '\n')
            parser->line++;
        parser->at++;
    }
    part->text = sh_parser_text(parser, start, (gsize)(parser->at - start));
    if (depth > 0)
        sh_parser_fail(parser, _("a $(( has no end"));
}

/* After "$(". */
static void
scan_command(Scan *s)
{
    ShParser *parser = s->parser;
    Part *part = add_part(s, PART_COMMAND, s->quoted);
    if (sh_parser_enter(parser)) {
        part->command = sh_parse_list(parser);
        sh_parser_leave(parser);
    }
    if (*parser->at == ')')
        parser->at++;
    else
        sh_parser_fail(parser, _("a $( has no end"));
}

/* The text of `...` without the backslashes that are the quotes' own. */
static gboolean
backquoted(Scan *s, GString *inside)
{
    ShParser *parser = s->parser;
    while (*parser->at && *parser->at != '`') {
        if (*parser->at == '\\' && parser->at[1] &&
            strchr(s->quoted ? "$`\\\"" : "$`\\", parser->at[1]))
            parser->at++;
        if (*parser->at == '\n')
            parser->line++;
        g_string_append_c(inside, *parser->at++);
    }
    return *parser->at == '`';
}

/* At "`". What is in it is parsed as a text of its own. */
static void
scan_backquotes(Scan *s)
{
    ShParser *parser = s->parser;
    g_autoptr(GString) inside = g_string_new(NULL);
    guint line = parser->line;
    parser->at++;
    Part *part = add_part(s, PART_COMMAND, s->quoted);
    if (!backquoted(s, inside)) {
        sh_parser_fail(parser, _("a ` has no end"));
        return;
    }
    parser->at++;
    if (!sh_parser_enter(parser))
        return;
    ShParser inner = *parser;
    inner.at = inside->str;
    inner.line = line;
    part->command = sh_parse_list(&inner);
    parser->error = inner.error;
    parser->error_line = inner.error_line;
    if (!parser->error && *inner.at)
        sh_parser_fail(parser, _("this is not expected here: )"));
    if (parser->error)
        parser->at = "";
    sh_parser_leave(parser);
}

static Part *
add_unknown(Scan *s, const char *why)
{
    end_text(s, s->quoted, FALSE);
    Part *part = add_part(s, PART_UNKNOWN, s->quoted);
    part->why = why;
    return part;
}

/* At "$'": what it is differs from one sh to another. */
static void
scan_dollar_single(Scan *s)
{
    ShParser *parser = s->parser;
    parser->at++;
    scan_single(s);
    add_unknown(s, _("it is written with $'...', which not every sh has"));
    if (!parser->error && parser->at[-2] == '\\')
        sh_parser_fail(parser, _("this is not expected here: $'"));
}

static gboolean
is_in_quotes(const Scan *s)
{
    return s->mode == MODE_QUOTED || s->mode == MODE_BRACE_QUOTED;
}

static void
scan_dollar(Scan *s)
{
    ShParser *parser = s->parser;
    if (parser->at[1] == '\'' && !is_in_quotes(s)) {
        scan_dollar_single(s);
        return;
    }
    if (strncmp(parser->at + 1, "\\\n", 2) == 0) {
        sh_parser_fail(parser, _("a name goes on in the next line"));
        return;
    }
    if (parser->at[1] != '{' && parser->at[1] != '(' && !sh_is_name_start(parser->at[1]) &&
        !g_ascii_isdigit(parser->at[1]) && (!parser->at[1] || !strchr("@*#?-$!", parser->at[1]))) {
        take(s);
        return;
    }
    end_text(s, s->quoted, FALSE);
    parser->at++;
    if (*parser->at == '{') {
        parser->at++;
        scan_braced(s);
    } else if (strncmp(parser->at, "((", 2) == 0) {
        parser->at += 2;
        scan_arithmetic(s);
    } else if (*parser->at == '(') {
        parser->at++;
        scan_command(s);
    } else {
        /* Without braces only one digit counts. */
        Part *part = add_part(s, PART_VARIABLE, s->quoted);
        gboolean digit = g_ascii_isdigit(*parser->at);
        part->text = digit ? sh_parser_text(parser, parser->at++, 1) : scan_name(parser);
    }
}

static void
scan_backslash(Scan *s)
{
    ShParser *parser = s->parser;
    if (parser->at[1] == '\n') {
        parser->at += 2;
        parser->line++;
        return;
    }
    gboolean inside = s->mode == MODE_QUOTED || s->mode == MODE_BRACE_QUOTED;
    if (parser->at[1] == '}' && s->mode == MODE_QUOTED && s->operand) {
        add_unknown(s, _("what \\} is here differs from one sh to another"));
        parser->at += 2;
        return;
    }
    const char *special = s->mode == MODE_BRACE_QUOTED ? "$`\"\\}" : "$`\"\\";
    if (!parser->at[1] || (inside && !strchr(special, parser->at[1]))) {
        take(s);
        return;
    }
    if (!inside)
        end_text(s, FALSE, FALSE);
    parser->at++;
    take(s);
    if (!inside)
        end_text(s, TRUE, FALSE);
}

static gboolean
is_end(const Scan *s)
{
    char c = *s->parser->at;
    switch (s->mode) {
    case MODE_PLAIN:
        return sh_is_delimiter(c);
    case MODE_QUOTED:
        return c == '\0' || c == '"';
    default:
        return c == '\0' || c == '}';
    }
}

/* Where "~" is somebody's directory. */
static gboolean
is_tilde(const Scan *s)
{
    if (*s->parser->at != '~' || is_in_quotes(s))
        return FALSE;
    if (s->text->len == 0)
        return !s->word->parts;
    return strchr(":=", s->text->str[s->text->len - 1]) != NULL;
}

static void
scan_tilde(Scan *s)
{
    add_unknown(s, _("it depends on a home directory"));
    s->parser->at++;
}

static void
scan(Scan *s)
{
    while (!is_end(s)) {
        char c = *s->parser->at;
        gboolean in_quotes = is_in_quotes(s);
        if (c == '\\')
            scan_backslash(s);
        else if (c == '\'' && !in_quotes)
            scan_single(s);
        else if (c == '"')
            scan_double(s);
        else if (c == '$')
            scan_dollar(s);
        else if (is_tilde(s))
            scan_tilde(s);
        else if (c == '`') {
            end_text(s, s->quoted, FALSE);
            scan_backquotes(s);
        } else
            take(s);
    }
}

Word *
sh_parse_no_word(ShParser *parser)
{
    Word *word = sh_parser_node(parser, sizeof(Word));
    word->line = parser->line;
    return word;
}

Word *
sh_parse_word(ShParser *parser)
{
    Word *word = sh_parse_no_word(parser);
    Scan s = {.parser = parser,
              .mode = MODE_PLAIN,
              .word = word,
              .tail = &word->parts,
              .text = g_string_new(NULL)};
    scan(&s);
    end_text(&s, FALSE, FALSE);
    g_string_free(s.text, TRUE);
    return word;
}
