/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     schema.h - one GSettings schema as a list of keys
 */
#ifndef MM_CONFIG_SCHEMA_H
#define MM_CONFIG_SCHEMA_H

#include "config/config.h"

#define MM_SCHEMA_MANAGER "milter-manager.manager"
#define MM_SCHEMA_STAGE "milter-manager.stage"

/* NULL: the source has no such schema. Unref with g_settings_schema_unref. */
GSettingsSchema *mm_schemas_lookup(const MmSchemas *schemas, const char *id);
/* Keys sorted by name; free with g_strfreev. */
char **mm_schema_keys(GSettingsSchema *schema);
/* What the key allows, in words: "a number from 1 to 5", "one of: a, b". Free. */
char *mm_schema_allowed(GSettingsSchemaKey *key);
/* Whether a plugin can ask for it: s, b, u, t, d, as. */
gboolean mm_schema_key_is_usable(GSettingsSchemaKey *key);
/* NULL: the key has none. Free with g_strfreev. */
char **mm_schema_choices(GSettingsSchemaKey *key);
/* The candidate nearest to word, whatever its case, if it is near enough to
 * be meant; or NULL. */
const char *mm_schema_nearest(const char *word, const char *const *candidates);

#endif
