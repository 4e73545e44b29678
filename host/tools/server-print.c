/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What milter-test-server prints about a message. */
#include "tools/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int exit_code;
} statuses[] = {
    [MM_STATUS_PASS] = {"pass", 0},       [MM_STATUS_ACCEPT] = {"accept", 0},
    [MM_STATUS_REJECT] = {"reject", 3},   [MM_STATUS_TEMPORARY_FAILURE] = {"temporary-failure", 4},
    [MM_STATUS_DISCARD] = {"discard", 5}, [MM_STATUS_QUARANTINE] = {"quarantine", 0},
    [MM_STATUS_ERROR] = {"error", 1},
};

const char *
mm_status_name(MmStatus status)
{
    return statuses[status].name;
}

int
mm_status_exit_code(MmStatus status)
{
    return statuses[status].exit_code;
}

/* Length of the enhanced code ("5.7.1") at the beginning, or 0. */
static gsize
enhanced_length(const char *text)
{
    gsize length = strspn(text, "0123456789.");
    guint dots = 0;
    for (gsize i = 0; i < length; i++)
        dots += text[i] == '.';
    return dots == 2 && (text[length] == ' ' || text[length] == '\0') ? length : 0;
}

/* Lines of a reply are joined with a written "\n"; the codes stand once. */
static void
append_reply(GString *out, const char *reply)
{
    g_auto(GStrv) lines = g_strsplit(reply, "\r\n", -1);
    gsize enhanced = enhanced_length(lines[0] + 4);
    g_string_append_printf(out, " [%.3s]", reply);
    if (enhanced > 0)
        g_string_append_printf(out, "<%.*s>", (int)enhanced, lines[0] + 4);
    g_string_append_c(out, '(');
    for (guint i = 0; lines[i]; i++) {
        const char *text = lines[i] + 4;
        gsize length = enhanced_length(text);
        text += length;
        if (i > 0)
            g_string_append(out, "\\n");
        g_string_append(out, length > 0 && *text == ' ' ? text + 1 : text);
    }
    g_string_append_c(out, ')');
}

char *
mm_status_text(MmStatus status, const char *reply)
{
    GString *text = g_string_new(mm_status_name(status));
    if (reply)
        append_reply(text, reply);
    return g_string_free(text, FALSE);
}

static gboolean
has_color(const MmServerOptions *options)
{
    if (options->color != MM_COLOR_AUTO)
        return options->color == MM_COLOR_YES;
    return isatty(STDOUT_FILENO);
}

/* Lines that begin with "+" become green, those with "-" red. */
static void
append_colored(GString *out, const GString *text)
{
    const char *end = text->str + text->len;
    for (const char *line = text->str; line < end;) {
        const char *newline = memchr(line, '\n', (gsize)(end - line));
        gsize length = newline ? (gsize)(newline - line) : (gsize)(end - line);
        const char *color = line[0] == '+' ? "\033[32m" : line[0] == '-' ? "\033[31m" : NULL;
        g_string_append(out, color ? color : "");
        g_string_append_len(out, line, (gssize)length);
        g_string_append(out, color ? "\033[0m\n" : "\n");
        line += length + 1;
    }
}

void
mm_server_print(const MmServerOptions *options, const MmOutcome *outcome)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *status = mm_status_text(outcome->status, outcome->reply);
    char elapsed[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(elapsed, sizeof(elapsed), "%.3f", outcome->elapsed);
    g_string_append_printf(out, "status: %s\nelapsed-time: %s seconds\n", status, elapsed);
    for (guint i = 0; i < outcome->refused->len; i++)
        g_string_append_printf(out, "refused-recipient: %s\n",
                               (const char *)g_ptr_array_index(outcome->refused, i));
    if (outcome->mail->quarantine)
        g_string_append_printf(out, "quarantine-reason: %s\n", outcome->mail->quarantine);
    if (options->output_message) {
        g_autoptr(GString) text = g_string_new(NULL);
        mm_mail_print(outcome->mail, text);
        g_string_append_c(out, '\n');
        if (has_color(options))
            append_colored(out, text);
        else
            g_string_append_len(out, text->str, (gssize)text->len);
    }
    fwrite(out->str, 1, out->len, stdout);
    fflush(stdout);
    if (outcome->problem)
        g_printerr("milter-test-server: %s\n", outcome->problem);
}
