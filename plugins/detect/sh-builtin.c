/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that are built in. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

static gboolean
all_certain(const ShCall *call)
{
    for (guint i = 0; i < call->n_words; i++)
        if (!call->words[i].certain)
            return FALSE;
    return TRUE;
}

static void
do_true(Sh *sh, ShCall *call)
{
    (void)call;
    sh->status = SH_TRUE;
}

static void
do_false(Sh *sh, ShCall *call)
{
    (void)call;
    sh->status = SH_FALSE;
}

static void
do_test(Sh *sh, ShCall *call)
{
    guint n = call->n_words - 1;
    if (strcmp(call->words[0].text, "[") == 0) {
        if (n == 0 || strcmp(call->words[n].text, "]") != 0) {
            sh->status = SH_UNKNOWN;
            return;
        }
        n--;
    }
    sh->status = sh_test(sh, call->words + 1, n);
}

/* Only for its output: $(echo ...). What backslashes and options mean differs. */
static void
do_echo(Sh *sh, ShCall *call)
{
    sh->status = SH_TRUE;
    if (!call->output)
        return;
    for (guint i = 1; i < call->n_words; i++) {
        if (i > 1)
            g_string_append_c(call->output, ' ');
        g_string_append(call->output, call->words[i].text);
    }
    gboolean plain =
        (call->n_words < 2 || call->words[1].text[0] != '-') && !strchr(call->output->str, '\\');
    sh->status = plain && all_certain(call) ? SH_TRUE : SH_UNKNOWN;
}

/* What is not known in the text makes all of it doubtful. */
static void
do_eval(Sh *sh, ShCall *call)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 1; i < call->n_words; i++)
        g_string_append_printf(text, i > 1 ? " %s" : "%s", call->words[i].text);
    gboolean certain = all_certain(call);
    if (!sh_pay(sh, text->len))
        return;
    sh->status = SH_TRUE;
    sh->doubt += certain ? 0 : 1;
    sh_run_text(sh, sh->file, call->place.line, text->str);
    sh->doubt -= certain ? 0 : 1;
    if (!certain)
        sh->status = SH_UNKNOWN;
}

static void
do_dot(Sh *sh, ShCall *call)
{
    sh->status = SH_UNKNOWN;
    if (call->n_words < 2)
        return;
    if (!call->words[1].certain) {
        sh_message(sh, call->place, _("which file is read here is not known"));
        return;
    }
    sh->status = SH_TRUE;
    if (sh_source(sh, call->words[1].text) == DETECT_READ_OK)
        return;
    sh->status = SH_UNKNOWN;
}

/* ---- What ends something. */

/* In doubt it is taken that it is not reached. */
static void
do_exit(Sh *sh, ShCall *call)
{
    (void)call;
    if (sh->doubt == 0)
        sh->flow = FLOW_EXIT;
}

static void
do_exec(Sh *sh, ShCall *call)
{
    sh->status = SH_TRUE;
    if (call->n_words > 1)
        do_exit(sh, call);
}

/* In doubt what follows may not be reached. */
static void
do_return(Sh *sh, ShCall *call)
{
    if (call->n_words > 1) {
        const ShWord *word = &call->words[1];
        sh->status = SH_UNKNOWN;
        if (word->certain && strcmp(word->text, "0") == 0)
            sh->status = SH_TRUE;
        else if (word->certain && strcmp(word->text, "1") == 0)
            sh->status = SH_FALSE;
    }
    if (sh->doubt > 0)
        sh->doubt++;
    else
        sh->flow = FLOW_RETURN;
}

static void
leave_loops(Sh *sh, const ShCall *call, Flow flow)
{
    guint64 n = call->n_words > 1 ? g_ascii_strtoull(call->words[1].text, NULL, 10) : 1;
    gboolean certain = all_certain(call);
    sh->status = SH_TRUE;
    sh->doubt += certain ? 0 : 1;
    sh_leave_loops(sh, flow, certain ? (guint)MIN(n, sh->in_loops) : sh->in_loops);
    sh->doubt -= certain ? 0 : 1;
}

static void
do_break(Sh *sh, ShCall *call)
{
    leave_loops(sh, call, FLOW_BREAK);
}

static void
do_continue(Sh *sh, ShCall *call)
{
    leave_loops(sh, call, FLOW_CONTINUE);
}

/* ---- Others. */

/* "command export a=b": what it does by itself it does with the name before it. */
static void
do_command(Sh *sh, ShCall *call)
{
    guint i = 1;
    while (i < call->n_words && strcmp(call->words[i].text, "-p") == 0)
        i++;
    sh->status = SH_UNKNOWN;
    if (i < call->n_words && call->words[i].text[0] != '-')
        sh_call(sh, call->words + i, call->n_words - i, call->place);
}

static void
do_alias(Sh *sh, ShCall *call)
{
    sh->status = SH_TRUE;
    if (call->n_words > 1)
        sh_message(sh, call->place, _("an alias is not followed"));
}

gboolean
sh_builtin(Sh *sh, ShCall *call)
{
    static const struct {
        const char *name;
        void (*run)(Sh *sh, ShCall *call);
    } commands[] = {
        {":", do_true},
        {"true", do_true},
        {"false", do_false},
        {"test", do_test},
        {"[", do_test},
        {"echo", do_echo},
        {"eval", do_eval},
        {".", do_dot},
        {"exit", do_exit},
        {"exec", do_exec},
        {"return", do_return},
        {"break", do_break},
        {"continue", do_continue},
        {"command", do_command},
        {"alias", do_alias},
        {"trap", do_true},
        {"export", sh_do_declare},
        {"readonly", sh_do_declare},
        {"local", sh_do_declare},
        {"setvar", sh_do_setvar},
        {"unset", sh_do_unset},
        {"read", sh_do_read},
        {"getopts", sh_do_getopts},
        {"set", sh_do_set},
        {"shift", sh_do_shift},
    };
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(call->words[0].text, commands[i].name) != 0)
            continue;
        commands[i].run(sh, call);
        return TRUE;
    }
    return FALSE;
}
