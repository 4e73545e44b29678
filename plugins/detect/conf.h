/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     conf.h - the socket in a milter's own configuration file
 *
 * DESCRIPTION
 *     One small reader for each format; they look for one key and survive everything else:
 *
 *         keyword   "Key Value # comment", Include; keys in any case (opendkim, opendmarc,
 *                   clamav-milter, dkimpy-milter, smf-*)
 *         colon     "key: value" (enma)
 *         equals    "Key = value" (pyspf-milter)
 *         greylist  greylist.conf of milter-greylist: socket "PATH" MODE; and how long its rules
 *                   let the MTA wait (tarpit)
 *         shell     variables of a shell script, as sh.h (mimedefang, /etc/default)
 *         rspamd    rspamd.conf in UCL: the worker rspamd_proxy with local.d and override.d
 *
 *     A key that stands twice: the last counts.
 */
#ifndef DETECT_CONF_H
#define DETECT_CONF_H

#include "detect/tree.h"

typedef enum ConfFormat {
    CONF_NONE,
    CONF_KEYWORD,
    CONF_COLON,
    CONF_EQUALS,
    CONF_GREYLIST,
    CONF_SHELL,
    CONF_RSPAMD,
} ConfFormat;

/* The formats' names as above; FALSE: none. */
gboolean conf_format_from_name(const char *name, ConfFormat *format);

typedef struct ConfAnswer {
    char *value;          /* as it is written; NULL: the file does not say */
    char *place;          /* "FILE:LINE" of value */
    char *error;          /* "FILE: why": it cannot be read, or value is not certain; translated */
    gboolean no_milter;   /* rspamd: it is configured not to be a milter */
    double patience;      /* greylist: seconds it may let the MTA wait; 0: none */
    char *patience_place; /* "FILE:LINE" */
} ConfAnswer;

/* Fills answer. A file that is absent is no error (the answer is empty), but for rspamd, where the
 * parts that are there are read. key is not used by greylist and rspamd. */
void conf_look_up(const DetectTree *tree, ConfFormat format, const char *path, const char *key,
                  ConfAnswer *answer);
void conf_answer_clear(ConfAnswer *answer);

/* ---- What the files share. */
/* rspamd.c */
void conf_look_up_rspamd(const DetectTree *tree, const char *path, ConfAnswer *answer);
/* Replaces. */
void conf_answer_set(ConfAnswer *answer, const char *value, const char *file, guint line);
void conf_answer_fail(ConfAnswer *answer, const char *file, const char *why);

#endif
