/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     changes.h - what a reload changed, in the log
 */
#ifndef MM_CONTROL_CHANGES_H
#define MM_CONTROL_CHANGES_H

#include "chain/snapshot.h"

/* One line for each key with another value, each stage that is new, gone or at another place, and
 * none if nothing changed. Returns how many. */
guint mm_changes_log(const MmSnapshot *before, const MmSnapshot *after);

#endif
