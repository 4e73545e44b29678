/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     log.h - log lines with a stable id, a translated text and fields
 *
 * DESCRIPTION
 *     A line is "ID: text (key=value ...)". The id is a literal, never translated; the text is a
 *     literal marked for translation (MM_LOG marks it) and has no formats: what varies is in the
 *     fields. Values with characters outside [A-Za-z0-9._:@/<>,+=%[]-] are quoted, control
 * characters and bytes that are no UTF-8 are escaped (\n, \xNN), so that one line is one event.
 *
 *     Any thread may log. The target is one function, set before threads start.
 */
#ifndef MM_BASE_LOG_H
#define MM_BASE_LOG_H

#include <glib.h>

typedef enum MmLogLevel {
    MM_LOG_ERROR,
    MM_LOG_WARNING,
    MM_LOG_NOTICE,
    MM_LOG_INFO,
    MM_LOG_DEBUG,
} MmLogLevel;

typedef enum MmFieldKind {
    MM_FIELD_STRING, /* NULL: the field is left out */
    MM_FIELD_UINT,
    MM_FIELD_INT,
    MM_FIELD_SECONDS, /* printed with three decimals */
} MmFieldKind;

typedef struct MmField {
    const char *key;
    MmFieldKind kind;
    union {
        const char *string;
        guint64 uint;
        gint64 sint;
        double seconds;
    } u;
} MmField;

#define MM_STR(k, v) ((MmField){.key = (k), .kind = MM_FIELD_STRING, .u.string = (v)})
#define MM_UINT(k, v) ((MmField){.key = (k), .kind = MM_FIELD_UINT, .u.uint = (v)})
#define MM_INT(k, v) ((MmField){.key = (k), .kind = MM_FIELD_INT, .u.sint = (v)})
#define MM_SECONDS(k, v) ((MmField){.key = (k), .kind = MM_FIELD_SECONDS, .u.seconds = (v)})

/* MM_LOG(MM_LOG_NOTICE, "relay-timeout", "The child did not answer in time", MM_STR("stage", s));
 */
#define MM_LOG(level, id, text, ...)                                                               \
    G_STMT_START                                                                                   \
    {                                                                                              \
        if (mm_log_enabled(level)) {                                                               \
            const MmField mm_log_fields_[] = {__VA_ARGS__};                                        \
            mm_log_line((level), (id), NULL, (text), mm_log_fields_,                               \
                        G_N_ELEMENTS(mm_log_fields_));                                             \
        }                                                                                          \
    }                                                                                              \
    G_STMT_END

gboolean mm_log_enabled(MmLogLevel level);
/* Lines above level are dropped. Any thread. */
void mm_log_set_level(MmLogLevel level);
/* "error" "warning" "notice" "info" "debug"; FALSE: no such word. */
gboolean mm_log_level_from_name(const char *name, MmLogLevel *level);
const char *mm_log_level_name(MmLogLevel level);

/* domain: text domain, NULL for the host's. fields may be NULL if n is 0. */
void mm_log_line(MmLogLevel level, const char *id, const char *domain, const char *text,
                 const MmField *fields, gsize n);

/* Bytes of a text in a field; a longer one (an address of 64 KiB) is cut, with "..." behind it. */
#define MM_LOG_VALUE_MAX 2048u
/* Appends " (key=value ...)", escaped, to line; nothing if all fields are left out. */
void mm_log_append_fields(GString *line, const MmField *fields, gsize n);
/* Appends value, quoted and escaped if it must be. */
void mm_log_append_value(GString *line, const char *value, gssize length);

/* One line on its way to the target; borrowed during the call. */
typedef struct MmLogLine {
    MmLogLevel level;
    const char *id;
    const char *text; /* the whole of it, without a line end */
    const MmField *fields;
    gsize n_fields;
} MmLogLine;

/* Called from any thread. */
typedef void (*MmLogTarget)(const MmLogLine *line, gpointer data);
/* NULL: standard output. Before threads start. */
void mm_log_set_target(MmLogTarget target, gpointer data);
/* The target for standard output; one write(2) a line. */
void mm_log_to_stdout(const MmLogLine *line, gpointer data);

#endif
