/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     macros.h - macros as the MTA sent them, by stage
 *
 * DESCRIPTION
 *     One set for each command; a new D replaces the set of its command, a command clears the sets
 * of later stages: C clears H to E, H clears M to E, M clears R T N E, R clears T N E (libmilter
 *     engine.c:mi_clr_macros). A set is for one command: one of the same kind that comes without
 * its own D has none, so that a message is never shown the queue id of the one before. Order,
 * spelling and duplicates are kept. D for a header or a body chunk is kept for its command only and
 * found by no look-up, as in libmilter.
 */
#ifndef MM_SESSION_MACROS_H
#define MM_SESSION_MACROS_H

#include "wire/command.h"
#include <milter-manager/host.h>

typedef struct MmMacros MmMacros;

MmMacros *mm_macros_new(void);
void mm_macros_free(MmMacros *macros);
/* Takes a D command. One that is malformed at its end loses the incomplete pair; with no pair at
 * all it empties the set. Unknown stages are ignored. */
void mm_macros_define(MmMacros *macros, const MmCommand *command);
/* A command came: later sets are cleared. Before its own D, which MTAs send first, is looked at. */
void mm_macros_begin(MmMacros *macros, MilterEventKind kind);
/* The pairs of the event's set; valid until it is defined again. */
size_t mm_macros_list(MmMacros *macros, MilterEventKind kind, const MilterMacro **list);
/* From the latest set backwards: E N T R M H C. NULL: not there. */
const char *mm_macros_find(MmMacros *macros, const char *name);

#endif
