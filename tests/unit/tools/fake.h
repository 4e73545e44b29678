/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     fake.h - a filter that answers with prepared bytes, right or wrong
 *
 * DESCRIPTION
 *     Serves one connection in a thread of the test. Commands without a prepared answer are
 * answered 'c' if an MTA waits for it; an answer of no bytes is silence. Prepared bytes are packets
 * without their length ("c", "y550 ...\0"): a list of them. RAW sends bytes as they are.
 */
#ifndef MM_TEST_FAKE_H
#define MM_TEST_FAKE_H

#include "tool.h"

typedef struct FakePacket {
    const char *bytes;
    gsize size;
} FakePacket;

typedef enum FakeDeed {
    FAKE_ANSWER,
    FAKE_RAW,
    FAKE_SILENCE,
    FAKE_CLOSE,
} FakeDeed;

typedef struct FakeAnswer {
    char command;
    FakeDeed deed;
    FakePacket packets[6]; /* up to the first without bytes */
} FakeAnswer;

#define PACKET(literal)                                                                            \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

typedef struct FakeFilter {
    guint32 version, actions, protocol; /* 0: 6, all, none */
    const FakeAnswer *answers;          /* up to command 0; NULL: none */
} FakeFilter;

/* Runs milter-test-server with these options against the filter; *commands gets the command letters
 * that it sent, to be freed. */
Run *fake_run(const FakeFilter *filter, const char *const *options, char **commands);

#endif
