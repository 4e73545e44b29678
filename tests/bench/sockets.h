/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sockets.h - epoll with nothing around it, for the programs that measure
 *
 * DESCRIPTION
 *     These programs are the yardstick: they use no reactor and no GLib main loop, so that what
 * they cost is the least that can be. Linux only. Errors end the program.
 */
#ifndef MM_BENCH_SOCKETS_H
#define MM_BENCH_SOCKETS_H

#include <glib.h>
#include <sys/epoll.h>

int bench_listen(const char *spec);
/* Non-blocking; a full queue of a unix socket is waited for. */
int bench_connect(const char *spec);
/* -1: none waits. */
int bench_accept(int listener);
int bench_epoll(void);
void bench_watch(int epoll, int fd, gpointer data);
void bench_fail(const char *what) G_GNUC_NORETURN;
/* As much as the socket takes; what it does not take at once is waited for with poll. */
void bench_send(int fd, gconstpointer data, gsize size);

#endif
