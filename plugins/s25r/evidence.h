/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     evidence.h - whether a client's name looks like that of a customer's line
 *
 * DESCRIPTION
 *     The published rules hit half of today's ordinary mail servers, for large senders number
 *     their machines. So a hit, or a word of access lines ("dsl", "pool"), counts only together
 *     with a second sign: the name spells the client's address, or such a word stands in a name
 *     whose lowest label has a digit. Names that say "mail" are let off unless both signs are
 *     there. Beside that, some ways in which providers number lines are known as shapes.
 *
 *     Only what stands before the registrable domain is looked at (public suffix list, ICANN's
 *     part): what somebody calls his domain says nothing about a line.
 */
#ifndef S25R_EVIDENCE_H
#define S25R_EVIDENCE_H

#include "common/net.h"
#include "rules.h"

typedef struct S25rEvidence {
    guint rules;       /* as s25r_rules */
    guint octets;      /* of the address that the name spells: 2 to 4, of IPv6 6; 0: none */
    const char *word;  /* of access lines, or NULL; constant */
    const char *shape; /* its name, or NULL; constant */
    gboolean mailish;
    gboolean dynamic; /* the outcome */
} S25rEvidence;

/* Where the part before the registrable domain ends: 0 if there is none. */
guint s25r_registrable(const S25rName *name);
/* Everything but rule 0 and the name's verification, which is the caller's. */
void s25r_evidence(S25rEvidence *evidence, const S25rName *name, const NetAddress *address);

/* ---- spelled.c, words.c, shapes.c; text[0..length) is the part before the registrable domain. */
guint s25r_spelled_octets(const char *text, guint length, const NetAddress *address);
/* A label part (between ".", "-" and "_") that is such a word, digits and more may follow. */
const char *s25r_line_word(const char *text, guint length);
gboolean s25r_is_mailish(const char *text, guint length);
const char *s25r_shape(const S25rName *name, guint length);
/* Length of the word of access lines at the beginning of a part of length bytes, 0: none. */
guint s25r_line_word_length(const char *part, guint length, const char **word);
/* The part that begins at *at ends before the returned place; *at goes to the next one. */
guint s25r_next_part(const char *text, guint length, guint *at);

#endif
