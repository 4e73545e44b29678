/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot's life; how it is built is in build.c. */
#include "chain/snapshot.h"

#include "chain/admin.h"
#include "plugin/stage-table.h"

#include <string.h>

MmSnapshot *
mm_snapshot_ref(MmSnapshot *snapshot)
{
    g_atomic_ref_count_inc(&snapshot->references);
    return snapshot;
}

static void
instance_free(MmInstance *instance)
{
    mm_admin_forget(instance);
    if (instance->data && MM_STAGE_HAS(instance->stage, discard))
        instance->stage->discard(instance->data);
    if (g_atomic_int_get(&instance->health.tripped))
        mm_gauge_add(instance->tripped_now, -1);
    mm_health_clear(&instance->health);
    g_free(instance->conditions);
    mm_settings_unref(instance->settings);
    g_free(instance->name);
    g_free(instance);
}

static void
discard(gpointer data)
{
    MmSnapshot *snapshot = data;
    for (guint i = snapshot->instances->len; i-- > 0;)
        instance_free(mm_snapshot_instance(snapshot, i));
    g_ptr_array_unref(snapshot->instances);
    g_ptr_array_unref(snapshot->groups);
    g_array_unref(snapshot->facts);
    mm_settings_unref(snapshot->manager);
    g_free(snapshot->root);
    g_free(snapshot);
}

void
mm_snapshot_unref(MmSnapshot *snapshot)
{
    if (!snapshot || !g_atomic_ref_count_dec(&snapshot->references))
        return;
    if (mm_worker_current() == snapshot->control)
        discard(snapshot);
    else
        mm_worker_post(snapshot->control, discard, snapshot);
}

MmInstance *
mm_snapshot_instance(const MmSnapshot *snapshot, guint i)
{
    return g_ptr_array_index(snapshot->instances, i);
}

MmInstance *
mm_snapshot_find(const MmSnapshot *snapshot, const char *name)
{
    for (guint i = 0; i < snapshot->instances->len; i++) {
        MmInstance *instance = mm_snapshot_instance(snapshot, i);
        if (strcmp(instance->name, name) == 0)
            return instance;
    }
    return NULL;
}

guint
mm_snapshot_fact(const MmSnapshot *snapshot, const char *name)
{
    for (guint i = 0; i < snapshot->facts->len; i++) {
        if (strcmp(g_array_index(snapshot->facts, MmFactInfo, i).name, name) == 0)
            return i;
    }
    return G_MAXUINT;
}
