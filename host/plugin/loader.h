/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     loader.h - one plugin file: checked before it is trusted, loaded once, never unloaded
 *
 * DESCRIPTION
 *     In this order: a file that may be trusted (trust.h); opened with all symbols resolved and
 *     none given away; the one symbol milter_NAME_plugin; ABI, sizes, strings, the stage's
 * mandatory functions and its facts; the name equal to the file's; then made resident. NAME.d
 * beside it, if it has a gschemas.compiled, must be trusted too and have the schema
 *     milter-manager.plugin.NAME; with that schema's XML alone it is refused. Each failure says
 * which file, and what was expected.
 *
 *     NAME.d/locale is bound to the plugin's text domain, unless that is the host's own.
 */
#ifndef MM_PLUGIN_LOADER_H
#define MM_PLUGIN_LOADER_H

#include "config/config.h"
#include <milter-manager/plugin.h>

#define MM_PLUGIN_ERROR (mm_plugin_error_quark())
GQuark mm_plugin_error_quark(void);
typedef enum MmPluginError {
    MM_PLUGIN_ERROR_FILE,       /* not there, not regular, not ours, writable by others */
    MM_PLUGIN_ERROR_OPEN,       /* the system's loader refused it */
    MM_PLUGIN_ERROR_SYMBOL,     /* the function is missing */
    MM_PLUGIN_ERROR_ABI,        /* made for another version of the interface */
    MM_PLUGIN_ERROR_DESCRIPTOR, /* the descriptor or stage table is incomplete */
} MmPluginError;

typedef struct MmPlugin {
    char *file;
    const MilterPlugin *descriptor;
    MmSchemas *schemas; /* of NAME.d, or NULL: no keys */
    char *schema_id;    /* milter-manager.plugin.NAME */
} MmPlugin;

/* The code stays in the process for its life. NULL with error. */
MmPlugin *mm_plugin_load(const char *file, GError **error);
/* Frees what is known of the plugin, not its code. */
void mm_plugin_free(MmPlugin *plugin);
/* "NAME" of ".../NAME.so"; NULL if the file is not called so. Free. */
char *mm_plugin_name_of_file(const char *file);
/* "milter_NAME_plugin", with "-" and "." as "_". Free. */
char *mm_plugin_symbol_of_name(const char *name);

#endif
