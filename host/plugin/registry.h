/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     registry.h - plugins by name, found in a list of folders
 */
#ifndef MM_PLUGIN_REGISTRY_H
#define MM_PLUGIN_REGISTRY_H

#include "plugin/loader.h"

typedef struct MmRegistry MmRegistry;

MmRegistry *mm_registry_new(void);
/* The plugins stay loaded. */
void mm_registry_free(MmRegistry *registry);
/* Folders in the order of searching; the first that has NAME.so wins. Copies. */
void mm_registry_set_path(MmRegistry *registry, const char *const *directories);
/* Loads it if it is not yet. NULL with error; for a name that is nowhere the error says where was
 * looked and which known name is near. */
const MmPlugin *mm_registry_get(MmRegistry *registry, const char *name, GError **error);
/* Names of all NAME.so in the folders, sorted, each once; g_strfreev. */
char **mm_registry_names(MmRegistry *registry);

/* Appends one line a plugin (--list-plugins): name, version, summary, file; those that cannot be
 * loaded with the reason. FALSE if there is one. */
gboolean mm_registry_describe_all(MmRegistry *registry, GString *out);
/* Appends all there is to say about a plugin (--inspect-plugin). */
void mm_plugin_describe(const MmPlugin *plugin, GString *out);

#endif
