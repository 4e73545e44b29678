/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     unit.h - a service of systemd as the files in a tree make it
 *
 * DESCRIPTION
 *     The unit file in the first folder that has it, with its drop-ins from all of them: of two
 * with the same name the one in the stronger folder counts, and they apply in the order of their
 *     names (systemd.unit(5)). Nothing is run and no manager is asked: a tree may be of a system
 *     that does not run.
 *
 *     Of [Service] what tells how a program is started is read: ExecStart, Environment,
 *     EnvironmentFile. Control thread.
 */
#ifndef DEBIAN_UNIT_H
#define DEBIAN_UNIT_H

#include "detect/tree.h"

typedef struct UnitPlace {
    char *file;
    guint line; /* 0: the file as such */
} UnitPlace;

/* A variable of the service's environment. */
typedef struct UnitVariable {
    char *value;
    UnitPlace place;
} UnitVariable;

typedef struct Unit {
    char *name;      /* "opendkim" of opendkim.service */
    UnitPlace place; /* the unit file */
    gboolean masked;
    char *wanted_by; /* the link that enables it, or NULL: it is not enabled */
    char *
        *arguments; /* of the first ExecStart, expanded; arguments[0] is the program. NULL: none */
    UnitPlace command_place; /* where that ExecStart stands */
    GHashTable *environment; /* of char * to UnitVariable */
    GPtrArray *messages;     /* of char *: what could not be read, translated, "FILE:LINE: ..." */
} Unit;

/* NULL: there is no NAME.service in the tree. A masked unit has no arguments. */
Unit *unit_read(const DetectTree *tree, const char *name);
void unit_free(Unit *unit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Unit, unit_free)

/* Value of a variable of the environment, or NULL; *place, borrowed, says where it was set. */
const char *unit_variable(const Unit *unit, const char *name, const UnitPlace **place);

#endif
