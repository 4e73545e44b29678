/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a settings object is filled; for config, and for control, which keeps what a restart changes.
 */
#ifndef MM_CONFIG_SETTINGS_PRIVATE_H
#define MM_CONFIG_SETTINGS_PRIVATE_H

#include "config/settings.h"

MmSettings *mm_settings_new(const char *group);
/* Takes a reference of its own to value. Sets or replaces. file NULL: from none. */
void mm_settings_set(MmSettings *settings, const char *key, GVariant *value, const char *origin,
                     const char *file, guint line);

#endif
