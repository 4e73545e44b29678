/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of commands, and what all of the parser needs. */
#include "detect/sh-syntax.h"

#include "detect/text.h"

#include <string.h>

gpointer
sh_parser_node(ShParser *parser, gsize size)
{
    gpointer node = g_malloc0(size);
    g_ptr_array_add(parser->nodes, node);
    return node;
}

char *
sh_parser_text(ShParser *parser, const char *text, gsize length)
{
    char *copy = g_strndup(text, length);
    g_ptr_array_add(parser->nodes, copy);
    return copy;
}

void
sh_parser_fail(ShParser *parser, const char *text)
{
    if (!parser->error) {
        parser->error = g_strdup(text);
        parser->error_line = parser->line;
    }
    parser->at = "";
}

gboolean
sh_parser_enter(ShParser *parser)
{
    parser->nesting++;
    if (parser->nesting <= SH_NESTING_MAX)
        return TRUE;
    parser->nesting--;
    sh_parser_fail(parser, _("it is nested too deeply"));
    return FALSE;
}

void
sh_parser_leave(ShParser *parser)
{
    parser->nesting--;
}

/* ---- Blanks and lines. */

static void
end_line(ShParser *parser)
{
    parser->at++;
    parser->line++;
    for (guint i = 0; i < parser->documents->len; i++)
        sh_skip_document(parser, g_ptr_array_index(parser->documents, i));
    g_ptr_array_set_size(parser->documents, 0);
}

void
sh_skip_blanks(ShParser *parser)
{
    for (;;) {
        if (*parser->at == ' ' || *parser->at == '\t') {
            parser->at++;
        } else if (parser->at[0] == '\\' && parser->at[1] == '\n') {
            parser->at += 2;
            parser->line++;
        } else if (*parser->at == '#') {
            parser->at += strcspn(parser->at, "\n");
        } else {
            return;
        }
    }
}

void
sh_skip_lines(ShParser *parser)
{
    sh_skip_blanks(parser);
    while (*parser->at == '\n') {
        end_line(parser);
        sh_skip_blanks(parser);
    }
}

/* ---- Reserved words. */

gboolean
sh_is_at(const ShParser *parser, const char *reserved)
{
    gsize length = strlen(reserved);
    return strncmp(parser->at, reserved, length) == 0 && sh_is_delimiter(parser->at[length]);
}

gboolean
sh_take_reserved(ShParser *parser, const char *reserved)
{
    sh_skip_lines(parser);
    if (!sh_is_at(parser, reserved))
        return FALSE;
    parser->at += strlen(reserved);
    return TRUE;
}

void
sh_expect(ShParser *parser, const char *reserved)
{
    if (sh_take_reserved(parser, reserved) || parser->error)
        return;
    g_autofree char *text = g_strdup_printf(_("“%s” is expected here"), reserved);
    sh_parser_fail(parser, text);
}

/* What ends a list. */
static gboolean
is_at_end(const ShParser *parser)
{
    static const char *const words[] = {"then", "else", "elif", "fi", "do", "done", "esac", "}"};
    if (!*parser->at || *parser->at == ')' || strncmp(parser->at, ";;", 2) == 0)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (sh_is_at(parser, words[i]))
            return TRUE;
    return FALSE;
}

/* ---- Lists. */

Command *
sh_command_new(ShParser *parser, CommandKind kind)
{
    Command *command = sh_parser_node(parser, sizeof(Command));
    command->kind = kind;
    command->line = parser->line;
    return command;
}

static Command *
wrap(ShParser *parser, CommandKind kind, Command *first, Command *second)
{
    Command *command = sh_command_new(parser, kind);
    command->line = first->line;
    command->first = first;
    command->second = second;
    return command;
}

/* "!" and "|". */
static Command *
parse_pipeline(ShParser *parser)
{
    sh_skip_blanks(parser);
    gboolean negated = sh_is_at(parser, "!");
    if (negated) {
        parser->at++;
        sh_skip_blanks(parser);
    }
    Command *command = sh_parse_command(parser);
    while (parser->at[0] == '|' && parser->at[1] != '|') {
        parser->at++;
        sh_skip_lines(parser);
        Command *next = sh_parse_command(parser);
        command = wrap(parser, COMMAND_APART, command, next);
        sh_skip_blanks(parser);
    }
    return negated ? wrap(parser, COMMAND_NOT, command, NULL) : command;
}

static Command *
parse_and_or(ShParser *parser)
{
    Command *command = parse_pipeline(parser);
    for (;;) {
        gboolean both = strncmp(parser->at, "&&", 2) == 0;
        if (!both && strncmp(parser->at, "||", 2) != 0)
            return command;
        parser->at += 2;
        sh_skip_lines(parser);
        Command *second = parse_pipeline(parser);
        command = wrap(parser, both ? COMMAND_AND : COMMAND_OR, command, second);
    }
}

/* After a command of a list. FALSE: the list ends here. */
static gboolean
take_separator(ShParser *parser, Command **command)
{
    sh_skip_blanks(parser);
    if (*parser->at == '&') {
        *command = wrap(parser, COMMAND_APART, *command, NULL);
        parser->at++;
        return TRUE;
    }
    if (*parser->at == ';' && parser->at[1] != ';') {
        parser->at++;
        return TRUE;
    }
    return *parser->at == '\n';
}

Command *
sh_parse_list(ShParser *parser)
{
    Command *first = NULL;
    Command **tail = &first;
    for (;;) {
        sh_skip_lines(parser);
        if (is_at_end(parser))
            return first;
        Command *command = parse_and_or(parser);
        if (parser->error)
            return first;
        gboolean more = take_separator(parser, &command);
        if (parser->error)
            return first;
        *tail = command;
        tail = &command->next;
        if (!more)
            return first;
    }
}

ShProgram *
sh_parse(const char *text, guint line)
{
    ShProgram *program = g_new0(ShProgram, 1);
    program->nodes = g_ptr_array_new_with_free_func(g_free);
    ShParser parser = {.at = text, .line = line, .nodes = program->nodes};
    parser.documents = g_ptr_array_new_with_free_func(g_free);
    program->commands = sh_parse_list(&parser);
    if (*parser.at) {
        g_autofree char *rest = g_strndup(parser.at, MIN(strcspn(parser.at, " \t\n"), 16u));
        g_autofree char *valid = g_utf8_make_valid(rest, -1);
        g_autofree char *message = g_strdup_printf(_("this is not expected here: %s"), valid);
        sh_parser_fail(&parser, message);
    }
    program->has_functions = parser.has_functions;
    program->error = parser.error;
    program->error_line = parser.error_line;
    g_ptr_array_unref(parser.documents);
    return program;
}

void
sh_program_free(ShProgram *program)
{
    if (!program)
        return;
    g_ptr_array_unref(program->nodes);
    g_free(program->error);
    g_free(program);
}
