/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     verdict.h - what a stage answers, and the edits it makes
 *
 * DESCRIPTION
 *     The texts of a verdict are copied when the host has the answer. With MILTER_DONE that is
 * after event has returned: they must not lie on its stack. With finish it is during the call.
 */
#ifndef MILTER_MANAGER_VERDICT_H
#define MILTER_MANAGER_VERDICT_H

#include <milter-manager/event.h>

/*
 * Answers. What each means at each event is the milter protocol's (libmilter's xxfi_* return
 * values): at RCPT, REJECT, TEMPFAIL and REPLY concern that recipient alone, ACCEPT and DISCARD the
 * whole message.
 */
typedef enum MilterVerdictKind {
    MILTER_VERDICT_CONTINUE = 0, /* no objection: the next stage is asked */
    MILTER_VERDICT_ACCEPT = 1,   /* this stage is done with the message (CONNECT, HELO: session) */
    MILTER_VERDICT_REJECT = 2,
    MILTER_VERDICT_TEMPFAIL = 3,
    MILTER_VERDICT_DISCARD = 4, /* not at CONNECT, HELO, UNKNOWN: taken as CONTINUE there */
    MILTER_VERDICT_REPLY = 5,   /* reject or tempfail with the SMTP text in reply */
    MILTER_VERDICT_SKIP = 6,    /* no more events of this kind in this message */
    MILTER_VERDICT_FAILED = 7,  /* the stage could not decide: the host applies its fallback */
} MilterVerdictKind;

typedef struct MilterVerdict {
    uint32_t size; /* filled by the host before the call; finish: sizeof (MilterVerdict) */
    uint32_t kind; /* MilterVerdictKind; the host presets CONTINUE */
    /* REPLY: the SMTP reply, "550 5.7.1 text", lines separated by CRLF without one at the end
     * (RFC 5321 4.2.1). Checked by the host; a malformed one is FAILED. Else unused. */
    MilterSlice reply;
    /* What to write in the log: for FAILED the reason ("connection refused"), else a short word
     * about the decision ("pass", "rule1") or NULL. */
    const char *detail;
} MilterVerdict;

/* Bits for the rights a stage negotiates; values of libmilter's SMFIF_* where one exists. */
typedef enum MilterEditRights {
    MILTER_RIGHT_ADD_HEADERS = 0x001,
    MILTER_RIGHT_CHANGE_BODY = 0x002,
    MILTER_RIGHT_ADD_RECIPIENTS = 0x004,
    MILTER_RIGHT_DELETE_RECIPIENTS = 0x008,
    MILTER_RIGHT_CHANGE_HEADERS = 0x010,
    MILTER_RIGHT_QUARANTINE = 0x020,
    MILTER_RIGHT_CHANGE_SENDER = 0x040,
    MILTER_RIGHT_ADD_RECIPIENTS_WITH_PARAMETERS = 0x080,
} MilterEditRights;

typedef enum MilterEditKind {
    MILTER_EDIT_ADD_HEADER = 0,       /* name, value */
    MILTER_EDIT_INSERT_HEADER = 1,    /* index, name, value */
    MILTER_EDIT_CHANGE_HEADER = 2,    /* index (1-based of that name), name, value; empty deletes */
    MILTER_EDIT_ADD_RECIPIENT = 3,    /* name: address; value: parameters, with WITH_PARAMETERS */
    MILTER_EDIT_DELETE_RECIPIENT = 4, /* name: address */
    MILTER_EDIT_CHANGE_SENDER = 5,    /* name: address; value: parameters, with WITH_PARAMETERS */
    MILTER_EDIT_REPLACE_BODY = 6,     /* value: next piece of the new body; may be empty */
    MILTER_EDIT_QUARANTINE = 7,       /* value: reason */
} MilterEditKind;

typedef enum MilterEditFlags {
    /* The header value stands as it shall follow the colon. Without it the host puts one space in
     * front where the MTA offered leading space (and the MTA itself does where it did not). */
    MILTER_EDIT_VERBATIM = 1u << 0,
    /* ADD_RECIPIENT, CHANGE_SENDER: the form with ESMTP parameters (SMFIR_ADDRCPT_PAR; a CHGFROM
     * with a second string), even if value is empty. */
    MILTER_EDIT_WITH_PARAMETERS = 1u << 1,
} MilterEditFlags;

/* One change to the message. Slices are borrowed during the call. */
typedef struct MilterEdit {
    uint32_t size;  /* sizeof (MilterEdit) */
    uint32_t kind;  /* MilterEditKind */
    uint32_t flags; /* MilterEditFlags */
    uint32_t index;
    MilterSlice name;
    MilterSlice value;
} MilterEdit;

#endif
