/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin's table: a stage that turns into the milters that rc.conf enables. */
#include "rc-conf.h"

#include "detect/text.h"

static bool
rc_conf_expand(const MilterHost *host, MilterInstance *self, MilterExpansion *expansion)
{
    g_autoptr(DetectRecords) records =
        detect_load_records(host, self, rc_conf_table, rc_conf_table_size);
    if (!records)
        return false;
    detect_check_names(host, self, records);
    g_autoptr(DetectTree) tree = detect_tree_new(host->root(self));
    g_autoptr(DetectReport) report = detect_report_new();
    rc_conf_find(tree, host->get_strings(self, "rc-conf-files"), host->get_strings(self, "milters"),
                 records, report);
    detect_emit(host, self, expansion, "rc-conf", report);
    return true;
}

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .expand = rc_conf_expand,
};

MILTER_PLUGIN(rc_conf, .name = "rc-conf", .version = MM_VERSION, .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager",
              .summary = N_("Turns into the milters that FreeBSD's rc.conf enables"),
              .stage = &stage)
