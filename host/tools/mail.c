/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/mail.h"

#include <string.h>

static void
address_free(gpointer data)
{
    MmMailAddress *address = data;
    g_free(address->address);
    g_free(address->parameters);
    g_free(address);
}

static void
header_free(gpointer data)
{
    MmMailHeader *header = data;
    g_free(header->name);
    g_free(header->value);
    g_free(header);
}

MmMail *
mm_mail_new(void)
{
    MmMail *mail = g_new0(MmMail, 1);
    mail->senders = g_ptr_array_new_with_free_func(address_free);
    mail->recipients = g_ptr_array_new_with_free_func(address_free);
    mail->headers = g_ptr_array_new_with_free_func(header_free);
    mail->body = g_byte_array_new();
    mail->pieces = g_array_new(FALSE, FALSE, sizeof(guint));
    return mail;
}

void
mm_mail_free(MmMail *mail)
{
    if (!mail)
        return;
    g_ptr_array_unref(mail->senders);
    g_ptr_array_unref(mail->recipients);
    g_ptr_array_unref(mail->headers);
    g_byte_array_unref(mail->body);
    g_array_unref(mail->pieces);
    g_clear_pointer(&mail->new_body, g_byte_array_unref);
    g_free(mail->quarantine);
    g_free(mail->id);
    g_free(mail);
}

/* Where the address ends: behind its ">", or at the first blank if it has no brackets. */
static gsize
address_length(const char *text)
{
    const char *end = text[0] == '<' ? strchr(text, '>') : NULL;
    return end ? (gsize)(end + 1 - text) : strcspn(text, " ");
}

void
mm_mail_add_address(GPtrArray *list, const char *text, MmMark mark)
{
    MmMailAddress *address = g_new0(MmMailAddress, 1);
    gsize length = address_length(text);
    const char *parameters = text + length + strspn(text + length, " ");
    g_autofree char *plain = g_strndup(text, length);
    address->address = plain[0] == '<' ? g_strdup(plain) : g_strdup_printf("<%s>", plain);
    address->parameters = *parameters ? g_strdup(parameters) : NULL;
    address->mark = mark;
    g_ptr_array_add(list, address);
}

static void
copy_addresses(GPtrArray *to, const GPtrArray *from)
{
    for (guint i = 0; i < from->len; i++) {
        const MmMailAddress *old = g_ptr_array_index(from, i);
        MmMailAddress *address = g_new0(MmMailAddress, 1);
        address->address = g_strdup(old->address);
        address->parameters = g_strdup(old->parameters);
        address->mark = old->mark;
        g_ptr_array_add(to, address);
    }
}

char *
mm_mail_bare_address(const char *address)
{
    gsize length = strlen(address);
    if (length < 2 || address[0] != '<' || address[length - 1] != '>')
        return g_strdup(address);
    return g_strndup(address + 1, length - 2);
}

MmMailHeader *
mm_mail_header_new(const char *name, const char *value, MmMark mark)
{
    MmMailHeader *header = g_new0(MmMailHeader, 1);
    header->name = g_strdup(name);
    header->value = g_strdup(value);
    header->mark = mark;
    return header;
}

MmMail *
mm_mail_copy(const MmMail *mail)
{
    MmMail *copy = mm_mail_new();
    copy_addresses(copy->senders, mail->senders);
    copy_addresses(copy->recipients, mail->recipients);
    for (guint i = 0; i < mail->headers->len; i++) {
        const MmMailHeader *header = g_ptr_array_index(mail->headers, i);
        mm_mail_add_header(copy, header->name, header->value);
    }
    g_byte_array_append(copy->body, mail->body->data, mail->body->len);
    g_array_append_vals(copy->pieces, mail->pieces->data, mail->pieces->len);
    return copy;
}

void
mm_mail_set_sender(MmMail *mail, const char *text)
{
    g_ptr_array_set_size(mail->senders, 0);
    mm_mail_add_address(mail->senders, text, MM_MARK_SAME);
}

void
mm_mail_add_recipient(MmMail *mail, const char *text)
{
    mm_mail_add_address(mail->recipients, text, MM_MARK_SAME);
}

void
mm_mail_add_header(MmMail *mail, const char *name, const char *value)
{
    g_ptr_array_add(mail->headers, mm_mail_header_new(name, value, MM_MARK_SAME));
}

void
mm_mail_add_body(MmMail *mail, gconstpointer data, gsize size)
{
    const guint piece = (guint)size;
    g_byte_array_append(mail->body, data, piece);
    g_array_append_val(mail->pieces, piece);
}

/* ---- Reading. */

/* One line without its end; *next is behind it. */
static gsize
line_length(const char *text, gsize size, gsize *next)
{
    const char *end = memchr(text, '\n', size);
    gsize length = end ? (gsize)(end - text) : size;
    *next = end ? length + 1 : size;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    return length;
}

static void
continue_header(MmMail *mail, const char *line, gsize length)
{
    if (mail->headers->len == 0)
        return;
    MmMailHeader *last = g_ptr_array_index(mail->headers, mail->headers->len - 1);
    g_autofree char *more = g_strndup(line, length);
    char *value = g_strdup_printf("%s\n%s", last->value, more);
    g_free(last->value);
    last->value = value;
}

/* FALSE: this is no header line; the body begins here. */
static gboolean
take_header(MmMail *mail, const char *line, gsize length)
{
    if (line[0] == ' ' || line[0] == '\t') {
        continue_header(mail, line, length);
        return TRUE;
    }
    const char *colon = memchr(line, ':', length);
    if (!colon || colon == line)
        return FALSE;
    gsize name_length = (gsize)(colon - line);
    while (name_length > 0 && (line[name_length - 1] == ' ' || line[name_length - 1] == '\t'))
        name_length--;
    g_autofree char *name = g_strndup(line, name_length);
    g_autofree char *value = g_strndup(colon + 1, length - (gsize)(colon + 1 - line));
    mm_mail_add_header(mail, name, value);
    return TRUE;
}

static void
take_body(MmMail *mail, const char *text, gsize size)
{
    for (gsize at = 0; at < size;) {
        gsize next;
        gsize length = line_length(text + at, size - at, &next);
        g_byte_array_append(mail->body, (const guint8 *)text + at, (guint)length);
        g_byte_array_append(mail->body, (const guint8 *)"\r\n", 2);
        at += next;
    }
}

void
mm_mail_parse(MmMail *mail, const char *text, gsize size)
{
    gsize at = 0;
    gsize next;
    if (size >= 5 && memcmp(text, "From ", 5) == 0) {
        line_length(text, size, &next);
        at = next;
    }
    while (at < size) {
        gsize length = line_length(text + at, size - at, &next);
        if (length == 0) {
            at += next;
            break;
        }
        if (!take_header(mail, text + at, length))
            break;
        at += next;
    }
    take_body(mail, text + at, size - at);
}

/* ---- Printing. */

static void
print_addresses(const GPtrArray *list, const char *word, GString *out)
{
    for (guint i = 0; i < list->len; i++) {
        const MmMailAddress *entry = g_ptr_array_index(list, i);
        g_string_append_printf(out, "%c %s:%s%s%s\n", (char)entry->mark, word, entry->address,
                               entry->parameters ? " " : "",
                               entry->parameters ? entry->parameters : "");
    }
}

static void
print_header(const MmMailHeader *header, GString *out)
{
    g_auto(GStrv) lines = g_strsplit(header->value, "\n", -1);
    g_string_append_printf(out, "%c %s:%s\n", (char)header->mark, header->name,
                           lines[0] ? lines[0] : "");
    for (guint i = 1; lines[0] && lines[i]; i++)
        g_string_append_printf(out, "%c %s\n", (char)header->mark, lines[i]);
}

static void
print_body(const GByteArray *body, MmMark mark, GString *out)
{
    for (gsize at = 0; at < body->len;) {
        gsize next;
        const char *line = (const char *)body->data + at;
        gsize length = line_length(line, body->len - at, &next);
        g_string_append_printf(out, "%c ", (char)mark);
        g_string_append_len(out, line, (gssize)length);
        g_string_append_c(out, '\n');
        at += next;
    }
}

void
mm_mail_print(const MmMail *mail, GString *out)
{
    g_string_append(out, "Envelope:------------------------------\n");
    print_addresses(mail->senders, "MAIL FROM", out);
    print_addresses(mail->recipients, "RCPT TO", out);
    g_string_append(out, "Header:--------------------------------\n");
    for (guint i = 0; i < mail->headers->len; i++)
        print_header(g_ptr_array_index(mail->headers, i), out);
    g_string_append(out, "Body:----------------------------------\n");
    print_body(mail->body, mail->new_body ? MM_MARK_DELETED : MM_MARK_SAME, out);
    if (mail->new_body)
        print_body(mail->new_body, MM_MARK_ADDED, out);
}
