/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect/conf.h"

#include "detect/sh.h"
#include "detect/text.h"

#include <string.h>

#define INCLUDES_MAX 8u

gboolean
conf_format_from_name(const char *name, ConfFormat *format)
{
    static const char *const names[] = {"",         "keyword", "colon", "equals",
                                        "greylist", "shell",   "rspamd"};
    for (guint i = 1; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *format = (ConfFormat)i;
            return TRUE;
        }
    }
    return FALSE;
}

void
conf_answer_set(ConfAnswer *answer, const char *value, const char *file, guint line)
{
    g_free(answer->value);
    g_free(answer->place);
    answer->value = g_strdup(value);
    answer->place = g_strdup_printf("%s:%u", file, line);
}

void
conf_answer_fail(ConfAnswer *answer, const char *file, const char *why)
{
    if (!answer->error)
        answer->error = g_strdup_printf("%s: %s", file, why);
}

void
conf_answer_clear(ConfAnswer *answer)
{
    g_free(answer->value);
    g_free(answer->place);
    g_free(answer->error);
    g_free(answer->patience_place);
    *answer = (ConfAnswer){0};
}

/* NULL: absent, or failed and said so. */
static char *
read_file(const DetectTree *tree, const char *path, ConfAnswer *answer)
{
    char *text;
    g_autofree char *why = NULL;
    if (detect_tree_read(tree, path, &text, &why) == DETECT_READ_FAILED)
        conf_answer_fail(answer, path, why);
    return text;
}

/* ---- Lines with a key and a value. */

typedef struct Lines {
    const DetectTree *tree;
    ConfFormat format;
    const char *key;
    ConfAnswer *answer;
    guint includes;
} Lines;

/* A comment after a blank is cut off, and quotes around the whole. */
static char *
clean_value(char *value)
{
    for (char *at = value; *at; at++) {
        if (*at == '#' && (at == value || g_ascii_isspace(at[-1]))) {
            *at = '\0';
            break;
        }
    }
    g_strstrip(value);
    gsize length = strlen(value);
    if (length >= 2 && strchr("\"'", value[0]) && value[length - 1] == value[0]) {
        value[length - 1] = '\0';
        value++;
    }
    return value;
}

/* Splits a line in place. FALSE: it has no key. */
static gboolean
split_line(const Lines *lines, char *line, char **key, char **value)
{
    char *end;
    g_strstrip(line);
    if (!*line || *line == '#')
        return FALSE;
    if (lines->format == CONF_KEYWORD)
        end = line + strcspn(line, " \t");
    else
        end = strchr(line, lines->format == CONF_COLON ? ':' : '=');
    if (!end || end == line)
        return FALSE;
    *value = *end ? end + 1 : end;
    *end = '\0';
    *key = g_strstrip(line);
    *value = clean_value(*value);
    return TRUE;
}

static void read_lines(Lines *lines, const char *path);

static void
take_line(Lines *lines, const char *path, guint number, char *line)
{
    char *key, *value;
    if (!split_line(lines, line, &key, &value))
        return;
    if (g_ascii_strcasecmp(key, lines->key) == 0)
        conf_answer_set(lines->answer, value, path, number);
    else if (lines->format == CONF_KEYWORD && g_ascii_strcasecmp(key, "include") == 0 &&
             lines->includes++ < INCLUDES_MAX)
        read_lines(lines, value);
}

static void
read_lines(Lines *lines, const char *path)
{
    g_autofree char *text = read_file(lines->tree, path, lines->answer);
    char *rest = text;
    for (guint number = 1; rest; number++) {
        char *line = strsep(&rest, "\n");
        take_line(lines, path, number, line);
    }
}

/* ---- greylist.conf: words, "strings", # comments; a line goes on after a backslash. */

typedef struct Greylist {
    const char *path;
    const char *at;
    guint line;
    ConfAnswer *answer;
} Greylist;

/* Seconds of "90", "65s", "10m", "1h"; negative: it is none. */
static double
parse_duration(const char *text)
{
    static const struct {
        char unit;
        guint seconds;
    } units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end;
    guint64 number = g_ascii_strtoull(text, &end, 10);
    if (end == text || number > 1000000 || (*end && end[1]))
        return -1;
    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (*end == units[i].unit)
            return (double)number * units[i].seconds;
    return -1;
}

static char *
quoted_word(Greylist *greylist)
{
    const char *start = ++greylist->at;
    gsize length = strcspn(start, "\"\n");
    greylist->at += length + (start[length] == '"' ? 1 : 0);
    return g_strndup(start, length);
}

/* The next word of the line; NULL: the line is over. */
static char *
next_word(Greylist *greylist)
{
    for (;;) {
        greylist->at += strspn(greylist->at, " \t\r,");
        if (greylist->at[0] == '\\' && strchr("\r\n", greylist->at[1]) && greylist->at[1]) {
            greylist->at += greylist->at[1] == '\r' && greylist->at[2] == '\n' ? 3 : 2;
            greylist->line++;
        } else if (*greylist->at == '#') {
            greylist->at += strcspn(greylist->at, "\n");
        } else {
            break;
        }
    }
    if (*greylist->at == '"')
        return quoted_word(greylist);
    gsize length = strcspn(greylist->at, " \t\r\n,#");
    greylist->at += length;
    return length > 0 ? g_strndup(greylist->at - length, length) : NULL;
}

static void
take_patience(Greylist *greylist)
{
    g_autofree char *word = next_word(greylist);
    double seconds = word ? parse_duration(word) : -1;
    if (seconds <= greylist->answer->patience)
        return;
    greylist->answer->patience = seconds;
    g_free(greylist->answer->patience_place);
    greylist->answer->patience_place = g_strdup_printf("%s:%u", greylist->path, greylist->line);
}

static void
take_rule(Greylist *greylist)
{
    g_autofree char *first = next_word(greylist);
    if (g_strcmp0(first, "socket") == 0) {
        g_autofree char *value = next_word(greylist);
        if (value)
            conf_answer_set(greylist->answer, value, greylist->path, greylist->line);
    }
    gboolean ldap = g_strcmp0(first, "ldapconf") == 0;
    for (;;) {
        g_autofree char *word = next_word(greylist);
        if (!word)
            return;
        if (strcmp(word, "tarpit") == 0 || (ldap && strcmp(word, "timeout") == 0))
            take_patience(greylist);
    }
}

static void
read_greylist(const DetectTree *tree, const char *path, ConfAnswer *answer)
{
    g_autofree char *text = read_file(tree, path, answer);
    if (!text)
        return;
    Greylist greylist = {path, text, 1, answer};
    while (*greylist.at) {
        take_rule(&greylist);
        if (*greylist.at == '\n') {
            greylist.at++;
            greylist.line++;
        }
    }
}

/* ---- Shell variables. */

static void
read_shell(const DetectTree *tree, const char *path, const char *key, ConfAnswer *answer)
{
    g_autoptr(Sh) sh = sh_new(tree, NULL, NULL);
    sh_source(sh, path);
    const ShVariable *variable = sh_get(sh, key);
    if (sh_messages(sh)[0])
        answer->error = g_strdup(sh_messages(sh)[0]);
    if (!variable)
        return;
    if (sh_value(sh, key)) {
        conf_answer_set(answer, variable->value, variable->place.file, variable->place.line);
    } else {
        g_autofree char *place =
            g_strdup_printf("%s:%u", variable->place.file, variable->place.line);
        conf_answer_fail(answer, place, variable->why ? variable->why : "");
    }
}

void
conf_look_up(const DetectTree *tree, ConfFormat format, const char *path, const char *key,
             ConfAnswer *answer)
{
    Lines lines = {tree, format, key, answer, 0};
    *answer = (ConfAnswer){0};
    switch (format) {
    case CONF_NONE:
        break;
    case CONF_KEYWORD:
    case CONF_COLON:
    case CONF_EQUALS:
        read_lines(&lines, path);
        break;
    case CONF_GREYLIST:
        read_greylist(tree, path, answer);
        break;
    case CONF_SHELL:
        read_shell(tree, path, key, answer);
        break;
    case CONF_RSPAMD:
        conf_look_up_rspamd(tree, path, answer);
        break;
    }
}
