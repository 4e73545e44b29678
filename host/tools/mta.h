/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     mta.h - the MTA's side of a milter connection, blocking, with a deadline for each wait
 */
#ifndef MM_TOOLS_MTA_H
#define MM_TOOLS_MTA_H

#include "base/address.h"
#include "wire/negotiate.h"

#define MM_MTA_ERROR (mm_mta_error_quark())
GQuark mm_mta_error_quark(void);
typedef enum MmMtaError {
    MM_MTA_ERROR_CONNECT, /* the text is the reason alone */
    MM_MTA_ERROR_TIMEOUT,
    MM_MTA_ERROR_CLOSED,
    MM_MTA_ERROR_PROTOCOL,
} MmMtaError;

typedef struct MmMtaTimeouts {
    double connection, reading, writing, end_of_message; /* seconds */
} MmMtaTimeouts;

typedef struct MmMta {
    int fd;
    MmMtaTimeouts timeouts;
    gboolean trace; /* every packet to standard error */
    MmFrameReader reader;
    MmBuffer out;
    MmOptions offer;
    MmOptions answer; /* symbols point into answer_data */
    char *answer_data;
} MmMta;

/* ---- mta-connect.c: how it gets its connection. */
/* A connected, non-blocking socket, the caller's to close; -1 with error (CONNECT, TIMEOUT). The
 * addresses that a host name has in the spec's family are tried in the order the system gives them,
 * each with its share of what is left of seconds, as the relay does; the error names all of them
 * with their reasons. Looking the name up is part of the time. */
int mm_mta_open(const MmAddress *address, double seconds, GError **error);
/* The monotonic time in so many seconds. */
gint64 mm_mta_deadline(double seconds);
/* Waits for events of poll(2). FALSE with error TIMEOUT: "timed out while WHAT". */
gboolean mm_mta_wait(int fd, short events, gint64 deadline, const char *what, GError **error);

/* ---- mta.c: the connection. */
/* mm_mta_open, and what belongs to the connection. NULL with its error. */
MmMta *mm_mta_connect(const MmAddress *address, const MmMtaTimeouts *timeouts, GError **error);
/* Closes. */
void mm_mta_free(MmMta *mta);
/* The masks that an MTA of this version offers (Postfix milter_protocol). */
void mm_mta_offer_for(guint32 version, MmOptions *offer);
gboolean mm_mta_negotiate(MmMta *mta, const MmOptions *offer, GError **error);
/* Writes what was gathered in out. */
gboolean mm_mta_flush(MmMta *mta, GError **error);
/* The next reply; its slices are valid until the next call. */
gboolean mm_mta_receive(MmMta *mta, double seconds, MmReply *reply, GError **error);
gboolean mm_mta_wants(const MmMta *mta, MmCommandKind kind);
gboolean mm_mta_is_answered(const MmMta *mta, MmCommandKind kind);

#endif
