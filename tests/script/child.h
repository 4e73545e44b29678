/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     child.h - a child milter that follows a script, in threads of the test
 *
 * DESCRIPTION
 *     Listens on a unix socket, serves each connection in a thread of its own, records every packet
 *     it gets. It answers CONTINUE to what it must answer by its own negotiation, unless a line of
 *     the script says something else. It knows no order of commands: what a real child would trip
 *     over is asserted from the record.
 *
 *     What a line says is a list of packets (packet.h), and among them:
 *         !close      closes the connection
 *         !hang       answers nothing to this, goes on reading
 *         !gate       waits until the test opens the gate
 *         !wait MS    waits: a slow child
 *         !quiet MS   nothing more may have come for so long
 *         !empty      a packet of length 0
 *         !half       half a packet, then the connection is closed
 *         !huge       declares a packet of a gigabyte
 *         !flood PACKET  one after the other until the host closes
 *         !body SIZE  a REPLBODY of so many bytes in one packet
 */
#ifndef SCRIPT_CHILD_H
#define SCRIPT_CHILD_H

#include <glib.h>

typedef struct Says {
    const char *at;   /* the command's code, and which one in the connection: "R", "R2" */
    const char *what; /* packets; "" says nothing */
} Says;

#define SAYS_MAX 8

typedef struct Script {
    guint32 version; /* 0: 6 */
    guint32 actions, protocol;
    gboolean forgets_body; /* counts its bytes only */
    const char *answer;    /* to the negotiation, instead of the numbers above */
    Says says[SAYS_MAX];
} Script;

typedef struct Child Child;

Child *child_new(const char *path);
/* Closes the listener and every connection. */
void child_free(Child *child);
/* For connections that begin from now on; borrowed. */
void child_set_script(Child *child, const Script *script);
/* For connection i, from its next command on. */
void child_change_script(Child *child, guint i, const Script *script);
/* FALSE: the socket is gone, nobody can connect. */
void child_set_listening(Child *child, gboolean listening);
void child_open_gate(Child *child);

/* Connections so far. */
guint child_connections(Child *child);
/* Waits until n connections have begun, and all of them are closed. */
void child_wait_closed(Child *child, guint n);
/* Waits until connection i is closed. */
void child_wait_ended(Child *child, guint i);
void child_wait_connections(Child *child, guint n);
/* Waits until the child got a packet that begins with text, in any connection. */
void child_wait_packet(Child *child, const char *text);
/* The same for n packets. */
void child_wait_packets(Child *child, const char *text, guint n);
/* The codes of what connection i (0-based) got, without macros: "OCHMRTLNBEQ". Free. */
char *child_codes(Child *child, guint i);
/* What it got, with macros; "~" between. Free. */
char *child_packets(Child *child, guint i);
/* Number of packets with that code. */
guint child_count(Child *child, guint i, char code);
/* The data of all body packets of connection i together. Free. */
GBytes *child_body(Child *child, guint i);
guint64 child_body_size(Child *child, guint i);
/* TRUE: what a line of the script demanded was not so. */
gboolean child_is_upset(Child *child);
/* Largest packet it got, data bytes. */
gsize child_largest(Child *child);

#endif
