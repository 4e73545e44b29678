/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     room.h - how many sessions the process has descriptors for
 *
 * DESCRIPTION
 *     A session that was accepted with the last descriptors has none for its children: they would
 * fail, and with fallback-status accept its mail would pass unfiltered. So no more are accepted
 * than can be served. A stage with a key connection-spec takes a descriptor for each session.
 */
#ifndef MM_CONTROL_ROOM_H
#define MM_CONTROL_ROOM_H

#include "chain/snapshot.h"

/* max-sessions of the snapshot, or what there are descriptors for if that is less; 0: no limit.
 * Logs that if it is not what it was before: a warning if it is less than asked for, or few. */
guint mm_room_limit(const MmSnapshot *snapshot, guint workers, guint before);

#endif
