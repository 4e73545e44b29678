/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface needs nothing but the C of 1999: this is compiled with -std=c99 -pedantic-errors.
 * Each header stands alone: HEADER is the one that comes first. */
#include HEADER

#include <milter-manager/plugin.h>

static const MilterStage stage = {.size = sizeof(MilterStage)};

MILTER_PLUGIN(plain, .name = "plain", .version = "1", .license = "MIT", .summary = "Plain C",
              .stage = &stage)

int
main(void)
{
    return milter_plain_plugin()->abi == MILTER_PLUGIN_ABI ? 0 : 1;
}
