/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     peer.h - a child milter that does one thing when the test says so, without a thread
 *
 * DESCRIPTION
 *     A peer listens and speaks on one connection at a time, the last it accepted. What it waits
 *     for it waits for while the harness goes on, so that a test is a dialog in the order in which
 *     it stands there. Packets are texts as in packet.h.
 */
#ifndef RELAY_PEER_H
#define RELAY_PEER_H

#include "harness.h"
#include "packet.h"

typedef struct Peer {
    MmHarness *harness;
    int listener;
    guint16 port; /* TCP */
    char *path;   /* unix */
    Line line;
} Peer;

/* On an address of IPv4, and a port of the system's choice for 0. */
Peer *peer_new(MmHarness *harness, const char *address, guint16 port);
Peer *peer_new_unix(MmHarness *harness, const char *path);
/* The harness may be gone. */
void peer_free(Peer *peer);
/* Nobody listens, but no one else can have the port: who connects is refused. */
Peer *peer_new_deaf(MmHarness *harness, const char *address, guint16 port);
/* Lets as many connect as the system takes without an accept; whoever comes now waits for it. */
void peer_fill(Peer *peer);
/* Accepts what peer_fill made, and drops it. */
void peer_empty(Peer *peer);

/* Waits for a connection; the one before is closed. */
void peer_accept(Peer *peer);
/* FALSE: nobody has connected. */
gboolean peer_has_caller(Peer *peer);
/* Waits for the next packet, which must begin with text. */
void peer_expect(Peer *peer, const char *text);
/* Waits until the other side has closed. */
void peer_expect_end(Peer *peer);
void peer_say(Peer *peer, const char *packets);
void peer_close(Peer *peer);
/* TCP: closes with a reset. */
void peer_reset(Peer *peer);
/* Hands the connection over: it stays open when the next is accepted. Close it with line_close. */
Line peer_take(Peer *peer);
/* Accepts and negotiates. */
void peer_negotiate(Peer *peer, const char *answer);

#endif
