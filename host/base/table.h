/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     table.h - columns of text for a terminal
 *
 * DESCRIPTION
 *     Widths are counted in cells as a terminal draws them: a wide character takes two. Two blanks
 *     between columns, none at the end of a line. Control characters and bytes that are no UTF-8
 *     become "?", so that nothing that came over the wire moves the cursor.
 */
#ifndef MM_BASE_TABLE_H
#define MM_BASE_TABLE_H

#include <glib.h>

typedef struct MmTable MmTable;

MmTable *mm_table_new(void);
void mm_table_free(MmTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmTable, mm_table_free)
/* Columns come before cells. right: numbers. */
void mm_table_column(MmTable *table, const char *title, gboolean right);
/* The next cell, row by row. */
void mm_table_cell(MmTable *table, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Titles, then the rows that are complete. */
void mm_table_append(const MmTable *table, GString *out);

/* Appends text and blanks up to width cells, at least one. */
void mm_table_pad(GString *out, const char *text, guint width);

#endif
