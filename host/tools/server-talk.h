/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     server-talk.h - one exchange of a session: a command, and what its answer means
 *
 * DESCRIPTION
 *     server-session.c knows the order of the commands, server-talk.c what comes of each.
 */
#ifndef MM_TOOLS_SERVER_TALK_H
#define MM_TOOLS_SERVER_TALK_H

#include "tools/server.h"

/* What an answer means for what comes next. */
typedef enum MmStep {
    MM_STEP_ON,
    MM_STEP_SKIP, /* no more of this kind */
    MM_STEP_END,  /* the outcome is known */
} MmStep;

typedef struct MmTalk {
    const MmServerOptions *options;
    MmMta *mta;
    MmOutcome *outcome;   /* of the message at hand */
    gboolean is_over;     /* the filter is not asked any more on this connection */
    gboolean body_is_cut; /* another edit came after a part of a new body */
} MmTalk;

/* Of a message that begins, with a queue id of its own. Free with mm_outcome_free. */
MmOutcome *mm_outcome_new(const MmMail *mail);
/* Sends what was gathered in the connection's out, the command last, and gets the answer, if the
 * filter gives one. Content that needs none may be kept back. END: the outcome says why. */
MmStep mm_talk_ask(MmTalk *talk, MmCommandKind kind);
/* The connection cannot be used any more: status ERROR. END. */
MmStep mm_talk_fail(MmTalk *talk, MmCommandKind kind, const char *problem);

#endif
