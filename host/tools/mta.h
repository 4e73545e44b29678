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

/* Connects; a host name is resolved. NULL with error (CONNECT, TIMEOUT). */
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
