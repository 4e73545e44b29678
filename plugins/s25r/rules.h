/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     rules.h - the published rules of S25R, by a scanner
 *
 * DESCRIPTION
 *     The rules of the revision of February 2009, on a client's name in lower case without its
 *     trailing dot. The leftmost label is the lowest.
 *
 *         0  there is no name ("unknown", "[ADDRESS]")
 *         1  the lowest label has two numbers with something between them, and is not all there is
 *         2  the lowest label has five digits in a row
 *         3  apart from the three highest levels, the lowest or second lowest label begins with a
 *            digit
 *         4  the lowest label ends in a digit, the second has two numbers joined by a hyphen
 *         5  five levels or more, and the two lowest labels end in a digit
 *         6  the lowest label begins with dhcp, dialup, ppp or [achrsvx]dsl and has a digit
 *
 *     Each label is looked at once for each rule, left to right: the time is linear in the name.
 */
#ifndef S25R_RULES_H
#define S25R_RULES_H

#include <glib.h>

#define S25R_N_RULES 7
#define S25R_NAME_MAX 255
#define S25R_LABELS_MAX 128

/* A name taken apart. */
typedef struct S25rName {
    char text[S25R_NAME_MAX + 1]; /* lower case; NUL-terminated */
    guint length;
    guint n_labels;                /* an empty name has one empty label */
    guint8 start[S25R_LABELS_MAX]; /* of each label */
    guint8 end[S25R_LABELS_MAX];   /* behind its last character */
} S25rName;

/* Cuts what is longer than a name may be. */
void s25r_name_init(S25rName *name, const char *text);
/* Whether it stands for "no name". */
gboolean s25r_name_is_none(const S25rName *name);
/* Bit n: rule n hits. */
guint s25r_rules(const S25rName *name);

#endif
