/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     config.h - the whole configuration: file, schemas, checks, detectors' stages
 *
 * DESCRIPTION
 *     Reading is in two steps, because the schemas of a stage are its plugin's: mm_config_read
 * makes the [manager] group and the list of stages with their raw keys; the caller finds each
 * plugin's schema and calls mm_config_bind_stage. Problems are gathered, all of them, never only
 * the first.
 */
#ifndef MM_CONFIG_CONFIG_H
#define MM_CONFIG_CONFIG_H

#include "config/settings.h"

/* One thing that is wrong, or (warning) looks so. */
typedef struct MmProblem {
    char *file;    /* NULL: none (an option, a default) */
    guint line;    /* 0: none */
    char *group;   /* NULL: none */
    char *key;     /* NULL: none */
    char *text;    /* what is wrong, with what stands there; translated */
    char *allowed; /* what is allowed, or NULL; translated */
    gboolean warning;
} MmProblem;

typedef struct MmProblems MmProblems; /* a growing list of them */
MmProblems *mm_problems_new(void);
void mm_problems_free(MmProblems *problems);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmProblems, mm_problems_free)
/* Copies its arguments. */
void mm_problems_add(MmProblems *problems, gboolean warning, const char *file, guint line,
                     const char *group, const char *key, const char *text, const char *allowed);
guint mm_problems_count(const MmProblems *problems);  /* warnings too */
guint mm_problems_errors(const MmProblems *problems); /* warnings not */
gboolean mm_problems_has_errors(const MmProblems *problems);
const MmProblem *mm_problems_get(const MmProblems *problems, guint i);
/* "FILE:LINE: [GROUP] KEY: what is wrong (what is allowed)", with what is not there left out and
 * passwords of URIs hidden. Free. */
char *mm_problem_to_string(const MmProblem *problem);

/* A key as it was written, before its type is known. */
typedef struct MmRawKey {
    char *key;
    char *value;  /* GVariant text, or a bare string */
    char *origin; /* "FILE:LINE" or what a detector or option said */
    char *file;   /* NULL if from no file */
    guint line;
} MmRawKey;

/* A [stages/NAME] group. */
typedef struct MmRawStage {
    char *name;
    char *file;
    guint line;
    GPtrArray *keys; /* of MmRawKey, owned */
} MmRawStage;

typedef struct MmConfig {
    MmSettings *manager;
    GPtrArray *stages; /* of MmRawStage, owned, in the order of the chain */
    char *file;        /* NULL: built-in defaults */
} MmConfig;

/* Where the schemas are: a directory with gschemas.compiled. NULL with error. */
typedef struct MmSchemas MmSchemas;
MmSchemas *mm_schemas_open(const char *directory, GError **error);
void mm_schemas_free(MmSchemas *schemas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmSchemas, mm_schemas_free)

/* A raw key given by an option of the command line; overrides the file. */
typedef struct MmOverride {
    const char *key;    /* of [manager] */
    const char *value;  /* GVariant text or bare string */
    const char *origin; /* "--user-name" */
} MmOverride;

/* text NULL: reads file; else text is what file has (tests). file NULL: built-in defaults. Returns
 * a configuration even if there are errors, as far as it could be read; NULL if file cannot be read
 * at all. Problems are added. */
MmConfig *mm_config_read(MmSchemas *schemas, const char *file, const char *text,
                         const MmOverride *overrides, gsize n_overrides, MmProblems *problems);
void mm_config_free(MmConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmConfig, mm_config_free)

/* An empty stage, as detectors make them; owned by whom it is added to. */
MmRawStage *mm_raw_stage_new(const char *name, const char *file, guint line);
void mm_raw_stage_free(gpointer stage);
/* Sets or replaces a key; copies. origin NULL: "FILE:LINE". */
void mm_raw_stage_set(MmRawStage *stage, const char *key, const char *value, const char *origin,
                      const char *file, guint line);
/* The raw value of a key as a string ("plugin", "enabled" before the schemas are known), or NULL.
 * Free. */
char *mm_raw_stage_get_string(const MmRawStage *stage, const char *key);
const MmRawKey *mm_raw_stage_find(const MmRawStage *stage, const char *key);

/* Checks the stage against milter-manager.stage (the host's) and plugin_schema_id in plugin_schemas
 * (NULL: the plugin has no keys); each problem is added, a name near a known one is suggested.
 * Returns settings even with errors (defaults stand in). */
MmSettings *mm_config_bind_stage(MmSchemas *schemas, MmSchemas *plugin_schemas,
                                 const char *plugin_schema_id, const MmRawStage *stage,
                                 MmProblems *problems);

#endif
