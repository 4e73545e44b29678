/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two files of the unit reader share. */
#ifndef DEBIAN_UNIT_PRIVATE_H
#define DEBIAN_UNIT_PRIVATE_H

#include "debian/unit.h"

/* unit-words.c: the first word of text, quotes and escapes taken away as systemd.syntax(7) says;
 * *text moves behind it. NULL: no more, or (*broken) a quote that is not closed. Free. */
char *unit_next_word(const char **text, gboolean *broken);
/* Replaces %n %N %p %t %S %C %L %E and %%; others are kept. Free. */
char *unit_expand_specifiers(const char *text, const char *name);
/* The words of a command line, with the variables of environment in them; a word that is one
 * variable ($NAME) becomes as many words as its value has. NULL: broken. g_strfreev. */
char **unit_split_command(const char *text, const char *name, GHashTable *environment);

#endif
