/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <libintl.h>
#include <string.h>
#include <unistd.h>

static gint current_level = MM_LOG_NOTICE; /* atomic */
static MmLogTarget current_target = mm_log_to_stdout;
static gpointer current_data;

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};

gboolean
mm_log_enabled(MmLogLevel level)
{
    return (gint)level <= g_atomic_int_get(&current_level);
}

void
mm_log_set_level(MmLogLevel level)
{
    g_atomic_int_set(&current_level, (gint)level);
}

gboolean
mm_log_level_from_name(const char *name, MmLogLevel *level)
{
    for (guint i = 0; i < G_N_ELEMENTS(level_names); i++) {
        if (g_strcmp0(name, level_names[i]) == 0) {
            *level = (MmLogLevel)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *
mm_log_level_name(MmLogLevel level)
{
    return level_names[MIN(level, MM_LOG_DEBUG)];
}

void
mm_log_set_target(MmLogTarget target, gpointer data)
{
    current_target = target ? target : mm_log_to_stdout;
    current_data = data;
}

void
mm_log_to_stdout(const MmLogLine *line, gpointer data)
{
    (void)data;
    g_autofree char *whole = g_strconcat(line->text, "\n", NULL);
    gsize length = strlen(whole);
    gsize done = 0;
    while (done < length) {
        ssize_t n = write(STDOUT_FILENO, whole + done, length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (gsize)n;
    }
}

static gboolean
is_safe(guchar c)
{
    return g_ascii_isalnum(c) || (c && strchr("._:@/<>,+=%[]-", c));
}

static gboolean
needs_quotes(const char *value, gsize length)
{
    if (length == 0)
        return TRUE;
    for (gsize i = 0; i < length; i++) {
        if (!is_safe((guchar)value[i]))
            return TRUE;
    }
    return FALSE;
}

/* Bytes of the valid UTF-8 character at value, 0 if it is none or controls how a
 * line is shown. */
static gsize
character_length(const char *value, gsize length)
{
    gunichar c = g_utf8_get_char_validated(value, (gssize)length);
    if (c == (gunichar)-1 || c == (gunichar)-2)
        return 0;
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT: /* turns the writing direction of a terminal, among others */
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return 0;
    default:
        break;
    }
    return (gsize)g_utf8_skip[(guchar)*value];
}

static void
append_escaped(GString *line, const char *value, gsize length)
{
    for (gsize i = 0; i < length;) {
        gsize n = character_length(value + i, length - i);
        guchar c = (guchar)value[i];
        if (c == '"' || c == '\\')
            g_string_append_printf(line, "\\%c", c);
        else if (n > 0)
            g_string_append_len(line, value + i, (gssize)n);
        else if (c == '\n')
            g_string_append(line, "\\n");
        else if (c == '\r')
            g_string_append(line, "\\r");
        else if (c == '\t')
            g_string_append(line, "\\t");
        else
            g_string_append_printf(line, "\\x%02X", c);
        i += MAX(n, 1u);
    }
}

void
mm_log_append_value(GString *line, const char *value, gssize length)
{
    gsize size = length < 0 ? strlen(value) : (gsize)length;
    if (!needs_quotes(value, size)) {
        g_string_append_len(line, value, (gssize)size);
        return;
    }
    g_string_append_c(line, '"');
    append_escaped(line, value, size);
    g_string_append_c(line, '"');
}

static void
append_text(GString *line, const char *text)
{
    g_autofree char *hidden = mm_text_hide_passwords(text);
    g_autofree char *cut = NULL;
    const char *value = hidden ? hidden : text;
    if (strlen(value) > MM_LOG_VALUE_MAX)
        cut = g_strdup_printf("%.*s...", (int)MM_LOG_VALUE_MAX, value);
    mm_log_append_value(line, cut ? cut : value, -1);
}

static void
append_field(GString *line, const MmField *field)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(line, field->key);
    g_string_append_c(line, '=');
    switch (field->kind) {
    case MM_FIELD_STRING:
        append_text(line, field->u.string);
        break;
    case MM_FIELD_UINT:
        g_string_append_printf(line, "%" G_GUINT64_FORMAT, field->u.uint);
        break;
    case MM_FIELD_INT:
        g_string_append_printf(line, "%" G_GINT64_FORMAT, field->u.sint);
        break;
    case MM_FIELD_SECONDS:
        g_string_append(line, g_ascii_formatd(number, sizeof(number), "%.3f", field->u.seconds));
        break;
    }
}

void
mm_log_append_fields(GString *line, const MmField *fields, gsize n)
{
    const char *before = " (";
    for (gsize i = 0; i < n; i++) {
        if (!fields[i].key || (fields[i].kind == MM_FIELD_STRING && !fields[i].u.string))
            continue;
        g_string_append(line, before);
        append_field(line, &fields[i]);
        before = " ";
    }
    if (before[1] == '\0')
        g_string_append_c(line, ')');
}

void
mm_log_line(MmLogLevel level, const char *id, const char *domain, const char *text,
            const MmField *fields, gsize n)
{
    if (!mm_log_enabled(level))
        return;
    GString *line = g_string_sized_new(256);
    const char *translated = *text ? dgettext(domain ? domain : GETTEXT_PACKAGE, text) : text;
    g_string_append_printf(line, "%s: %s", id, translated);
    mm_log_append_fields(line, fields, n);
    const MmLogLine record = {level, id, line->str, fields, n};
    current_target(&record, current_data);
    g_string_free(line, TRUE);
}
