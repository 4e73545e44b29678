/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A detector: the milters of Debian's packages, as units, init scripts and conf files say. */
#include "debian/debian.h"
#include "detect/text.h"

#include <string.h>

/* FreeBSD's rc.conf is the other detector's. */
static gboolean
is_ours(const DetectTree *tree)
{
    if (detect_tree_test(tree, 'e', "/etc/debian_version"))
        return TRUE;
    return !detect_tree_test(tree, 'e', "/etc/rc.conf") &&
           (detect_tree_test(tree, 'd', "/etc/systemd/system") ||
            detect_tree_test(tree, 'd', "/etc/init.d"));
}

static void
look_for(const DetectTree *tree, const DetectRecord *record, DetectReport *report)
{
    Service service;
    service_find(tree, record, &service, report);
    if (service.there) {
        DetectFound *found = detect_report_add(report, record->name, record);
        found->enabled = service.enabled;
        found->enabled_origin = g_strdup(service.origin);
        const DetectSearch search = {.tree = tree,
                                     .record = record,
                                     .sh = service.sh,
                                     .words = service.words,
                                     .origin = service.command_origin};
        detect_search(&search, found, report);
    }
    service_clear(&service);
}

/* ---- Milters that are in no record: worth a line, since nobody else would ask them. */

static gboolean
is_known(const DetectRecords *records, const char *name)
{
    for (guint i = 0; i < detect_records_count(records); i++) {
        const DetectRecord *record = detect_records_get(records, i);
        if (g_strv_contains(record->scripts, name))
            return TRUE;
    }
    return detect_is_ourselves(name);
}

static void
note_unknown(const DetectRecords *records, DetectReport *report, const char *file, const char *name)
{
    if (strstr(name, "milter") && !is_known(records, name))
        detect_report_note(report, _("%s: an enabled service that may be a milter, not known here"),
                           file);
}

static void
note_unknown_units(const DetectTree *tree, const DetectRecords *records, DetectReport *report)
{
    static const char folder[] = "/etc/systemd/system/multi-user.target.wants";
    g_auto(GStrv) names = detect_tree_list(tree, folder);
    for (guint i = 0; names && names[i]; i++) {
        if (!g_str_has_suffix(names[i], ".service"))
            continue;
        g_autofree char *name = g_strndup(names[i], strlen(names[i]) - strlen(".service"));
        g_autofree char *file = g_build_filename(folder, names[i], NULL);
        note_unknown(records, report, file, name);
    }
}

static void
note_unknown_scripts(const DetectTree *tree, const DetectRecords *records, DetectReport *report)
{
    g_auto(GStrv) names = detect_tree_list(tree, "/etc/init.d");
    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *link =
            strstr(names[i], "milter") ? service_run_level_link(tree, names[i]) : NULL;
        if (link)
            note_unknown(records, report, link, names[i]);
    }
}

static void
look_around(const DetectTree *tree, const DetectRecords *records, const char *const *wanted,
            DetectReport *report)
{
    for (guint i = 0; i < detect_records_count(records); i++) {
        const DetectRecord *record = detect_records_get(records, i);
        if (detect_is_wanted(wanted, record->name) && !detect_is_ourselves(record->name))
            look_for(tree, record, report);
    }
    note_unknown_units(tree, records, report);
    note_unknown_scripts(tree, records, report);
}

static bool
debian_expand(const MilterHost *host, MilterInstance *self, MilterExpansion *expansion)
{
    gsize n;
    const DetectRecord *table = debian_table(&n);
    g_autoptr(DetectTree) tree = detect_tree_new(host->root(self));
    if (!is_ours(tree))
        return true;
    g_autoptr(DetectRecords) records = detect_load_records(host, self, table, n);
    if (!records)
        return false;
    g_autoptr(DetectReport) report = detect_report_new();
    detect_check_names(host, self, records);
    look_around(tree, records, host->get_strings(self, "milters"), report);
    detect_emit(host, self, expansion, "debian", report);
    return true;
}

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .expand = debian_expand,
};

MILTER_PLUGIN(debian, .name = "debian", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager",
              .summary = N_("Finds the milters of Debian packages that are enabled"),
              .stage = &stage)
