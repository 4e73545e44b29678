/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     sh-random.h - random texts in the part of sh that the evaluator follows, and somewhat beyond
 *
 * DESCRIPTION
 *     A text is put together from a grammar, never from random bytes: a real shell runs it. Its
 *     commands are built in, or have names that no program has; none has a "/"; what is redirected
 *     goes to /dev/null. Loops end. The same dice make the same text.
 *
 *     What shells are known to differ in is left out: "[^a]", "$'a'", backslashes that come from a
 *     variable into a pattern, echo of backslashes, "==" of test.
 */
#ifndef TESTS_RC_CONF_SH_RANDOM_H
#define TESTS_RC_CONF_SH_RANDOM_H

#include <glib.h>

/* The variables that a text may set, NULL-terminated. The last one, E, is set by its last command:
 * so it shows whether that was reached. */
extern const char *const sh_random_names[];

/* Commands, in order; each is whole by itself, with the line's end. path is a file that the text
 * may read by "."; NULL: none. */
GPtrArray *sh_random_text(GRand *dice, const char *path);
/* The commands as one text; whole: with E. Free. */
char *sh_random_join(const GPtrArray *commands, gboolean whole);

#endif
