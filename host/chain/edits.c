/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/edits.h"

#include "base/i18n.h"
#include "chain/arena.h"

#include <string.h>

/* What a stage may change in one message, its new body aside. No message needs as much; a child
 * that never ends would fill memory, and a long list takes long to apply. */
#define COUNT_MAX 16384u
#define BYTES_MAX (16u * 1024u * 1024u)

struct MmEdits {
    const MmSpoolLimits *limits;
    GArray *list; /* of MilterEdit; NULL before the first */
    MmArena texts;
    gsize bytes;   /* of texts */
    MmSpool *body; /* NULL: not replaced */
    guint body_cr; /* how many CR the new body ends with, up to 2 */
    gboolean has_cr_crlf;
};

G_DEFINE_QUARK(mm - edits - error, mm_edits_error)

MmEdits *
mm_edits_new(const MmSpoolLimits *limits)
{
    MmEdits *edits = g_new0(MmEdits, 1);

    edits->limits = limits;
    return edits;
}

void
mm_edits_free(MmEdits *edits)
{
    if (edits == NULL)
        return;
    g_clear_pointer(&edits->list, g_array_unref);
    mm_arena_clear(&edits->texts);
    mm_spool_free(edits->body);
    g_free(edits);
}

static gboolean
is_header_kind(guint32 kind)
{
    return kind == MILTER_EDIT_ADD_HEADER || kind == MILTER_EDIT_INSERT_HEADER ||
           kind == MILTER_EDIT_CHANGE_HEADER;
}

static gboolean
has_byte(MilterSlice text, int byte)
{
    return text.size > 0 && memchr(text.data, byte, text.size) != NULL;
}

/* What is wrong with edit, or NULL. */
static const char *
find_fault(const MilterEdit *edit)
{
    if (edit->size < sizeof(MilterEdit))
        return _("the structure is too small");
    if (edit->kind > MILTER_EDIT_QUARANTINE)
        return _("unknown kind");
    if (edit->kind == MILTER_EDIT_REPLACE_BODY)
        return NULL;
    if (has_byte(edit->name, '\0') || has_byte(edit->value, '\0'))
        return _("NUL in a text");
    if (!is_header_kind(edit->kind))
        return NULL;
    if (edit->name.size == 0)
        return _("empty header name");
    if (has_byte(edit->name, '\n') || has_byte(edit->name, '\r'))
        return _("line break in a header name");
    return NULL;
}

/* text copied, CRLF as the one byte given; with one_line a lone CR or LF too. */
static MilterSlice
copy_lines(MmArena *arena, MilterSlice text, char line_end, gboolean one_line)
{
    char *copy = mm_arena_take(arena, text.size);
    gsize length = 0;

    for (gsize i = 0; i < text.size; i++) {
        char byte = text.data[i];

        if (byte == '\r' && i + 1 < text.size && text.data[i + 1] == '\n') {
            byte = line_end;
            i++;
        } else if (one_line && (byte == '\r' || byte == '\n')) {
            byte = line_end;
        }
        copy[length++] = byte;
    }
    copy[length] = '\0';
    return (MilterSlice){copy, length};
}

static MilterSlice
copy_value(MmEdits *edits, const MilterEdit *edit)
{
    if (is_header_kind(edit->kind))
        return copy_lines(&edits->texts, edit->value, '\n', FALSE);
    if (edit->kind == MILTER_EDIT_QUARANTINE)
        return copy_lines(&edits->texts, edit->value, ' ', TRUE);
    return mm_arena_copy(&edits->texts, edit->value);
}

/* How many CR stand right before place at, up to 2; before the piece itself there are carried. */
static guint
count_cr(MilterSlice piece, gsize at, guint carried)
{
    guint count = 0;

    while (count < 2 && at > 0 && piece.data[at - 1] == '\r') {
        count++;
        at--;
    }
    return at > 0 ? count : MIN(count + carried, 2);
}

/* Appends to out what stands before the last LF of piece that needs a CR, with the CRs; returns how
 * much of piece that is. */
static gsize
convert(MmEdits *edits, MilterSlice piece, GString *out)
{
    const char *end = piece.data + piece.size;
    const char *from = piece.data;

    for (const char *lf = from; (lf = memchr(lf, '\n', (gsize)(end - lf))) != NULL; lf++) {
        guint cr = count_cr(piece, (gsize)(lf - piece.data), edits->body_cr);

        edits->has_cr_crlf = edits->has_cr_crlf || cr == 2;
        if (cr > 0)
            continue;
        g_string_append_len(out, from, lf - from);
        g_string_append_len(out, "\r\n", 2);
        from = lf + 1;
    }
    edits->body_cr = count_cr(piece, piece.size, edits->body_cr);
    return (gsize)(from - piece.data);
}

/* One write for what was converted, not one a line: it may go to the file. */
static gboolean
append_body(MmEdits *edits, MilterSlice piece, GError **error)
{
    g_autoptr(GString) converted = g_string_new(NULL);
    gsize done;

    if (edits->body == NULL)
        edits->body = mm_spool_new(edits->limits);
    if (piece.size == 0)
        return TRUE;
    done = convert(edits, piece, converted);
    return mm_spool_append(edits->body, converted->str, converted->len, error) &&
           mm_spool_append(edits->body, piece.data + done, piece.size - done, error);
}

/* Counts an operation. */
static gboolean
take_room(MmEdits *edits, const MilterEdit *edit, GError **error)
{
    gsize bytes = edits->bytes + edit->name.size + edit->value.size;

    if (mm_edits_count(edits) >= COUNT_MAX || bytes > BYTES_MAX) {
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, _("too many edits"));
        return FALSE;
    }
    edits->bytes = bytes;
    return TRUE;
}

gboolean
mm_edits_add(MmEdits *edits, const MilterEdit *edit, GError **error)
{
    const char *fault = find_fault(edit);
    MilterEdit copy;

    if (fault != NULL) {
        g_set_error(error, MM_EDITS_ERROR, MM_EDITS_ERROR_MALFORMED, _("malformed edit: %s"),
                    fault);
        return FALSE;
    }
    if (edit->kind == MILTER_EDIT_REPLACE_BODY)
        return append_body(edits, edit->value, error);
    if (!take_room(edits, edit, error))
        return FALSE;
    if (edits->list == NULL)
        edits->list = g_array_new(FALSE, FALSE, sizeof(MilterEdit));
    copy = *edit;
    copy.size = sizeof copy;
    copy.name = mm_arena_copy(&edits->texts, edit->name);
    copy.value = copy_value(edits, edit);
    g_array_append_val(edits->list, copy);
    return TRUE;
}

guint
mm_edits_count(const MmEdits *edits)
{
    return edits->list == NULL ? 0 : edits->list->len;
}

const MilterEdit *
mm_edits_get(const MmEdits *edits, guint i)
{
    g_return_val_if_fail(i < mm_edits_count(edits), NULL);
    return &g_array_index(edits->list, MilterEdit, i);
}

void
mm_edits_set_change(MmEdits *edits, guint i, guint32 index)
{
    MilterEdit *edit;

    g_return_if_fail(i < mm_edits_count(edits));
    edit = &g_array_index(edits->list, MilterEdit, i);
    g_return_if_fail(is_header_kind(edit->kind));
    if (edit->kind != MILTER_EDIT_CHANGE_HEADER && edit->value.size == 0) {
        edit->value = (MilterSlice){" ", 1};
        edit->flags |= MILTER_EDIT_VERBATIM;
    }
    edit->kind = MILTER_EDIT_CHANGE_HEADER;
    edit->index = index;
}

void
mm_edits_set_index(MmEdits *edits, guint i, guint32 index)
{
    g_return_if_fail(i < mm_edits_count(edits));
    g_array_index(edits->list, MilterEdit, i).index = index;
}

void
mm_edits_move(MmEdits *edits, guint from, guint to)
{
    g_return_if_fail(to <= from && from < mm_edits_count(edits));
    g_array_index(edits->list, MilterEdit, to) = g_array_index(edits->list, MilterEdit, from);
}

void
mm_edits_truncate(MmEdits *edits, guint count)
{
    g_return_if_fail(count <= mm_edits_count(edits));
    if (edits->list != NULL)
        g_array_set_size(edits->list, count);
}

MmSpool *
mm_edits_body(const MmEdits *edits)
{
    return edits->body;
}

void
mm_edits_drop_body(MmEdits *edits)
{
    g_clear_pointer(&edits->body, mm_spool_free);
}

gboolean
mm_edits_body_has_cr_crlf(const MmEdits *edits)
{
    return edits->has_cr_crlf;
}

gboolean
mm_edits_is_empty(const MmEdits *edits)
{
    return mm_edits_count(edits) == 0 && edits->body == NULL;
}
