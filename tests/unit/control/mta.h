/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Just enough of an MTA to hold a session, and a message, open. */
#ifndef MM_TEST_MTA_H
#define MM_TEST_MTA_H

/* Connects and negotiates; returns the descriptor. Fails the test if that cannot be. */
int mta_open(const char *path);
/* The same without waiting for the answer. */
int mta_negotiate(const char *path);
/* A socket that listens and accepts nothing. */
int mta_listen(const char *path);
/* Connects without a word. */
int mta_connect(const char *path);
/* CONNECT, HELO and MAIL, each answered with CONTINUE. */
void mta_begin_message(int fd);
/* CONNECT, answered with CONTINUE, and HELO without waiting for the answer, ... */
void mta_begin_helo(int fd);
/* ... which is CONTINUE. */
void mta_end_helo(int fd);
/* The answer to END_OF_MESSAGE of a message that was begun: the code of the packet. */
int mta_end_message(int fd);
/* Waits until the host has closed the connection. */
void mta_wait_closed(int fd);

#endif
