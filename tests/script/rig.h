/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     rig.h - a host between a scripted MTA and scripted children, and cases in tables
 *
 * DESCRIPTION
 *     A case says what the children answer, what the MTA sends and must see, and what the children
 *     must have got in the end. Every case also asserts that the host exits with 0, and that no
 *     connection of a child and no descriptor of the host was left when the session was over.
 */
#ifndef SCRIPT_RIG_H
#define SCRIPT_RIG_H

#include "child.h"
#include "host.h"
#include "mta.h"

#define CHILDREN_MAX 4
#define STEPS_MAX 40
#define SIGHTS_MAX 8

typedef struct Rig {
    char *directory;
    char *socket;
    Child *children[CHILDREN_MAX];
    guint n;
    char *config;
    Host *host;
} Rig;

/* n children, stages "child-0" and so on, in this order. manager: lines for [manager], or NULL.
 * stages: for each child lines for its group, or NULL; "!" in front: the group's lines are these
 * alone (another plugin). The host is not started yet. */
Rig *rig_new(guint n, const char *manager, const char *const *stages);
void rig_start(Rig *rig);
/* Waits for the descriptors, stops the host, frees. */
void rig_end(Rig *rig);
/* The same without the wait: connections on standby are there until the host stops. */
void rig_stop(Rig *rig);
/* Starts an MTA's session up to and with HELO. */
void rig_open(Rig *rig, Mta *mta);

/* That the packets of a child have (or, with "!" in front, have not) this text among them. */
typedef struct Sight {
    guint child;
    const char *text;
} Sight;

typedef struct Case {
    const char *path;
    const char *manager;
    const char *stages[CHILDREN_MAX];
    guint n;      /* children; 0: 1 */
    guint absent; /* bits: children that do not listen */
    Script scripts[CHILDREN_MAX];
    Step steps[STEPS_MAX];
    /* What child_codes must say at the end, of all connections, a blank between; NULL: anything. */
    const char *codes[CHILDREN_MAX];
    Sight sights[SIGHTS_MAX];
    const char *log; /* a text in the log; with "!" in front: not in it; NULL: anything */
} Case;

void case_run(gconstpointer a_case);
void cases_add(const Case *cases, gsize n);

/* ---- What most sessions are made of. */
#define CLIENT                                                                                     \
    "Cclient.example|4|\x19"                                                                       \
    "192.0.2.1|"
#define OPEN                                                                                       \
    {"O", "O*"}, {CLIENT, "c"},                                                                    \
    {                                                                                              \
        "Hmail.example|", "c"                                                                      \
    }
#define MAIL(answer)                                                                               \
    {                                                                                              \
        "M<a@example.org>|", answer                                                                \
    }
#define RCPT(answer)                                                                               \
    {                                                                                              \
        "R<b@example.net>|", answer                                                                \
    }
#define DATA(answer)                                                                               \
    {                                                                                              \
        "T", answer                                                                                \
    }
#define ENVELOPE MAIL("c"), RCPT("c"), DATA("c")
#define CONTENT                                                                                    \
    {                                                                                              \
        "LSubject| test|~N~Bbody\r\n", ""                                                          \
    }
#define END(answer)                                                                                \
    {                                                                                              \
        "E", answer                                                                                \
    }
#define MESSAGE(answer) ENVELOPE, CONTENT, END(answer)

#endif
