/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that are built in and set variables or arguments. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

static void
assign(Sh *sh, const char *name, const char *value, const ShWord *word, ShPlace place)
{
    ShText text;
    sh_text_init(&text);
    g_string_assign(text.text, value);
    if (!word->certain)
        sh_text_doubt(&text, word->why ? word->why : _("it is set to what is not known"));
    sh_assign(sh, name, &text, place);
    sh_text_clear(&text);
}

/* ---- export, readonly, local. */

gboolean
sh_is_declaring(const char *command)
{
    static const char *const names[] = {"export", "readonly", "local"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(command, names[i]) == 0)
            return TRUE;
    return FALSE;
}

static void
declare(Sh *sh, const ShCall *call, const ShWord *word)
{
    const char *sign = strchr(word->text, '=');
    g_autofree char *name =
        sign ? g_strndup(word->text, (gsize)(sign - word->text)) : g_strdup(word->text);
    if (sign)
        assign(sh, name, sign + 1, word, call->place);
    else if (!word->certain)
        sh_message(sh, call->place, _("which variable is set here is not known"));
    if (strcmp(call->words[0].text, "readonly") == 0)
        g_hash_table_add(sh->constants, g_strdup(name));
}

void
sh_do_declare(Sh *sh, ShCall *call)
{
    sh->status = SH_TRUE;
    if (strcmp(call->words[0].text, "local") == 0 && sh->in_functions == 0) {
        sh_end(sh, call->place, _("“local” stands outside a function"));
        return;
    }
    for (guint i = 1; i < call->n_words && sh->flow == FLOW_ON; i++)
        if (call->words[i].text[0] != '-')
            declare(sh, call, &call->words[i]);
}

/* ---- setvar, unset, read, getopts. */

/* "setvar NAME VALUE" of FreeBSD. */
void
sh_do_setvar(Sh *sh, ShCall *call)
{
    sh->status = SH_TRUE;
    if (call->n_words == 3)
        assign(sh, call->words[1].text, call->words[2].text, &call->words[2], call->place);
    else if (call->n_words == 2)
        sh_unset(sh, call->words[1].text, call->place);
}

void
sh_do_unset(Sh *sh, ShCall *call)
{
    gboolean functions = FALSE;
    sh->status = SH_TRUE;
    for (guint i = 1; i < call->n_words && sh->flow == FLOW_ON; i++) {
        const char *word = call->words[i].text;
        if (i == 1 && *word == '-')
            functions = strcmp(word, "-f") == 0;
        else if (!functions)
            sh_unset(sh, word, call->place);
        else if (sh->doubt == 0)
            g_hash_table_remove(sh->functions, word);
    }
}

static void
forget(Sh *sh, const char *name, const ShCall *call)
{
    const ShWord unknown = {NULL, FALSE, _("it is read from a file or a program")};
    assign(sh, name, "", &unknown, call->place);
}

void
sh_do_read(Sh *sh, ShCall *call)
{
    for (guint i = 1; i < call->n_words; i++)
        if (call->words[i].text[0] != '-')
            forget(sh, call->words[i].text, call);
    sh->status = SH_UNKNOWN;
}

void
sh_do_getopts(Sh *sh, ShCall *call)
{
    if (call->n_words > 2)
        forget(sh, call->words[2].text, call);
    forget(sh, "OPTARG", call);
    forget(sh, "OPTIND", call);
    sh->status = SH_UNKNOWN;
}

/* ---- set, shift. */

static void
set_option(Sh *sh, char option, gboolean on)
{
    if (option == 'e')
        sh->ends_on_error = on;
    else if (option == 'u')
        sh->ends_on_unset = on;
    else if (option == 'n' && on)
        sh->flow = FLOW_EXIT;
}

static void
set_long_option(Sh *sh, const char *name, gboolean on)
{
    static const struct {
        const char *name;
        char option;
    } options[] = {{"errexit", 'e'}, {"nounset", 'u'}, {"noexec", 'n'}};
    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        if (strcmp(name, options[i].name) == 0)
            set_option(sh, options[i].option, on);
}

static gboolean
is_option(const char *word)
{
    return (word[0] == '-' || word[0] == '+') && word[1];
}

/* "-ex", "-o errexit". Returns how many words it is. */
static guint
take_options(Sh *sh, const ShCall *call, guint i)
{
    const char *word = call->words[i].text;
    gboolean on = *word == '-';
    gboolean takes_name = FALSE;
    for (const char *option = word + 1; *option && sh->doubt == 0; option++) {
        takes_name = takes_name || *option == 'o';
        set_option(sh, *option, on);
    }
    if (!takes_name || i + 1 >= call->n_words)
        return 1;
    set_long_option(sh, call->words[i + 1].text, on);
    return 2;
}

/* From word i on. How many words one makes that is not known is not known either. */
static void
set_arguments(Sh *sh, const ShCall *call, guint i)
{
    if (sh->in_functions > 0)
        return;
    sh->arguments_open = sh->doubt > 0;
    if (sh->doubt > 0)
        return;
    g_ptr_array_set_size(sh->arguments, MIN(1, sh->arguments->len));
    if (sh->arguments->len == 0)
        g_ptr_array_add(sh->arguments, g_strdup("sh"));
    for (; i < call->n_words; i++) {
        sh->arguments_open = sh->arguments_open || !call->words[i].certain;
        g_ptr_array_add(sh->arguments, g_strdup(call->words[i].text));
    }
}

void
sh_do_set(Sh *sh, ShCall *call)
{
    guint i = 1;
    gboolean dashes = FALSE;
    sh->status = SH_TRUE;
    while (i < call->n_words && !dashes && is_option(call->words[i].text)) {
        dashes = strcmp(call->words[i].text, "--") == 0;
        i += dashes ? 1 : take_options(sh, call, i);
    }
    if (dashes || i < call->n_words)
        set_arguments(sh, call, i);
}

void
sh_do_shift(Sh *sh, ShCall *call)
{
    guint n = call->n_words > 1 ? (guint)g_ascii_strtoull(call->words[1].text, NULL, 10) : 1;
    sh->status = SH_TRUE;
    if (sh->in_functions > 0)
        return;
    if (sh->doubt > 0 || (call->n_words > 1 && !call->words[1].certain))
        sh->arguments_open = TRUE;
    if (sh->arguments_open)
        return;
    if (n >= MAX(sh->arguments->len, 1))
        sh_end(sh, call->place, _("there are fewer arguments to shift"));
    else if (n > 0)
        g_ptr_array_remove_range(sh->arguments, 1, n);
}
