/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     host.h - a milter-manager of this tree, and children for it
 *
 * DESCRIPTION
 *     The host runs as nobody, from the build tree (MM_TEST_BUILD in the environment, set by
 * meson), on a unix socket in a folder of its own that anybody may connect to. What it logs is
 * kept.
 */
#ifndef MM_TEST_HOST_H
#define MM_TEST_HOST_H

#include "process.h"

typedef struct TestHost TestHost;

/* stages: the [stages/...] groups of its configuration; manager: more lines of [manager], or NULL.
 * Returns when it serves. */
TestHost *test_host_start(const char *stages, const char *manager);
/* The same on a spec of our programs ("inet6:PORT@[::1]"), which may be in use already: then the
 * test ends. NULL: its unix socket. */
TestHost *test_host_start_on(const char *spec, const char *stages, const char *manager);
/* Its socket as Postfix names it: "unix:/..."; as our programs do: the same. Borrowed. */
const char *test_host_spec(const TestHost *host);
/* A folder that the host may write to and that lasts as long as host. Borrowed. */
const char *test_host_folder(const TestHost *host);
TestProcess *test_host_process(TestHost *host);
/* Writes other stages into its configuration and sends SIGHUP; returns when they are in force. */
void test_host_reload(TestHost *host, const char *stages);
/* The same by its control socket. */
void test_host_reload_by_control(TestHost *host, const char *stages);
/* Ends it (number: SIGTERM or SIGKILL) and starts it again on the same socket. */
void test_host_restart(TestHost *host, int number);
/* Ends the test if the host did not end with exit code 0. Frees. */
void test_host_stop(TestHost *host);

typedef struct TestChild TestChild;

/* milter-test-client with these arguments (NULL-terminated list, "-s" is added; not --quiet), on a
 * unix socket of its own. Returns when it serves. */
TestChild *test_child_start(const char *first, ...) G_GNUC_NULL_TERMINATED;
/* The same; arguments: NULL-terminated. */
TestChild *test_child_start_list(const char *const *arguments);
/* Its socket, "unix:/...". Borrowed. */
const char *test_child_spec(const TestChild *child);
TestProcess *test_child_process(TestChild *child);
void test_child_stop(TestChild *child);

/* "[stages/NAME]" with plugin relay for the socket and more lines; the caller frees. */
char *test_relay_stage(const char *name, const char *spec, const char *more);
/* How often text has part in it. */
guint test_count(const char *text, const char *part);
/* A file of the build tree; the caller frees. */
char *test_build_file(const char *path);

#endif
