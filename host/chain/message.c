/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/message.h"

#include "chain/headers.h"

/* A longer list is not kept for the next message. */
#define KEEP_SHOWN 512u

/* A header as stages are shown it. */
typedef struct Shown {
    MilterSlice name, value;
} Shown;

struct MmMessage {
    const MmSpoolLimits *limits;
    GArray *shown;     /* of Shown */
    MmHeaders headers; /* the MTA's list; its arena has the texts of shown */
    gboolean listed;   /* the list is filled: not before it is to be changed */
    MmSpool *body;
    gboolean body_replaced; /* and may be shared with the edits */
};

MmMtaKind
mm_mta_kind_from_version(const char *v)
{
    return v != NULL && g_ascii_isdigit(*v) ? MM_MTA_SENDMAIL : MM_MTA_POSTFIX;
}

MmMessage *
mm_message_new(const MmSpoolLimits *limits)
{
    MmMessage *message = g_new0(MmMessage, 1);

    mm_headers_init(&message->headers);
    message->shown = g_array_new(FALSE, FALSE, sizeof(Shown));
    message->limits = limits;
    message->body = mm_spool_new(limits);
    return message;
}

void
mm_message_free(MmMessage *message)
{
    if (message == NULL)
        return;
    mm_headers_clear(&message->headers);
    g_array_unref(message->shown);
    mm_spool_free(message->body);
    g_free(message);
}

void
mm_message_reset(MmMessage *message)
{
    mm_headers_reset(&message->headers);
    if (message->shown->len > KEEP_SHOWN) {
        g_array_unref(message->shown);
        message->shown = g_array_new(FALSE, FALSE, sizeof(Shown));
    }
    g_array_set_size(message->shown, 0);
    message->listed = FALSE;
    if (message->body_replaced) {
        mm_spool_free(message->body);
        message->body = mm_spool_new(message->limits);
        message->body_replaced = FALSE;
    }
    mm_spool_reset(message->body);
}

void
mm_message_add_header(MmMessage *message, MilterSlice name, MilterSlice value)
{
    MmArena *texts = &message->headers.texts;
    const Shown shown = {mm_arena_copy(texts, name), mm_arena_copy(texts, value)};

    g_return_if_fail(!message->listed);
    g_array_append_val(message->shown, shown);
}

gboolean
mm_message_append_body(MmMessage *message, gconstpointer data, gsize size, GError **error)
{
    return mm_spool_append(message->body, data, size, error);
}

guint
mm_message_n_headers(const MmMessage *message)
{
    return message->shown->len;
}

void
mm_message_get_header(const MmMessage *message, guint i, MilterSlice *name, MilterSlice *value)
{
    const Shown *shown = &g_array_index(message->shown, Shown, i);

    g_return_if_fail(i < message->shown->len);
    *name = shown->name;
    *value = shown->value;
}

MmSpool *
mm_message_body(const MmMessage *message)
{
    return message->body;
}

guint64
mm_message_size(const MmMessage *message)
{
    guint64 size = mm_spool_length(message->body);

    for (guint i = 0; i < message->shown->len; i++) {
        const Shown *shown = &g_array_index(message->shown, Shown, i);

        size += shown->name.size + shown->value.size;
    }
    return size;
}

/* Fills the MTA's list, with what it hides in front. */
static void
list_headers(MmMessage *message, MmMtaKind mta)
{
    MmHeader header = {.flags = MM_HEADER_USER | MM_HEADER_COUNTED};

    if (message->listed)
        return;
    message->listed = TRUE;
    for (guint i = 0; i < message->shown->len; i++) {
        const Shown *shown = &g_array_index(message->shown, Shown, i);

        header.name = shown->name;
        header.value = shown->value;
        mm_headers_insert(&message->headers, MM_HEADERS_NONE, &header);
    }
    if (mta == MM_MTA_SENDMAIL)
        mm_headers_hide_sendmail(&message->headers);
    else
        mm_headers_hide_postfix(&message->headers);
}

/* The list was changed. */
static void
show_headers(MmMessage *message)
{
    MmHeaderCursor cursor = {0, 0};
    const MmHeader *header;

    mm_headers_drop_index(&message->headers);
    g_array_set_size(message->shown, 0);
    while ((header = mm_headers_next(&message->headers, &cursor)) != NULL) {
        const Shown shown = {header->name, header->value};

        if (mm_headers_is_visible(header))
            g_array_append_val(message->shown, shown);
    }
}

static gboolean
is_header_edit(const MilterEdit *edit)
{
    return edit->kind == MILTER_EDIT_ADD_HEADER || edit->kind == MILTER_EDIT_INSERT_HEADER ||
           edit->kind == MILTER_EDIT_CHANGE_HEADER;
}

static void
apply_one(MmHeaders *headers, MmEdits *edits, guint i, MmMtaKind mta, gboolean leading_space)
{
    if (mta == MM_MTA_SENDMAIL)
        mm_headers_apply_sendmail(headers, edits, i, leading_space);
    else
        mm_headers_apply_postfix(headers, mm_edits_get(edits, i), leading_space);
}

static void
apply_headers(MmMessage *message, MmEdits *edits, MmMtaKind mta, gboolean leading_space)
{
    gboolean changed = FALSE;

    for (guint i = 0; i < mm_edits_count(edits); i++) {
        if (!is_header_edit(mm_edits_get(edits, i)))
            continue;
        list_headers(message, mta);
        changed = TRUE;
        apply_one(&message->headers, edits, i, mta, leading_space);
    }
    if (changed)
        show_headers(message);
}

/* Postfix writes a last line without line end as a line. */
static gboolean
end_last_line(MmSpool *body, GError **error)
{
    MmSpoolCursor cursor = {0};
    const guint8 *data;
    gssize size;
    gboolean ended;

    if (mm_spool_length(body) == 0)
        return TRUE;
    cursor.offset = mm_spool_length(body) - 1;
    size = mm_spool_peek(body, &cursor, &data, error);
    ended = size > 0 && *data == '\n';
    mm_spool_cursor_clear(&cursor);
    if (size < 0)
        return FALSE;
    return ended || mm_spool_append(body, "\r\n", 2, error);
}

/* The bytes of piece, with one CR less in each run of several that a LF follows. The last CR of a
 * run is held back, as what follows decides; *run is its length, up to 2. */
static void
drop_cr(GString *out, const guint8 *piece, gsize size, guint *run)
{
    for (gsize i = 0; i < size; i++) {
        gboolean is_cr = piece[i] == '\r';

        if (*run > 0 && (is_cr || *run == 1 || piece[i] != '\n'))
            g_string_append_c(out, '\r');
        *run = is_cr ? MIN(*run + 1, 2) : 0;
        if (!is_cr)
            g_string_append_c(out, (char)piece[i]);
    }
}

/* As Sendmail shows a stored body: it takes the CR off each CRLF to store it, and puts one in only
 * where none is left. NULL with error. */
static MmSpool *
copy_for_sendmail(MmSpool *body, const MmSpoolLimits *limits, GError **error)
{
    g_autoptr(MmSpool) copy = mm_spool_new(limits);
    MmSpoolCursor cursor = {0};
    g_autoptr(GString) text = g_string_new(NULL);
    const guint8 *data;
    guint run = 0;
    gssize size;

    while ((size = mm_spool_peek(body, &cursor, &data, error)) > 0) {
        g_string_truncate(text, 0);
        drop_cr(text, data, (gsize)size, &run);
        if (!mm_spool_append(copy, text->str, text->len, error)) {
            size = -1;
            break;
        }
        cursor.offset += (guint64)size;
    }
    mm_spool_cursor_clear(&cursor);
    if (size == 0 && run > 0 && !mm_spool_append(copy, "\r", 1, error))
        return NULL;
    return size == 0 ? g_steal_pointer(&copy) : NULL;
}

/* A holder's own reference to what the next stage is shown, or NULL with error. */
static MmSpool *
shown_body(const MmMessage *message, const MmEdits *edits, MmMtaKind mta, GError **error)
{
    MmSpool *body = mm_edits_body(edits);

    if (mta == MM_MTA_SENDMAIL && mm_edits_body_has_cr_crlf(edits))
        return copy_for_sendmail(body, message->limits, error);
    if (mta == MM_MTA_POSTFIX && !end_last_line(body, error))
        return NULL;
    return mm_spool_ref(body);
}

static gboolean
apply_body(MmMessage *message, const MmEdits *edits, MmMtaKind mta, GError **error)
{
    MmSpool *body;

    if (mm_edits_body(edits) == NULL)
        return TRUE;
    body = shown_body(message, edits, mta, error);
    if (body == NULL)
        return FALSE;
    mm_spool_free(message->body);
    message->body = body;
    message->body_replaced = TRUE;
    return TRUE;
}

gboolean
mm_message_apply(MmMessage *message, MmEdits *edits, MmMtaKind mta, gboolean leading_space,
                 GError **error)
{
    apply_headers(message, edits, mta, leading_space);
    return apply_body(message, edits, mta, error);
}

/* ---- Stages side by side. */

struct MmView {
    MmHeaders headers;
};

MmView *
mm_message_view(MmMessage *message, MmMtaKind mta)
{
    MmView *view = g_new0(MmView, 1);

    list_headers(message, mta);
    mm_headers_init_copy(&view->headers, &message->headers);
    return view;
}

void
mm_view_free(MmView *view)
{
    if (view == NULL)
        return;
    mm_headers_clear(&view->headers);
    g_free(view);
}

/* Operation i as the stage meant it, in what it is shown; then as it is meant in the message. The
 * same instance gets the same id in both. FALSE: it means a header that is deleted. */
static gboolean
apply_twice(MmHeaders *seen, MmMessage *message, MmEdits *edits, guint i, MmMtaKind mta,
            gboolean leading_space)
{
    g_autoptr(MmEdits) meant = mm_edits_new(message->limits);
    guint32 last_id = MAX(seen->last_id, message->headers.last_id);
    gboolean still_there;

    mm_edits_add(meant, mm_edits_get(edits, i), NULL);
    still_there = mm_headers_rebase(seen, &message->headers, edits, i, mta == MM_MTA_SENDMAIL);
    seen->last_id = last_id;
    message->headers.last_id = last_id;
    apply_one(seen, meant, 0, mta, leading_space);
    if (still_there)
        apply_one(&message->headers, edits, i, mta, leading_space);
    return still_there;
}

static void
note_dropped(GString *dropped, const MilterEdit *edit)
{
    if (dropped->len > 0)
        g_string_append_c(dropped, ',');
    g_string_append_len(dropped, edit->name.data, (gssize)edit->name.size);
}

gboolean
mm_message_apply_beside(MmMessage *message, const MmView *view, MmEdits *edits, MmMtaKind mta,
                        gboolean leading_space, GString *dropped, GError **error)
{
    MmHeaders seen;
    guint kept = 0;

    mm_headers_init_copy(&seen, &view->headers);
    for (guint i = 0; i < mm_edits_count(edits); i++) {
        const MilterEdit *edit = mm_edits_get(edits, i);

        if (!is_header_edit(edit) || apply_twice(&seen, message, edits, i, mta, leading_space))
            mm_edits_move(edits, i, kept++);
        else
            note_dropped(dropped, edit);
    }
    mm_edits_truncate(edits, kept);
    mm_headers_clear(&seen);
    show_headers(message);
    return apply_body(message, edits, mta, error);
}

void
mm_message_headers_shown(MmMessage *message)
{
    MmHeaders *headers = &message->headers;
    MmHeaderCursor cursor = {0, 0};
    const MmHeader *header;

    for (guint place = 0; (header = mm_headers_next(headers, &cursor)) != NULL; place++) {
        if ((header->flags & MM_HEADER_DELETED) != 0)
            mm_headers_edit(headers, place)->flags &= ~(guint32)MM_HEADER_USER;
    }
}
