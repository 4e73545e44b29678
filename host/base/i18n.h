/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     i18n.h - texts for people, in their language
 *
 * DESCRIPTION
 *     In place of glib/gi18n-lib.h: GLib's g_dgettext finds out once, at its first call, whether
 * there are texts in the process's language, and a daemon learns its language after that.
 */
#ifndef MM_BASE_I18N_H
#define MM_BASE_I18N_H

#include <glib.h>
#include <libintl.h>

/* The translation of a literal text, or the text itself. Never freed. */
#define _(text) dgettext(GETTEXT_PACKAGE, text)
/* Marks a literal text for translation where it cannot be translated yet (a table). */
#define N_(text) (text)

#endif
