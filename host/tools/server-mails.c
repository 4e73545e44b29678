/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages that milter-test-server sends. */
#include "base/i18n.h"
#include "tools/server-draft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAIL_SIZE_MAX (1024u * 1024u * 1024u)

static void
set_envelope(const MmServerDraft *draft, MmMail *mail)
{
    mm_mail_set_sender(mail, draft->sender ? draft->sender : "<sender@example.com>");
    for (char **r = draft->recipients; r && *r; r++)
        mm_mail_add_recipient(mail, *r);
    if (!draft->recipients)
        mm_mail_add_recipient(mail, "<receiver@example.org>");
}

/* "-" is standard input. Reads no more than shows that it is too much. */
static gboolean
read_all(const char *path, GString *text, GError **error)
{
    gboolean is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    gboolean good = file != NULL;
    char chunk[65536];
    size_t n;
    while (good && text->len <= MAIL_SIZE_MAX && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        g_string_append_len(text, chunk, (gssize)n);
    good = good && !ferror(file);
    if (!good)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--mail-file: %s: %s", path,
                    g_strerror(errno));
    if (file && !is_stdin)
        fclose(file);
    return good;
}

static gboolean
add_mail_file(MmServerDraft *draft, const char *path, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (!read_all(path, text, error))
        return FALSE;
    if (text->len > MAIL_SIZE_MAX) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    _("%s: a message may have 1 GiB at most"), path);
        return FALSE;
    }
    MmMail *mail = mm_mail_new();
    set_envelope(draft, mail);
    for (guint i = 0; i < draft->mail->headers->len; i++) {
        const MmMailHeader *header = g_ptr_array_index(draft->mail->headers, i);
        mm_mail_add_header(mail, header->name, header->value);
    }
    mm_mail_parse(mail, text->str, text->len);
    g_ptr_array_add(draft->options->mails, mail);
    return TRUE;
}

/* What every real message has. */
static void
add_default_headers(MmMail *mail)
{
    const MmMailAddress *sender = g_ptr_array_index(mail->senders, 0);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format(now, " %d %b %Y %H:%M:%S +0000");
    g_autofree char *from = g_strconcat(" ", sender->address, NULL);
    g_autofree char *id = g_strdup_printf(" <%" G_GINT64_FORMAT ".%d@%s>", g_get_real_time(),
                                          (int)getpid(), g_get_host_name());
    mm_mail_add_header(mail, "From", from);
    for (guint i = 0; i < mail->recipients->len; i++) {
        const MmMailAddress *recipient = g_ptr_array_index(mail->recipients, i);
        g_autofree char *to = g_strconcat(" ", recipient->address, NULL);
        mm_mail_add_header(mail, "To", to);
    }
    mm_mail_add_header(mail, "Subject", " a test message");
    mm_mail_add_header(mail, "Date", date);
    mm_mail_add_header(mail, "Message-Id", id);
}

static void
add_default_mail(MmServerDraft *draft)
{
    static const char body[] = "La de da de da 1.\r\nLa de da de da 2.\r\n";
    MmMail *mail = draft->mail;
    set_envelope(draft, mail);
    if (!draft->has_header) {
        add_default_headers(mail);
    }
    if (!draft->has_body)
        mm_mail_add_body(mail, body, sizeof(body) - 1);
    g_ptr_array_add(draft->options->mails, g_steal_pointer(&draft->mail));
}

gboolean
mm_server_draft_mails(MmServerDraft *draft, GError **error)
{
    for (char **file = draft->mail_files; file && *file; file++) {
        if (!add_mail_file(draft, *file, error))
            return FALSE;
    }
    if (draft->options->mails->len == 0)
        add_default_mail(draft);
    return TRUE;
}
