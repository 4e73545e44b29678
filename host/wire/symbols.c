/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of macro names, in order of first appearance. */
#include "wire/negotiate.h"

#include <string.h>

struct MmSymbols {
    GPtrArray *names;
    GString *text;
};

/* The name without braces if it is a single letter in braces: "{i}" is "i". */
static MmSlice
bare(const char *name, gsize size)
{
    if (size == 3 && name[0] == '{' && name[2] == '}')
        return (MmSlice){name + 1, 1};
    return (MmSlice){name, size};
}

static gboolean
same(MmSlice a, MmSlice b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

gboolean
mm_symbol_equal(const char *a, const char *b)
{
    return same(bare(a, strlen(a)), bare(b, strlen(b)));
}

MmSymbols *
mm_symbols_new(void)
{
    MmSymbols *symbols = g_new0(MmSymbols, 1);
    symbols->names = g_ptr_array_new_with_free_func(g_free);
    symbols->text = g_string_new(NULL);
    return symbols;
}

void
mm_symbols_free(MmSymbols *symbols)
{
    if (!symbols)
        return;
    g_ptr_array_unref(symbols->names);
    g_string_free(symbols->text, TRUE);
    g_free(symbols);
}

static gboolean
contains(const MmSymbols *symbols, MmSlice name)
{
    for (guint i = 0; i < symbols->names->len; i++) {
        const char *known = g_ptr_array_index(symbols->names, i);
        if (same(bare(known, strlen(known)), name))
            return TRUE;
    }
    return FALSE;
}

gboolean
mm_symbols_contains(const MmSymbols *symbols, const char *name)
{
    return contains(symbols, bare(name, strlen(name)));
}

static gboolean
add_one(MmSymbols *symbols, const char *name, gsize size)
{
    if (contains(symbols, bare(name, size)))
        return TRUE;
    if (symbols->names->len >= MM_SYMBOLS_MAX || size > MM_SYMBOL_SIZE_MAX)
        return FALSE;
    char *copy = g_strndup(name, size);
    g_ptr_array_add(symbols->names, copy);
    if (symbols->text->len > 0)
        g_string_append_c(symbols->text, ' ');
    g_string_append(symbols->text, copy);
    return TRUE;
}

gboolean
mm_symbols_add(MmSymbols *symbols, const char *list, gsize size)
{
    gboolean all = TRUE;
    gsize i = 0;
    while (i < size) {
        gsize start = i;
        while (i < size && list[i] != ' ' && list[i] != ',' && list[i] != '\0')
            i++;
        if (i > start)
            all = add_one(symbols, list + start, i - start) && all;
        i++;
    }
    return all;
}

guint
mm_symbols_count(const MmSymbols *symbols)
{
    return symbols->names->len;
}

const char *
mm_symbols_text(const MmSymbols *symbols)
{
    return symbols->text->str;
}
