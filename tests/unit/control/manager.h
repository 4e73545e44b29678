/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     manager.h - milter-manager as a process: run to its end, or served with
 *
 * DESCRIPTION
 *     The environment of the test names the program (MILTER_MANAGER), the schemas and the folders
 *     with plugins (PLUGIN_PATH). Each start gets --user-name with the user of the test, so that
 *     the same tests run as root and as anybody. What fails to come within a minute fails the test.
 */
#ifndef MM_TEST_MANAGER_H
#define MM_TEST_MANAGER_H

#include <glib.h>

/* A folder of its own for a test, and files in it. */
typedef struct Place {
    char *folder;
    char *config; /* milter-manager.conf */
    char *socket; /* the main one */
    char *control;
} Place;
void place_init(Place *place);
void place_clear(Place *place);
/* Writes the configuration: [manager] with the main socket and what manager says, then stages. */
void place_write(const Place *place, const char *manager, const char *stages);
char *place_file(const Place *place, const char *name);

typedef struct Ran {
    int code; /* -1: ended by a signal */
    char *out, *err;
} Ran;
/* NULL ends the options. */
Ran *manager_run(const char *option, ...) G_GNUC_NULL_TERMINATED;
void ran_free(Ran *ran);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ran, ran_free)

/* A child's setup: it dies with the test. */
void die_with_parent(gpointer unused);

typedef struct Manager Manager;
/* wrapper: words in front of the program, NULL for none. environment: "NAME=VALUE" or NULL. Does
 * not wait. */
Manager *manager_spawn(const Place *place, const char *const *wrapper,
                       const char *const *environment, const char *const *options);
/* manager_spawn with the configuration of place and no more, and waits until it serves. */
Manager *manager_start(const Place *place);
GPid manager_pid(const Manager *manager);
/* Waits until n lines have both texts (second may be NULL). */
void manager_wait_log(Manager *manager, const char *text, const char *second, guint n);
guint manager_count_log(Manager *manager, const char *text);
/* All that was logged. Free. */
char *manager_log(Manager *manager);
/* Waits for the end; returns the exit code, -1 for a signal. */
int manager_wait_end(Manager *manager);
/* TERM, and the exit code is 0. Frees. */
void manager_stop(Manager *manager);
void manager_free(Manager *manager);
/* HUP, and waits for the line that says what came of it: "reloaded:" or "reload-refused:". */
void manager_reload(Manager *manager, const char *word);

/* Result of a verb, JSON text; fails the test if it is refused. Free. */
char *manager_ask(const Place *place, const char *verb);
/* Asks until the answer contains text. */
void manager_wait_answer(const Place *place, const char *verb, const char *text);

#endif
