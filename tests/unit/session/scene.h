/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     scene.h - a session on a pair of sockets, the MTA's end held by the test, and a stage that
 * does what the test says
 */
#ifndef SESSION_SCENE_H
#define SESSION_SCENE_H

#include "fixture.h"
#include "session/private.h"

typedef struct Scene {
    Fixture fixture;
    MmSessions *sessions;
    MmSession *session;
    int fd;
    MmFrameReader in;
    guint ended;
    gsize most; /* that was held to be written */
} Scene;

/* For g_test_add. */
void set_up(Scene *scene, gconstpointer unused);
void tear_down(Scene *scene, gconstpointer unused);
/* The host does what there is to do. */
void turn(Scene *scene);
/* FALSE: the host takes no more. */
gboolean send_bytes(Scene *scene, const MmBuffer *bytes);
gboolean send_packet(Scene *scene, char code, const void *data, gsize size);
/* The code of the next packet, "-" for none, "." for the end. */
char receive_packet(Scene *scene, MmFrame *frame);
/* One code a packet; "-": and nothing more, ".": the end. */
void expect(Scene *scene, const char *codes);
/* A connection up to and with HELO. */
void open_session(Scene *scene);
/* Up to END_OF_MESSAGE, whose answer is not awaited. */
void send_message(Scene *scene);
/* The actor's answer to what was left open. */
void finish(Scene *scene);
/* A chain of the actor alone. */
void serve_actor(Scene *scene);
/* The same with more lines of the group [manager]. */
void serve_actor_with(Scene *scene, const char *manager);
/* Byte i of the new body. */
char byte_at(gsize i);

/* text: a literal, which may have NULs. */
#define STEP(scene, code, text, answer)                                                            \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_assert_true(send_packet(scene, code, text, sizeof(text) - 1));                           \
        expect(scene, answer);                                                                     \
    }                                                                                              \
    G_STMT_END

#define OFFER "\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"
#define CLIENT                                                                                     \
    "client.example\0"                                                                             \
    "4"                                                                                            \
    "\0\x19"                                                                                       \
    "192.0.2.1\0"

/* The stage, of which there is one. */
typedef struct Actor {
    gsize new_body;         /* bytes; 0: the body stays */
    gboolean later;         /* no answer yet: see finish */
    gboolean negotiates;    /* and none to the negotiation */
    MilterVerdictKind kind; /* of its answers */
    MilterWorker *worker;
    MilterTicket ticket;
    guint edits_refused; /* there was no room for them, which it does not mind */
    guint reports;
    guint32 reported; /* verdict of the last */
} Actor;
extern Actor actor;

#endif
