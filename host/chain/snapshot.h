/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     snapshot.h - a whole configuration, ready to serve: instances, facts, limits
 *
 * DESCRIPTION
 *     Immutable once built; referenced by every worker that serves with it and, through that, by
 *     every session that began with it. The last reference discards the instances on the control
 *     thread.
 */
#ifndef MM_CHAIN_SNAPSHOT_H
#define MM_CHAIN_SNAPSHOT_H

#include "chain/instance.h"
#include "chain/spool.h"
#include "loop/worker.h"
#include "plugin/registry.h"

/* A name that conditions ask for or stages set. */
typedef struct MmFactInfo {
    const char *name;
    guint setter; /* index of the first instance that sets it, or G_MAXUINT */
    MilterEventKind settled_after;
} MmFactInfo;

typedef struct MmSnapshot {
    gatomicrefcount references;
    MmWorker *control;
    MmSettings *manager;
    char *root;
    GPtrArray *instances; /* of MmInstance, in the order of the chain */
    GPtrArray *groups;    /* of MmSettings: every [stages/NAME], also those not enabled */
    GArray *facts;        /* of MmFactInfo */
    /* [manager], read once. */
    MmFallback fallback;
    double command_timeout; /* 0: by the MTA */
    double content_timeout; /* 0: by the MTA */
    double progress_interval;
    MmSpoolLimits spool;
    const char *const *extra_macros;
} MmSnapshot;

typedef struct MmSnapshotArguments {
    MmWorker *control;       /* discards the instances */
    MmRegistry *registry;    /* finds plugins */
    MmSchemas *schemas;      /* the host's */
    const char *root;        /* --root, "/" without */
    const MilterHost *host;  /* mm_services() */
    MmSnapshot *predecessor; /* instances of the same name share what it holds; or NULL */
} MmSnapshotArguments;

/* Loads plugins, expands detectors, binds settings, configures every instance. Control thread. NULL
 * if there is an error; problems has all of them, warnings too. A stage that is not enabled is
 * checked but not configured. */
MmSnapshot *mm_snapshot_build(const MmSnapshotArguments *arguments, const MmConfig *config,
                              MmProblems *problems);
MmSnapshot *mm_snapshot_ref(MmSnapshot *snapshot);
/* Any thread. */
void mm_snapshot_unref(MmSnapshot *snapshot);
MmInstance *mm_snapshot_instance(const MmSnapshot *snapshot, guint i);
/* NULL: no enabled stage of that name. */
MmInstance *mm_snapshot_find(const MmSnapshot *snapshot, const char *name);
/* Index in facts, G_MAXUINT: nobody sets it or asks for it. */
guint mm_snapshot_fact(const MmSnapshot *snapshot, const char *name);

#endif
