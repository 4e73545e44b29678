/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     event.h - what a stage is asked about
 *
 * DESCRIPTION
 *     One event is one question of the MTA: a client connected, it named a sender, here is a
 * header. Everything an event points to is borrowed: it is valid until the stage has answered the
 * turn (returned MILTER_DONE, or called finish after MILTER_LATER) or was told cancel or abort.
 *
 *     Text slices are followed by one NUL byte that is not counted, so that they can be read as C
 *     strings; body data is not. Texts are bytes as the client sent them: no encoding is promised.
 */
#ifndef MILTER_MANAGER_EVENT_H
#define MILTER_MANAGER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes. data is never NULL; an empty slice has size 0. */
typedef struct MilterSlice {
    const char *data;
    size_t size;
} MilterSlice;

/*
 * The kinds, in the order in which a session brings them (libmilter mfdef.h SMFIC_*: C H M R T U L
 * N B E). UNKNOWN may come anywhere before the content.
 */
typedef enum MilterEventKind {
    MILTER_EVENT_CONNECT = 0,
    MILTER_EVENT_HELO = 1,
    MILTER_EVENT_MAIL = 2,
    MILTER_EVENT_RCPT = 3,
    MILTER_EVENT_DATA = 4,
    MILTER_EVENT_UNKNOWN = 5,
    MILTER_EVENT_HEADER = 6,
    MILTER_EVENT_END_OF_HEADERS = 7,
    MILTER_EVENT_BODY = 8,
    MILTER_EVENT_END_OF_MESSAGE = 9,
} MilterEventKind;

#define MILTER_N_EVENTS 10
#define MILTER_EVENT_BIT(kind) (1u << (unsigned)(kind))
#define MILTER_EVENTS_ALL ((1u << MILTER_N_EVENTS) - 1u)
/* The events that make up a message's content. */
#define MILTER_EVENTS_CONTENT                                                                      \
    (MILTER_EVENT_BIT(MILTER_EVENT_HEADER) | MILTER_EVENT_BIT(MILTER_EVENT_END_OF_HEADERS) |       \
     MILTER_EVENT_BIT(MILTER_EVENT_BODY))

/* Flags of an event. */
typedef enum MilterEventFlags {
    /* More content for this stage is at hand and follows at once: buffered output may wait. */
    MILTER_EVENT_MORE = 1u << 0,
    /* A recipient that the MTA has refused already; only shown to stages that negotiated
     * MILTER_NEGOTIATE_REJECTED_RECIPIENTS, and the answer is ignored. */
    MILTER_EVENT_REJECTED = 1u << 1,
} MilterEventFlags;

typedef struct MilterEvent {
    uint32_t size;  /* sizeof (MilterEvent) of the host; members beyond it do not exist */
    uint32_t kind;  /* MilterEventKind */
    uint32_t flags; /* MilterEventFlags */
    uint32_t reserved0;
    /* The data bytes of the command exactly as the MTA sent them (CONNECT, HELO, MAIL, RCPT and
     * UNKNOWN; empty for the others). A relay passes these on. */
    MilterSlice raw;
    union {
        struct {
            MilterSlice host;    /* client's name, or "[192.0.2.1]" where there is none */
            MilterSlice address; /* text, without the "IPv6:" tag; empty for family 'U' */
            uint16_t port;       /* host byte order, 0: unknown */
            char family;         /* '4', '6', 'L' or 'U' (SMFIA_*) */
        } connect;
        struct {
            MilterSlice name;
        } helo;
        struct {
            const MilterSlice *args; /* args[0]: the address as typed; then ESMTP parameters */
            size_t n_args;           /* at least 1 */
        } envelope;                  /* MAIL and RCPT */
        struct {
            MilterSlice text;
        } unknown;
        struct {
            MilterSlice name;
            /* Folds are LF and white space. When the offer says leading_space, the value has the
             * white space that followed the colon; else the MTA took one space away. */
            MilterSlice value;
        } header;
        struct {
            MilterSlice data; /* never empty; not NUL-terminated */
        } body;
        uint64_t room[8]; /* fixes the union's size */
    } u;
} MilterEvent;

#endif
