/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect/rc-subr.h"

#include "detect/text.h"

#include <errno.h>
#include <string.h>

#define DEFAULTS "/etc/defaults/rc.conf"
#define STARTUP "/usr/local/etc/rc.d"

struct RcSystem {
    const DetectTree *tree;
    char **files; /* NULL: as rc.subr */
    Sh *sh;
    GPtrArray *startup; /* char *, the last one NULL */
};

static ShWord *
word_new(const char *text, gboolean certain)
{
    ShWord *word = g_new(ShWord, 1);
    *word = (ShWord){g_strdup(text), certain};
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
    GPtrArray *defaults; /* char *: variables that set_rcvar gave a default */
    GPtrArray *called;   /* ShWord: the program's command line */
    gboolean ran;        /* it calls run_rc_command */
} Run;

/* ---- The files that all services read. */

/* Each file once, in the order of the list. */
static void
source_list(Sh *sh, const char *const *files, GHashTable *sourced)
{
    for (; *files; files++)
        if (g_hash_table_add(sourced, g_strdup(*files)))
            sh_source(sh, *files);
}

static char **
split(const char *list)
{
    char **all = g_strsplit_set(list ? list : "", " \t\n", -1);
    guint n = 0;
    for (guint i = 0; all[i]; i++) {
        if (*all[i])
            all[n++] = all[i];
        else
            g_free(all[i]);
    }
    all[n] = NULL;
    return all;
}

static char **
copy_list(const char *const *list)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (; *list; list++)
        g_strv_builder_add(builder, *list);
    return g_strv_builder_end(builder);
}

/* rc.subr's source_rc_confs: the list may grow while it is worked off. */
static void
source_rc_confs(Sh *sh, const RcSystem *system)
{
    g_autoptr(GHashTable) sourced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint pass = 0; pass < 2; pass++) {
        const char *list = sh_value(sh, "rc_conf_files");
        g_auto(GStrv) files = split(list ? list : "/etc/rc.conf /etc/rc.conf.local");
        source_list(sh,
                    system->files ? (const char *const *)system->files : (const char *const *)files,
                    sourced);
    }
}

static void
load_common(Sh *sh, const RcSystem *system)
{
    DetectRead defaults = sh_source(sh, DEFAULTS);
    if (defaults != DETECT_READ_ABSENT || system->files)
        source_rc_confs(sh, system);
    else
        sh_source(sh, "/etc/rc.conf");
}

static void
find_startup(RcSystem *system)
{
    const char *list = sh_value(system->sh, "local_startup");
    g_auto(GStrv) directories = split(list ? list : STARTUP);
    g_ptr_array_add(system->startup, g_strdup("/etc/rc.d"));
    for (guint i = 0; directories[i]; i++)
        g_ptr_array_add(system->startup, g_strdup(directories[i]));
    g_ptr_array_add(system->startup, NULL);
}

RcSystem *
rc_system_new(const DetectTree *tree, const char *const *files)
{
    RcSystem *system = g_new0(RcSystem, 1);
    system->tree = tree;
    system->files = files && *files ? copy_list(files) : NULL;
    system->startup = g_ptr_array_new_with_free_func(g_free);
    system->sh = sh_new(tree, NULL, NULL);
    load_common(system->sh, system);
    find_startup(system);
    return system;
}

void
rc_system_free(RcSystem *system)
{
    if (!system)
        return;
    g_strfreev(system->files);
    sh_free(system->sh);
    g_ptr_array_unref(system->startup);
    g_free(system);
}

const DetectTree *
rc_system_tree(const RcSystem *system)
{
    return system->tree;
}

Sh *
rc_system_shell(const RcSystem *system)
{
    return system->sh;
}

const char *const *
rc_system_startup(const RcSystem *system)
{
    return (const char *const *)(gpointer)system->startup->pdata;
}

/* ---- load_rc_config. */

static void
source_directory(Sh *sh, const DetectTree *tree, const char *directory)
{
    g_auto(GStrv) names = detect_tree_list(tree, directory);
    if (!names)
        sh_message(sh, (ShPlace){directory, 0}, g_strerror(errno));
    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *path = g_build_filename(directory, names[i], NULL);
        if (!detect_tree_test(tree, 'd', path))
            sh_source(sh, path);
    }
}

/* In directory, which is /etc or where a startup directory lies. */
static void
source_rc_conf_d(Sh *sh, const DetectTree *tree, const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, "rc.conf.d", name, NULL);
    if (detect_tree_test(tree, 'd', path))
        source_directory(sh, tree, path);
    else
        sh_source(sh, path);
}

static void
load_service(Sh *sh, const RcSystem *system, const char *name)
{
    const char *list = sh_value(sh, "local_startup");
    g_auto(GStrv) directories = split(list ? list : STARTUP);
    source_rc_conf_d(sh, system->tree, "/etc", name);
    for (guint i = 0; directories[i]; i++) {
        if (g_str_has_suffix(directories[i], "/rc.d"))
            directories[i][strlen(directories[i]) - strlen("/rc.d")] = '\0';
        source_rc_conf_d(sh, system->tree, directories[i], name);
    }
}

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
        load_common(sh, run->system);
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
    load_service(sh, run->system, name->text);
    apply_defaults(run, sh);
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

/* "set_rcvar_obsolete OLD NEW": what is set by the old name counts. */
static void
set_rcvar_obsolete(Sh *sh, ShCall *call)
{
    call->status = SH_TRUE;
    const ShVariable *old = call->n_words > 2 ? sh_get(sh, call->words[1].text) : NULL;
    if (old && old->certain && *old->value && call->words[2].certain)
        sh_set(sh, call->words[2].text, old->value, old->place);
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
        set_rcvar_obsolete(sh, call);
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
    g_ptr_array_set_size(run->called, 0);
    sh_free(script->sh);
    script->sh = sh_new(run->system->tree, hook, run);
    sh_set_arguments(script->sh, arguments);
    if (at_boot)
        load_common(script->sh, run->system);
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
    run.called = g_ptr_array_new_with_free_func(word_free);
    script->system = system;
    script->path = g_strdup(path);
    script->words = g_ptr_array_new_with_free_func(word_free);
    run_script(&run, arguments);
    sh_set_hook(script->sh, NULL, NULL);
    g_ptr_array_unref(run.defaults);
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
