/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     tree.h - file trees for detectors, from one text each
 *
 * DESCRIPTION
 *     A text has sections, each begun by a line "== /PATH"; what follows up to the next such line
 *     is the file's content. Files in a folder rc.d are executable, with "== /PATH off" not.
 *     "== /PATH -> TARGET" makes a symbolic link, "== /PATH fifo" a FIFO.
 *     "== @NAME" is a section for the test itself.
 */
#ifndef TESTS_RC_CONF_TREE_H
#define TESTS_RC_CONF_TREE_H

#include <glib.h>

/* A temporary directory with the files of the texts, NULL-terminated list. */
char *tree_make(const char *const *texts);
/* The content of section @NAME, "" if there is none. Free. */
char *tree_section(const char *text, const char *name);
/* Writes one file more, with its directories. */
void tree_write(const char *root, const char *path, const char *content);
void tree_remove(char *root);
/* A text of tests/plugins/rc-conf/trees. Free. */
char *tree_load(const char *name);

#endif
