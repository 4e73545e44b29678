/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands: which are reached. */
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

void
sh_run_in_doubt(Sh *sh, const Command *list)
{
    sh->doubt++;
    sh_run_list(sh, list);
    sh->doubt--;
    sh->status = SH_UNKNOWN;
}

/* ---- Compound commands. */

static void
run_if(Sh *sh, const Command *command)
{
    sh->guarded++;
    sh_run_list(sh, command->first);
    sh->guarded--;
    if (sh->flow != FLOW_ON)
        return;
    if (sh->status == SH_UNKNOWN) {
        sh_run_in_doubt(sh, command->second);
        sh_run_in_doubt(sh, command->third);
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
            sh_run_in_doubt(sh, item->body);
        else
            sh_run_list(sh, item->body);
        if (status == SH_TRUE)
            break;
    }
    sh_text_clear(&subject);
}

static void
run_both(Sh *sh, const Command *command)
{
    ShStatus goes_on = command->kind == COMMAND_AND ? SH_TRUE : SH_FALSE;
    sh->guarded++;
    run(sh, command->first);
    sh->guarded--;
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
run_not(Sh *sh, const Command *command)
{
    sh->guarded++;
    run(sh, command->first);
    sh->guarded--;
    if (sh->flow == FLOW_ON)
        sh->status = sh_not(sh->status);
}

/* In doubt a function may still be what it was before. */
static void
define(Sh *sh, const Command *command)
{
    GPtrArray *bodies = g_hash_table_lookup(sh->functions, command->name);
    if (!bodies || sh->doubt == 0) {
        bodies = g_ptr_array_new();
        g_hash_table_replace(sh->functions, g_strdup(command->name), bodies);
    }
    g_ptr_array_add(bodies, command->first);
    sh->status = SH_TRUE;
}

/* ---- All of them. */

static void
run_compound(Sh *sh, const Command *command)
{
    switch (command->kind) {
    case COMMAND_SIMPLE:
        break;
    case COMMAND_IF:
        run_if(sh, command);
        break;
    case COMMAND_CASE:
        run_case(sh, command);
        break;
    case COMMAND_FOR:
        sh_run_for(sh, command);
        break;
    case COMMAND_WHILE:
        sh_run_while(sh, command);
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
        run_not(sh, command);
        break;
    case COMMAND_APART:
        sh_run_apart(sh, command);
        break;
    }
}

/* After set -e. What may have failed is taken to have not. */
static void
end_on_error(Sh *sh)
{
    if (sh->ends_on_error && sh->guarded == 0 && sh->doubt == 0 && sh->status == SH_FALSE)
        sh->flow = FLOW_EXIT;
}

static void
run(Sh *sh, const Command *command)
{
    if (!sh_pay(sh, 0))
        return;
    sh->substituted = FALSE;
    if (command->kind != COMMAND_SIMPLE) {
        run_compound(sh, command);
        return;
    }
    sh_run_simple(sh, command);
    if (sh->flow == FLOW_ON)
        end_on_error(sh);
}

void
sh_run_list(Sh *sh, const Command *list)
{
    for (const Command *command = list; command && sh->flow == FLOW_ON; command = command->next)
        run(sh, command);
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
    return sh_expand_words(sh, command ? command->words : NULL, FALSE);
}
