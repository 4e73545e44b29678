/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     greylist-import.h - other greylists' records, line by line
 *
 * DESCRIPTION
 *     Two texts are read:
 *
 *         milter-greylist's dump     ADDRESS SENDER RECIPIENT TIME [AUTO | TIME TARPIT] [# date]
 *         db_dump(1) of postgrey.db  pairs of lines: "NETWORK/SENDER/RECIPIENT", "FIRST,LAST[,...]"
 *
 *     A parser is fed lines in their order and does no I/O. Which of the two it is, the first line
 *     with something in it says.
 *
 *     milter-greylist writes down when a waiting triplet will be let in, and when a passed one will
 *     be forgotten (pending.c:pending_textdump); its delay and its lifetime, which the dump does
 *     not have, give the times we keep. postgrey writes down when a triplet was first and last
 * seen; it has passed when the two are its delay apart (postgrey:do_maintenance).
 */
#ifndef MM_TOOLS_GREYLIST_IMPORT_H
#define MM_TOOLS_GREYLIST_IMPORT_H

#include <glib.h>

/* Longest line that is taken: two addresses of RFC 5321 4.5.3.1 in their longest escapes. */
#define MM_IMPORT_LINE_MAX 8192u

#define MM_IMPORT_ERROR (mm_import_error_quark())
GQuark mm_import_error_quark(void);
typedef enum MmImportError {
    MM_IMPORT_ERROR_FORMAT, /* no format that is known */
    MM_IMPORT_ERROR_LINE,   /* the line is not what its format says */
} MmImportError;

typedef struct MmImportEntry {
    const char *address;   /* of the client or its network, text form */
    const char *sender;    /* without angle brackets; empty: the null sender */
    const char *recipient; /* without angle brackets */
    gint64 first, last;    /* seconds since 1970: first seen; last seen */
    gboolean passed;
} MmImportEntry;

/* What the dump does not say, in seconds. */
typedef struct MmImportTimes {
    gint64 delay;    /* "greylist" of greylist.conf; --delay of postgrey */
    gint64 lifetime; /* "autowhite" of greylist.conf */
} MmImportTimes;

typedef enum MmImportResult {
    MM_IMPORT_NOTHING, /* a comment, a header, the first half of a pair */
    MM_IMPORT_ENTRY,   /* entry is filled, valid until the next line */
    MM_IMPORT_FAILED,  /* error says why; it names no line: the caller counts */
} MmImportResult;

typedef struct MmImport MmImport;

MmImport *mm_import_new(const MmImportTimes *times);
void mm_import_free(MmImport *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmImport, mm_import_free)
/* line: without its line end, any bytes. */
MmImportResult mm_import_line(MmImport *import, const char *line, gsize length,
                              MmImportEntry *entry, GError **error);
/* The input is over. FALSE with error if it ends too early: a key without its value, a db_dump
 * without its last line. */
gboolean mm_import_end(MmImport *import, GError **error);
/* A pair of postgrey's database as it lies there, for who reads the database itself. key and value
 * need no NUL. */
MmImportResult mm_import_pair(MmImport *import, const char *key, gsize key_size, const char *value,
                              gsize value_size, MmImportEntry *entry, GError **error);

#endif
