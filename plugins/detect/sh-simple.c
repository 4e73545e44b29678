/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Simple commands: what they set, and whom they call. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

/* ---- Assignments. */

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
    for (const Assignment *a = command->assignments; a && sh->flow == FLOW_ON; a = a->next) {
        ShText value;
        const ShPlace place = place_of_value(sh, a);
        sh_text_init(&value);
        sh_expand_value(sh, a->value, &value);
        if (sh->flow == FLOW_ON)
            sh_assign(sh, a->name, &value, place);
        sh_text_clear(&value);
    }
    if (!sh->substituted)
        sh->status = SH_TRUE;
}

/* Before a command that is a program of its own: they are for it alone, but what their values set
 * may stay. */
static void
expand_all(Sh *sh, const Command *command)
{
    sh->doubt++;
    for (const Assignment *a = command->assignments; a; a = a->next) {
        ShText value;
        sh_text_init(&value);
        sh_expand_value(sh, a->value, &value);
        sh_text_clear(&value);
    }
    sh->doubt--;
}

/* Before these, assignments stay. */
static gboolean
is_special(const char *name)
{
    static const char *const names[] = {":",    ".",     "break",  "continue", "eval",
                                        "exec", "exit",  "export", "readonly", "return",
                                        "set",  "shift", "trap",   "unset"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return TRUE;
    return FALSE;
}

/* A function sees them; whether they stay differs from one sh to another. */
static void
assign_before(Sh *sh, const Command *command, const char *name)
{
    if (is_special(name)) {
        assign_all(sh, command);
    } else if (g_hash_table_contains(sh->functions, name)) {
        sh->doubt++;
        assign_all(sh, command);
        sh->doubt--;
    } else {
        expand_all(sh, command);
    }
}

/* ---- Calls. */

/* A function of the script. Its body is not followed: what it sets is open. */
static void
call_function(Sh *sh, const GPtrArray *bodies)
{
    guint doubt = sh->doubt;
    guint loops = sh->in_loops;
    if (sh->depth >= SH_DEPTH_MAX) {
        sh->status = SH_UNKNOWN;
        return;
    }
    sh->depth++;
    sh->in_functions++;
    sh->in_loops = 0;
    for (guint i = 0; i < bodies->len; i++)
        sh_run_in_doubt(sh, g_ptr_array_index(bodies, i));
    sh->in_loops = loops;
    sh->in_functions--;
    sh->depth--;
    sh->doubt = doubt;
}

static void
call(Sh *sh, const ShWord *words, guint n, ShPlace place, GString *output)
{
    ShCall this = {.words = words,
                   .n_words = n,
                   .place = place,
                   .doubtful = sh->doubt > 0,
                   .output = output,
                   .status = SH_UNKNOWN};
    if (sh->hook && sh->hook(sh, &this, sh->data)) {
        sh->status = this.status;
        if (this.stop && sh->doubt == 0)
            sh->flow = FLOW_EXIT;
        return;
    }
    const GPtrArray *bodies = g_hash_table_lookup(sh->functions, words[0].text);
    if (bodies && !is_special(words[0].text))
        call_function(sh, bodies);
    else if (!sh_builtin(sh, &this))
        sh->status = SH_UNKNOWN;
}

/* "$x export a=b": it may be that $x is nothing, and the next word the command. */
static void
call_in_doubt(Sh *sh, const ShWord *words, guint n, ShPlace place)
{
    sh->doubt++;
    for (; n > 0 && !words->certain; n--)
        words++;
    if (n > 0)
        call(sh, words, n, place, NULL);
    sh->doubt--;
    sh->status = SH_UNKNOWN;
}

void
sh_call(Sh *sh, const ShWord *words, guint n, ShPlace place)
{
    call(sh, words, n, place, NULL);
    if (!words[0].certain)
        call_in_doubt(sh, words + 1, n - 1, place);
}

static ShWord *
array_of(const GPtrArray *words)
{
    ShWord *array = g_new(ShWord, words->len);
    for (guint i = 0; i < words->len; i++)
        array[i] = *(const ShWord *)g_ptr_array_index(words, i);
    return array;
}

static const char *
first_text(const Word *word)
{
    const Part *part = word ? word->parts : NULL;
    return part && part->kind == PART_TEXT && !part->next ? part->text : "";
}

static gboolean
declares(const Word *word)
{
    if (word && strcmp(first_text(word), "command") == 0)
        word = word->next;
    return sh_is_declaring(first_text(word));
}

void
sh_run_simple(Sh *sh, const Command *command)
{
    if (!command->words) {
        assign_all(sh, command);
        return;
    }
    g_autoptr(GPtrArray) words = sh_expand_words(sh, command->words, declares(command->words));
    if (sh->flow != FLOW_ON)
        return;
    if (words->len == 0) {
        assign_all(sh, command);
        return;
    }
    g_autofree ShWord *array = array_of(words);
    assign_before(sh, command, array[0].text);
    if (sh->flow == FLOW_ON)
        sh_call(sh, array, words->len, sh_place(sh, command->line));
}

/* ---- Processes of their own. */

void
sh_run_apart(Sh *sh, const Command *command)
{
    while (command->kind == COMMAND_APART && command->first)
        command = command->first;
    if (command->kind == COMMAND_SIMPLE && *first_text(command->words) == '/') {
        sh->doubt++;
        g_autoptr(GPtrArray) words = sh_expand_words(sh, command->words, FALSE);
        sh->doubt--;
        g_autofree ShWord *array = array_of(words);
        if (words->len > 0)
            sh_call(sh, array, words->len, sh_place(sh, command->line));
    }
    sh->status = SH_UNKNOWN;
}

/* Only commands that change nothing are run. */
gboolean
sh_run_for_output(Sh *sh, const Command *list, GString *output)
{
    sh->substituted = TRUE;
    sh->status = SH_UNKNOWN;
    if (!list || list->next || list->kind != COMMAND_SIMPLE || !list->words)
        return FALSE;
    sh->doubt++;
    g_autoptr(GPtrArray) words = sh_expand_words(sh, list->words, FALSE);
    sh->doubt--;
    if (words->len == 0)
        return FALSE;
    g_autofree ShWord *array = array_of(words);
    if (strcmp(array[0].text, "echo") == 0 || strcmp(array[0].text, "set_rcvar") == 0)
        call(sh, array, words->len, sh_place(sh, list->line), output);
    return sh->status == SH_TRUE;
}
