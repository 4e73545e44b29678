/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     language.h - the language of what people read
 *
 * DESCRIPTION
 *     gettext translates nothing in the locale C, in which a daemon is started, nor in a locale
 *     whose package is not installed. In C.UTF-8, which is always there, it translates by LANGUAGE.
 *     So that locale is taken wherever the environment's own is none, and numbers and dates stay
 *     those of C: the log is the same everywhere but for its texts.
 */
#ifndef MM_BASE_LANGUAGE_H
#define MM_BASE_LANGUAGE_H

#include <glib.h>

/* At the start of a program: the environment's language (LANGUAGE, LC_ALL, LC_MESSAGES, LANG), the
 * catalogues in folder, or where MILTER_MANAGER_LOCALE_DIR says. Before threads start. */
void mm_language_begin(const char *folder);
/* A language by name, as in LANGUAGE ("ja", "en", "pt_BR:pt"); "": the environment's stays. Before
 * threads start. */
void mm_language_set(const char *language);

/* "" or what may stand in LANGUAGE: letters, digits and "_.@:-". */
gboolean mm_language_is_name(const char *language);

#endif
