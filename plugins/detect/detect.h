/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     detect.h - milters that were found, and how they become stages
 *
 * DESCRIPTION
 *     A detector fills a DetectReport and hands it to detect_emit, which orders what was found and
 *     emits one relay stage for each, enabled or not: one that is off can be switched on by a group
 *     of its name in the configuration, and is dropped by the host if there is none. Each key has
 * an origin, "DETECTOR: FILE:LINE". That a socket does not exist or is another stage's is said by
 *     the host and the relay.
 *
 *     A search is what is the same for rc.conf and for other systems: given a command line,
 *     variables and a record, where the socket is.
 */
#ifndef DETECT_DETECT_H
#define DETECT_DETECT_H

#include "detect/record.h"
#include "detect/sh.h"

#include <milter-manager/plugin.h>

/* The relay's own reading-timeout, to which a milter's patience is added, and the most it takes. */
#define DETECT_READING_TIMEOUT 7.0
#define DETECT_READING_TIMEOUT_MAX 86400.0

typedef struct DetectFound {
    char *name; /* of the stage */
    const DetectRecord *record;
    gboolean enabled;
    char *enabled_origin; /* "FILE:LINE" that decided it */
    char *spec;           /* normalised; NULL: not known */
    char *spec_origin;
    double patience; /* seconds it may let the MTA wait for a reply; 0: as others */
    char *patience_origin;
} DetectFound;

typedef struct DetectReport {
    GPtrArray *found;    /* DetectFound */
    GPtrArray *warnings; /* char *: "FILE:LINE: ...", translated; each costs one milter at most */
    GPtrArray *notes;    /* char *: worth knowing, nothing is wrong */
} DetectReport;

DetectReport *detect_report_new(void);
void detect_report_free(DetectReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DetectReport, detect_report_free)
/* Adds and returns one that is not enabled and of which nothing is known; owned by report. */
DetectFound *detect_report_add(DetectReport *report, const char *name, const DetectRecord *record);
/* The order of the chain: by rank, then by name. */
void detect_report_sort(const DetectReport *report);
/* printf; the same text is added once only. */
void detect_report_warn(DetectReport *report, const char *format, ...) G_GNUC_PRINTF(2, 3);
void detect_report_note(DetectReport *report, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Whether a script, unit or milter is milter-manager or what was called so before. */
gboolean detect_is_ourselves(const char *name);
/* Whether the name is one of the list; an empty list has all. */
gboolean detect_is_wanted(const char *const *milters, const char *name);

/* ---- search.c */

/* What a record's sources are looked for in. */
typedef struct DetectSearch {
    const DetectTree *tree;
    const DetectRecord *record;
    Sh *sh;                 /* variables, or NULL */
    const GPtrArray *words; /* ShWord: the command line, the program first; or NULL */
    const char *origin;     /* "FILE:LINE" or "FILE": where the command line is from */
    const char *prefix;     /* variables of the service begin with it ("spamass_milter_"); NULL */
} DetectSearch;

/* Fills spec and patience of found. What stands in the way is a warning if found is enabled. */
void detect_search(const DetectSearch *search, DetectFound *found, DetectReport *report);
/* The argument of a flag ("p", "connection-spec") on a command line, the last if there are more;
 * text is borrowed from words. FALSE: it is not there. */
gboolean detect_flag(const GPtrArray *words, const char *flag, const char **text,
                     gboolean *certain);

/* ---- emit.c */

/* detector: "rc-conf", for the origins. Warnings and notes go to host->warn and host->log. */
void detect_emit(const MilterHost *host, MilterInstance *self, MilterExpansion *expansion,
                 const char *detector, const DetectReport *report);
/* The table with the files of the key "records". NULL: a problem was reported. */
DetectRecords *detect_load_records(const MilterHost *host, MilterInstance *self,
                                   const DetectRecord *table, gsize n);
/* Names in the key "milters" that are in no record are warned of. */
void detect_check_names(const MilterHost *host, MilterInstance *self, const DetectRecords *records);

#endif
