/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     process.h - programs that a test starts, and folders that it works in
 *
 * DESCRIPTION
 *     A process leads a group of its own; what it prints on standard output and standard error is
 * kept by a thread, so it never waits for the test to read. It gets SIGTERM if the test dies first
 *     (Linux). Functions end the test with what the process printed when something cannot be done:
 * a test has no other use for it.
 */
#ifndef MM_TEST_PROCESS_H
#define MM_TEST_PROCESS_H

#include <glib.h>

/* Seconds that a wait may take unless told otherwise: for a slow machine with a sanitizer. */
#define TEST_PATIENCE 60.0

typedef struct TestProcess TestProcess;

/* Ends the test with this text and with the end of what each running process has printed. */
void test_fail(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

/* argv: NULL-terminated, found in PATH. */
TestProcess *test_process_start(const char *const *argv);
/* Waits until the output holds text. FALSE: it ended, or the time passed, without. */
gboolean test_process_wait_for(TestProcess *process, const char *text, double seconds);
/* Waits until the output is longer than length bytes. FALSE: it ended, or the time passed, without.
 */
gboolean test_process_wait_more(TestProcess *process, gsize length, double seconds);
/* Waits for the end. The exit code; -N: killed by signal N. Ends the test if the time passes. */
int test_process_wait(TestProcess *process, double seconds);
gboolean test_process_is_running(TestProcess *process);
void test_process_signal(TestProcess *process, int number);
/* The output up to now; the caller frees. */
char *test_process_output(TestProcess *process);
int test_process_pid(const TestProcess *process);
/* SIGTERM if it runs, waits, frees; then SIGKILL to what is left of its group. The exit code as
 * above. */
int test_process_stop(TestProcess *process);

/* Starts argv and waits for its end. The exit code; output may be NULL, the caller frees. */
int test_run(const char *const *argv, char **output);
/* The same for what may take longer than TEST_PATIENCE. */
int test_run_for(const char *const *argv, double seconds, char **output);

/* A new empty folder, mode 0755, for other users' daemons to pass through; the caller frees and
 * removes. */
char *test_folder_new(void);
/* Removes it with all that is in it. */
void test_folder_remove(const char *path);
/* Makes path, its mode and its owner (NULL: as it is). */
void test_folder_make(const char *path, guint mode, const char *owner, const char *group);
void test_file_write(const char *path, const char *text);

/* A port of 127.0.0.1 that was free a moment ago. */
guint test_free_port(void);
/* FALSE: this machine has no ::1. */
gboolean test_has_ipv6(void);
/* Waits until something listens there: a daemon tells nobody when it does. FALSE: the time passed,
 * or process (NULL: none) ended. */
gboolean test_wait_for_port(guint port, TestProcess *process, double seconds);
/* The same for a unix socket. Its mode is set to 0666: libmilter lets only its own user connect. */
gboolean test_wait_for_socket(const char *path, TestProcess *process, double seconds);

/* Skips the test with a reason and returns TRUE if it is not run as root, or if the program (a name
 * in PATH or in /usr/sbin, or NULL) is not installed. */
gboolean test_skip_unless(const char *program);
/* The file in PATH or in the folders of daemons, or NULL; the caller frees. */
char *test_find_program(const char *program);

#endif
