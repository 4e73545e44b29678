/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expansion of words. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

/* Stands for what is not known. No name and no word has it, so that what is put together with it is
 * none either. */
#define HOLE '\001'

static void expand_parts(Out *out, const Part *parts);

void
sh_word_clear(gpointer data)
{
    ShWord *word = data;
    g_free(word->text);
    g_free(word);
}

static void
out_init(Out *out, Sh *sh, GPtrArray *fields, gboolean patterns)
{
    *out = (Out){.sh = sh, .fields = fields, .patterns = patterns};
    sh_text_init(&out->current);
}

static void
add_word(GPtrArray *fields, const ShText *text)
{
    ShWord *word = g_new(ShWord, 1);
    word->text = g_strndup(text->text->str, text->text->len);
    word->certain = text->certain && !strchr(word->text, HOLE);
    word->why = text->why;
    g_ptr_array_add(fields, word);
}

void
sh_end_field(Out *out)
{
    if (!out->begun)
        return;
    add_word(out->fields, &out->current);
    g_string_truncate(out->current.text, 0);
    out->current.certain = TRUE;
    out->begun = FALSE;
    out->brackets = FALSE;
}

/* A character that is not quoted: a word with "*", "?", "[ ]" becomes names of files. But for an
 * address behind "@" or ":", which no file is called by. */
static void
note_pattern(Out *out, char c)
{
    const GString *text = out->current.text;
    if (c == '*' || c == '?' || (c == ']' && out->brackets))
        sh_text_doubt(&out->current, _("it depends on the names of files"));
    if (c == '[' && (text->len == 0 || !strchr("@:", text->str[text->len - 1])))
        out->brackets = TRUE;
}

static void
put(Out *out, char c, gboolean quoted)
{
    if (out->fields && !quoted) {
        if (strchr(" \t\n", c)) {
            sh_end_field(out);
            return;
        }
        note_pattern(out, c);
    }
    if (out->patterns && quoted && strchr("*?[]\\-!^", c))
        g_string_append_c(out->current.text, '\\');
    g_string_append_c(out->current.text, c);
    out->begun = TRUE;
}

void
sh_put_unknown(Out *out, const char *why)
{
    sh_text_doubt(&out->current, why);
    g_string_append_c(out->current.text, HOLE);
    out->begun = TRUE;
}

void
sh_put_text(Out *out, const char *text, gboolean quoted)
{
    gsize length = strlen(text);
    if (!sh_pay(out->sh, length))
        return;
    if (out->current.text->len + length > SH_VALUE_MAX) {
        sh_put_unknown(out, _("the value is too long"));
        return;
    }
    if (out->fields && !quoted && length > 0 && !sh_splits_as_usual(out->sh)) {
        sh_put_unknown(out, _("how it is split depends on IFS"));
        return;
    }
    for (gsize i = 0; i < length; i++)
        put(out, text[i], quoted);
}

/* ---- Parts. */

static void
put_output(Out *out, const Part *part)
{
    g_autoptr(GString) output = g_string_new(NULL);
    if (!sh_run_for_output(out->sh, part->command, output)) {
        sh_put_unknown(out, _("it depends on the output of a program, and none is run"));
        return;
    }
    while (output->len > 0 && output->str[output->len - 1] == '\n')
        g_string_truncate(output, output->len - 1);
    sh_put_text(out, output->str, part->quoted);
}

/* What stands in the text is not split, unless it is an operand. */
static void
put_literal(Out *out, const Part *part)
{
    if (out->operands > 0 || part->quoted || !out->fields) {
        sh_put_text(out, part->text, part->quoted);
        return;
    }
    if (!sh_pay(out->sh, strlen(part->text)))
        return;
    for (const char *at = part->text; *at; at++)
        put(out, *at, FALSE);
}

static void
put_arithmetic(Out *out, const Part *part)
{
    sh_doubt_arithmetic(out->sh, part->text, out->line);
    sh_put_unknown(out, _("it depends on arithmetic"));
}

static void
expand_part(Out *out, const Part *part)
{
    switch (part->kind) {
    case PART_TEXT:
        put_literal(out, part);
        break;
    case PART_VARIABLE:
        sh_put_variable(out, part);
        break;
    case PART_COMMAND:
        put_output(out, part);
        break;
    case PART_ARITHMETIC:
        put_arithmetic(out, part);
        break;
    case PART_UNKNOWN:
        sh_put_unknown(out, part->why);
        break;
    }
}

static void
expand_parts(Out *out, const Part *parts)
{
    for (const Part *part = parts; part && !out->sh->stopped; part = part->next) {
        if (part->quoted && !(part->kind == PART_VARIABLE && *part->text == '@'))
            out->begun = TRUE;
        expand_part(out, part);
    }
    if (out->sh->stopped)
        sh_text_doubt(&out->current, _("it takes too long to evaluate"));
}

void
sh_put_operand(Out *out, const Word *word)
{
    out->operands++;
    expand_parts(out, word->parts);
    out->operands--;
}

/* ---- Words. */

static void
expand_whole(Sh *sh, const Word *word, ShText *text, gboolean patterns)
{
    Out out;
    out_init(&out, sh, NULL, patterns);
    out.line = word->line;
    expand_parts(&out, word->parts);
    g_string_append_len(text->text, out.current.text->str, (gssize)out.current.text->len);
    if (!out.current.certain)
        sh_text_doubt(text, out.current.why);
    sh_text_clear(&out.current);
}

void
sh_expand_value(Sh *sh, const Word *word, ShText *text)
{
    expand_whole(sh, word, text, FALSE);
}

void
sh_expand_pattern(Sh *sh, const Word *word, ShText *text)
{
    expand_whole(sh, word, text, TRUE);
}

/* "NAME=..." as it is written. */
static gboolean
is_assignment(const Word *word)
{
    const Part *part = word->parts;
    if (!part || part->kind != PART_TEXT || part->quoted || !sh_is_name_start(*part->text))
        return FALSE;
    const char *at = part->text;
    while (sh_is_name_char(*at))
        at++;
    return *at == '=';
}

static void
add_value(Sh *sh, const Word *word, GPtrArray *fields)
{
    ShText text;
    sh_text_init(&text);
    sh_expand_value(sh, word, &text);
    add_word(fields, &text);
    sh_text_clear(&text);
}

GPtrArray *
sh_expand_words(Sh *sh, const Word *words, gboolean declares)
{
    GPtrArray *fields = g_ptr_array_new_with_free_func(sh_word_clear);
    Out out;
    out_init(&out, sh, fields, FALSE);
    for (const Word *word = words; word && sh_pay(sh, 0); word = word->next) {
        if (declares && is_assignment(word)) {
            add_value(sh, word, fields);
            continue;
        }
        out.line = word->line;
        expand_parts(&out, word->parts);
        sh_end_field(&out);
    }
    sh_text_clear(&out.current);
    return fields;
}
