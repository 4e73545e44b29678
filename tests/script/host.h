/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     host.h - runs the real milter-manager for a test
 *
 * DESCRIPTION
 *     The program, its plugins and schemas come from the environment that meson sets:
 *     MILTER_MANAGER, MILTER_MANAGER_SCHEMA_DIR and PLUGIN_PATH (folders separated by ":").
 *     SCRIPT_WRAPPER (words separated by blanks: "valgrind -q ...") is put in front.
 */
#ifndef SCRIPT_HOST_H
#define SCRIPT_HOST_H

#include <glib.h>

typedef struct Host Host;

/* Writes config to a file in directory, starts the host with it and waits until it serves. */
Host *host_start(const char *directory, const char *config);
/* With more options, NULL-terminated; NULL: none. */
Host *host_start_with(const char *directory, const char *config, const char *const *options);
/* SIGTERM; asserts that it stops with exit code 0 (sanitizers and wrappers tell by that). Frees. */
void host_stop(Host *host);
GPid host_pid(const Host *host);
/* Another configuration and SIGHUP; returns when it is in force. */
void host_reload(Host *host, const char *config);
/* Waits until a line that contains both texts was logged; second may be NULL. */
void host_wait_log(Host *host, const char *text, const char *second);
/* Waits for n lines that contain text. */
void host_wait_log_lines(Host *host, const char *text, guint n);
/* Lines that contain text. */
guint host_count_log(Host *host, const char *text);
/* Bytes of the longest line so far. */
gsize host_longest_line(Host *host);
/* Open descriptors now, by /proc. */
guint host_descriptors(const Host *host);
/* Waits until there are as many as when it had started. */
void host_wait_descriptors(const Host *host);
/* Kilobytes of VmRSS and VmHWM. */
guint64 host_memory(const Host *host, const char *field);

#endif
