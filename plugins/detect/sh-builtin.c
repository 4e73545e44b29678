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

/* Only for its output: $(echo ...). */
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
    gboolean plain = call->n_words < 2 || call->words[1].text[0] != '-';
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
    if (sh_source(sh, call->words[1].text) == DETECT_READ_OK && sh->status != SH_UNKNOWN)
        sh->status = SH_TRUE;
}

static void
do_unset(Sh *sh, ShCall *call)
{
    for (guint i = 1; i < call->n_words; i++)
        sh_unset(sh, call->words[i].text);
    sh->status = SH_TRUE;
}

static void
do_shift(Sh *sh, ShCall *call)
{
    (void)call;
    sh->status = SH_TRUE;
    if (sh->doubt == 0 && sh->arguments->len > 1)
        g_ptr_array_remove_index(sh->arguments, 1);
}

/* "set -- a b": the arguments. Options change nothing that is of account here. */
static void
do_set(Sh *sh, ShCall *call)
{
    sh->status = SH_TRUE;
    if (call->n_words < 2 || sh->doubt > 0)
        return;
    gboolean dashes = strcmp(call->words[1].text, "--") == 0;
    if (!dashes && strchr("-+", call->words[1].text[0]))
        return;
    g_ptr_array_set_size(sh->arguments, MIN(1, sh->arguments->len));
    if (sh->arguments->len == 0)
        g_ptr_array_add(sh->arguments, g_strdup("sh"));
    for (guint i = dashes ? 2 : 1; i < call->n_words; i++)
        g_ptr_array_add(sh->arguments, g_strdup(call->words[i].text));
}

/* In doubt it is taken that it is not reached. */
static void
leave(Sh *sh, Flow flow)
{
    if (sh->doubt == 0)
        sh->flow = flow;
}

static void
do_exit(Sh *sh, ShCall *call)
{
    (void)call;
    leave(sh, FLOW_EXIT);
}

static void
do_return(Sh *sh, ShCall *call)
{
    (void)call;
    leave(sh, FLOW_RETURN);
}

static void
do_break(Sh *sh, ShCall *call)
{
    (void)call;
    leave(sh, FLOW_BREAK);
}

static void
do_continue(Sh *sh, ShCall *call)
{
    (void)call;
    leave(sh, FLOW_CONTINUE);
}

/* A program's output goes into a variable. */
static void
do_read(Sh *sh, ShCall *call)
{
    ShText unknown;
    sh_text_init(&unknown);
    sh_text_doubt(&unknown, _("it is read from a file or a program"));
    for (guint i = 1; i < call->n_words; i++)
        sh_assign(sh, call->words[i].text, &unknown, call->place);
    sh_text_clear(&unknown);
    sh->status = SH_UNKNOWN;
}

gboolean
sh_builtin(Sh *sh, ShCall *call)
{
    static const struct {
        const char *name;
        void (*run)(Sh *sh, ShCall *call);
    } commands[] = {
        {":", do_true},        {"true", do_true},   {"false", do_false}, {"test", do_test},
        {"[", do_test},        {"echo", do_echo},   {"eval", do_eval},   {".", do_dot},
        {"unset", do_unset},   {"shift", do_shift}, {"set", do_set},     {"exit", do_exit},
        {"return", do_return}, {"break", do_break}, {"read", do_read},   {"continue", do_continue},
    };
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(call->words[0].text, commands[i].name) != 0)
            continue;
        commands[i].run(sh, call);
        return TRUE;
    }
    return FALSE;
}
