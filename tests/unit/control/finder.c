/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A detector for tests: it always finds the same two stages. */
#include <milter-manager/plugin.h>

static bool
finder_expand(const MilterHost *host, MilterInstance *self, MilterExpansion *expansion)
{
    (void)self;
    host->expand_stage(expansion, "found-first", "asker", "finder: /etc/found:1");
    host->expand_set(expansion, "description", "'one \"quoted\"'", "finder: /etc/found:2");
    host->expand_set(expansion, "fallback-status", "'accept'", "finder: /etc/found:3");
    host->expand_stage(expansion, "found-second", "asker", "finder: /etc/found:4");
    return true;
}

static const MilterStage stage = {.size = sizeof(MilterStage), .expand = finder_expand};

MILTER_PLUGIN(finder, .name = "finder", .version = "1", .license = "LGPL-2.1-or-later",
              .summary = "Finds two stages", .stage = &stage)
