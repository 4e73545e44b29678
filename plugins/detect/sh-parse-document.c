/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Redirections and here-documents: skipped, unless they set variables. */
#include "detect/sh-syntax.h"

#include "detect/text.h"

#include <string.h>

/* "${a=b}", "$((a=b))" in a text without quotes. */
static gboolean
sets_variables(const char *text, gsize length)
{
    g_autofree char *copy = g_strndup(text, length);
    for (const char *at = strstr(copy, "${"); at; at = strstr(at, "${")) {
        at += 2;
        while (sh_is_name_char(*at))
            at++;
        if (*at == '=' || strncmp(at, ":=", 2) == 0)
            return TRUE;
    }
    const char *arithmetic = strstr(copy, "$((");
    return arithmetic && strchr(arithmetic, '=');
}

void
sh_skip_document(ShParser *parser, const char *end)
{
    gboolean tabs = strchr("-~", *end) != NULL;
    gboolean expanded = strchr("-<", *end) != NULL;
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
        if (expanded && sets_variables(line, length))
            sh_parser_fail(parser, _("a here-document that sets variables is not followed"));
    }
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
    g_autoptr(GString) end = g_string_new(NULL);
    gboolean quoted = FALSE;
    for (const Part *part = word->parts; part; part = part->next) {
        g_string_append(end, part->kind == PART_TEXT ? part->text : "");
        quoted = quoted || part->quoted;
    }
    g_string_prepend_c(end, quoted ? (tabs ? '~' : '\'') : (tabs ? '-' : '<'));
    g_ptr_array_add(parser->documents, g_strdup(end->str));
}

gboolean
sh_skip_redirection(ShParser *parser)
{
    const char *sign = take_redirection(parser);
    if (!sign)
        return FALSE;
    sh_skip_blanks(parser);
    if (sh_is_delimiter(*parser->at)) {
        sh_parser_fail(parser, _("a redirection names no file"));
        return TRUE;
    }
    const char *start = parser->at;
    const Word *word = sh_parse_word(parser);
    if (!parser->error && sets_variables(start, (gsize)(parser->at - start)))
        sh_parser_fail(parser, _("a redirection that sets variables is not followed"));
    if (!parser->error && strncmp(sign, "<<", 2) == 0)
        note_document(parser, sign[2] == '-', word);
    return TRUE;
}
