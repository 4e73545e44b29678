/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     obedient.h - children that do what a test tells them, anew for each session
 *
 * DESCRIPTION
 *     Of tests/child/obedient.c: its comment says what a plan is and what is written down. What
 * must be known before a session begins is an argument.
 */
#ifndef MM_TEST_OBEDIENT_H
#define MM_TEST_OBEDIENT_H

#include <glib.h>

typedef struct TestObedient TestObedient;

/* On a unix socket of its own, with an empty plan. words: of its command line, NULL-terminated, or
 * NULL; they must outlive it. Returns when it serves. */
TestObedient *test_obedient_start(const char *const *words);
/* The same on a spec of our programs ("inet6:PORT@[::1]"). */
TestObedient *test_obedient_start_on(const char *spec, const char *const *words);
/* Its spec, "unix:/..." unless told otherwise. Borrowed. */
const char *test_obedient_spec(const TestObedient *child);
/* For the sessions that begin from now on. */
void test_obedient_plan(TestObedient *child, const char *plan);
/* Waits until the sessions that it was shown are closed, or it has died, which it may do by its
 * plan only; it is started again then. Returns what it wrote down since the last call, session by
 * session, without their numbers; the caller frees. */
char *test_obedient_events(TestObedient *child);
/* Kills it and starts it again on the same socket, whatever it is at. */
void test_obedient_restart(TestObedient *child);
void test_obedient_stop(TestObedient *child);

#endif
