/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect/ucl.h"

#include "detect/text.h"

#include <stdlib.h>
#include <string.h>

/* What is the same for all files of one reading. */
typedef struct Reading {
    UclFile *file;
    const DetectTree *tree;
    const char *folder;
    guint entries, files, depth;
} Reading;

/* One text. */
typedef struct Reader {
    Reading *reading;
    const char *path;
    const char *at;
    guint line;
    guint priority;
    gboolean failed;
} Reader;

static void read_entries(Reader *reader, GPtrArray *out);
static gboolean read_path(Reading *reading, const char *path, guint priority, GPtrArray *out);

static void
entry_free(gpointer data)
{
    UclEntry *entry = data;
    g_free(entry->key);
    g_ptr_array_unref(entry->values);
    g_clear_pointer(&entry->entries, g_ptr_array_unref);
    g_free(entry->file);
    g_free(entry);
}

void
ucl_file_init(UclFile *file)
{
    file->entries = g_ptr_array_new_with_free_func(entry_free);
    file->errors = g_ptr_array_new_with_free_func(g_free);
}

void
ucl_file_clear(UclFile *file)
{
    g_ptr_array_unref(file->entries);
    g_ptr_array_unref(file->errors);
}

static void
fail(Reader *reader, const char *why)
{
    if (!reader->failed)
        g_ptr_array_add(reader->reading->file->errors,
                        g_strdup_printf("%s:%u: %s", reader->path, reader->line, why));
    reader->failed = TRUE;
    reader->at = "";
}

/* ---- Blanks and comments. */

static void
skip_comment(Reader *reader)
{
    guint depth = 0;
    do {
        if (strncmp(reader->at, "/*", 2) == 0 || strncmp(reader->at, "*/", 2) == 0) {
            depth = *reader->at == '/' ? depth + 1 : depth - 1;
            reader->at += 2;
            continue;
        }
        if (*reader->at == '\n')
            reader->line++;
        reader->at++;
    } while (depth > 0 && *reader->at);
}

/* lines: the ends of lines, too. */
static void
skip_blanks(Reader *reader, gboolean lines)
{
    for (;;) {
        if (strncmp(reader->at, "/*", 2) == 0) {
            skip_comment(reader);
        } else if (*reader->at == '#') {
            reader->at += strcspn(reader->at, "\n");
        } else if (*reader->at == '\n' && lines) {
            reader->line++;
            reader->at++;
        } else if (*reader->at && strchr(" \t\r", *reader->at)) {
            reader->at++;
        } else {
            return;
        }
    }
}

/* ---- Values. */

static char *
read_quoted(Reader *reader)
{
    g_autoptr(GString) out = g_string_new(NULL);
    reader->at++;
    while (*reader->at && *reader->at != '"') {
        if (*reader->at == '\\' && reader->at[1])
            reader->at++;
        if (*reader->at == '\n')
            reader->line++;
        g_string_append_c(out, *reader->at++);
    }
    if (*reader->at == '"')
        reader->at++;
    else
        fail(reader, _("a \" has no end"));
    return g_strdup(out->str);
}

static gboolean
ends_word(char c)
{
    return c == '\0' || strchr(";,\n{}[]", c) != NULL;
}

/* To the end of the value, which may have blanks in it. */
static char *
read_bare(Reader *reader)
{
    const char *start = reader->at;
    while (!ends_word(*reader->at) && *reader->at != '#')
        reader->at++;
    return g_strchomp(g_strndup(start, (gsize)(reader->at - start)));
}

/* "<<EOD": skipped to the line that is EOD. */
static char *
skip_document(Reader *reader)
{
    reader->at += 2;
    gsize length = strcspn(reader->at, "\n");
    g_autofree char *end = g_strndup(reader->at, length);
    reader->at += length;
    g_strchomp(end);
    while (*reader->at) {
        reader->at++;
        reader->line++;
        length = strcspn(reader->at, "\n");
        gboolean last = length == strlen(end) && strncmp(reader->at, end, length) == 0;
        reader->at += length;
        if (last)
            break;
    }
    return g_strdup("");
}

static char *
read_scalar(Reader *reader)
{
    if (*reader->at == '"')
        return read_quoted(reader);
    if (g_str_has_prefix(reader->at, "<<") && g_ascii_isupper(reader->at[2]))
        return skip_document(reader);
    return read_bare(reader);
}

/* Objects in a list are skipped with it. */
static void
skip_object(Reader *reader)
{
    g_autoptr(GPtrArray) nowhere = g_ptr_array_new_with_free_func(entry_free);
    read_entries(reader, nowhere);
}

static void
read_list(Reader *reader, GPtrArray *values)
{
    reader->at++;
    for (;;) {
        skip_blanks(reader, TRUE);
        if (!*reader->at || *reader->at == ']')
            break;
        if (*reader->at == ',' || *reader->at == ';')
            reader->at++;
        else if (*reader->at == '{')
            skip_object(reader);
        else if (*reader->at == '[' || *reader->at == '}')
            fail(reader, _("this is not expected here"));
        else
            g_ptr_array_add(values, read_scalar(reader));
    }
    if (*reader->at == ']')
        reader->at++;
    else
        fail(reader, _("a [ has no end"));
}

/* ---- Macros. */

static char *
expand_folder(const Reader *reader, const char *text)
{
    static const char *const names[] = {"${LOCAL_CONFDIR}", "$LOCAL_CONFDIR", "${CONFDIR}",
                                        "$CONFDIR"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_has_prefix(text, names[i]))
            return g_strconcat(reader->reading->folder, text + strlen(names[i]), NULL);
    return g_strdup(text);
}

/* The number after name in "(try=true; priority=1)". */
static guint
read_priority(const char *parameters, gsize length, guint otherwise)
{
    g_autofree char *text = g_strndup(parameters, length);
    const char *found = strstr(text, "priority");
    if (!found)
        return otherwise;
    found += strlen("priority");
    found += strspn(found, " \t=:");
    return (guint)MIN(strtoul(found, NULL, 10), 16UL);
}

/* At ".". Those that are not known are skipped. */
static void
read_macro(Reader *reader, GPtrArray *out)
{
    gsize name = strcspn(reader->at, " \t(\"\n;{");
    gboolean include = name == strlen(".include") && g_str_has_prefix(reader->at, ".include");
    guint priority = reader->priority;
    reader->at += name;
    skip_blanks(reader, FALSE);
    if (*reader->at == '(') {
        gsize length = strcspn(reader->at, ")\n");
        priority = read_priority(reader->at, length, priority);
        reader->at += length + (reader->at[length] == ')' ? 1 : 0);
        skip_blanks(reader, FALSE);
    }
    if (*reader->at == '{') {
        skip_object(reader);
        return;
    }
    g_autofree char *value = read_scalar(reader);
    g_autofree char *path = expand_folder(reader, value);
    if (include)
        read_path(reader->reading, path, priority, out);
}

/* ---- Entries. */

static char *
read_key(Reader *reader)
{
    if (*reader->at == '"')
        return read_quoted(reader);
    const char *start = reader->at;
    while (!ends_word(*reader->at) && !strchr(" \t\r=:#\"", *reader->at))
        reader->at++;
    return g_strndup(start, (gsize)(reader->at - start));
}

static UclEntry *
entry_new(const Reader *reader, char *key)
{
    UclEntry *entry = g_new0(UclEntry, 1);
    entry->key = key;
    entry->values = g_ptr_array_new_with_free_func(g_free);
    entry->priority = reader->priority;
    entry->file = g_strdup(reader->path);
    entry->line = reader->line;
    return entry;
}

/* "= value", "value", "name { ... }" */
static void
read_value(Reader *reader, UclEntry *entry)
{
    skip_blanks(reader, FALSE);
    if (*reader->at == '=' || *reader->at == ':') {
        reader->at++;
        skip_blanks(reader, TRUE);
    }
    for (;;) {
        if (*reader->at == '{') {
            entry->entries = g_ptr_array_new_with_free_func(entry_free);
            read_entries(reader, entry->entries);
            return;
        }
        if (*reader->at == '[') {
            read_list(reader, entry->values);
            return;
        }
        if (ends_word(*reader->at))
            return;
        g_ptr_array_add(entry->values, read_scalar(reader));
        skip_blanks(reader, FALSE);
    }
}

static void
read_entry(Reader *reader, GPtrArray *out)
{
    if (reader->reading->entries++ >= UCL_ENTRIES_MAX) {
        fail(reader, _("there are too many entries"));
        return;
    }
    char *key = read_key(reader);
    if (!*key) {
        g_free(key);
        fail(reader, _("a key is expected here"));
        return;
    }
    UclEntry *entry = entry_new(reader, key);
    g_ptr_array_add(out, entry);
    read_value(reader, entry);
}

/* At "{", or at the beginning of a text: to "}" or the end. */
static void
read_entries(Reader *reader, GPtrArray *out)
{
    gboolean braced = *reader->at == '{';
    if (reader->reading->depth >= UCL_DEPTH_MAX) {
        fail(reader, _("it is nested too deeply"));
        return;
    }
    reader->reading->depth++;
    if (braced)
        reader->at++;
    for (;;) {
        skip_blanks(reader, TRUE);
        if (!*reader->at || *reader->at == '}')
            break;
        if (*reader->at == ';' || *reader->at == ',')
            reader->at++;
        else if (*reader->at == '.')
            read_macro(reader, out);
        else
            read_entry(reader, out);
    }
    reader->reading->depth--;
    if (braced && *reader->at == '}')
        reader->at++;
    else if (braced || *reader->at)
        fail(reader, braced ? _("a { has no end") : _("this is not expected here"));
}

static gboolean
read_path(Reading *reading, const char *path, guint priority, GPtrArray *out)
{
    g_autofree char *text = NULL;
    g_autofree char *why = NULL;
    Reader reader = {reading, path, "", 1, priority, FALSE};
    if (reading->files++ >= UCL_FILES_MAX) {
        fail(&reader, _("files read one another too deeply"));
        return FALSE;
    }
    DetectRead result = detect_tree_read(reading->tree, path, &text, &why);
    if (result == DETECT_READ_FAILED)
        fail(&reader, why);
    if (result != DETECT_READ_OK)
        return FALSE;
    reader.at = text;
    skip_blanks(&reader, TRUE);
    read_entries(&reader, out);
    return TRUE;
}

gboolean
ucl_file_read(UclFile *file, const DetectTree *tree, const char *path, const char *folder,
              guint priority)
{
    Reading reading = {file, tree, folder, 0, 0, 0};
    return read_path(&reading, path, priority, file->entries);
}
