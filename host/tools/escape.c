/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/escape.h"

#include "base/i18n.h"

static const struct {
    char letter;
    guint8 byte;
} letters[] = {{'\\', '\\'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'0', '\0'}};

static void
append_byte(GString *out, guint8 byte)
{
    for (guint i = 0; i < G_N_ELEMENTS(letters); i++) {
        if (letters[i].byte == byte && byte != '\0') {
            g_string_append_printf(out, "\\%c", letters[i].letter);
            return;
        }
    }
    if (byte < ' ' || byte >= 0x7f)
        g_string_append_printf(out, "\\x%02X", byte);
    else
        g_string_append_c(out, (char)byte);
}

void
mm_escape_append(GString *out, gconstpointer data, gsize size)
{
    const guint8 *bytes = data;
    for (gsize i = 0; i < size; i++)
        append_byte(out, bytes[i]);
}

/* text is behind the backslash. Characters used; 0: it is no escape. */
static gsize
read_escape(const char *text, guint8 *byte)
{
    if (text[0] == 'x' && g_ascii_isxdigit(text[1]) && g_ascii_isxdigit(text[2])) {
        *byte = (guint8)(g_ascii_xdigit_value(text[1]) * 16 + g_ascii_xdigit_value(text[2]));
        return 3;
    }
    for (guint i = 0; i < G_N_ELEMENTS(letters); i++) {
        if (letters[i].letter == text[0]) {
            *byte = letters[i].byte;
            return 1;
        }
    }
    return 0;
}

gboolean
mm_escape_read(const char *text, GByteArray *out)
{
    while (*text) {
        guint8 byte = (guint8)*text;
        gsize used = 1;
        if (*text == '\\') {
            used = read_escape(text + 1, &byte);
            if (used++ == 0)
                return FALSE;
        }
        g_byte_array_append(out, &byte, 1);
        text += used;
    }
    return TRUE;
}

const char *
mm_escape_allowed(void)
{
    return _("a text in which every backslash begins \\\\, \\n, \\r, \\t, \\0 or \\xHH");
}
