/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sh-random-private.h - what the files of sh-random.h share
 */
#ifndef TESTS_RC_CONF_SH_RANDOM_PRIVATE_H
#define TESTS_RC_CONF_SH_RANDOM_PRIVATE_H

#include "sh-random.h"

typedef struct Dice {
    GRand *dice;
    GString *out;
    const char *path; /* that may be read, or NULL */
    guint depth;      /* of words and commands in one another */
    guint backquotes; /* around */
    guint loops;      /* around */
    gboolean in_function;
} Dice;

guint below(Dice *d, guint n);
#define PICK(d, list) ((list)[below(d, G_N_ELEMENTS(list))])
const char *any_name(Dice *d);

/* Of one to most pieces. */
void put_word(Dice *d, guint most);
/* None to most, each with a blank before it. */
void put_words(Dice *d, guint most);

#endif
