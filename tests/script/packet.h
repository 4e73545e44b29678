/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     packet.h - milter packets as short texts, and a socket that sends and receives them
 *
 * DESCRIPTION
 *     A text is the code and the data, "|" for NUL: "M<a@example.org>|SIZE=3|". With an index:
 *     "m2:Name|value|" and "i0:Name|value|". Negotiation in hexadecimal, then lists:
 *     "O6,1ff,1fffff;3=i {x}". "=" in front takes the rest as it stands: "=O|||" is a short offer.
 *     Several packets are separated by "~".
 *
 *     Everything blocks, with a deadline: a test that would hang fails.
 */
#ifndef SCRIPT_PACKET_H
#define SCRIPT_PACKET_H

#include "base/buffer.h"
#include "wire/frame.h"

/* Nothing in these tests takes so long; under valgrind neither. */
#define SCRIPT_SECONDS 30.0

/* Appends the packets of texts. */
void packet_append(MmBuffer *out, const char *texts);
/* Free. */
char *packet_text(const MmFrame *frame);

typedef struct Line {
    int fd; /* -1: closed */
    MmFrameReader reader;
} Line;

void line_init(Line *line, int fd);
void line_close(Line *line);
/* FALSE: the peer is gone. */
gboolean line_send(Line *line, gconstpointer bytes, gsize size);
gboolean line_send_packets(Line *line, const char *texts);
typedef enum LineResult {
    LINE_PACKET,
    LINE_END,     /* closed or reset, or what came is no packet */
    LINE_NOTHING, /* not in time */
} LineResult;
/* The frame is valid until the next call. */
LineResult line_receive(Line *line, double seconds, MmFrame *frame);

#endif
