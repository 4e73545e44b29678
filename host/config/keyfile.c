/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/keyfile.h"

#include "base/i18n.h"

#include <string.h>

typedef struct Parser {
    const char *file;
    guint line;
    GPtrArray *groups;
    MmKeyGroup *group;    /* NULL: none yet, or one that is left out */
    gboolean group_known; /* a group line came, even if a bad one */
    MmProblems *problems;
} Parser;

void
mm_raw_key_free(gpointer data)
{
    MmRawKey *key = data;
    g_free(key->key);
    g_free(key->value);
    g_free(key->origin);
    g_free(key->file);
    g_free(key);
}

MmRawKey *
mm_raw_key_new(const char *key, const char *value, const char *origin, const char *file, guint line)
{
    MmRawKey *raw = g_new0(MmRawKey, 1);
    raw->key = g_strdup(key);
    raw->value = g_strdup(value);
    raw->origin = origin ? g_strdup(origin) : g_strdup_printf("%s:%u", file, line);
    raw->file = g_strdup(file);
    raw->line = line;
    return raw;
}

static void
group_free(gpointer data)
{
    MmKeyGroup *group = data;
    g_free(group->name);
    g_ptr_array_unref(group->keys);
    g_free(group);
}

static void
complain(Parser *parser, const char *key, const char *text, const char *allowed)
{
    mm_problems_add(parser->problems, FALSE, parser->file, parser->line,
                    parser->group ? parser->group->name : NULL, key, text, allowed);
}

static MmKeyGroup *
find_group(Parser *parser, const char *name)
{
    for (guint i = 0; i < parser->groups->len; i++) {
        MmKeyGroup *group = g_ptr_array_index(parser->groups, i);
        if (strcmp(group->name, name) == 0)
            return group;
    }
    return NULL;
}

static void
parse_group(Parser *parser, const char *line, gsize length)
{
    parser->group = NULL;
    parser->group_known = TRUE;
    if (length < 3 || line[length - 1] != ']' || memchr(line + 1, ']', length - 2) ||
        memchr(line + 1, '[', length - 2)) {
        complain(parser, NULL, _("this group is malformed"), _("[manager] or [stages/NAME]"));
        return;
    }
    g_autofree char *name = g_strndup(line + 1, length - 2);
    const MmKeyGroup *known = find_group(parser, name);
    if (known) {
        g_autofree char *text =
            g_strdup_printf(_("the group [%s] stands twice, first in line %u"), name, known->line);
        complain(parser, NULL, text, _("each group once"));
        return;
    }
    MmKeyGroup *group = g_new0(MmKeyGroup, 1);
    group->name = g_steal_pointer(&name);
    group->line = parser->line;
    group->keys = g_ptr_array_new_with_free_func(mm_raw_key_free);
    g_ptr_array_add(parser->groups, group);
    parser->group = group;
}

static gboolean
is_key_name(const char *key)
{
    if (!*key)
        return FALSE;
    for (const char *c = key; *c; c++) {
        if (!g_ascii_isalnum(*c) && *c != '-')
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_key(Parser *parser, const char *key)
{
    if (strchr(key, '[')) {
        complain(parser, key, _("translated keys have no meaning here"), _("KEY=VALUE"));
        return FALSE;
    }
    if (!is_key_name(key)) {
        complain(parser, NULL, _("this is not the name of a key"),
                 _("letters, digits and “-”, then “=”"));
        return FALSE;
    }
    for (guint i = 0; i < parser->group->keys->len; i++) {
        const MmRawKey *known = g_ptr_array_index(parser->group->keys, i);
        if (strcmp(known->key, key) != 0)
            continue;
        g_autofree char *text =
            g_strdup_printf(_("the key stands twice, first in line %u"), known->line);
        complain(parser, key, text, _("each key once"));
        return FALSE;
    }
    return TRUE;
}

static void
parse_key(Parser *parser, const char *line, gsize length)
{
    const char *equals = memchr(line, '=', length);
    if (!equals) {
        complain(parser, NULL, _("this line is no group, no key and no comment"),
                 _("[GROUP], KEY=VALUE or # comment"));
        return;
    }
    if (!parser->group) {
        if (!parser->group_known)
            complain(parser, NULL, _("a key stands before the first group"),
                     _("[manager] or [stages/NAME] first"));
        return;
    }
    g_autofree char *key = g_strstrip(g_strndup(line, (gsize)(equals - line)));
    g_autofree char *value = g_strstrip(g_strndup(equals + 1, length - (gsize)(equals + 1 - line)));
    if (check_key(parser, key))
        g_ptr_array_add(parser->group->keys,
                        mm_raw_key_new(key, value, NULL, parser->file, parser->line));
}

static gboolean
is_blank(const char *line, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (line[i] != ' ' && line[i] != '\t')
            return FALSE;
    }
    return TRUE;
}

static gboolean
has_control(const char *line, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (line[i] != '\t' && g_ascii_iscntrl(line[i]))
            return TRUE;
    }
    return FALSE;
}

static void
parse_line(Parser *parser, const char *line, gsize length)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length > MM_KEYFILE_LINE_MAX) {
        complain(parser, NULL, _("this line is too long"), _("at most 65536 bytes"));
        return;
    }
    if (memchr(line, '\0', length) || !g_utf8_validate(line, (gssize)length, NULL)) {
        complain(parser, NULL, _("this line is no text in UTF-8"), _("UTF-8"));
        return;
    }
    if (has_control(line, length)) {
        complain(parser, NULL, _("this line has a control character"), _("printable text"));
        return;
    }
    while (length > 0 && (line[0] == ' ' || line[0] == '\t')) {
        line++;
        length--;
    }
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    if (is_blank(line, length) || line[0] == '#')
        return;
    if (line[0] == '[')
        parse_group(parser, line, length);
    else
        parse_key(parser, line, length);
}

GPtrArray *
mm_keyfile_parse(const char *file, const char *text, gsize size, MmProblems *problems)
{
    Parser parser = {
        .file = file, .groups = g_ptr_array_new_with_free_func(group_free), .problems = problems};
    gsize at = 0;
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        parser.line = 1;
        complain(&parser, NULL, _("the file begins with a byte-order mark"),
                 _("UTF-8 without one"));
        parser.line = 0;
        at = 3;
    }
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        gsize length = end ? (gsize)(end - (text + at)) : size - at;
        parser.line++;
        parse_line(&parser, text + at, length);
        at += length + 1;
    }
    return parser.groups;
}
