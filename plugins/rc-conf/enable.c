/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether rc.subr would start a service, and what decided it. */
#include "detect/text.h"
#include "rc-conf.h"

#include <string.h>

static char *
place_text(const ShVariable *variable)
{
    if (variable->place.line == 0)
        return g_strdup(variable->place.file ? variable->place.file : "");
    return g_strdup_printf("%s:%u", variable->place.file, variable->place.line);
}

static void
set_origin(DetectFound *found, char *origin)
{
    g_free(found->enabled_origin);
    found->enabled_origin = origin;
}

/* The variable that decides: that of the profile if it is set, the script's rcvar, the table's. */
static char *
deciding_variable(const RcScript *script, const DetectRecord *record, const char *profile)
{
    if (profile && script->name) {
        char *own = g_strdup_printf("%s_%s_enable", script->name, profile);
        if (sh_get(script->sh, own))
            return own;
        g_free(own);
    }
    if (script->rcvar)
        return g_strdup(script->rcvar);
    return g_strdup(record ? record->enable : NULL);
}

/* Where the value was written: a script that hands it on through eval sets it anew. */
static char *
place_of(const RcScript *script, const char *name)
{
    const ShVariable *variable = sh_get(script->sh, name);
    const ShVariable *written = sh_get(rc_system_shell(script->system), name);
    gboolean handed_on = written && strcmp(written->value, variable->value) == 0 &&
                         g_strcmp0(variable->place.file, script->path) == 0;
    return place_text(handed_on ? written : variable);
}

static void
take_value(const RcScript *script, const char *name, DetectFound *found, DetectReport *report)
{
    const ShVariable *variable = sh_get(script->sh, name);
    g_autofree char *place = place_of(script, name);
    set_origin(found, g_strdup(place));
    if (!sh_value(script->sh, name)) {
        detect_report_warn(report,
                           _("%s: whether %s is enabled is not known (%s): it is not used; "
                             "[stages/%s] in the configuration can say enabled=true"),
                           place, found->name, variable->why ? variable->why : "", found->name);
        return;
    }
    ShStatus status = sh_yes_or_no(variable->value);
    found->enabled = status == SH_TRUE;
    if (status == SH_UNKNOWN) {
        g_autofree char *shown = g_utf8_make_valid(variable->value, -1);
        detect_report_warn(report, _("%s: %s=“%s” is neither YES nor NO: it counts as NO"), place,
                           name, shown);
    }
}

/* NAME_enabled: nothing in FreeBSD reads it, but people write it. */
static void
heed_misnomer(const RcScript *script, const char *right, const char *wrong, DetectFound *found,
              DetectReport *report)
{
    const char *value = sh_value(script->sh, wrong);
    if (!value)
        return;
    g_autofree char *place = place_text(sh_get(script->sh, wrong));
    if (sh_yes_or_no(value) == SH_FALSE) {
        found->enabled = FALSE;
        set_origin(found, g_strdup(place));
        detect_report_warn(report,
                           _("%s: nothing but this reads %s: %s is not used, but it is still "
                             "started; write %s=\"NO\""),
                           place, wrong, found->name, right);
    } else {
        detect_report_warn(report, _("%s: nothing reads %s; write %s"), place, wrong, right);
    }
}

static void
heed_misnomers(const RcScript *script, const char *right, const char *profile, DetectFound *found,
               DetectReport *report)
{
    if (!script->name)
        return;
    g_autofree char *wrong = g_strconcat(script->name, "_enabled", NULL);
    heed_misnomer(script, right, wrong, found, report);
    if (!profile)
        return;
    g_autofree char *own = g_strdup_printf("%s_%s_enabled", script->name, profile);
    g_autofree char *own_right = g_strdup_printf("%s_%s_enable", script->name, profile);
    heed_misnomer(script, own_right, own, found, report);
}

/* rc starts what is executable only: for a script of old that is the switch itself. */
static void
heed_mode(const RcScript *script, DetectFound *found, DetectReport *report)
{
    if (!found->enabled || detect_tree_test(rc_system_tree(script->system), 'x', script->path))
        return;
    found->enabled = FALSE;
    set_origin(found, g_strdup(script->path));
    if (script->uses_rc_subr)
        detect_report_warn(report, _("%s: it is not executable, so %s is not started: not used"),
                           script->path, found->name);
}

void
rc_conf_decide(const RcScript *script, const DetectRecord *record, const char *profile,
               DetectFound *found, DetectReport *report)
{
    g_autofree char *name = deciding_variable(script, record, profile);
    set_origin(found, g_strdup(script->path));
    if (name && sh_get(script->sh, name))
        take_value(script, name, found, report);
    else
        /* A script of old that knows no rc.subr is run because it is there. */
        found->enabled = !script->uses_rc_subr && script->words->len > 0;
    if (name)
        heed_misnomers(script, name, profile, found, report);
    heed_mode(script, found, report);
}
