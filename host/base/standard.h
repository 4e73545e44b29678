/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     standard.h - standard input, output and error of a command
 *
 * DESCRIPTION
 *     A command may be started with one of them closed. The next socket or file would get its
 *     number, and what is printed would go to the MTA or into a database.
 */
#ifndef MM_BASE_STANDARD_H
#define MM_BASE_STANDARD_H

/* First of all in main(): the number of what is closed is taken, so that no file gets it. Reading
 * and writing it still fail (EBADF). */
void mm_standard_begin(void);
/* Last of all in main(): the exit code. What is cut off must not be taken for all: if not all that
 * was printed on standard output has arrived, standard error says so, and a success becomes 1. */
int mm_standard_end(const char *program, int code);

#endif
