/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     plugin.h - what a plugin exports
 *
 * DESCRIPTION
 *     A plugin NAME is one file NAME.so with one exported symbol, the function
 *     milter_NAME_plugin ("-" in NAME becomes "_"), that returns a constant descriptor. It links to
 *     no symbol of the host: the services arrive as a table in configure. It is loaded once and
 *     never unloaded.
 *
 *         #include <milter-manager/plugin.h>
 *
 *         static const MilterStage stage = { .size = sizeof (MilterStage), ... };
 *         MILTER_PLUGIN(example, .name = "example", .version = "1.0", ..., .stage = &stage)
 *
 *     Its keys are a GSettings schema milter-manager.plugin.NAME, compiled (glib-compile-schemas)
 *     to NAME.d/gschemas.compiled beside the file. They have the types s, b, u, t, d or as, and
 *     none has the name of a key that every stage has (milter-manager.conf(5)). NAME.d/locale may
 *     have catalogues of text_domain. All of it belongs to root or to the user that the host runs
 *     as, and nobody else may write to it: else it is not loaded.
 *     "milter-manager --inspect-plugin=NAME.so" says what is wrong.
 *
 *     In C++ the members have to be named in their order; MILTER_PLUGIN wants C++20, or a compiler
 *     that names members before (gcc and clang do). No exception may leave a function that the host
 *     calls: the host is C.
 */
#ifndef MILTER_MANAGER_PLUGIN_H
#define MILTER_MANAGER_PLUGIN_H

#include <milter-manager/event.h>
#include <milter-manager/host.h>
#include <milter-manager/stage.h>
#include <milter-manager/verdict.h>

/* Equal in host and plugin, or the plugin is refused. */
#define MILTER_PLUGIN_ABI 1u

typedef struct MilterPlugin {
    uint32_t abi;     /* MILTER_PLUGIN_ABI */
    uint32_t size;    /* sizeof (MilterPlugin) when the plugin was built */
    const char *name; /* the file's name without .so: [A-Za-z0-9._-]{1,64} */
    const char *version;
    const char *license;     /* SPDX expression */
    const char *text_domain; /* gettext domain of its texts; NULL: the host's */
    const char *summary;     /* one line, English, translated through text_domain */
    const MilterStage *stage;
} MilterPlugin;

typedef const MilterPlugin *(*MilterPluginFunction)(void);

#if defined(__cplusplus)
#define MILTER_PLUGIN_LINKAGE extern "C"
#else
#define MILTER_PLUGIN_LINKAGE
#endif
#define MILTER_PLUGIN_EXPORT MILTER_PLUGIN_LINKAGE __attribute__((visibility("default")))

/* Defines the exported function; symbol is NAME with "-" written as "_". */
#define MILTER_PLUGIN(symbol, ...)                                                                 \
    MILTER_PLUGIN_EXPORT const MilterPlugin *milter_##symbol##_plugin(void);                       \
    const MilterPlugin *milter_##symbol##_plugin(void)                                             \
    {                                                                                              \
        static const MilterPlugin descriptor = {                                                   \
            .abi = MILTER_PLUGIN_ABI, .size = sizeof(MilterPlugin), __VA_ARGS__};                  \
        return &descriptor;                                                                        \
    }

#endif
