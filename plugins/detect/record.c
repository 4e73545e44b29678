/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect/record.h"

#include "detect/spec.h"
#include "detect/text.h"

#include <stdlib.h>
#include <string.h>

struct DetectRecords {
    GPtrArray *all;    /* DetectRecord; those of a file are in owned, too */
    GPtrArray *owned;  /* DetectRecord */
    GPtrArray *chunks; /* strings and lists of them */
};

/* A file while it is read. */
typedef struct Parser {
    DetectRecords *records;
    const char *file;
    guint line;
    DetectRecord *record; /* NULL: no good group yet */
    gboolean in_group;    /* good or not */
    GPtrArray *errors;
} Parser;

DetectRecords *
detect_records_new(const DetectRecord *table, gsize n)
{
    DetectRecords *records = g_new0(DetectRecords, 1);
    records->all = g_ptr_array_new();
    records->owned = g_ptr_array_new_with_free_func(g_free);
    records->chunks = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < n; i++) {
        DetectRecord *copy = g_new(DetectRecord, 1);
        *copy = table[i];
        g_ptr_array_add(records->owned, copy);
        g_ptr_array_add(records->all, copy);
    }
    return records;
}

void
detect_records_free(DetectRecords *records)
{
    if (!records)
        return;
    g_ptr_array_unref(records->all);
    g_ptr_array_unref(records->owned);
    g_ptr_array_unref(records->chunks);
    g_free(records);
}

guint
detect_records_count(const DetectRecords *records)
{
    return records->all->len;
}

const DetectRecord *
detect_records_get(const DetectRecords *records, guint i)
{
    return g_ptr_array_index(records->all, i);
}

const DetectRecord *
detect_records_find(const DetectRecords *records, const char *name)
{
    for (guint i = 0; i < records->all->len; i++) {
        const DetectRecord *record = g_ptr_array_index(records->all, i);
        if (strcmp(record->name, name) == 0)
            return record;
    }
    return NULL;
}

/* ---- Reading. */

static void
complain(Parser *parser, const char *word, const char *what, const char *expected)
{
    g_autofree char *valid = g_utf8_make_valid(word, -1);
    char *text = expected
                     ? g_strdup_printf("%s:%u: “%s”: %s (%s)", parser->file, parser->line, valid,
                                       what, expected)
                     : g_strdup_printf("%s:%u: “%s”: %s", parser->file, parser->line, valid, what);
    g_ptr_array_add(parser->errors, text);
}

static const char *
keep(Parser *parser, const char *text)
{
    char *copy = g_strdup(text);
    g_ptr_array_add(parser->records->chunks, copy);
    return copy;
}

static const char *const *
keep_list(Parser *parser, const char *text)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    GPtrArray *list = g_ptr_array_new();
    for (guint i = 0; words[i]; i++)
        if (*words[i])
            g_ptr_array_add(list, (gpointer)(guintptr)keep(parser, words[i]));
    g_ptr_array_add(list, NULL);
    gpointer kept = g_ptr_array_free(list, FALSE);
    g_ptr_array_add(parser->records->chunks, kept);
    return kept;
}

static gboolean
is_stage_name(const char *name)
{
    gsize length = strlen(name);
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(name[i]) && !strchr("._-", name[i]))
            return FALSE;
    return length > 0 && length <= 64 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void
replace(DetectRecords *records, DetectRecord *record)
{
    for (guint i = 0; i < records->all->len; i++) {
        const DetectRecord *old = g_ptr_array_index(records->all, i);
        if (strcmp(old->name, record->name) != 0)
            continue;
        g_ptr_array_remove_index(records->all, i);
        break;
    }
    g_ptr_array_add(records->all, record);
}

/* A record is complete when the next begins. */
static void
end_record(Parser *parser)
{
    DetectRecord *record = parser->record;
    parser->record = NULL;
    if (!record)
        return;
    if (!record->scripts || !*record->scripts)
        complain(parser, record->name, _("the record before this line names no script"),
                 _("scripts = NAME ..."));
    else
        replace(parser->records, record);
}

static void
begin_record(Parser *parser, char *line)
{
    end_record(parser);
    parser->in_group = TRUE;
    gsize length = strlen(line);
    if (line[length - 1] == ']')
        line[length - 1] = '\0';
    if (!is_stage_name(line + 1)) {
        complain(parser, line, _("this is not the name of a stage"),
                 _("1 to 64 letters, digits, “.”, “_” and “-”"));
        return;
    }
    DetectRecord *record = g_new0(DetectRecord, 1);
    g_ptr_array_add(parser->records->owned, record);
    g_autofree char *origin = g_strdup_printf("%s:%u", parser->file, parser->line);
    record->name = keep(parser, line + 1);
    record->origin = keep(parser, origin);
    record->sources = keep_list(parser, "default");
    record->rank = DETECT_RANK_SCANNER;
    record->fallback = "temporary-failure";
    parser->record = record;
}

/* ---- Keys. */

static void
set_sources(Parser *parser, const char *value)
{
    const char *const *list = keep_list(parser, value);
    for (guint i = 0; list[i]; i++) {
        gboolean good = strcmp(list[i], "conf") == 0 || strcmp(list[i], "default") == 0 ||
                        strcmp(list[i], "argument") == 0 ||
                        (g_str_has_prefix(list[i], "flag:") && list[i][5]) ||
                        (g_str_has_prefix(list[i], "variable:") && list[i][9]);
        if (!good)
            complain(parser, list[i], _("this is no place for a socket"),
                     _("flag:X, variable:NAME, argument, conf or default"));
    }
    parser->record->sources = list;
}

static void
set_format(Parser *parser, const char *value)
{
    if (!conf_format_from_name(value, &parser->record->conf_format))
        complain(parser, value, _("this is no format"),
                 "keyword, colon, equals, greylist, shell, rspamd");
}

static void
set_spec(Parser *parser, const char *value)
{
    g_autofree char *why = NULL;
    g_autofree char *spec = detect_spec_normalise(value, &why);
    if (!spec)
        complain(parser, value, _("this is no connection spec"),
                 _("unix:PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]"));
    parser->record->spec = keep(parser, value);
}

static void
set_rank(Parser *parser, const char *value)
{
    char *end;
    guint64 rank = g_ascii_strtoull(value, &end, 10);
    if (!*value || *end || rank > 99)
        complain(parser, value, _("this is no rank"), _("a number from 0 to 99"));
    parser->record->rank = (guint)MIN(rank, 99u);
}

static void
set_fallback(Parser *parser, const char *value)
{
    static const char *const known[] = {"accept",  "temporary-failure", "reject",
                                        "discard", "quarantine",        NULL};
    if (!g_strv_contains(known, value))
        complain(parser, value, _("this is no fallback"),
                 "accept, temporary-failure, reject, discard, quarantine");
    parser->record->fallback = keep(parser, value);
}

/* Keys that are one word or a list of them, by where they go. */
static gboolean
set_plain(Parser *parser, const char *key, const char *value)
{
    DetectRecord *record = parser->record;
    const struct {
        const char *key;
        const char **word;
        const char *const **list;
    } places[] = {
        {"scripts", NULL, &record->scripts},       {"programs", NULL, &record->programs},
        {"enable", &record->enable, NULL},         {"profiles", &record->profiles, NULL},
        {"conf-key", &record->conf_key, NULL},     {"conf-variable", &record->conf_variable, NULL},
        {"conf-flag", &record->conf_flag, NULL},   {"conf-files", NULL, &record->conf_files},
        {"conditions", NULL, &record->conditions},
    };
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        if (strcmp(places[i].key, key) != 0)
            continue;
        if (places[i].word)
            *places[i].word = keep(parser, value);
        else
            *places[i].list = keep_list(parser, value);
        return TRUE;
    }
    return FALSE;
}

static void
set_key(Parser *parser, const char *key, const char *value)
{
    if (strcmp(key, "socket") == 0)
        set_sources(parser, value);
    else if (strcmp(key, "conf-format") == 0)
        set_format(parser, value);
    else if (strcmp(key, "spec") == 0)
        set_spec(parser, value);
    else if (strcmp(key, "rank") == 0)
        set_rank(parser, value);
    else if (strcmp(key, "fallback") == 0)
        set_fallback(parser, value);
    else if (!set_plain(parser, key, value))
        complain(parser, key, _("there is no such key"),
                 "scripts, programs, enable, profiles, socket, conf-format, conf-key, "
                 "conf-variable, conf-flag, conf-files, spec, rank, conditions, fallback");
}

static void
cut_comment(char *line)
{
    for (char *at = line; *at; at++) {
        if (*at == '#' && (at == line || g_ascii_isspace(at[-1]))) {
            *at = '\0';
            return;
        }
    }
}

static void
take_line(Parser *parser, char *line)
{
    cut_comment(line);
    g_strstrip(line);
    if (!*line)
        return;
    if (*line == '[') {
        begin_record(parser, line);
        return;
    }
    char *sign = strchr(line, '=');
    if (!sign || !parser->in_group || !g_utf8_validate(line, -1, NULL)) {
        complain(parser, line, _("this is no line of a record"), _("[NAME], then KEY = VALUE"));
        return;
    }
    *sign = '\0';
    if (parser->record)
        set_key(parser, g_strstrip(line), g_strstrip(sign + 1));
}

GPtrArray *
detect_records_add(DetectRecords *records, const char *file, const char *text)
{
    Parser parser = {.records = records, .file = file};
    g_autofree char *copy = g_strdup(text);
    char *rest = copy;
    parser.errors = g_ptr_array_new_with_free_func(g_free);
    while (rest) {
        parser.line++;
        take_line(&parser, strsep(&rest, "\n"));
    }
    end_record(&parser);
    return parser.errors;
}
