/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     print.h - a configuration in the syntax of its file, each key under where it comes from
 */
#ifndef MM_CONFIG_PRINT_H
#define MM_CONFIG_PRINT_H

#include "config/settings.h"

/* Appends "[GROUP]" and for each key "# ORIGIN" and "KEY=VALUE". Passwords in URIs are replaced. */
void mm_config_print_group(GString *out, const MmSettings *settings);

#endif
