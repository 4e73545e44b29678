/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands. */
#include "detect/sh-syntax.h"

#include "detect/text.h"

#include <string.h>

/* "NAME=" at the parser's place: its length without "=", or 0. */
static gsize
assignment_length(ShParser *parser)
{
    const char *at = parser->at;
    gboolean goes_on = FALSE;
    if (!sh_is_name_start(*at))
        return 0;
    while (sh_is_name_char(*at) || strncmp(at, "\\\n", 2) == 0) {
        goes_on = goes_on || *at == '\\';
        at += *at == '\\' ? 2 : 1;
    }
    if (*at == '=' && goes_on)
        sh_parser_fail(parser, _("a name goes on in the next line"));
    return *at == '=' && !goes_on ? (gsize)(at - parser->at) : 0;
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
    sh_skip_lines(parser);
    command->first = sh_parse_command(parser);
    return command;
}

static Command *
parse_simple(ShParser *parser)
{
    Command *command = sh_command_new(parser, COMMAND_SIMPLE);
    Assignment **assignment = &command->assignments;
    Word **word = &command->words;
    for (;;) {
        sh_skip_blanks(parser);
        if (sh_skip_redirection(parser))
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
    Command *command = sh_command_new(parser, COMMAND_IF);
    if (!sh_parser_enter(parser))
        return command;
    command->first = sh_parse_list(parser);
    sh_expect(parser, "then");
    command->second = sh_parse_list(parser);
    if (sh_take_reserved(parser, "elif")) {
        command->third = parse_if(parser);
    } else {
        if (sh_take_reserved(parser, "else"))
            command->third = sh_parse_list(parser);
        sh_expect(parser, "fi");
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
        sh_skip_blanks(parser);
        if (sh_is_delimiter(*parser->at))
            break;
        *word = sh_parse_word(parser);
        word = &(*word)->next;
        sh_skip_blanks(parser);
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
    Command *command = sh_command_new(parser, COMMAND_CASE);
    CaseItem **item = &command->items;
    sh_skip_blanks(parser);
    command->words =
        sh_is_delimiter(*parser->at) ? sh_parse_no_word(parser) : sh_parse_word(parser);
    sh_expect(parser, "in");
    sh_skip_lines(parser);
    while (*parser->at && !sh_is_at(parser, "esac")) {
        *item = sh_parser_node(parser, sizeof(CaseItem));
        (*item)->patterns = parse_patterns(parser);
        (*item)->body = sh_parse_list(parser);
        item = &(*item)->next;
        sh_skip_lines(parser);
        if (strncmp(parser->at, ";;", 2) == 0)
            parser->at += 2;
        else if (!sh_is_at(parser, "esac"))
            sh_parser_fail(parser, _("“;;” or “esac” is expected here"));
        sh_skip_lines(parser);
    }
    sh_expect(parser, "esac");
    return command;
}

static void
parse_loop_body(ShParser *parser, Command **body)
{
    sh_skip_lines(parser);
    if (*parser->at == ';') {
        parser->at++;
        sh_skip_lines(parser);
    }
    sh_expect(parser, "do");
    *body = sh_parse_list(parser);
    sh_expect(parser, "done");
}

static Command *
parse_for(ShParser *parser)
{
    Command *command = sh_command_new(parser, COMMAND_FOR);
    sh_skip_blanks(parser);
    const char *start = parser->at;
    while (sh_is_name_char(*parser->at))
        parser->at++;
    command->name = sh_parser_text(parser, start, (gsize)(parser->at - start));
    if (!sh_is_name_start(*start))
        sh_parser_fail(parser, _("after “for” a name is expected"));
    command->over_arguments = !sh_take_reserved(parser, "in");
    Word **word = &command->words;
    for (sh_skip_blanks(parser); !sh_is_delimiter(*parser->at) && !command->over_arguments;
         sh_skip_blanks(parser)) {
        *word = sh_parse_word(parser);
        word = &(*word)->next;
    }
    parse_loop_body(parser, &command->first);
    return command;
}

/* until: until the test is true. */
static Command *
parse_while(ShParser *parser, gboolean until)
{
    Command *command = sh_command_new(parser, COMMAND_WHILE);
    command->first = sh_parse_list(parser);
    if (until) {
        Command *group = sh_command_new(parser, COMMAND_GROUP);
        group->first = command->first;
        command->first = sh_command_new(parser, COMMAND_NOT);
        command->first->first = group;
    }
    parse_loop_body(parser, &command->second);
    return command;
}

/* After "{" or "(". */
static Command *
parse_group(ShParser *parser, CommandKind kind)
{
    Command *command = sh_command_new(parser, kind);
    command->first = sh_parse_list(parser);
    if (kind == COMMAND_GROUP)
        sh_expect(parser, "}");
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
    if (sh_take_reserved(parser, "{"))
        return parse_group(parser, COMMAND_GROUP);
    if (sh_take_reserved(parser, "if"))
        return parse_if(parser);
    if (sh_take_reserved(parser, "case"))
        return parse_case(parser);
    if (sh_take_reserved(parser, "for"))
        return parse_for(parser);
    if (sh_take_reserved(parser, "while"))
        return parse_while(parser, FALSE);
    if (sh_take_reserved(parser, "until"))
        return parse_while(parser, TRUE);
    return NULL;
}

Command *
sh_parse_command(ShParser *parser)
{
    const char *start = parser->at;
    if (!sh_parser_enter(parser))
        return sh_command_new(parser, COMMAND_SIMPLE);
    Command *command = parse_compound(parser);
    if (command) {
        do
            sh_skip_blanks(parser);
        while (sh_skip_redirection(parser));
    } else {
        command = parse_simple(parser);
    }
    if (parser->at == start)
        sh_parser_fail(parser, _("a command is expected here"));
    sh_parser_leave(parser);
    return command;
}
