/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <string.h>

#define NAME_MAX_LENGTH 64u
#define REPLY_LINES_MAX 32u /* libmilter smfi_setmlreply */
#define REPLY_LINE_MAX 980u /* MAXREPLYLEN of libmilter */
#define CODE_LENGTH 3u

gboolean
mm_text_is_name(const char *name)
{
    gsize length = strlen(name);
    if (length == 0 || length > NAME_MAX_LENGTH)
        return FALSE;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return FALSE;
    for (const char *c = name; *c; c++) {
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            return FALSE;
    }
    return TRUE;
}

/* Where the password of the URI whose "://" is at start begins and ends; FALSE: it has none. */
static gboolean
find_password(const char *start, const char **password, const char **end)
{
    const char *authority = start + strlen("://");
    gsize length = strcspn(authority, " \t\r\n'\"");
    const char *at = memrchr(authority, '@', length);
    const char *colon = at ? memchr(authority, ':', (gsize)(at - authority)) : NULL;
    if (!colon)
        return FALSE;
    *password = colon + 1;
    *end = at;
    return TRUE;
}

char *
mm_text_hide_passwords(const char *text)
{
    GString *out = NULL;
    const char *done = text;
    for (const char *start = strstr(text, "://"); start; start = strstr(start + 3, "://")) {
        const char *password, *end;
        if (start < done || !find_password(start, &password, &end))
            continue;
        if (!out)
            out = g_string_new(NULL);
        g_string_append_len(out, done, password - done);
        g_string_append(out, "***");
        done = end;
    }
    if (!out)
        return NULL;
    g_string_append(out, done);
    return g_string_free(out, FALSE);
}

/* One line of a reply, without its CRLF. */
typedef struct Line {
    const char *text;
    gsize length;
    gboolean last;
} Line;

/* Cuts the next line from *rest. */
static Line
next_line(const char **rest, gsize *length)
{
    const char *end = *length >= 2 ? memmem(*rest, *length, "\r\n", 2) : NULL;
    Line line = {*rest, end ? (gsize)(end - *rest) : *length, end == NULL};
    gsize used = line.length + (end ? 2 : 0);
    *rest += used;
    *length -= used;
    return line;
}

/* Length of "x.y.z" at text, or 0. */
static gsize
enhanced_code_length(const char *text, gsize length)
{
    gsize i = 0;
    for (guint part = 0; part < 3; part++) {
        gsize digits = 0;
        while (i < length && g_ascii_isdigit(text[i])) {
            i++;
            digits++;
        }
        if (digits == 0 || digits > 3 || (part == 0 && digits != 1))
            return 0;
        if (part < 2 && (i >= length || text[i++] != '.'))
            return 0;
    }
    return i == length || text[i] == ' ' ? i : 0;
}

static gboolean
has_code(const Line *line, const char *code)
{
    if (line->length < CODE_LENGTH || memcmp(line->text, code, CODE_LENGTH) != 0)
        return FALSE;
    if (line->length == CODE_LENGTH)
        return FALSE; /* Postfix takes no bare code */
    return line->text[CODE_LENGTH] == (line->last ? ' ' : '-');
}

static gboolean
has_only_text(const Line *line)
{
    for (gsize i = 0; i < line->length; i++) {
        guchar c = (guchar)line->text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return FALSE;
    }
    return line->length <= REPLY_LINE_MAX;
}

static gboolean
is_code(const char *text)
{
    return (text[0] == '4' || text[0] == '5') && g_ascii_isdigit(text[1]) &&
           g_ascii_isdigit(text[2]);
}

/* Every '%' is one of a pair: Sendmail takes the text for a printf format. */
static gboolean
has_lone_percent(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (text[i] != '%')
            continue;
        if (i + 1 >= length || text[i + 1] != '%')
            return TRUE;
        i++;
    }
    return FALSE;
}

static MmReplyCheck
check_line(const Line *line, const char *code, gboolean first, gsize *enhanced)
{
    if (!has_code(line, code) || !has_only_text(line))
        return MM_REPLY_INVALID;
    const char *text = line->text + CODE_LENGTH + 1;
    gsize length = line->length - CODE_LENGTH - 1;
    gsize here = enhanced_code_length(text, length);
    if (here > 0 && text[0] != code[0])
        return MM_REPLY_INVALID;
    if (first)
        *enhanced = here;
    else if ((here > 0) != (*enhanced > 0))
        return MM_REPLY_REPAIRABLE;
    gboolean looks_enhanced = here == 0 && length > 0 && g_ascii_isdigit(text[0]);
    return looks_enhanced || has_lone_percent(text, length) ? MM_REPLY_REPAIRABLE : MM_REPLY_VALID;
}

MmReplyCheck
mm_text_reply_check(const char *reply, gsize length)
{
    if (length < CODE_LENGTH + 1 || !is_code(reply))
        return MM_REPLY_INVALID;
    MmReplyCheck worst = MM_REPLY_VALID;
    gsize enhanced = 0;
    const char *rest = reply;
    for (guint n = 0;; n++) {
        Line line = next_line(&rest, &length);
        MmReplyCheck check =
            n < REPLY_LINES_MAX ? check_line(&line, reply, n == 0, &enhanced) : MM_REPLY_INVALID;
        if (check == MM_REPLY_INVALID)
            return check;
        worst = MAX(worst, check);
        if (line.last)
            return worst;
    }
}

static gboolean
needs_enhanced_code(const char *reply, gsize length)
{
    const char *rest = reply;
    gboolean misread = FALSE, some = FALSE, all = TRUE;
    while (length > 0) {
        Line line = next_line(&rest, &length);
        const char *text = line.text + CODE_LENGTH + 1;
        gsize size = line.length - CODE_LENGTH - 1;
        gboolean has = enhanced_code_length(text, size) > 0;
        some = some || has;
        all = all && has;
        misread = misread || (!has && size > 0 && g_ascii_isdigit(text[0]));
    }
    return misread || (some && !all);
}

static void
append_doubling_percent(GString *out, const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        g_string_append_c(out, text[i]);
        if (text[i] != '%')
            continue;
        g_string_append_c(out, '%');
        if (i + 1 < length && text[i + 1] == '%')
            i++;
    }
}

/* What the repair made longer than a line may be is cut off, pairs of "%" as a whole. */
static void
append_repaired(GString *out, const Line *line, const char *enhanced)
{
    gsize start = out->len;
    const char *text = line->text + CODE_LENGTH + 1;
    gsize size = line->length - CODE_LENGTH - 1;
    g_string_append_len(out, line->text, CODE_LENGTH + 1);
    if (enhanced && enhanced_code_length(text, size) == 0)
        g_string_append(out, enhanced);
    append_doubling_percent(out, text, size);
    if (out->len - start <= REPLY_LINE_MAX)
        return;
    g_string_truncate(out, start + REPLY_LINE_MAX);
    if (has_lone_percent(out->str + start, REPLY_LINE_MAX))
        g_string_truncate(out, out->len - 1);
}

char *
mm_text_reply_repair(const char *reply, gsize length)
{
    MmReplyCheck check = mm_text_reply_check(reply, length);
    if (check == MM_REPLY_INVALID)
        return NULL;
    if (check == MM_REPLY_VALID)
        return g_strndup(reply, length);
    GString *out = g_string_sized_new(length + 32);
    const char enhanced[] = {reply[0], '.', '0', '.', '0', ' ', '\0'};
    gboolean add = needs_enhanced_code(reply, length);
    const char *rest = reply;
    gboolean last = FALSE;
    while (!last) {
        Line line = next_line(&rest, &length);
        append_repaired(out, &line, add ? enhanced : NULL);
        if (!line.last)
            g_string_append(out, "\r\n");
        last = line.last;
    }
    return g_string_free(out, FALSE);
}
