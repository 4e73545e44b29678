/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     mta.h - a scripted MTA: sends what the test says, records nothing it does not ask for
 *
 * DESCRIPTION
 *     A dialog is a list of steps, each sends packets in one write and says which answers must
 * come.
 *
 *         send    packets; "" sends nothing; "!eof" closes the connection, "!bytes" in front sends
 *                 one byte a write; "O" is the offer of both MTAs (6, 1FF, 1FFFFF)
 *         expect  packets, "~" between; "" expects none; a text that ends with "*" is a beginning;
 *                 "EOF": the host closes. PROGRESS is passed over unless it is expected, at the end
 *                 of a message and before its body; elsewhere it must not come.
 *
 *     What is not expected is found by the next step, or at the end: mta_finish takes no packet.
 */
#ifndef SCRIPT_MTA_H
#define SCRIPT_MTA_H

#include "packet.h"

typedef struct Step {
    const char *send;
    const char *expect;
} Step;

typedef struct Mta {
    Line line;
    gboolean at_end;     /* END OF MESSAGE is among what was sent last */
    gboolean body_begun; /* since then a part of a body came */
} Mta;

/* Connects to a unix socket. */
void mta_open(Mta *mta, const char *path);
void mta_send(Mta *mta, const char *packets);
/* The next packet but PROGRESS, "EOF" or "(nothing)". Free. */
char *mta_receive(Mta *mta);
void mta_expect(Mta *mta, const char *packets);
void mta_step(Mta *mta, const char *send, const char *expect);
/* Until one without send and expect. */
void mta_dialog(Mta *mta, const Step *steps);
/* QUIT, if the connection is open still; then the host must close without another word. */
void mta_finish(Mta *mta);
/* Closes, without a word. */
void mta_drop(Mta *mta);

#endif
