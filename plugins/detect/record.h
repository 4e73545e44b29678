/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     record.h - what is known of a milter: one record each
 *
 * DESCRIPTION
 *     A detector has a table of records; an administrator adds more in files (the key "records"). A
 *     record from a file takes the place of one of the same name.
 *
 *     A file of records is made of groups, "[NAME]" with "KEY = VALUE" lines under it; "#" at
 *     the beginning of a line or after a blank begins a comment. NAME is the stage's. Lists are
 * words with blanks between them:
 *
 *         [milter-example]
 *         scripts     = milter-example milterexample    # required: names of files, newest first
 *         programs    = example-milter                   # for scripts without rc.subr
 *         enable      = milterexample_enable             # default: what the script says
 *         profiles    = milterexample_profiles
 *         socket      = flag:p variable:milterexample_socket conf default
 *         conf-format = keyword                          # conf.h
 *         conf-key    = Socket
 *         conf-variable = milterexample_cfgfile
 *         conf-flag   = c
 *         conf-files  = /usr/local/etc/mail/example.conf  # the first that is there
 *         spec        = unix:/var/run/example.sock       # the default
 *         rank        = 50                               # place: 10 first, 90 last
 *         conditions  = remote !authenticated
 *         fallback    = temporary-failure
 *
 *     "socket" says where the socket is looked for; the first that has one counts, which is how a
 *     flag beats a file or a file a flag:
 *         flag:X           the argument of -X (of --X, if X is longer) on the command line
 *         variable:NAME    the value of a variable
 *         argument         the last word of the command line that is no flag
 *         conf             conf-key in the file that conf-flag, conf-variable or conf-files names
 *         default          spec
 */
#ifndef DETECT_RECORD_H
#define DETECT_RECORD_H

#include "detect/conf.h"

typedef struct DetectRecord {
    const char *name;            /* of the stage */
    const char *const *scripts;  /* of rc.d, init.d; or units */
    const char *const *programs; /* or NULL */
    const char *enable;          /* or NULL: what the script says */
    const char *profiles;        /* variable with their names; NULL: it has none */
    const char *const *sources;  /* of the socket, as above */
    ConfFormat conf_format;
    const char *conf_key;          /* or NULL */
    const char *conf_variable;     /* or NULL */
    const char *conf_flag;         /* or NULL */
    const char *const *conf_files; /* or NULL */
    const char *spec;              /* or NULL */
    guint rank;
    const char *const *conditions; /* or NULL */
    const char *fallback;
    const char *origin; /* "FILE:LINE"; NULL: the detector's table */
} DetectRecord;

/* Ranks of the tables: cheap checks first, signers last. */
enum {
    DETECT_RANK_GREYLIST = 10,
    DETECT_RANK_CHECK = 20, /* of the connection and the envelope */
    DETECT_RANK_SCANNER = 50,
    DETECT_RANK_VERIFIER = 80, /* reads what a signer's verification has put in */
    DETECT_RANK_SIGNER = 70,
};

/* A list of words for a table: DETECT_LIST("a", "b"). */
#define DETECT_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct DetectRecords DetectRecords;

/* table: n records, borrowed. */
DetectRecords *detect_records_new(const DetectRecord *table, gsize n);
void detect_records_free(DetectRecords *records);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DetectRecords, detect_records_free)
guint detect_records_count(const DetectRecords *records);
const DetectRecord *detect_records_get(const DetectRecords *records, guint i);
/* NULL: there is none of that name. */
const DetectRecord *detect_records_find(const DetectRecords *records, const char *name);
/* Adds those of a text; file is for origin and errors. Returns what is wrong, all of it, as
 * "FILE:LINE: what (what is expected)", translated; empty: nothing. g_ptr_array_unref. */
GPtrArray *detect_records_add(DetectRecords *records, const char *file, const char *text);

#endif
