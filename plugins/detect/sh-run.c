/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands: which are reached, and what they set. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

static void run(Sh *sh, const Command *command);

ShStatus
sh_not(ShStatus status)
{
    if (status == SH_UNKNOWN)
        return SH_UNKNOWN;
    return status == SH_TRUE ? SH_FALSE : SH_TRUE;
}

/* What is run here may or may not be reached: how it ends is of no account. */
static void
run_in_doubt(Sh *sh, const Command *list)
{
    sh->doubt++;
    sh_run_list(sh, list);
    sh->doubt--;
    sh->status = SH_UNKNOWN;
}

/* ---- Simple commands. */

static gboolean
is_assigning(const char *name)
{
    static const char *const names[] = {"export", "readonly", "local"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return TRUE;
    return FALSE;
}

/* "x=${x:-d}" only hands a value on: it was written where the variable was set. */
static ShPlace
place_of_value(const Sh *sh, const Assignment *assignment)
{
    const Part *part = assignment->value->parts;
    const ShPlace here = sh_place(sh, assignment->line);
    if (!part || part->next || part->kind != PART_VARIABLE ||
        (part->operation && !strchr("-=?", part->operation)))
        return here;
    const ShVariable *variable = sh_get(sh, part->text);
    return variable && *variable->value && variable->place.file ? variable->place : here;
}

static void
assign_all(Sh *sh, const Command *command)
{
    sh->substituted = FALSE;
    for (const Assignment *a = command->assignments; a && !sh->stopped; a = a->next) {
        ShText value;
        const ShPlace place = place_of_value(sh, a);
        sh_text_init(&value);
        sh_expand_value(sh, a->value, &value);
        sh_assign(sh, a->name, &value, place);
        sh_text_clear(&value);
    }
    if (!sh->substituted)
        sh->status = SH_TRUE;
}

/* "export NAME=VALUE": the words are not split. */
static void
assign_words(Sh *sh, const Command *command)
{
    for (const Word *word = command->words->next; word && !sh->stopped; word = word->next) {
        ShText text;
        sh_text_init(&text);
        sh_expand_value(sh, word, &text);
        char *sign = strchr(text.text->str, '=');
        if (sign) {
            g_autofree char *name = g_strndup(text.text->str, (gsize)(sign - text.text->str));
            g_string_erase(text.text, 0, sign - text.text->str + 1);
            sh_assign(sh, name, &text, sh_place(sh, word->line));
        }
        sh_text_clear(&text);
    }
    sh->status = SH_TRUE;
}

/* A function of the script. Its body is not followed: what it sets is open. */
static void
call_function(Sh *sh, const Command *body)
{
    if (sh->depth >= SH_DEPTH_MAX) {
        sh->status = SH_UNKNOWN;
        return;
    }
    Flow before = sh->flow;
    sh->depth++;
    run_in_doubt(sh, body);
    sh->depth--;
    sh->flow = sh->stopped ? FLOW_EXIT : before;
}

static void
call(Sh *sh, GPtrArray *words, guint line, GString *output)
{
    g_autofree ShWord *array = g_new(ShWord, words->len);
    for (guint i = 0; i < words->len; i++)
        array[i] = *(const ShWord *)g_ptr_array_index(words, i);
    ShCall this = {.words = array,
                   .n_words = words->len,
                   .place = sh_place(sh, line),
                   .doubtful = sh->doubt > 0,
                   .output = output,
                   .status = SH_UNKNOWN};
    if (sh->hook && sh->hook(sh, &this, sh->data)) {
        sh->status = this.status;
        if (this.stop && sh->doubt == 0)
            sh->flow = FLOW_EXIT;
        return;
    }
    const Command *function = g_hash_table_lookup(sh->functions, array[0].text);
    if (function)
        call_function(sh, function);
    else if (!sh_builtin(sh, &this))
        sh->status = SH_UNKNOWN;
}

static const char *
first_text(const Command *command)
{
    const Part *part = command->words->parts;
    return part && part->kind == PART_TEXT && !part->next ? part->text : "";
}

static void
run_simple(Sh *sh, const Command *command)
{
    if (!command->words) {
        assign_all(sh, command);
        return;
    }
    if (is_assigning(first_text(command))) {
        assign_words(sh, command);
        return;
    }
    GPtrArray *words = sh_expand_words(sh, command->words);
    if (words->len > 0)
        call(sh, words, command->line, NULL);
    else
        assign_all(sh, command);
    g_ptr_array_unref(words);
}

/* ---- Compound commands. */

static void
run_if(Sh *sh, const Command *command)
{
    sh_run_list(sh, command->first);
    if (sh->flow != FLOW_ON)
        return;
    if (sh->status == SH_UNKNOWN) {
        run_in_doubt(sh, command->second);
        run_in_doubt(sh, command->third);
    } else if (sh->status == SH_TRUE) {
        sh_run_list(sh, command->second);
    } else {
        sh->status = SH_TRUE;
        sh_run_list(sh, command->third);
    }
}

static ShStatus
item_matches(Sh *sh, const CaseItem *item, const ShText *subject)
{
    ShStatus status = SH_FALSE;
    for (const Word *word = item->patterns; word && status != SH_TRUE; word = word->next) {
        ShText pattern;
        sh_text_init(&pattern);
        sh_expand_pattern(sh, word, &pattern);
        if (strcmp(pattern.text->str, "*") == 0 && pattern.certain)
            status = SH_TRUE;
        else if (!pattern.certain || !subject->certain)
            status = SH_UNKNOWN;
        else if (sh_match(sh, pattern.text->str, subject->text->str, subject->text->len))
            status = SH_TRUE;
        sh_text_clear(&pattern);
    }
    return status;
}

static void
run_case(Sh *sh, const Command *command)
{
    ShText subject;
    gboolean in_doubt = FALSE;
    sh_text_init(&subject);
    sh_expand_value(sh, command->words, &subject);
    sh->status = SH_TRUE;
    for (const CaseItem *item = command->items; item && !sh->stopped; item = item->next) {
        ShStatus status = item_matches(sh, item, &subject);
        if (status == SH_FALSE)
            continue;
        in_doubt = in_doubt || status == SH_UNKNOWN;
        if (in_doubt)
            run_in_doubt(sh, item->body);
        else
            sh_run_list(sh, item->body);
        if (status == SH_TRUE)
            break;
    }
    sh_text_clear(&subject);
}

/* FALSE: the loop ends. */
static gboolean
goes_round(Sh *sh)
{
    if (sh->flow == FLOW_CONTINUE)
        sh->flow = FLOW_ON;
    if (sh->flow == FLOW_BREAK) {
        sh->flow = FLOW_ON;
        return FALSE;
    }
    return sh->flow == FLOW_ON;
}

static void
run_for_word(Sh *sh, const Command *command, const ShWord *word)
{
    ShText text;
    sh_text_init(&text);
    g_string_assign(text.text, word->text);
    if (!word->certain)
        sh_text_doubt(&text, _("it is set in a loop over what is not known"));
    sh_assign(sh, command->name, &text, sh_place(sh, command->line));
    sh_text_clear(&text);
    if (word->certain)
        sh_run_list(sh, command->first);
    else
        run_in_doubt(sh, command->first);
}

static GPtrArray *
words_of_for(Sh *sh, const Command *command)
{
    if (!command->over_arguments)
        return sh_expand_words(sh, command->words);
    GPtrArray *words = g_ptr_array_new_with_free_func(sh_word_clear);
    for (guint i = 1; i < sh->arguments->len; i++) {
        ShWord *word = g_new(ShWord, 1);
        *word = (ShWord){g_strdup(g_ptr_array_index(sh->arguments, i)), TRUE};
        g_ptr_array_add(words, word);
    }
    return words;
}

static void
run_for(Sh *sh, const Command *command)
{
    GPtrArray *words = words_of_for(sh, command);
    sh->status = SH_TRUE;
    for (guint i = 0; i < words->len && sh_pay(sh, 0); i++) {
        run_for_word(sh, command, g_ptr_array_index(words, i));
        if (!goes_round(sh))
            break;
    }
    g_ptr_array_unref(words);
}

/* How often it goes round is open. */
static void
run_while(Sh *sh, const Command *command)
{
    sh_run_list(sh, command->first);
    if (sh->flow == FLOW_ON && sh->status != SH_FALSE)
        run_in_doubt(sh, command->second);
    sh->status = SH_UNKNOWN;
}

static void
run_both(Sh *sh, const Command *command)
{
    ShStatus goes_on = command->kind == COMMAND_AND ? SH_TRUE : SH_FALSE;
    run(sh, command->first);
    if (sh->flow != FLOW_ON)
        return;
    if (sh->status == SH_UNKNOWN) {
        sh->doubt++;
        run(sh, command->second);
        sh->doubt--;
        sh->status = SH_UNKNOWN;
    } else if (sh->status == goes_on) {
        run(sh, command->second);
    }
}

static void
define(Sh *sh, const Command *command)
{
    g_hash_table_replace(sh->functions, g_strdup(command->name), command->first);
    sh->status = SH_TRUE;
}

/* "/usr/local/sbin/x -p y &": changes nothing here, but the hook sees which program is started. */
static void
run_apart(Sh *sh, const Command *command)
{
    while (command->kind == COMMAND_APART && command->first)
        command = command->first;
    if (command->kind == COMMAND_SIMPLE && command->words && *first_text(command) == '/') {
        g_autoptr(GPtrArray) words = sh_expand_words(sh, command->words);
        if (words->len > 0)
            call(sh, words, command->line, NULL);
    }
    sh->status = SH_UNKNOWN;
}

static void
run(Sh *sh, const Command *command)
{
    if (!sh_pay(sh, 0))
        return;
    switch (command->kind) {
    case COMMAND_SIMPLE:
        run_simple(sh, command);
        break;
    case COMMAND_IF:
        run_if(sh, command);
        break;
    case COMMAND_CASE:
        run_case(sh, command);
        break;
    case COMMAND_FOR:
        run_for(sh, command);
        break;
    case COMMAND_WHILE:
        run_while(sh, command);
        break;
    case COMMAND_GROUP:
        sh_run_list(sh, command->first);
        break;
    case COMMAND_FUNCTION:
        define(sh, command);
        break;
    case COMMAND_AND:
    case COMMAND_OR:
        run_both(sh, command);
        break;
    case COMMAND_NOT:
        run(sh, command->first);
        sh->status = sh_not(sh->status);
        break;
    case COMMAND_APART:
        run_apart(sh, command);
        break;
    }
}

void
sh_run_list(Sh *sh, const Command *list)
{
    for (const Command *command = list; command && sh->flow == FLOW_ON; command = command->next)
        run(sh, command);
}

/* In sh this is a process of its own, so only commands that change nothing are run. */
gboolean
sh_run_for_output(Sh *sh, const Command *list, GString *output)
{
    sh->substituted = TRUE;
    sh->status = SH_UNKNOWN;
    if (!list || list->next || list->kind != COMMAND_SIMPLE || !list->words)
        return FALSE;
    g_autoptr(GPtrArray) words = sh_expand_words(sh, list->words);
    if (words->len == 0)
        return FALSE;
    const ShWord *first = g_ptr_array_index(words, 0);
    if (strcmp(first->text, "echo") == 0 || strcmp(first->text, "set_rcvar") == 0)
        call(sh, words, list->line, output);
    return sh->status == SH_TRUE;
}

/* ---- Texts. */

/* A program with functions stays; its size is paid for as memory is. */
static void
run_program(Sh *sh, ShProgram *program, gsize length)
{
    gboolean stays = program->has_functions;
    if (stays)
        g_ptr_array_add(sh->programs, program);
    if (!stays || sh_pay(sh, length * 16))
        sh_run_list(sh, program->commands);
    if (program->error && sh->flow == FLOW_ON)
        sh_message(sh, sh_place(sh, program->error_line), program->error);
    if (!stays)
        sh_program_free(program);
}

void
sh_run_text(Sh *sh, const char *file, guint line, const char *text)
{
    if (sh->depth >= SH_DEPTH_MAX) {
        sh_message(sh, sh_place(sh, line), _("it is nested too deeply"));
        return;
    }
    const char *before = sh->file;
    sh->file = file;
    sh->depth++;
    run_program(sh, sh_parse(text, line), strlen(text));
    sh->depth--;
    sh->file = before;
}

GPtrArray *
sh_words(Sh *sh, const char *text)
{
    g_autoptr(ShProgram) program = sh_parse(text, 1);
    const Command *command = program->commands;
    while (command && command->kind != COMMAND_SIMPLE)
        command = command->first;
    return sh_expand_words(sh, command ? command->words : NULL);
}
