/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a filter's edits make of a message, by Postfix's rules. */
#include "tools/mail.h"

#include <string.h>

static char *
shown_value(MmSlice value, gboolean leading_space)
{
    g_autofree char *text = g_strndup(value.data, value.size);
    return leading_space ? g_steal_pointer(&text) : g_strconcat(" ", text, NULL);
}

static gboolean
is_there(const MmMailHeader *header)
{
    return header->mark != MM_MARK_DELETED;
}

/* Place in the list of the index-th (from 1) header of that name; G_MAXUINT: none. */
static guint
find_header(const MmMail *mail, MmSlice name, guint32 index)
{
    guint32 wanted = MAX(index, 1u);
    for (guint i = 0; i < mail->headers->len; i++) {
        const MmMailHeader *header = g_ptr_array_index(mail->headers, i);
        if (is_there(header) && strlen(header->name) == name.size &&
            g_ascii_strncasecmp(header->name, name.data, name.size) == 0 && --wanted == 0)
            return i;
    }
    return G_MAXUINT;
}

static void
append_header(MmMail *mail, const MmReply *reply, gboolean leading_space)
{
    g_autofree char *name = g_strndup(reply->u.header.name.data, reply->u.header.name.size);
    g_autofree char *value = shown_value(reply->u.header.value, leading_space);
    g_ptr_array_add(mail->headers, mm_mail_header_new(name, value, MM_MARK_ADDED));
}

static void
change_header(MmMail *mail, const MmReply *reply, gboolean leading_space)
{
    MmSlice name = reply->u.header.name;
    guint place = find_header(mail, name, reply->u.header.index);
    gboolean deletes = reply->u.header.value.size == 0;
    g_autofree char *text = g_strndup(name.data, name.size);
    g_autofree char *value = shown_value(reply->u.header.value, leading_space);
    if (place == G_MAXUINT) {
        if (!deletes)
            g_ptr_array_add(mail->headers, mm_mail_header_new(text, value, MM_MARK_ADDED));
        return;
    }
    MmMailHeader *old = g_ptr_array_index(mail->headers, place);
    gboolean was_added = old->mark == MM_MARK_ADDED;
    old->mark = MM_MARK_DELETED;
    if (!deletes)
        g_ptr_array_insert(mail->headers, (gint)place + 1,
                           mm_mail_header_new(text, value, MM_MARK_ADDED));
    if (was_added)
        g_ptr_array_remove_index(mail->headers, place);
}

/* Index 0 and 1 are the top: the MTA's own Received header is not shown and counts as one. */
static void
insert_header(MmMail *mail, const MmReply *reply, gboolean leading_space)
{
    guint32 index = reply->u.header.index > 0 ? reply->u.header.index - 1 : 0;
    guint place = 0;
    for (; place < mail->headers->len && index > 0; place++) {
        if (is_there(g_ptr_array_index(mail->headers, place)))
            index--;
    }
    g_autofree char *name = g_strndup(reply->u.header.name.data, reply->u.header.name.size);
    g_autofree char *value = shown_value(reply->u.header.value, leading_space);
    g_ptr_array_insert(mail->headers, (gint)place, mm_mail_header_new(name, value, MM_MARK_ADDED));
}

/* Every recipient of that address; one that the filter added is gone without a trace. */
static void
delete_recipient(MmMail *mail, const char *address)
{
    g_autofree char *wanted = mm_mail_bare_address(address);
    for (guint i = mail->recipients->len; i > 0; i--) {
        MmMailAddress *entry = g_ptr_array_index(mail->recipients, i - 1);
        g_autofree char *bare = mm_mail_bare_address(entry->address);
        if (strcmp(bare, wanted) != 0)
            continue;
        if (entry->mark == MM_MARK_ADDED)
            g_ptr_array_remove_index(mail->recipients, i - 1);
        else
            entry->mark = MM_MARK_DELETED;
    }
}

static void
change_sender(MmMail *mail, const char *text)
{
    ((MmMailAddress *)g_ptr_array_index(mail->senders, 0))->mark = MM_MARK_DELETED;
    g_ptr_array_set_size(mail->senders, 1);
    mm_mail_add_address(mail->senders, text, MM_MARK_ADDED);
}

/* The address of the reply and its parameters, joined with blanks. */
static char *
envelope_text(const MmReply *reply)
{
    GString *text =
        g_string_new_len(reply->u.envelope.address.data, (gssize)reply->u.envelope.address.size);
    MmStrings parameters = reply->u.envelope.parameters;
    MmSlice one;
    while (reply->u.envelope.has_parameters && mm_strings_next(&parameters, &one)) {
        g_string_append_c(text, ' ');
        g_string_append_len(text, one.data, (gssize)one.size);
    }
    return g_string_free(text, FALSE);
}

static void
apply_envelope(MmMail *mail, const MmReply *reply)
{
    g_autofree char *text = envelope_text(reply);
    if (reply->kind == MM_REPLY_DELETE_RECIPIENT)
        delete_recipient(mail, text);
    else if (reply->kind == MM_REPLY_CHANGE_SENDER)
        change_sender(mail, text);
    else
        mm_mail_add_address(mail->recipients, text, MM_MARK_ADDED);
}

void
mm_mail_apply(MmMail *mail, const MmReply *reply, gboolean leading_space)
{
    switch (reply->kind) {
    case MM_REPLY_ADD_HEADER:
        append_header(mail, reply, leading_space);
        break;
    case MM_REPLY_INSERT_HEADER:
        insert_header(mail, reply, leading_space);
        break;
    case MM_REPLY_CHANGE_HEADER:
        change_header(mail, reply, leading_space);
        break;
    case MM_REPLY_REPLACE_BODY:
        if (!mail->new_body)
            mail->new_body = g_byte_array_new();
        g_byte_array_append(mail->new_body, (const guint8 *)reply->u.text.data,
                            (guint)reply->u.text.size);
        break;
    case MM_REPLY_QUARANTINE:
        g_free(mail->quarantine);
        mail->quarantine = g_strndup(reply->u.text.data, reply->u.text.size);
        break;
    default:
        apply_envelope(mail, reply);
        break;
    }
}
