/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/table.h"

#define GAP 2u

typedef struct Column {
    gboolean right;
    guint width;
} Column;

struct MmTable {
    GArray *columns;
    GPtrArray *cells; /* of char*, the titles first */
};

MmTable *
mm_table_new(void)
{
    MmTable *table = g_new0(MmTable, 1);
    table->columns = g_array_new(FALSE, TRUE, sizeof(Column));
    table->cells = g_ptr_array_new_with_free_func(g_free);
    return table;
}

void
mm_table_free(MmTable *table)
{
    if (!table)
        return;
    g_array_unref(table->columns);
    g_ptr_array_unref(table->cells);
    g_free(table);
}

static guint
width_of(const char *text)
{
    guint width = 0;
    for (; *text; text += g_utf8_skip[(guchar)*text]) {
        gunichar c = g_utf8_get_char(text);
        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

/* Takes over text. */
static char *
harmless(char *text)
{
    g_autofree char *owned = text;
    g_autofree char *valid = g_utf8_make_valid(owned, -1);
    GString *out = g_string_new(NULL);
    for (const char *at = valid; *at; at += g_utf8_skip[(guchar)*at]) {
        gunichar c = g_utf8_get_char(at);
        g_string_append_unichar(out, g_unichar_iscntrl(c) ? '?' : c);
    }
    return g_string_free(out, FALSE);
}

/* Takes over text. */
static void
add(MmTable *table, char *text)
{
    char *cell = harmless(text);
    Column *column =
        &g_array_index(table->columns, Column, table->cells->len % table->columns->len);
    column->width = MAX(column->width, width_of(cell));
    g_ptr_array_add(table->cells, cell);
}

void
mm_table_column(MmTable *table, const char *title, gboolean right)
{
    const Column column = {right, 0};
    g_return_if_fail(table->cells->len == table->columns->len);
    g_array_append_val(table->columns, column);
    add(table, g_strdup(title));
}

void
mm_table_cell(MmTable *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(table, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static void
blanks(GString *out, guint n)
{
    for (; n > 0; n--)
        g_string_append_c(out, ' ');
}

static void
append_row(const MmTable *table, guint first, GString *out)
{
    guint owed = 0; /* blanks, written when something follows */
    for (guint i = 0; i < table->columns->len; i++) {
        const Column *column = &g_array_index(table->columns, Column, i);
        const char *text = g_ptr_array_index(table->cells, first + i);
        guint missing = column->width - width_of(text);
        if (*text) {
            blanks(out, owed + (column->right ? missing : 0));
            g_string_append(out, text);
            owed = GAP + (column->right ? 0 : missing);
        } else {
            owed += GAP + missing;
        }
    }
    g_string_append_c(out, '\n');
}

void
mm_table_append(const MmTable *table, GString *out)
{
    guint n = table->columns->len;
    for (guint first = 0; n > 0 && first + n <= table->cells->len; first += n)
        append_row(table, first, out);
}

void
mm_table_pad(GString *out, const char *text, guint width)
{
    guint used = width_of(text);
    g_string_append(out, text);
    blanks(out, used < width ? width - used : 1);
}
