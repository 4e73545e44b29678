/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands and lists of them. */
#include "detect/sh-syntax.h"

#include "detect/text.h"

#include <string.h>

static Command *parse_and_or(ShParser *parser);

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

/* ---- Blanks, lines, here-documents. */

static void
skip_document(ShParser *parser, const char *end)
{
    gboolean tabs = *end == '-';
    end++;
    while (*parser->at) {
        const char *line = parser->at;
        gsize length = strcspn(line, "\n");
        parser->at += length;
        if (*parser->at == '\n') {
            parser->at++;
            parser->line++;
        }
        for (; tabs && length > 0 && *line == '\t'; length--)
            line++;
        if (length == strlen(end) && strncmp(line, end, length) == 0)
            return;
    }
}

static void
end_line(ShParser *parser)
{
    parser->at++;
    parser->line++;
    for (guint i = 0; i < parser->documents->len; i++)
        skip_document(parser, g_ptr_array_index(parser->documents, i));
    g_ptr_array_set_size(parser->documents, 0);
}

static void
skip_blanks(ShParser *parser)
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

static void
skip_lines(ShParser *parser)
{
    skip_blanks(parser);
    while (*parser->at == '\n') {
        end_line(parser);
        skip_blanks(parser);
    }
}

/* ---- Reserved words. */

static gboolean
is_at(const ShParser *parser, const char *reserved)
{
    gsize length = strlen(reserved);
    return strncmp(parser->at, reserved, length) == 0 && sh_is_delimiter(parser->at[length]);
}

static gboolean
take_reserved(ShParser *parser, const char *reserved)
{
    skip_lines(parser);
    if (!is_at(parser, reserved))
        return FALSE;
    parser->at += strlen(reserved);
    return TRUE;
}

static void
expect(ShParser *parser, const char *reserved)
{
    if (take_reserved(parser, reserved) || parser->error)
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
        if (is_at(parser, words[i]))
            return TRUE;
    return FALSE;
}

/* ---- Redirections. */

/* "2>", "<": moved over; NULL: there is none. */
static const char *
take_redirection(ShParser *parser)
{
    const char *start = parser->at;
    const char *at = start + strspn(start, "0123456789");
    if (*at != '<' && *at != '>')
        return NULL;
    start = at++;
    if (*start == '<' && *at == '<')
        at += at[1] == '-' ? 2 : 1;
    else if (*at == '>' || *at == '&' || *at == '|')
        at++;
    parser->at = at;
    return start;
}

static void
note_document(ShParser *parser, gboolean tabs, const Word *word)
{
    g_autoptr(GString) end = g_string_new(tabs ? "-" : " ");
    for (const Part *part = word->parts; part; part = part->next)
        g_string_append(end, part->kind == PART_TEXT ? part->text : "");
    g_ptr_array_add(parser->documents, g_strdup(end->str));
}

/* TRUE: there was one, and it is skipped. */
static gboolean
skip_redirection(ShParser *parser)
{
    const char *sign = take_redirection(parser);
    if (!sign)
        return FALSE;
    skip_blanks(parser);
    if (sh_is_delimiter(*parser->at)) {
        sh_parser_fail(parser, _("a redirection names no file"));
        return TRUE;
    }
    const Word *word = sh_parse_word(parser);
    if (!parser->error && strncmp(sign, "<<", 2) == 0)
        note_document(parser, sign[2] == '-', word);
    return TRUE;
}

/* ---- Commands. */

static Command *
command_new(ShParser *parser, CommandKind kind)
{
    Command *command = sh_parser_node(parser, sizeof(Command));
    command->kind = kind;
    command->line = parser->line;
    return command;
}

/* "NAME=" at the parser's place: its length without "=", or 0. */
static gsize
assignment_length(const ShParser *parser)
{
    const char *at = parser->at;
    if (!sh_is_name_start(*at))
        return 0;
    while (sh_is_name_char(*at))
        at++;
    return *at == '=' ? (gsize)(at - parser->at) : 0;
}

static Assignment *
parse_assignment(ShParser *parser, gsize length)
{
    Assignment *assignment = sh_parser_node(parser, sizeof(Assignment));
    assignment->line = parser->line;
    assignment->name = sh_parser_text(parser, parser->at, length);
    parser->at += length + 1;
    assignment->value = sh_parse_word(parser);
    return assignment;
}

static const char *
plain_text(const Word *word)
{
    const Part *part = word ? word->parts : NULL;
    return part && part->kind == PART_TEXT && !part->quoted && !part->next ? part->text : NULL;
}

/* "NAME ()": the body follows. */
static gboolean
take_parentheses(ShParser *parser)
{
    const char *at = parser->at + strspn(parser->at, " \t");
    if (*at != '(')
        return FALSE;
    at++;
    at += strspn(at, " \t");
    if (*at != ')')
        return FALSE;
    parser->at = at + 1;
    return TRUE;
}

static Command *
parse_function(ShParser *parser, Command *command)
{
    command->kind = COMMAND_FUNCTION;
    parser->has_functions = TRUE;
    command->name = command->words->parts->text;
    skip_lines(parser);
    command->first = parse_and_or(parser);
    return command;
}

static Command *
parse_simple(ShParser *parser)
{
    Command *command = command_new(parser, COMMAND_SIMPLE);
    Assignment **assignment = &command->assignments;
    Word **word = &command->words;
    for (;;) {
        skip_blanks(parser);
        if (skip_redirection(parser))
            continue;
        if (sh_is_delimiter(*parser->at))
            break;
        gsize length = command->words ? 0 : assignment_length(parser);
        if (length > 0) {
            *assignment = parse_assignment(parser, length);
            assignment = &(*assignment)->next;
            continue;
        }
        *word = sh_parse_word(parser);
        if (*word == command->words && !command->assignments && plain_text(*word) &&
            take_parentheses(parser))
            return parse_function(parser, command);
        word = &(*word)->next;
    }
    return command;
}

/* After "if" or "elif". */
static Command *
parse_if(ShParser *parser)
{
    Command *command = command_new(parser, COMMAND_IF);
    if (!sh_parser_enter(parser))
        return command;
    command->first = sh_parse_list(parser);
    expect(parser, "then");
    command->second = sh_parse_list(parser);
    if (take_reserved(parser, "elif")) {
        command->third = parse_if(parser);
    } else {
        if (take_reserved(parser, "else"))
            command->third = sh_parse_list(parser);
        expect(parser, "fi");
    }
    sh_parser_leave(parser);
    return command;
}

static Word *
parse_patterns(ShParser *parser)
{
    Word *first = NULL;
    Word **word = &first;
    if (*parser->at == '(')
        parser->at++;
    for (;;) {
        skip_blanks(parser);
        if (sh_is_delimiter(*parser->at))
            break;
        *word = sh_parse_word(parser);
        word = &(*word)->next;
        skip_blanks(parser);
        if (*parser->at != '|')
            break;
        parser->at++;
    }
    if (*parser->at == ')')
        parser->at++;
    else
        sh_parser_fail(parser, _("“)” is expected here"));
    return first;
}

static Command *
parse_case(ShParser *parser)
{
    Command *command = command_new(parser, COMMAND_CASE);
    CaseItem **item = &command->items;
    skip_blanks(parser);
    command->words =
        sh_is_delimiter(*parser->at) ? sh_parse_no_word(parser) : sh_parse_word(parser);
    expect(parser, "in");
    skip_lines(parser);
    while (*parser->at && !is_at(parser, "esac")) {
        *item = sh_parser_node(parser, sizeof(CaseItem));
        (*item)->patterns = parse_patterns(parser);
        (*item)->body = sh_parse_list(parser);
        item = &(*item)->next;
        skip_lines(parser);
        if (strncmp(parser->at, ";;", 2) == 0)
            parser->at += 2;
        else if (!is_at(parser, "esac"))
            sh_parser_fail(parser, _("“;;” or “esac” is expected here"));
        skip_lines(parser);
    }
    expect(parser, "esac");
    return command;
}

static void
parse_loop_body(ShParser *parser, Command **body)
{
    skip_lines(parser);
    if (*parser->at == ';') {
        parser->at++;
        skip_lines(parser);
    }
    expect(parser, "do");
    *body = sh_parse_list(parser);
    expect(parser, "done");
}

static Command *
parse_for(ShParser *parser)
{
    Command *command = command_new(parser, COMMAND_FOR);
    skip_blanks(parser);
    const char *start = parser->at;
    while (sh_is_name_char(*parser->at))
        parser->at++;
    command->name = sh_parser_text(parser, start, (gsize)(parser->at - start));
    if (!sh_is_name_start(*start))
        sh_parser_fail(parser, _("after “for” a name is expected"));
    command->over_arguments = !take_reserved(parser, "in");
    Word **word = &command->words;
    for (skip_blanks(parser); !sh_is_delimiter(*parser->at) && !command->over_arguments;
         skip_blanks(parser)) {
        *word = sh_parse_word(parser);
        word = &(*word)->next;
    }
    parse_loop_body(parser, &command->first);
    return command;
}

static Command *
parse_while(ShParser *parser)
{
    Command *command = command_new(parser, COMMAND_WHILE);
    command->first = sh_parse_list(parser);
    parse_loop_body(parser, &command->second);
    return command;
}

/* After "{" or "(". */
static Command *
parse_group(ShParser *parser, CommandKind kind)
{
    Command *command = command_new(parser, kind);
    command->first = sh_parse_list(parser);
    if (kind == COMMAND_GROUP)
        expect(parser, "}");
    else if (*parser->at == ')')
        parser->at++;
    else
        sh_parser_fail(parser, _("“)” is expected here"));
    return command;
}

static Command *
parse_compound(ShParser *parser)
{
    if (*parser->at == '(') {
        parser->at++;
        return parse_group(parser, COMMAND_APART);
    }
    if (take_reserved(parser, "{"))
        return parse_group(parser, COMMAND_GROUP);
    if (take_reserved(parser, "if"))
        return parse_if(parser);
    if (take_reserved(parser, "case"))
        return parse_case(parser);
    if (take_reserved(parser, "for"))
        return parse_for(parser);
    if (take_reserved(parser, "while") || take_reserved(parser, "until"))
        return parse_while(parser);
    return NULL;
}

static Command *
parse_command(ShParser *parser)
{
    Command *command = NULL;
    if (!sh_parser_enter(parser))
        return command_new(parser, COMMAND_SIMPLE);
    command = parse_compound(parser);
    if (command) {
        do
            skip_blanks(parser);
        while (skip_redirection(parser));
    } else {
        command = parse_simple(parser);
    }
    sh_parser_leave(parser);
    return command;
}

static Command *
wrap(ShParser *parser, CommandKind kind, Command *first, Command *second)
{
    Command *command = command_new(parser, kind);
    command->line = first->line;
    command->first = first;
    command->second = second;
    return command;
}

/* "!" and "|". */
static Command *
parse_pipeline(ShParser *parser)
{
    skip_blanks(parser);
    gboolean negated = is_at(parser, "!");
    if (negated) {
        parser->at++;
        skip_blanks(parser);
    }
    Command *command = parse_command(parser);
    while (parser->at[0] == '|' && parser->at[1] != '|') {
        parser->at++;
        skip_lines(parser);
        Command *next = parse_command(parser);
        command = wrap(parser, COMMAND_APART, command, next);
        skip_blanks(parser);
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
        skip_lines(parser);
        Command *second = parse_pipeline(parser);
        command = wrap(parser, both ? COMMAND_AND : COMMAND_OR, command, second);
    }
}

/* After a command of a list. FALSE: the list ends here. */
static gboolean
take_separator(ShParser *parser, Command **command)
{
    skip_blanks(parser);
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
        skip_lines(parser);
        if (is_at_end(parser))
            return first;
        const char *start = parser->at;
        Command *command = parse_and_or(parser);
        if (parser->error)
            return first;
        gboolean more = take_separator(parser, &command);
        if (parser->at == start)
            sh_parser_fail(parser, _("a command is expected here"));
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
