/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scripts and their milters. */
#include "detect/text.h"
#include "rc-conf.h"

#include <errno.h>
#include <string.h>

#define PROFILES_MAX 64u

typedef struct Finder {
    const DetectTree *tree;
    const RcSystem *system;
    const DetectRecords *records;
    DetectReport *report;
} Finder;

/* What the common files have said is said once. */
static void
report_messages(const Finder *finder, Sh *sh)
{
    for (const char *const *message = sh_messages(sh); *message; message++)
        detect_report_warn(finder->report, "%s", *message);
}

static gboolean
is_same(const DetectFound *a, const DetectFound *b)
{
    return strcmp(a->name, b->name) == 0;
}

/* An old and a new script of one milter may both be there: the first that is enabled counts. */
static void
drop_double(const Finder *finder, const DetectFound *latest)
{
    GPtrArray *all = finder->report->found;
    for (guint i = 0; i + 1 < all->len; i++) {
        const DetectFound *before = g_ptr_array_index(all, i);
        if (!is_same(before, latest))
            continue;
        g_ptr_array_remove_index(all, before->enabled ? all->len - 1 : i);
        return;
    }
}

static void
take_script(const Finder *finder, const RcScript *script, const DetectRecord *record,
            const char *profile)
{
    g_autofree char *name =
        profile ? g_strdup_printf("%s-%s", record->name, profile) : g_strdup(record->name);
    g_autofree char *prefix = script->name ? g_strconcat(script->name, "_", NULL) : NULL;
    DetectFound *found = detect_report_add(finder->report, name, record);
    rc_conf_decide(script, record, profile, found, finder->report);
    const DetectSearch search = {.tree = finder->tree,
                                 .record = record,
                                 .sh = script->sh,
                                 .words = script->words,
                                 .origin = script->path,
                                 .prefix = prefix};
    detect_search(&search, found, finder->report);
    drop_double(finder, found);
}

static void
take_profiles(const Finder *finder, const char *path, const DetectRecord *record,
              const char *profiles)
{
    g_auto(GStrv) names = g_strsplit_set(profiles, " \t\n", PROFILES_MAX);
    for (guint i = 0; names[i]; i++) {
        if (!*names[i])
            continue;
        g_autoptr(RcScript) script =
            rc_script_new(finder->system, path, names[i], record->programs);
        report_messages(finder, script->sh);
        take_script(finder, script, record, names[i]);
    }
}

/* The script's variable with profiles is known before any of them is looked at. */
static void
look_at(const Finder *finder, const char *path, const DetectRecord *record)
{
    g_autoptr(RcScript) script = rc_script_new(finder->system, path, NULL, record->programs);
    report_messages(finder, script->sh);
    if (!script->name && script->words->len == 0)
        return;
    const char *profiles = record->profiles ? sh_value(script->sh, record->profiles) : NULL;
    if (profiles && profiles[strspn(profiles, " \t\n")])
        take_profiles(finder, path, record, profiles);
    else
        take_script(finder, script, record, NULL);
}

/* "NAME" and, as in old ports, "NAME.sh". */
static gboolean
is_script_of(const DetectRecord *record, const char *file)
{
    g_autofree char *stem =
        g_str_has_suffix(file, ".sh") ? g_strndup(file, strlen(file) - 3) : g_strdup(file);
    return g_strv_contains(record->scripts, file) || g_strv_contains(record->scripts, stem);
}

static const DetectRecord *
record_of(const Finder *finder, const char *file)
{
    for (guint i = 0; i < detect_records_count(finder->records); i++) {
        const DetectRecord *record = detect_records_get(finder->records, i);
        if (is_script_of(record, file))
            return record;
    }
    return NULL;
}

/* A script may speak of milters and be none: it waits for one, or is the scanner behind it. */
static gboolean
seems_a_milter(const RcScript *script, const char *file)
{
    const char *command = sh_value(script->sh, "command");
    g_autofree char *all =
        g_strjoin(" ", file, script->name ? script->name : "", command ? command : "", NULL);
    g_autofree char *lower = g_ascii_strdown(all, -1);
    return strstr(lower, "milter") != NULL;
}

static void
report_unknown(const Finder *finder, const RcScript *script, const char *file)
{
    const ShVariable *variable = sh_get(script->sh, script->rcvar);
    g_autofree char *text = g_strdup_printf(
        _("%s:%u: %s=YES enables the unrecognised script %s, which speaks of milters: it is not "
          "used unless a group of the configuration or a record names it"),
        variable->place.file ? variable->place.file : script->path, variable->place.line,
        script->rcvar, file);
    if (seems_a_milter(script, file))
        detect_report_warn(finder->report, "%s", text);
    else
        detect_report_note(finder->report, "%s", text);
}

/* A script that no record has, but that speaks of milters. */
static void
look_at_unknown(const Finder *finder, const char *path, const char *file)
{
    g_autofree char *text = NULL;
    g_autofree char *why = NULL;
    if (detect_tree_read(finder->tree, path, &text, &why) != DETECT_READ_OK)
        return;
    g_autofree char *lower = g_ascii_strdown(text, -1);
    if (!strstr(lower, "milter"))
        return;
    g_autoptr(RcScript) script = rc_script_new(finder->system, path, NULL, NULL);
    const char *value = script->rcvar ? sh_value(script->sh, script->rcvar) : NULL;
    if (value && sh_yes_or_no(value) == SH_TRUE)
        report_unknown(finder, script, file);
}

/* Copies that rc does not start. */
static gboolean
is_copy(const char *file)
{
    static const char *const ends[] = {".sample", ".pkgsave", ".orig", ".bak",
                                       ".OLD",    ",v",       "~",     "#"};
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
        if (g_str_has_suffix(file, ends[i]))
            return TRUE;
    return FALSE;
}

static void
look_through(const Finder *finder, const char *directory, gboolean unknown,
             const char *const *milters)
{
    g_auto(GStrv) names = detect_tree_list(finder->tree, directory);
    if (!names && errno != ENOENT && errno != ENOTDIR)
        detect_report_warn(finder->report, "%s: %s", directory, g_strerror(errno));
    for (guint i = 0; names && names[i]; i++) {
        if (detect_is_ourselves(names[i]) || is_copy(names[i]))
            continue;
        g_autofree char *path = g_build_filename(directory, names[i], NULL);
        const DetectRecord *record = record_of(finder, names[i]);
        if (record && detect_is_wanted(milters, record->name))
            look_at(finder, path, record);
        else if (!record && unknown)
            look_at_unknown(finder, path, names[i]);
    }
}

void
rc_conf_find(const DetectTree *tree, const char *const *files, const char *const *milters,
             const DetectRecords *records, DetectReport *report)
{
    g_autoptr(RcSystem) system = rc_system_new(tree, files);
    const Finder finder = {tree, system, records, report};
    const char *const *directories = rc_system_startup(system);
    report_messages(&finder, rc_system_shell(system));
    for (guint i = 0; directories[i]; i++)
        look_through(&finder, directories[i], i > 0, milters);
}
