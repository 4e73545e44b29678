/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     fixture.h - a crew on the thread of the test, and configurations of the probe to serve with
 */
#ifndef CHAIN_FIXTURE_H
#define CHAIN_FIXTURE_H

#include "chain/crew.h"

#define PROBE "plugin='probe'\n"

typedef struct Fixture {
    MmWorker *control; /* of the thread of the test; the crew's too */
    MmJobs *jobs;
    MmRegistry *registry;
    MmSchemas *schemas;
    MmCrew *crew;
    MmSnapshot *snapshot; /* the one that serves */
    char *problems;       /* of the last build */
} Fixture;

/* For g_test_add. */
void fixture_set_up(Fixture *fixture, gconstpointer unused);
void fixture_tear_down(Fixture *fixture, gconstpointer unused);
/* NULL: there is an error. Problems has all of them, a line each. */
MmSnapshot *fixture_build(Fixture *fixture, const char *text);
/* The crew serves with it from now on; asserts that it has no problem. */
void fixture_serve(Fixture *fixture, const char *text);
/* The same with a snapshot; takes over the reference. */
void fixture_adopt(Fixture *fixture, MmSnapshot *snapshot);

#endif
