/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     tool.h - milter-test-server against a filter, for tests
 *
 * DESCRIPTION
 *     A Stand is a folder with a filter that listens on a socket in it. The programs are those that
 *     were just built (meson gives their paths in the environment).
 */
#ifndef MM_TEST_TOOL_H
#define MM_TEST_TOOL_H

#include "process.h"

typedef struct Stand {
    char *folder;
    char *spec; /* unix:FOLDER/socket */
    TestProcess *filter;
} Stand;

/* milter-test-client with these options (NULL-terminated; may be NULL). */
void stand_begin(Stand *stand, const char *const *options);
/* tests/child/recorder writing to the folder. */
void stand_begin_recorder(Stand *stand, gboolean leading_space);
/* Only the folder and the spec. */
void stand_begin_empty(Stand *stand);
/* Stops the filter, which must end well and leave no socket, and removes the folder. */
void stand_end(Stand *stand);
/* A file of the folder, whole. */
char *stand_read(const Stand *stand, const char *name, gsize *size);
/* Writes a file into the folder; the path, to be freed. */
char *stand_write(const Stand *stand, const char *name, gconstpointer data, gsize size);

typedef struct Run {
    int code;
    char *out, *err;
    char **lines; /* of out */
} Run;

/* milter-test-server -s SPEC with these options (NULL-terminated; may be NULL). */
Run *run_server(const char *spec, const char *const *options);
/* Any of the programs, by its variable: "MM_TEST_SERVER", ... */
Run *run_program(const char *variable, const char *const *options);
void run_free(Run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Run, run_free)
/* The exit code and the first line; the second must give the time. */
void run_expect(const Run *run, int code, const char *status_line);

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
