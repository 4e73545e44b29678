/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     milter-main.h - run a libmilter program, end it at once and leave nothing behind
 *
 * DESCRIPTION
 *     smfi_main() looks only every five seconds whether it was told to stop (listener.c,
 * MI_CHK_TIME), and leaves its unix socket behind when root runs it. Here the main thread takes
 * SIGTERM and SIGINT, removes the socket and exits; sessions are cut, as smfi_main() would cut
 * them. Where a system gives the signal to libmilter's own thread instead, the end comes after its
 * five seconds.
 */
#ifndef MM_TOOLS_MILTER_MAIN_H
#define MM_TOOLS_MILTER_MAIN_H

#include "base/address.h"

/* After smfi_register(): listens. FALSE with the reason (G_FILE_ERROR). */
gboolean mm_milter_listen(const MmAddress *address, GError **error);
/* Serves until a signal and ends the process: with failure if libmilter failed. Called in the main
 * thread before any other thread is made. */
void mm_milter_main(const MmAddress *address) G_GNUC_NORETURN;

/* The client of a connect callback as a spec: "inet:25@192.0.2.1", "inet6:25@[::1]", "unix:/path";
 * NULL: "unknown". Free with g_free. */
char *mm_milter_address_text(const struct sockaddr *address);

#endif
