/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/room.h"

#include "base/i18n.h"
#include "base/log.h"

#include <sys/resource.h>

/* Standard streams, log, sockets, stores, resolver, and who asks for the status. */
#define HOST_NEEDS 28u
/* Loop, socket of the MTA, stores. */
#define WORKER_NEEDS 6u
/* Its socket, and a spool file. */
#define SESSION_NEEDS 2u
/* Fewer sessions than a busy MTA has: worth a warning. */
#define FEW 100u

/* At least 1. */
static guint
room_for_sessions(const MmSnapshot *snapshot, guint workers, guint64 descriptors)
{
    guint64 each = SESSION_NEEDS;
    guint64 waiting = 0; /* connections on standby, in one worker */
    for (guint i = 0; i < snapshot->instances->len; i++) {
        const MmSettings *settings = mm_snapshot_instance(snapshot, i)->settings;
        each += mm_settings_has(settings, "connection-spec", "s");
        waiting += mm_settings_has(settings, "standby", "u")
                       ? mm_settings_get_uint(settings, "standby")
                       : 0;
    }
    guint64 needed = HOST_NEEDS + workers * (WORKER_NEEDS + waiting);
    guint64 room = descriptors > needed ? (descriptors - needed) / each : 0;
    return (guint)CLAMP(room, 1, G_MAXINT);
}

/* 0: no limit. */
static guint64
descriptors_allowed(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return 0;
    return limit.rlim_cur;
}

guint
mm_room_limit(const MmSnapshot *snapshot, guint workers, guint before)
{
    guint most = mm_settings_get_uint(snapshot->manager, "max-sessions");
    guint64 descriptors = descriptors_allowed();
    guint room = descriptors > 0 ? room_for_sessions(snapshot, workers, descriptors) : 0;
    if (room == 0 || (most > 0 && most <= room))
        return most;
    if (room != before)
        MM_LOG(most > 0 || room < FEW ? MM_LOG_WARNING : MM_LOG_INFO, "sessions-limited",
               N_("The limit of open files is enough for so many sessions at once"),
               MM_UINT("sessions", room), MM_UINT("descriptors", descriptors));
    return room;
}
