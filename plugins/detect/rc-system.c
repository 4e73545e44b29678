/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that all services read, and those of one service. */
#include "detect/rc-private.h"

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

void
rc_load_common(Sh *sh, const RcSystem *system)
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
    rc_load_common(system->sh, system);
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

/* ---- Those of one service. */

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

void
rc_load_service(Sh *sh, const RcSystem *system, const char *name)
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
