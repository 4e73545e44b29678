/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A script: its variables and its command line. */
#include "detect/rc-private.h"

#include "detect/text.h"

#include <string.h>

static ShWord *
word_new(const char *text, gboolean certain)
{
    ShWord *word = g_new(ShWord, 1);
    *word = (ShWord){g_strdup(text), certain, NULL};
    return word;
}

static void
word_free(gpointer data)
{
    ShWord *word = data;
    g_free(word->text);
    g_free(word);
}

/* A script while it is evaluated. */
typedef struct Run {
    const RcSystem *system;
    RcScript *script;
    const char *const *programs;
    GPtrArray *defaults; /* char *: variables that set_rcvar gave a default, each with it */
    GPtrArray *obsolete; /* char *: names of old, each with the one in its place */
    GPtrArray *called;   /* ShWord: the program's command line */
    gboolean ran;        /* it calls run_rc_command */
} Run;

/* ---- load_rc_config. */

/* Defaults that set_rcvar declared are for what is unset or empty. */
static void
apply_defaults(Run *run, Sh *sh)
{
    for (guint i = 0; i + 1 < run->defaults->len; i += 2) {
        const ShVariable *variable = sh_get(sh, g_ptr_array_index(run->defaults, i));
        if (!variable || (variable->certain && !*variable->value))
            sh_set(sh, g_ptr_array_index(run->defaults, i), g_ptr_array_index(run->defaults, i + 1),
                   (ShPlace){run->script->path, 0});
    }
}

/* What is set by an old name counts, whatever the new one says. */
static void
apply_obsolete(Run *run, Sh *sh)
{
    for (guint i = 0; i + 1 < run->obsolete->len; i += 2) {
        const ShVariable *old = sh_get(sh, g_ptr_array_index(run->obsolete, i));
        if (old && old->certain && *old->value)
            sh_set(sh, g_ptr_array_index(run->obsolete, i + 1), old->value, old->place);
    }
}

static gboolean
is_plain_name(const char *name)
{
    return *name && *name != '.' && !strpbrk(name, "/\001");
}

static void
load_rc_config(Run *run, Sh *sh, ShCall *call)
{
    call->status = SH_TRUE;
    if (!run->script->loaded)
        rc_load_common(sh, run->system);
    run->script->loaded = TRUE;
    if (call->n_words < 2)
        return;
    const ShWord *name = &call->words[1];
    if (!name->certain || !is_plain_name(name->text)) {
        sh_message(sh, call->place, _("the name of the service is not known"));
        return;
    }
    g_free(run->script->name);
    run->script->name = g_strdup(name->text);
    rc_load_service(sh, run->system, name->text);
    apply_defaults(run, sh);
    apply_obsolete(run, sh);
}

/* ---- Other functions of rc.subr. */

/* For its output: `set_rcvar`; with a value: declares a default. */
static void
set_rcvar(Run *run, Sh *sh, ShCall *call)
{
    const char *name = call->n_words > 1 ? call->words[1].text : sh_value(sh, "name");
    gboolean certain = name && (call->n_words < 2 || call->words[1].certain);
    call->status = certain ? SH_TRUE : SH_UNKNOWN;
    if (certain && call->output)
        g_string_append_printf(call->output, "%s_enable", name);
    if (certain && call->n_words > 2 && call->words[2].certain) {
        g_ptr_array_add(run->defaults, g_strdup(name));
        g_ptr_array_add(run->defaults, g_strdup(call->words[2].text));
    }
}

/* "set_rcvar_obsolete OLD NEW", for the load_rc_config that follows. */
static void
set_rcvar_obsolete(Run *run, ShCall *call)
{
    call->status = SH_TRUE;
    if (call->n_words < 3 || !call->words[1].certain || !call->words[2].certain)
        return;
    g_ptr_array_add(run->obsolete, g_strdup(call->words[1].text));
    g_ptr_array_add(run->obsolete, g_strdup(call->words[2].text));
}

static void
checkyesno(Sh *sh, ShCall *call)
{
    if (call->n_words < 2 || !call->words[1].certain)
        return;
    const ShVariable *variable = sh_get(sh, call->words[1].text);
    if (variable && !variable->certain)
        return;
    call->status = variable && sh_yes_or_no(variable->value) == SH_TRUE ? SH_TRUE : SH_FALSE;
}

/* rc.subr itself, network.subr and the like: this file takes their place. */
static gboolean
is_library(const ShCall *call)
{
    return call->n_words > 1 && g_str_has_suffix(call->words[1].text, ".subr");
}

static void
note_program(Run *run, const ShCall *call)
{
    g_autofree char *base = g_path_get_basename(call->words[0].text);
    if (run->called->len > 0 || !g_strv_contains(run->programs, base))
        return;
    for (guint i = 0; i < call->n_words; i++)
        g_ptr_array_add(run->called, word_new(call->words[i].text, call->words[i].certain));
}

static gboolean
hook(Sh *sh, ShCall *call, gpointer data)
{
    Run *run = data;
    const char *command = call->words[0].text;
    if (strcmp(command, ".") == 0 && is_library(call))
        call->status = SH_TRUE;
    else if (strcmp(command, "load_rc_config") == 0)
        load_rc_config(run, sh, call);
    else if (strcmp(command, "run_rc_command") == 0)
        run->ran = call->stop = TRUE;
    else if (strcmp(command, "set_rcvar") == 0)
        set_rcvar(run, sh, call);
    else if (strcmp(command, "set_rcvar_obsolete") == 0)
        set_rcvar_obsolete(run, call);
    else if (strcmp(command, "checkyesno") == 0)
        checkyesno(sh, call);
    else {
        if (run->programs && *command == '/')
            note_program(run, call);
        return FALSE;
    }
    return TRUE;
}

/* ---- The command line. */

/* Adds the words of a variable's value, which is expanded again. */
static void
add_words(RcScript *script, const char *name)
{
    const ShVariable *variable = name ? sh_get(script->sh, name) : NULL;
    if (!variable)
        return;
    gboolean usable = variable->certain || variable->holes;
    g_autofree char *value = g_strdup(variable->value);
    GPtrArray *words = sh_words(script->sh, value);
    while (words->len > 0) {
        ShWord *word = g_ptr_array_steal_index(words, 0);
        word->certain = word->certain && usable;
        g_ptr_array_add(script->words, word);
    }
    g_ptr_array_unref(words);
}

/* rc.subr's $rc_flags, unless the script has set it. Returns the variable with the flags. */
static const char *
prepare_flags(RcScript *script, const char *flags)
{
    const ShVariable *value = sh_get(script->sh, flags);
    if (sh_get(script->sh, "rc_flags"))
        return "rc_flags";
    if (value && value->certain)
        sh_set(script->sh, "rc_flags", value->value, value->place);
    return flags;
}

static void
make_command_line(RcScript *script)
{
    g_autofree char *program = g_strconcat(script->name, "_program", NULL);
    g_autofree char *flags = g_strconcat(script->name, "_flags", NULL);
    const ShVariable *own = sh_get(script->sh, program);
    add_words(script, own && *own->value ? program : "command");
    if (script->words->len == 0)
        g_ptr_array_add(script->words, word_new("", FALSE));
    add_words(script, prepare_flags(script, flags));
    add_words(script, "command_args");
}

static void
take_results(Run *run)
{
    RcScript *script = run->script;
    const char *rcvar = sh_value(script->sh, "rcvar");
    if (!script->name)
        script->name = g_strdup(sh_value(script->sh, "name"));
    if (rcvar && *rcvar)
        script->rcvar = g_strdup(rcvar);
    else if (script->name && script->uses_rc_subr && !sh_get(script->sh, "rcvar"))
        script->rcvar = g_strconcat(script->name, "_enable", NULL);
    if (script->name && script->uses_rc_subr) {
        make_command_line(script);
    } else {
        g_ptr_array_unref(script->words);
        script->words = g_ptr_array_ref(run->called);
    }
}

/* FALSE: it cannot be read. */
static gboolean
evaluate(Run *run, const char *const *arguments, gboolean at_boot)
{
    RcScript *script = run->script;
    g_ptr_array_set_size(run->defaults, 0);
    g_ptr_array_set_size(run->obsolete, 0);
    g_ptr_array_set_size(run->called, 0);
    sh_free(script->sh);
    script->sh = sh_new(rc_system_tree(run->system), hook, run);
    sh_set_arguments(script->sh, arguments);
    if (at_boot)
        rc_load_common(script->sh, run->system);
    return sh_source(script->sh, script->path) == DETECT_READ_OK;
}

/* A script that relies on what rc has loaded at boot is evaluated with that. */
static void
run_script(Run *run, const char *const *arguments)
{
    RcScript *script = run->script;
    gboolean good = evaluate(run, arguments, FALSE);
    script->uses_rc_subr = script->loaded || run->ran || sh_get(script->sh, "rcvar");
    if (good && script->uses_rc_subr && !script->loaded)
        good = evaluate(run, arguments, TRUE);
    if (good)
        take_results(run);
}

RcScript *
rc_script_new(const RcSystem *system, const char *path, const char *profile,
              const char *const *programs)
{
    const char *arguments[] = {path, "start", profile, NULL};
    RcScript *script = g_new0(RcScript, 1);
    Run run = {.system = system, .script = script, .programs = programs};
    run.defaults = g_ptr_array_new_with_free_func(g_free);
    run.obsolete = g_ptr_array_new_with_free_func(g_free);
    run.called = g_ptr_array_new_with_free_func(word_free);
    script->system = system;
    script->path = g_strdup(path);
    script->words = g_ptr_array_new_with_free_func(word_free);
    run_script(&run, arguments);
    sh_set_hook(script->sh, NULL, NULL);
    g_ptr_array_unref(run.defaults);
    g_ptr_array_unref(run.obsolete);
    g_ptr_array_unref(run.called);
    return script;
}

void
rc_script_free(RcScript *script)
{
    if (!script)
        return;
    g_free(script->path);
    g_free(script->name);
    g_free(script->rcvar);
    sh_free(script->sh);
    g_ptr_array_unref(script->words);
    g_free(script);
}
