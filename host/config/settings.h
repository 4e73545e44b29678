/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     settings.h - a configuration that was read and checked: plain values with where they come
 * from
 *
 * DESCRIPTION
 *     MmSettings is one group: every key of its schemas with a value, the default's or the file's,
 * and its provenance. Immutable once the configuration is made; any thread may read it. Nothing
 * here touches GSettings: schemas were read when the file was.
 */
#ifndef MM_CONFIG_SETTINGS_H
#define MM_CONFIG_SETTINGS_H

#include <gio/gio.h>

typedef struct MmSettings MmSettings;

MmSettings *mm_settings_ref(MmSettings *settings);
void mm_settings_unref(MmSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmSettings, mm_settings_unref)

/* "manager", "stages/greylist" */
const char *mm_settings_group(const MmSettings *settings);
/* Getters: the key must be in the schema with that type (a programming error otherwise:
 * g_return_val_if_fail). Strings live as long as settings. */
const char *mm_settings_get_string(const MmSettings *settings, const char *key);
gboolean mm_settings_get_boolean(const MmSettings *settings, const char *key);
guint32 mm_settings_get_uint(const MmSettings *settings, const char *key);
guint64 mm_settings_get_uint64(const MmSettings *settings, const char *key);
double mm_settings_get_double(const MmSettings *settings, const char *key);
const char *const *mm_settings_get_strv(const MmSettings *settings, const char *key);
/* Whether a key of that type ("s", "b", "u", "t", "d", "as") exists. */
gboolean mm_settings_has(const MmSettings *settings, const char *key, const char *type);
/* Borrowed. NULL: no such key. */
GVariant *mm_settings_get_value(const MmSettings *settings, const char *key);
/* "default", "FILE:LINE", "rc-conf: /etc/rc.conf:12", "--user-name". NULL: no such key. */
const char *mm_settings_origin(const MmSettings *settings, const char *key);
/* File and line a value stands in: *file NULL and *line 0 for a default or an option. */
void mm_settings_location(const MmSettings *settings, const char *key, const char **file,
                          guint *line);
/* Keys in the order of the schemas, NULL-terminated, borrowed. */
const char *const *mm_settings_keys(const MmSettings *settings);

#endif
