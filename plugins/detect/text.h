/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     text.h - texts for people, in their language
 */
#ifndef DETECT_TEXT_H
#define DETECT_TEXT_H

#include <glib.h>
#include <libintl.h>

#define _(text) dgettext(GETTEXT_PACKAGE, text)
#define N_(text) (text)

#endif
