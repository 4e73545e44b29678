/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     trust.h - whether a file may become part of the process
 *
 * DESCRIPTION
 *     A regular file (symbolic links are followed), owned by root or by the user we run as, not
 *     writable by group or others; and the folder it lies in, that of the link and that of the file
 *     it leads to, likewise: who may write there can put another file in its place. A folder with
 *     the sticky bit is good, since there only the owner can.
 */
#ifndef MM_PLUGIN_TRUST_H
#define MM_PLUGIN_TRUST_H

#include <glib.h>

/* FALSE with error (MM_PLUGIN_ERROR_FILE) that names the file or folder. */
gboolean mm_plugin_check_trust(const char *file, GError **error);

#endif
