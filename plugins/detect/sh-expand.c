/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expansion of words. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

/* Stands for what is not known. No name and no word has it, so that what is put together with it is
 * none either. */
#define HOLE '\001'

/* Where the characters go. fields NULL: one text, nothing is split. */
typedef struct Out {
    Sh *sh;
    ShText current;
    GPtrArray *fields;
    gboolean begun;    /* current is a field, be it empty */
    gboolean patterns; /* quoted characters get a backslash */
} Out;

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
end_field(Out *out)
{
    if (!out->begun)
        return;
    ShWord *word = g_new(ShWord, 1);
    word->text = g_strndup(out->current.text->str, out->current.text->len);
    word->certain = out->current.certain && !strchr(word->text, HOLE);
    g_ptr_array_add(out->fields, word);
    g_string_truncate(out->current.text, 0);
    out->current.certain = TRUE;
    out->begun = FALSE;
}

static void
put(Out *out, char c, gboolean quoted)
{
    if (out->fields && !quoted && strchr(" \t\n", c)) {
        end_field(out);
        return;
    }
    if (out->patterns && quoted && strchr("*?[]\\-!^", c))
        g_string_append_c(out->current.text, '\\');
    g_string_append_c(out->current.text, c);
    out->begun = TRUE;
}

static void
put_unknown(Out *out, const char *why)
{
    sh_text_doubt(&out->current, why);
    g_string_append_c(out->current.text, HOLE);
    out->begun = TRUE;
}

static void
put_text(Out *out, const char *text, gboolean quoted)
{
    gsize length = strlen(text);
    if (!sh_pay(out->sh, length))
        return;
    if (out->current.text->len + length > SH_VALUE_MAX) {
        put_unknown(out, _("the value is too long"));
        return;
    }
    for (gsize i = 0; i < length; i++)
        put(out, text[i], quoted);
}

/* ---- Parameters. */

typedef struct Parameter {
    const char *value; /* NULL: not set */
    gboolean known;
    const char *why;
    char room[16];
} Parameter;

static void
look_up_number(const Sh *sh, guint64 number, Parameter *parameter)
{
    if (number < sh->arguments->len)
        parameter->value = g_ptr_array_index(sh->arguments, (guint)number);
}

static void
look_up(const Sh *sh, const char *name, Parameter *parameter)
{
    *parameter = (Parameter){.known = TRUE};
    if (g_ascii_isdigit(*name)) {
        look_up_number(sh, g_ascii_strtoull(name, NULL, 10), parameter);
    } else if (*name == '#') {
        guint n = sh->arguments->len;
        g_snprintf(parameter->room, sizeof(parameter->room), "%u", n > 0 ? n - 1 : 0);
        parameter->value = parameter->room;
    } else if (*name == '?') {
        parameter->known = sh->status != SH_UNKNOWN;
        parameter->why = _("the status of a command is not known");
        parameter->value = sh->status == SH_TRUE ? "0" : "1";
    } else if (strchr("-$!", *name)) {
        parameter->known = FALSE;
        parameter->why = _("it is known only when the script runs");
        parameter->value = "";
    } else {
        const ShVariable *variable = sh_get(sh, name);
        parameter->value = variable ? variable->value : NULL;
        parameter->known = !variable || variable->certain;
        parameter->why = variable ? variable->why : NULL;
    }
}

/* "$@" and "$*". */
static void
put_arguments(Out *out, const Part *part)
{
    const GPtrArray *arguments = out->sh->arguments;
    for (guint i = 1; i < arguments->len; i++) {
        if (i > 1 && part->quoted && *part->text == '@' && out->fields)
            end_field(out);
        else if (i > 1)
            put(out, ' ', part->quoted);
        if (part->quoted)
            out->begun = TRUE;
        put_text(out, g_ptr_array_index(arguments, i), part->quoted);
    }
}

static void
put_trimmed(Out *out, const Part *part, const char *value)
{
    ShText pattern;
    g_autoptr(GString) text = g_string_new(value);
    sh_text_init(&pattern);
    sh_expand_pattern(out->sh, part->word, &pattern);
    if (pattern.certain) {
        sh_trim(out->sh, text, pattern.text->str, part->operation == '%', part->doubled);
        put_text(out, text->str, part->quoted);
    } else {
        put_unknown(out, pattern.why);
    }
    sh_text_clear(&pattern);
}

static void
put_length(Out *out, const char *value)
{
    g_autofree char *text = g_strdup_printf("%" G_GSIZE_FORMAT, value ? strlen(value) : 0);
    put_text(out, text, TRUE);
}

/* "=": the variable is set, too. */
static void
put_default(Out *out, const Part *part)
{
    if (part->operation != '=') {
        expand_parts(out, part->word->parts);
        return;
    }
    ShText value;
    sh_text_init(&value);
    sh_expand_value(out->sh, part->word, &value);
    sh_assign(out->sh, part->text, &value, sh_place(out->sh, part->word->line));
    if (value.certain)
        put_text(out, value.text->str, part->quoted);
    else
        put_unknown(out, value.why);
    sh_text_clear(&value);
}

static void
put_variable(Out *out, const Part *part)
{
    Parameter parameter;
    if (*part->text == '@' || *part->text == '*') {
        put_arguments(out, part);
        return;
    }
    look_up(out->sh, part->text, &parameter);
    if (!parameter.known) {
        /* Which way ${v:=d} goes is not known either, but then neither is v, as before. */
        put_unknown(out, parameter.why);
        return;
    }
    gboolean is_set = parameter.value && (!part->doubled || *parameter.value);
    const char *value = parameter.value ? parameter.value : "";
    switch (part->operation) {
    case 'L':
        put_length(out, value);
        break;
    case '#':
    case '%':
        put_trimmed(out, part, value);
        break;
    case '+':
        if (is_set)
            expand_parts(out, part->word->parts);
        break;
    case '-':
    case '=':
        if (is_set)
            put_text(out, value, part->quoted);
        else
            put_default(out, part);
        break;
    case '?':
        if (is_set)
            put_text(out, value, part->quoted);
        else
            put_unknown(out, _("a variable that must be set is not"));
        break;
    default:
        put_text(out, value, part->quoted);
        break;
    }
}

/* ---- Parts. */

static void
put_output(Out *out, const Part *part)
{
    g_autoptr(GString) output = g_string_new(NULL);
    if (!sh_run_for_output(out->sh, part->command, output)) {
        put_unknown(out, _("it depends on the output of a program, and none is run"));
        return;
    }
    while (output->len > 0 && output->str[output->len - 1] == '\n')
        g_string_truncate(output, output->len - 1);
    put_text(out, output->str, part->quoted);
}

static void
put_literal(Out *out, const Part *part)
{
    if (out->fields && !part->quoted && strpbrk(part->text, "*?"))
        sh_text_doubt(&out->current, _("it depends on the names of files"));
    put_text(out, part->text, part->quoted);
}

static void
expand_parts(Out *out, const Part *parts)
{
    for (const Part *part = parts; part && !out->sh->stopped; part = part->next) {
        if (part->quoted && !(part->kind == PART_VARIABLE && *part->text == '@'))
            out->begun = TRUE;
        switch (part->kind) {
        case PART_TEXT:
            put_literal(out, part);
            break;
        case PART_VARIABLE:
            put_variable(out, part);
            break;
        case PART_COMMAND:
            put_output(out, part);
            break;
        case PART_ARITHMETIC:
            put_unknown(out, _("it depends on arithmetic"));
            break;
        }
    }
    if (out->sh->stopped)
        sh_text_doubt(&out->current, _("it takes too long to evaluate"));
}

static void
expand_whole(Sh *sh, const Word *word, ShText *text, gboolean patterns)
{
    Out out;
    out_init(&out, sh, NULL, patterns);
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

GPtrArray *
sh_expand_words(Sh *sh, const Word *words)
{
    GPtrArray *fields = g_ptr_array_new_with_free_func(sh_word_clear);
    Out out;
    out_init(&out, sh, fields, FALSE);
    for (const Word *word = words; word && sh_pay(sh, 0); word = word->next) {
        expand_parts(&out, word->parts);
        end_field(&out);
    }
    sh_text_clear(&out.current);
    return fields;
}
