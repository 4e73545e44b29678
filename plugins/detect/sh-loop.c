/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loops, and what leaves them. */
#include "detect/sh-private.h"

#include "detect/text.h"

void
sh_leave_loops(Sh *sh, Flow flow, guint loops)
{
    loops = MIN(loops, sh->in_loops);
    if (loops == 0)
        return;
    if (sh->doubt == 0) {
        sh->flow = flow;
        sh->leaves_loops = loops;
        return;
    }
    /* What follows in these loops may not be reached. */
    sh->doubt++;
    sh->may_leave = MAX(sh->may_leave, loops);
}

static guint
enter(Sh *sh)
{
    sh->in_loops++;
    return sh->doubt;
}

/* doubt: that of enter. */
static void
leave(Sh *sh, guint doubt)
{
    sh->in_loops--;
    sh->doubt = doubt;
    if (sh->may_leave > 0)
        sh->may_leave--;
    if (sh->may_leave > 0)
        sh->doubt++;
}

/* FALSE: the loop ends. */
static gboolean
goes_round(Sh *sh)
{
    if (sh->flow != FLOW_BREAK && sh->flow != FLOW_CONTINUE)
        return sh->flow == FLOW_ON;
    sh->leaves_loops--;
    if (sh->leaves_loops > 0)
        return FALSE;
    gboolean again = sh->flow == FLOW_CONTINUE;
    sh->flow = FLOW_ON;
    return again;
}

/* How often it goes round is open. What one round makes uncertain the next may hand on. */
static void
go_round_in_doubt(Sh *sh, const Command *body, const Command *test)
{
    guint before;
    do {
        before = sh->changes;
        sh_run_in_doubt(sh, body);
        sh_run_in_doubt(sh, test);
    } while (sh->changes != before && !sh->stopped);
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
    if (sh->flow != FLOW_ON)
        return;
    if (word->certain)
        sh_run_list(sh, command->first);
    else
        go_round_in_doubt(sh, command->first, NULL);
}

static GPtrArray *
words_of_for(Sh *sh, const Command *command)
{
    char name[] = "@";
    Part arguments = {.kind = PART_VARIABLE, .quoted = TRUE, .text = name};
    const Word all = {.parts = &arguments, .line = command->line};
    return sh_expand_words(sh, command->over_arguments ? &all : command->words, FALSE);
}

void
sh_run_for(Sh *sh, const Command *command)
{
    GPtrArray *words = words_of_for(sh, command);
    guint doubt = enter(sh);
    sh->status = SH_TRUE;
    for (guint i = 0; i < words->len && sh->flow == FLOW_ON && sh_pay(sh, 0); i++) {
        run_for_word(sh, command, g_ptr_array_index(words, i));
        if (!goes_round(sh))
            break;
    }
    leave(sh, doubt);
    g_ptr_array_unref(words);
}

void
sh_run_while(Sh *sh, const Command *command)
{
    guint doubt = enter(sh);
    sh->guarded++;
    sh_run_list(sh, command->first);
    if (sh->flow == FLOW_ON && sh->status != SH_FALSE)
        go_round_in_doubt(sh, command->second, command->first);
    else
        (void)goes_round(sh);
    sh->guarded--;
    leave(sh, doubt);
    sh->status = SH_UNKNOWN;
}
