/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a unit file: systemd.syntax(7), "Quoting"; systemd.service(5), "Command lines". */
#include "debian/unit-private.h"

#include <string.h>

/* What a variable may bring: a value that refers to nothing further. */
#define ARGUMENTS_MAX 512u

static const char *const specifiers[] = {"t/run", "S/var/lib", "C/var/cache", "L/var/log",
                                         "E/etc", "T/tmp",     "V/var/tmp",   NULL};

/* What follows a backslash; returns how many bytes it is. */
static gsize
append_escape(GString *word, const char *text)
{
    static const char from[] = "abfnrtvs";
    static const char to[] = "\a\b\f\n\r\t\v ";
    if (text[0] == 'x' && g_ascii_isxdigit(text[1]) && g_ascii_isxdigit(text[2])) {
        g_string_append_c(
            word, (char)(g_ascii_xdigit_value(text[1]) * 16 + g_ascii_xdigit_value(text[2])));
        return 3;
    }
    const char *found = strchr(from, text[0]);
    g_string_append_c(word, found ? to[found - from] : text[0]);
    return 1;
}

char *
unit_next_word(const char **text, gboolean *broken)
{
    const char *at = *text + strspn(*text, " \t\n");
    *broken = FALSE;
    if (*at == '\0')
        return NULL;
    GString *word = g_string_new(NULL);
    char quote = '\0';
    for (; *at != '\0' && (quote != '\0' || !strchr(" \t\n", *at)); at++) {
        if (*at == '\\' && at[1] != '\0')
            at += append_escape(word, at + 1);
        else if (quote == '\0' && (*at == '"' || *at == '\''))
            quote = *at;
        else if (quote != '\0' && *at == quote)
            quote = '\0';
        else
            g_string_append_c(word, *at);
    }
    *text = at;
    *broken = quote != '\0';
    return g_string_free(word, *broken);
}

static const char *
specifier(char c)
{
    for (guint i = 0; specifiers[i]; i++) {
        if (specifiers[i][0] == c)
            return specifiers[i] + 1;
    }
    return NULL;
}

char *
unit_expand_specifiers(const char *text, const char *name)
{
    GString *out = g_string_new(NULL);
    for (const char *at = text; *at != '\0'; at++) {
        const char *value = *at == '%' ? specifier(at[1]) : NULL;
        if (value)
            g_string_append(out, value);
        else if (*at == '%' && (at[1] == 'p' || at[1] == 'N'))
            g_string_append(out, name);
        else if (*at == '%' && at[1] == 'n')
            g_string_append_printf(out, "%s.service", name);
        else if (*at == '%' && at[1] == '%')
            g_string_append_c(out, '%');
        else {
            g_string_append_c(out, *at);
            continue;
        }
        at++;
    }
    return g_string_free(out, FALSE);
}

static gsize
name_length(const char *text)
{
    gsize n = 0;
    while (g_ascii_isalnum(text[n]) || text[n] == '_')
        n++;
    return n;
}

static const char *
value_of(GHashTable *environment, const char *name, gsize length)
{
    g_autofree char *key = g_strndup(name, length);
    const UnitVariable *variable = g_hash_table_lookup(environment, key);
    return variable ? variable->value : "";
}

/* ${NAME} anywhere in a word, $$ for a dollar. */
static char *
expand_inside(const char *word, GHashTable *environment)
{
    GString *out = g_string_new(NULL);
    for (const char *at = word; *at != '\0'; at++) {
        gsize length = at[0] == '$' && at[1] == '{' ? name_length(at + 2) : 0;
        if (length > 0 && at[2 + length] == '}') {
            g_string_append(out, value_of(environment, at + 2, length));
            at += 2 + length;
        } else {
            g_string_append_c(out, *at);
            if (at[0] == '$' && at[1] == '$')
                at++;
        }
    }
    return g_string_free(out, FALSE);
}

/* The words of a variable's value. */
static gboolean
add_value(GPtrArray *words, const char *value)
{
    gboolean broken = FALSE;
    char *word;
    while (words->len < ARGUMENTS_MAX && (word = unit_next_word(&value, &broken)))
        g_ptr_array_add(words, word);
    return !broken;
}

static gboolean
add_word(GPtrArray *words, const char *word, GHashTable *environment)
{
    gsize length = word[0] == '$' ? name_length(word + 1) : 0;
    if (length > 0 && word[1 + length] == '\0')
        return add_value(words, value_of(environment, word + 1, length));
    g_ptr_array_add(words, expand_inside(word, environment));
    return TRUE;
}

char **
unit_split_command(const char *text, const char *name, GHashTable *environment)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    /* Prefixes of the program: systemd.service(5), "Special executable prefixes". */
    const char *at = text + strspn(text, "@-:+! \t");
    gboolean good = TRUE, broken = FALSE;
    while (good && words->len < ARGUMENTS_MAX) {
        g_autofree char *word = unit_next_word(&at, &broken);
        if (!word)
            break;
        g_autofree char *expanded = unit_expand_specifiers(word, name);
        good = add_word(words, expanded, environment);
    }
    if (!good || broken || words->len == 0)
        return NULL;
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}
